"""The first-admin code: how the person at the console becomes the first administrator, once."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, exists, select, text, update
from sqlalchemy.orm import Session

from db.models import OneTimeCode, Profile

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, 1, I and O, which look like others
VALID_FOR = timedelta(minutes=60)
FIRST_ADMIN = "first_admin"


def admin_exists(session: Session) -> bool:
    """Whether any profile has the role admin."""
    return bool(session.scalar(select(exists().where(Profile.role == "admin"))))


def issue_first_admin_code(session: Session, now: datetime) -> str | None:
    """A new code XXXX-XXXX-XXXX, valid 60 minutes; codes issued before end. None once an admin exists.

    Only its hash is stored: whoever reads the database cannot use it.
    """
    _one_at_a_time(session)
    if admin_exists(session):
        return None
    session.execute(
        update(OneTimeCode)
        .where(
            OneTimeCode.purpose == FIRST_ADMIN, OneTimeCode.used_at.is_(None), OneTimeCode.expires_at > now
        )
        .values(expires_at=now)
    )
    code = "".join(secrets.choice(ALPHABET) for _ in range(12))
    session.add(OneTimeCode(purpose=FIRST_ADMIN, code_hash=_digest(code), expires_at=now + VALID_FOR))
    session.flush()
    return "-".join(code[start : start + 4] for start in (0, 4, 8))


def redeem(session: Session, code: str, now: datetime) -> bool:
    """Use up `code`: True for one caller only, and only while no admin exists.

    Make the admin in the same transaction; rolled back, the code is good again.
    """
    _one_at_a_time(session)
    taken = session.execute(
        update(OneTimeCode)
        .where(
            OneTimeCode.purpose == FIRST_ADMIN,
            OneTimeCode.code_hash == _digest(code),
            OneTimeCode.used_at.is_(None),
            OneTimeCode.expires_at > now,
            ~exists().where(Profile.role == "admin"),
        )
        .values(used_at=now),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(taken, CursorResult)
    return taken.rowcount == 1


def _one_at_a_time(session: Session) -> None:
    """Two starts at once could leave two good codes, and those two admins. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE one_time_codes IN SHARE ROW EXCLUSIVE MODE"))


def _digest(code: str) -> str:
    plain = "".join(character for character in code.upper() if character.isascii() and character.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
