"""Who is signed in. The cookie names account, credential version and session row; the rest is read anew."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from flask import Flask, abort, current_app, g, has_request_context, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from auth.origin import origin
from db.actor import SYSTEM, Actor
from db.engine import DatabaseUnavailable, Engine, Session
from db.engine import session as unit_of_work
from db.services import audit, user_sessions
from db.services.accounts import Person

ENGINE, IDLE, TOUCHED = "quantum_system_engine", "quantum_session_idle", "quantum_touched"
MOST_TOUCHED = 10_000

log = logging.getLogger("quantum.auth")


class SignedIn(UserMixin):  # type: ignore[misc]
    """The person behind the request, as Flask-Login's `current_user`.

    `confirmed_at` is when the password was last given in this session; None is never. `owes_factor` is true while the
    role demands a second factor that the person does not have: the guard then opens nothing but setting it up.
    """

    def __init__(
        self,
        person: Person,
        session_id: UUID,
        confirmed_at: datetime | None = None,
        owes_factor: bool = False,
    ) -> None:
        self.person = person
        self.session_id = session_id
        self.confirmed_at = confirmed_at
        self.owes_factor = owes_factor

    @property
    def account_id(self) -> UUID:
        return self.person.account_id

    @property
    def profile_id(self) -> UUID:
        return self.person.profile_id

    @property
    def role(self) -> str:
        return self.person.role

    @property
    def actor(self) -> Actor:
        """In whose name this person's requests read and write."""
        return located(Actor.person(self.person.profile_id, self.person.role))

    @property
    def username(self) -> str | None:
        return self.person.username

    @property
    def full_name(self) -> str | None:
        return self.person.full_name

    @property
    def email(self) -> str:
        return self.person.email

    @property
    def preferences(self) -> Mapping[str, Any]:
        """What the person chose: language, theme, zone; a key is missing until they did."""
        return self.person.preferences

    def get_id(self) -> str:
        """Account, credential version and session: raising the version ends every sign-in made before."""
        return f"{self.person.account_id}:{self.person.credential_version}:{self.session_id}"


def init_app(server: Flask, engine: Engine, idle: timedelta) -> None:
    """Let Flask-Login find people through `engine`, the system's own login. Unused for `idle`, a session is over."""
    server.extensions.update({ENGINE: engine, IDLE: idle, TOUCHED: {}})
    manager = LoginManager()
    manager.session_protection = "strong"
    manager.user_loader(_load)
    # Without its context processor: a page that says the database is away must not ask the database.
    manager.init_app(server, add_context_processor=False)


def system_engine() -> Engine:
    """The engine that sign-up and sign-in use."""
    return cast(Engine, current_app.extensions[ENGINE])


def current_person() -> SignedIn | None:
    """The person behind this request; None for a stranger."""
    return cast(SignedIn, current_user._get_current_object()) if current_user.is_authenticated else None


def loaded_person() -> SignedIn | None:
    """`current_person`, if this request asked for it already: what is written after the answer asks nothing more."""
    return current_person() if "_login_user" in g else None


def require_person() -> SignedIn:
    """The person behind this request; a stranger's request ends with 401."""
    return current_person() or abort(401)


def session_idle() -> timedelta:
    """How long a session lives without a request."""
    return cast(timedelta, current_app.extensions[IDLE])


def located(actor: Actor) -> Actor:
    """`actor`, with where this request came from, for the audit log."""
    if not has_request_context():
        return actor
    came = origin()
    return replace(actor, address=came.address, user_agent=came.user_agent)


def system_here() -> Actor:
    """The system, doing what whoever is behind this request asks for; the audit log names them, too."""
    asking = current_person()
    return replace(located(SYSTEM), behalf=asking.profile_id if asking else None)


def sign_in(person: Person, also: Callable[[Session], None] | None = None) -> None:
    """Begin a new session for `person`; nothing of the one before survives. `also` writes in the same transaction.

    What `also` raises leaves everything as it was.
    """
    replaced, now = current_person(), datetime.now(UTC)
    with unit_of_work(system_engine(), system_here(), write=True) as unit:
        if replaced:
            user_sessions.end_session(unit, replaced.profile_id, replaced.session_id)
        session_id = user_sessions.begin_session(unit, person.profile_id, origin(), now, session_idle())
        if also:
            also(unit)
    session.clear()
    login_user(SignedIn(person, session_id, now))
    g.has_just_signed_in = True


def stay_signed_in(person: Person, session_id: UUID, now: datetime) -> None:
    """Let this browser's session go on under the new credential version of `person`, who just gave the password."""
    login_user(SignedIn(person, session_id, now))


def has_just_signed_in() -> bool:
    """Whether this very request signed somebody in."""
    return bool(g.get("has_just_signed_in"))


def sign_out() -> None:
    """End the session, in the database too: a copy of the cookie opens nothing."""
    leaving = current_person()
    if leaving:
        with unit_of_work(system_engine(), system_here(), write=True) as unit:
            user_sessions.end_session(unit, leaving.profile_id, leaving.session_id)
            audit.record(unit, audit.Act("LOGOUT", "user_sessions", leaving.session_id))
    logout_user()
    session.clear()


def _load(identity: str) -> SignedIn | None:
    try:
        account, version, own = identity.split(":")
        account_id, session_id = UUID(account), UUID(own)
    except ValueError:
        return None
    now = datetime.now(UTC)
    with unit_of_work(system_engine(), SYSTEM) as unit:
        found = user_sessions.find_signed_in(unit, account_id, session_id, now, session_idle())
    if found is None:
        return None
    if not found.person.is_active or str(found.person.credential_version) != version:
        return None
    if now - found.last_activity >= user_sessions.TOUCHED_EVERY:
        _touch(session_id, found.begun, now)
    return SignedIn(found.person, session_id, found.confirmed_at, found.owes_factor)


def _touch(session_id: UUID, begun: datetime, now: datetime) -> None:
    """Note the request. Reading goes on when the database takes no writes now; that is tried once a minute, too."""
    tried: dict[UUID, float] = current_app.extensions[TOUCHED]
    if time.monotonic() - tried.get(session_id, -1e9) < user_sessions.TOUCHED_EVERY.total_seconds() - 1:
        return
    if len(tried) >= MOST_TOUCHED:
        tried.clear()
    tried[session_id] = time.monotonic()
    try:
        with unit_of_work(system_engine(), SYSTEM, write=True) as unit:
            user_sessions.touch(unit, session_id, begun, now, session_idle())
    except DatabaseUnavailable as error:
        log.warning("a session's last activity was not noted: %s", error)
