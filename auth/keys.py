"""Programs that ask with a key: `Authorization: Bearer qk_<prefix>_<secret>`.

    @blueprint.post("/v1/traces")
    @keyed(Scope.INGEST)
    def traces() -> Response: ...

The scope is asked for at the door (`auth.guard`) and again where the function runs. A scope may name a part of the
path, as in `@keyed("agent:{agent_id}")` over `/agents/<agent_id>/heartbeat`: a key then speaks only for its own agents.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import wraps
from typing import NoReturn, ParamSpec, TypeVar
from uuid import UUID

from flask import g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from auth import people, seldom
from auth.events import note_refused
from auth.permissions import Permission, allows
from db.actor import SYSTEM, Actor
from db.engine import session as unit_of_work
from db.services.api_keys import FoundKey, Reason, RefusedKey, look_up

CALLER, REFUSED = "quantum_caller", "quantum_refused_key"
WITHOUT_KEY = (
    "Send a key with the request, as in Authorization: Bearer qk_... (quantum key create makes one)."
)
NOT_ACCEPTED = "This key is not accepted. Check that it is complete, or make another."
KNOWN_REFUSALS = {
    Reason.REVOKED: "This key was revoked. Make another, and put it where this one was.",
    Reason.EXPIRED: "This key has expired. Make another, and put it where this one was.",
    Reason.CLOSED: "The account this key belongs to is closed.",
}
WITHOUT_ERROR: dict[str, str | None] = {"realm": "quantum"}
INVALID_TOKEN = WITHOUT_ERROR | {"error": "invalid_token"}
NOT_GIVEN = "This key does not have the scope {scope}. Make one that has."
NOT_HELD = "This key has the scope {scope}, but the role of its owner no longer includes what that needs."
OWES_FACTOR = (
    "The role of this key's owner demands a second factor. The owner must sign in and set one up first."
)
KEYED = "key:"  # a declared permission that begins so is a scope, which only keys have
AGENT = "agent:"
PART = re.compile(r"\{(\w+)\}")
# Doors that ask for no scope of their own: for every key that is accepted, and for whoever is signed in as well.
ANY, OR_PERSON = "any", "any-or-person"
P = ParamSpec("P")
R = TypeVar("R")


class Scope(StrEnum):
    """What a key may do. `agent:<id>` besides: speak for that agent."""

    INGEST = "ingest"
    FLEET_READ = "fleet:read"
    FLEET_WRITE = "fleet:write"
    METRICS_READ = "metrics:read"


# What the person behind the key must hold for it.
NEEDS: dict[str, str] = {
    Scope.INGEST: Permission.TELEMETRY_WRITE,
    Scope.FLEET_READ: "",
    Scope.FLEET_WRITE: Permission.FLEET_WRITE,
    Scope.METRICS_READ: "",
}


class MissingScope(Forbidden):
    """The key is accepted, but not for this; `scope` is what it would need."""

    def __init__(self, words: str, scope: str) -> None:
        self.scope = scope
        super().__init__(words)


# Every scope but those of single agents. One per module: what a permission to read is called.
SCOPES: tuple[str, ...] = (*map(str, Scope), *(str(each) for each in Permission if each.endswith(":read")))


@dataclass(frozen=True)
class Caller:
    """The key behind a request, and in whose name it acts."""

    key: FoundKey

    @property
    def key_id(self) -> UUID:
        return self.key.key_id

    @property
    def source(self) -> str:
        """What the source of that which comes with this key is called: by its name, and its prefix, as names repeat."""
        return f"{self.key.name} · key {self.key.prefix}"

    @property
    def actor(self) -> Actor:
        """The person who made the key: what they may not see, the key does not see."""
        return people.located(Actor.person(self.key.profile_id, self.key.role))

    @property
    def agents(self) -> frozenset[str] | None:
        """The agents this key speaks for; None when it is bound to none, and so speaks for all it reports of."""
        named = {each.removeprefix(AGENT) for each in self.key.scopes if each.startswith(AGENT)}
        return frozenset(named) or None

    def may(self, scope: str) -> bool:
        """Whether the key has the scope and its person still holds what the scope needs."""
        if scope in (ANY, OR_PERSON):
            return True
        return scope in self.key.scopes and allows(self.key.role, needs_of(scope))

    def speaks_for(self, agent_id: str) -> bool:
        """Whether what comes with this key may make the agent operational."""
        return self.agents is None or agent_id in self.agents


def needs_of(scope: str) -> str:
    """The permission behind a scope. Raises LookupError for a scope that is none."""
    if scope in NEEDS:
        return NEEDS[scope]
    if scope.startswith(AGENT) and len(scope) > len(AGENT):
        return Permission.FLEET_WRITE
    if scope in SCOPES:
        return scope
    raise LookupError(f"{scope!r} is no scope")


def current_caller() -> Caller | None:
    """Whose key this request shows; None without a key that is accepted now. Asked once per request."""
    if CALLER not in g:
        setattr(g, CALLER, _find())
    found: Caller | None = g.get(CALLER)
    return found


def refused_key() -> RefusedKey | None:
    """The key this request showed when it is not accepted; None where none was looked for, or it is accepted."""
    found: RefusedKey | None = g.get(REFUSED)
    return found


def require_caller() -> Caller:
    """The key behind this request; without one the request ends with 401."""
    return current_caller() or refuse_nobody()


def keyed(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare the scope the decorated route needs, and check it whenever it runs."""
    if scope not in (ANY, OR_PERSON):
        needs_of(scope)

    def declare(run: Callable[P, R]) -> Callable[P, R]:
        @wraps(run)
        def checked(*given: P.args, **named: P.kwargs) -> R:
            if not lets_person_in(scope):
                require_scope(scope)
            return run(*given, **named)

        setattr(checked, "__permission__", f"{KEYED}{scope}")  # noqa: B010 - the name auth.doors reads
        return checked

    return declare


def lets_person_in(scope: str) -> bool:
    """Whether somebody is signed in behind this request, and the door opens for them without a key."""
    return scope == OR_PERSON and people.current_person() is not None


def require_scope(scope: str) -> Caller:
    """The caller, when its key has the scope; else the request ends with 401 or 403.

    A part of the path in braces stands for what the request's own path has there.
    """
    scope = PART.sub(lambda part: str((request.view_args or {}).get(part[1], "")), scope)
    caller = require_caller()
    if caller.key.owes_factor:
        _note_forbidden(caller, scope)
        raise MissingScope(OWES_FACTOR, scope)
    if not caller.may(scope):
        _note_forbidden(caller, scope)
        has_it = scope in caller.key.scopes
        raise MissingScope((NOT_HELD if has_it else NOT_GIVEN).format(scope=scope), scope)
    return caller


def refuse_nobody() -> NoReturn:
    """End the request with 401, and say why where whoever asks had the key's secret."""
    refused, told = refused_key(), WITHOUT_ERROR
    words = WITHOUT_KEY
    if refused is not None:
        words, told = KNOWN_REFUSALS.get(refused.reason, NOT_ACCEPTED), INVALID_TOKEN
    raise unauthorized(words, told)


def unauthorized(words: str = NOT_ACCEPTED, told: Mapping[str, str | None] = INVALID_TOKEN) -> Unauthorized:
    """The refusal of a key, or of none, with what RFC 6750 has a program told."""
    return Unauthorized(words, www_authenticate=WWWAuthenticate("bearer", dict(told)))


def _find() -> Caller | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        return None
    with unit_of_work(people.system_engine(), SYSTEM) as unit:
        found = look_up(unit, token.strip(), datetime.now(UTC))
    if isinstance(found, RefusedKey):
        setattr(g, REFUSED, found)
        _note_refused(found)
        return None
    return Caller(found) if found else None


def _note_refused(refused: RefusedKey) -> None:
    """A security event, at most once a minute of one key and address. It names the prefix, never the secret."""
    if seldom.is_due("key", refused.prefix, refused.reason, request.remote_addr):
        is_grave = refused.reason in (Reason.UNKNOWN, Reason.WRONG)
        note_refused(
            "unauthorized_access",
            f"A request came with a key that is not accepted ({refused.reason}).",
            severity="medium" if is_grave else "low",
            profile_id=refused.profile_id,
            key=refused.prefix,
            reason=str(refused.reason),
        )


def _note_forbidden(caller: Caller, scope: str) -> None:
    if seldom.is_due("scope", caller.key_id, scope, request.remote_addr):
        note_refused(
            "unauthorized_access",
            "A key was used for what its scopes, or its owner's role, do not include.",
            profile_id=caller.key.profile_id,
            key=caller.key.prefix,
            scope=scope,
        )
