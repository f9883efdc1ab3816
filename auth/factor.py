"""The second factor of whoever is asking: set up with one valid code, then asked for at every sign-in."""

from datetime import UTC, datetime
from uuid import UUID

from auth import people, totp
from db.actor import SYSTEM
from db.engine import Session, session
from db.services import second_factors
from db.services.second_factors import Factor


def own_factor() -> Factor | None:
    """The factor of whoever is asking; None when none is on."""
    account_id = people.require_person().account_id
    with session(people.system_engine(), SYSTEM) as unit:
        return second_factors.find(unit, account_id)


def being_set_up() -> str | None:
    """The secret that whoever is asking sets up, the same for half an hour; None when a factor is on already."""
    me, now = people.require_person(), datetime.now(UTC)
    with session(people.system_engine(), people.system_here(), write=True) as unit:
        return second_factors.begin(unit, me.account_id, totp.new_secret(), now)


def set_up(typed: str) -> list[str] | None:
    """Turn the factor on with a code of the app; returns the recovery codes, None when the code is wrong.

    Wrong codes are not counted: whoever types them is shown the secret.
    """
    me, now = people.require_person(), datetime.now(UTC)
    with session(people.system_engine(), people.system_here(), write=True) as unit:
        secret = second_factors.in_progress(unit, me.account_id, now)
        step = totp.step_of(secret, typed, now) if secret else None
        if secret is None or step is None:
            return None
        return second_factors.confirm(unit, me.account_id, secret, step, now)


def new_recovery_codes() -> list[str] | None:
    """Ten new recovery codes for whoever is asking, instead of all before; None when no factor is on."""
    account_id = people.require_person().account_id
    with session(people.system_engine(), people.system_here(), write=True) as unit:
        if second_factors.find(unit, account_id) is None:
            return None
        return second_factors.renew_recovery_codes(unit, account_id)


def take(unit: Session, account_id: UUID, typed: str, now: datetime) -> bool:
    """Use up a code of the app or a recovery code: True for one caller only. False as well when no factor is on."""
    secret = second_factors.secret_of(unit, account_id)
    if secret is None:
        return False
    step = totp.step_of(secret, typed, now)
    if step is not None:
        return second_factors.use_step(unit, account_id, step)
    return second_factors.use_recovery_code(unit, account_id, typed, now)
