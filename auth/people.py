"""Who is signed in. The session cookie names the account and the version of its credentials; the rest is read anew."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from flask import Flask, abort, current_app, g, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from db.engine import Engine
from db.engine import session as unit_of_work
from db.services.accounts import Person, find_person

ENGINE = "quantum_system_engine"


class SignedIn(UserMixin):  # type: ignore[misc]
    """The person behind the request, as Flask-Login's `current_user`."""

    def __init__(self, person: Person) -> None:
        self.person = person

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
        """Account and credential version: raising the version ends every sign-in made before."""
        return f"{self.person.account_id}:{self.person.credential_version}"


def init_app(server: Flask, engine: Engine) -> None:
    """Let Flask-Login find people through `engine`, the system's own login."""
    server.extensions[ENGINE] = engine
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


def require_person() -> SignedIn:
    """The person behind this request; a stranger's request ends with 401."""
    return current_person() or abort(401)


def sign_in(person: Person) -> None:
    """Begin a new session for `person`; nothing of the one before survives."""
    session.clear()
    login_user(SignedIn(person))
    g.has_just_signed_in = True


def has_just_signed_in() -> bool:
    """Whether this very request signed somebody in."""
    return bool(g.get("has_just_signed_in"))


def sign_out() -> None:
    """End the session."""
    logout_user()
    session.clear()


def _load(identity: str) -> SignedIn | None:
    account, _, version = identity.partition(":")
    try:
        account_id = UUID(account)
    except ValueError:
        return None
    with unit_of_work(system_engine()) as unit:
        person = find_person(unit, account_id)
    if person is None or not person.is_active or str(person.credential_version) != version:
        return None
    return SignedIn(person)
