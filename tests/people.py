"""Accounts made by the service itself, for tests that need people and no browser."""

from uuid import UUID

from sqlalchemy import Engine, select

from auth.passwords import hash_password
from db.models import AuthAccount, Profile
from db.services.accounts import register_account
from tests.sessions import session


def make_person(engine: Engine, name: str = "alice", role: str = "user", password: str | None = None) -> UUID:
    """A person with an account; returns the profile's id. Without a password nobody signs in."""
    password_hash = hash_password(password) if password else "x"
    with session(engine, write=True) as unit:
        given = {"email": f"{name}@example.com", "username": name, "full_name": f"{name.title()} Souza"}
        return register_account(unit, **given, password_hash=password_hash, role=role).id


def account_of(engine: Engine, profile_id: UUID) -> AuthAccount:
    with session(engine) as unit:
        wanted = select(AuthAccount).join(Profile, Profile.auth_user_id == AuthAccount.id)
        return unit.scalars(wanted.where(Profile.id == profile_id)).one()


def profile_of(engine: Engine, profile_id: UUID) -> Profile:
    with session(engine) as unit:
        return unit.scalars(select(Profile).where(Profile.id == profile_id)).one()
