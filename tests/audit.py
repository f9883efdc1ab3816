"""For tests of the audit log: people, what the log says, and hands that may do what the database refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, select, text

from db.actor import Actor
from db.append_only import KEPT
from db.models import AuditEntry, AuthAccount, Profile
from db.services.audit_verify import Verdict, verify
from tests.sessions import session


def made_person(engine: Engine, name: str = "alice", role: str = "user") -> Actor:
    """A person who is in the database, without a trace in the log."""
    with session(engine, write=True) as unit:
        account = AuthAccount(email=f"{name}@example.com", password_hash="hash")
        unit.add(account)
        unit.flush()
        profile = Profile(auth_user_id=account.id, username=name, role=role)
        unit.add(profile)
        unit.flush()
        return Actor.person(profile.id, role)


def entries(engine: Engine) -> list[AuditEntry]:
    with session(engine) as unit:
        return list(unit.scalars(select(AuditEntry).order_by(AuditEntry.seq)))


def verified(engine: Engine, marks: Any = None) -> tuple[Verdict, list[str]]:
    """The verdict and the findings."""
    said: list[str] = []
    with session(engine) as unit:
        return verify(unit, said.append, marks), said


@contextmanager
def tampering(engine: Engine) -> Iterator[Connection]:
    """A connection of the owner, who has put the triggers aside."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            for table in KEPT:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            names = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
            for name in names:
                connection.execute(text(f"DROP TRIGGER {name}"))
        yield connection


def ident(engine: Engine, seq: int) -> UUID:
    return next(entry.id for entry in entries(engine) if entry.seq == seq)
