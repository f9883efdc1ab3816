"""The second factor of an account: set up, proved once, then asked for; codes of the app and recovery codes count once.

Codes of the app are computed elsewhere; here they are the number of their 30-second step. Call it in the system's name:
nobody else reads these tables.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Delete, Update, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.models import RecoveryCode, SecondFactor
from db.services import audit
from db.services.codes import ALPHABET

SET_UP_WITHIN = timedelta(minutes=30)
RECOVERY_CODES, RECOVERY_LENGTH, GROUP = 10, 16, 4  # 16 of 32 characters are 80 random bits
INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class Factor:
    """A second factor that is on: since when, and how many recovery codes are unused."""

    since: datetime
    codes_left: int


def begin(session: Session, account_id: UUID, secret: str, now: datetime) -> str | None:
    """The secret that is being set up: `secret`, unless one was shown within the last half hour.

    None when a factor is on already. A factor being set up asks for nothing yet.
    """
    fresh = INSERT[session.get_bind().dialect.name](SecondFactor).values(
        account_id=account_id, secret=secret, created_at=now
    )
    stale = (SecondFactor.confirmed_at.is_(None), SecondFactor.created_at <= now - SET_UP_WITHIN)
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=[SecondFactor.account_id],
            set_={"secret": fresh.excluded.secret, "created_at": fresh.excluded.created_at},
            where=stale[0] & stale[1],
        )
    )
    return in_progress(session, account_id, now)


def in_progress(session: Session, account_id: UUID, now: datetime) -> str | None:
    """The secret that is being set up and not yet too old; None when there is none."""
    mine = (SecondFactor.account_id == account_id, SecondFactor.confirmed_at.is_(None))
    found = select(SecondFactor.secret).where(*mine, SecondFactor.created_at > now - SET_UP_WITHIN)
    return session.scalar(found)


def confirm(session: Session, account_id: UUID, secret: str, step: int, now: datetime) -> list[str] | None:
    """Turn the factor on, its first code being that of `step`; returns the recovery codes, which nobody sees again.

    None when `secret` is not, or no longer, the one being set up.
    """
    turned = (
        update(SecondFactor)
        .where(
            SecondFactor.account_id == account_id,
            SecondFactor.secret == secret,
            SecondFactor.confirmed_at.is_(None),
            SecondFactor.created_at > now - SET_UP_WITHIN,
        )
        .values(confirmed_at=now, last_step=step)
    )
    if not _changed(session, turned):
        return None
    told = {"secret": secret, "confirmed_at": now}
    audit.note(session, audit.Act("INSERT", "second_factors", account_id, new=told))
    return renew_recovery_codes(session, account_id)


def secret_of(session: Session, account_id: UUID) -> str | None:
    """The secret of the factor that is on; None when none is."""
    mine = (SecondFactor.account_id == account_id, SecondFactor.confirmed_at.is_not(None))
    return session.scalar(select(SecondFactor.secret).where(*mine))


def find(session: Session, account_id: UUID) -> Factor | None:
    """The factor that is on, as people may be told of it; None when none is."""
    mine = (SecondFactor.account_id == account_id, SecondFactor.confirmed_at.is_not(None))
    since = session.scalar(select(SecondFactor.confirmed_at).where(*mine))
    unused = (RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None))
    left = session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused))
    return Factor(since, left or 0) if since else None


def use_step(session: Session, account_id: UUID, step: int) -> bool:
    """Use up the code of `step`: True for one caller only, and never again for it or an earlier one."""
    fresh = or_(SecondFactor.last_step.is_(None), SecondFactor.last_step < step)
    mine = (SecondFactor.account_id == account_id, SecondFactor.confirmed_at.is_not(None))
    return _changed(session, update(SecondFactor).where(*mine, fresh).values(last_step=step)) == 1


def use_recovery_code(session: Session, account_id: UUID, code: str, now: datetime) -> bool:
    """Use up a recovery code, however it is grouped or cased: True for one caller only."""
    mine = (RecoveryCode.account_id == account_id, RecoveryCode.code_hash == _digest(code))
    used = update(RecoveryCode).where(*mine, RecoveryCode.used_at.is_(None)).values(used_at=now)
    return _changed(session, used) == 1


def renew_recovery_codes(session: Session, account_id: UUID) -> list[str]:
    """Ten new recovery codes instead of all before. Only their hashes are stored."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(account_id=account_id, code_hash=_digest(code)) for code in codes)
    session.flush()
    made = {"account_id": account_id, "codes": len(codes)}
    audit.note(session, audit.Act("INSERT", "recovery_codes", new=made))
    starts = range(0, RECOVERY_LENGTH, GROUP)
    return ["-".join(code[start : start + GROUP] for start in starts) for code in codes]


def turn_off(session: Session, account_id: UUID) -> bool:
    """Take the factor and its recovery codes away; False when none was on."""
    mine = (SecondFactor.account_id == account_id, SecondFactor.confirmed_at.is_not(None))
    was_on = _changed(session, delete(SecondFactor).where(*mine)) == 1
    session.execute(delete(SecondFactor).where(SecondFactor.account_id == account_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    if was_on:
        audit.note(session, audit.Act("DELETE", "second_factors", account_id))
    return was_on


def _digest(code: str) -> str:
    plain = "".join(character for character in code.upper() if character.isascii() and character.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()


def _changed(session: Session, statement: Update | Delete) -> int:
    done = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(done, CursorResult)
    return done.rowcount
