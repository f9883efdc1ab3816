"""Programs that ask with a key: `Authorization: Bearer qk_<prefix>_<secret>`.

    @blueprint.post("/v1/traces")
    @keyed(Scope.INGEST)
    def traces() -> Response: ...

The scope is asked for at the door (`auth.guard`) and again where the function runs. A scope may name a part of the
path, as in `@keyed("agent:{agent_id}")` over `/agents/<agent_id>/heartbeat`: a key then speaks only for its own agents.
"""

import re

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import wraps
from typing import NoReturn, ParamSpec, TypeVar
from uuid import UUID

from flask import g, request
from werkzeug.exceptions import Forbidden, Unauthorized

from auth import people
from auth.permissions import Permission, allows
from db.actor import SYSTEM, Actor
from db.engine import session as unit_of_work
from db.services.api_keys import FoundKey, find_key

CALLER = "quantum_caller"
KEYED = "key:"  # a declared permission that begins so is a scope, which only keys have
AGENT = "agent:"
PART = re.compile(r"\{(\w+)\}")
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


@dataclass(frozen=True)
class Caller:
    """The key behind a request, and in whose name it acts."""

    key: FoundKey

    @property
    def key_id(self) -> UUID:
        return self.key.key_id

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
    if scope in set(Permission) and scope.endswith(":read"):
        return scope
    raise LookupError(f"{scope!r} is no scope")


def current_caller() -> Caller | None:
    """Whose key this request shows; None without a key that is accepted now. Asked once per request."""
    if CALLER not in g:
        setattr(g, CALLER, _find())
    found: Caller | None = g.get(CALLER)
    return found


def require_caller() -> Caller:
    """The key behind this request; without one the request ends with 401."""
    return current_caller() or _nobody()


def keyed(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare the scope the decorated route needs, and check it whenever it runs."""
    needs_of(scope)

    def declare(run: Callable[P, R]) -> Callable[P, R]:
        @wraps(run)
        def checked(*given: P.args, **named: P.kwargs) -> R:
            require_scope(scope)
            return run(*given, **named)

        setattr(checked, "__permission__", f"{KEYED}{scope}")  # noqa: B010 - the name auth.doors reads
        return checked

    return declare


def require_scope(scope: str) -> Caller:
    """The caller, when its key has the scope; else the request ends with 401 or 403.

    A part of the path in braces stands for what the request's own path has there.
    """
    scope = PART.sub(lambda part: str((request.view_args or {}).get(part[1], "")), scope)
    caller = require_caller()
    if not caller.may(scope):
        raise Forbidden(
            f"This key does not have the scope {scope}, or its owner does not hold what it needs."
        )
    return caller


def _nobody() -> NoReturn:
    raise Unauthorized("Send a valid key: Authorization: Bearer qk_...")


def _find() -> Caller | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        return None
    with unit_of_work(people.system_engine(), SYSTEM) as unit:
        found = find_key(unit, token.strip(), datetime.now(UTC))
    return Caller(found) if found else None


__all__ = ["Caller", "Scope", "current_caller", "keyed", "needs_of", "require_caller", "require_scope"]
