"""One attempt to sign in: the same work, words and status whether or not there is such an account.

Codes of the second factor, and passwords given again by whoever is signed in, are counted with the attempts to sign in.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from auth import factor, passwords, pending, people
from auth.origin import origin
from auth.subjects import network, subject
from db.actor import SYSTEM
from db.engine import Session, session
from db.services import accounts, second_factors, sign_in_limits, user_sessions
from db.services.accounts import Credentials, Person
from db.services.sign_in_limits import FREE_PER_ACCOUNT, FREE_PER_ADDRESS, Attempt, Limit
from db.services.user_sessions import Origin, has_signed_in_from

NOBODY = UUID(int=0)
FREE_LINKS_PER_NAME, FREE_LINKS_PER_ADDRESS = 5, 20


class Outcome(StrEnum):
    """What became of an attempt: nobody is in, a code is owed (nobody is in either), or the person is in."""

    REFUSED = "refused"
    CODE = "code"
    IN = "in"


class _Refused(Exception):
    """Rolls back a sign-in whose code was wrong or taken by another request."""


def try_to_sign_in(login: str, password: str) -> Outcome:
    """Sign in the person whom name and password belong to, or note that their second factor is owed.

    Refused when they do not match, or the account is closed. Raises TooManyAttempts when this account or address has
    to wait; then the password is not looked at.
    """
    came, now, engine = origin(), datetime.now(UTC), people.system_engine()
    with session(engine, SYSTEM, write=True) as unit:
        found = accounts.find_for_sign_in(unit, login)
        limit = _account_limit(unit, found.person if found else None, login, came, now)
        attempt = sign_in_limits.count_attempt(unit, limit, _address_limit(came), now)
    matches = passwords.verify(found.password_hash if found else None, password)
    if found is not None and matches and found.person.is_active:
        return _succeed(found, password, attempt, now)
    reason = "unknown" if found is None else "closed" if matches else "password"
    with session(engine, SYSTEM, write=True) as unit:
        who = found.person.profile_id if found else None
        sign_in_limits.record_failure(unit, attempt, reason, who, came)
    return Outcome.REFUSED


def count_request(unit: Session, login: str, now: datetime) -> UUID | None:
    """Count that somebody asked for a link by this name, and find its account; None when there is none.

    Counted is the name as it was typed: a limit shared by address and user name would tell that both belong to one
    account. Raises TooManyAttempts when this name or this network has to wait.
    """
    found = accounts.find_account_id(unit, login)
    name = Limit(subject("forgot", login.strip().lower()), FREE_LINKS_PER_NAME)
    sign_in_limits.count_attempt(
        unit, name, Limit(subject("forgot-address", network(origin())), FREE_LINKS_PER_ADDRESS), now
    )
    return found


def try_code(person: Person, typed: str) -> bool:
    """Sign in who gave the right password, with a code of the app or a recovery code; False when it is wrong.

    Raises TooManyAttempts when this account or address has to wait; then the code is not looked at.
    """
    came, now, engine = origin(), datetime.now(UTC), people.system_engine()
    attempt = _counted(person, came, now)

    def take_and_forgive(unit: Session) -> None:
        if not factor.take(unit, person.account_id, typed, now):
            raise _Refused
        _forgive(unit, attempt, person)

    try:
        people.sign_in(person, take_and_forgive)
    except _Refused:
        with session(engine, SYSTEM, write=True) as unit:
            sign_in_limits.record_failure(unit, attempt, "code", person.profile_id, came)
        return False
    return True


def try_to_confirm(
    password: str, code: str | None = None, also: Callable[[Session], object] | None = None
) -> bool:
    """Note in the session that whoever is asking gave the password again; False when it, or the code, is wrong.

    `code` is looked at where a second factor is on, unless it is None. `also` writes in the same transaction. Raises
    TooManyAttempts when this account or address has to wait; then nothing is looked at.
    """
    me, came, now = people.require_person(), origin(), datetime.now(UTC)
    attempt = _counted(me.person, came, now)
    with session(people.system_engine(), SYSTEM) as unit:
        found = accounts.find_for_sign_in(unit, me.email)
    matches = passwords.verify(found.password_hash if found else None, password)
    with session(people.system_engine(), people.system_here(), write=True) as unit:
        if (
            matches
            and _is_right(unit, me.account_id, code, now)
            and user_sessions.confirm_session(unit, me.profile_id, me.session_id, now)
        ):
            _forgive(unit, attempt, me.person)
            if also:
                also(unit)
            return True
        sign_in_limits.record_failure(unit, attempt, "confirm", me.profile_id, came)
    return False


def _is_right(unit: Session, account_id: UUID, code: str | None, now: datetime) -> bool:
    if code is None or second_factors.secret_of(unit, account_id) is None:
        return True
    return factor.take(unit, account_id, code, now)


def _counted(person: Person, came: Origin, now: datetime) -> Attempt:
    with session(people.system_engine(), SYSTEM, write=True) as unit:
        limit = _account_limit(unit, person, "", came, now)
        return sign_in_limits.count_attempt(unit, limit, _address_limit(came), now)


def _succeed(found: Credentials, password: str, attempt: Attempt, now: datetime) -> Outcome:
    person, old, engine = found.person, found.password_hash, people.system_engine()
    newer = passwords.hash_password(password) if passwords.is_outdated(old) else None
    with session(engine, SYSTEM) as unit:
        owes_code = second_factors.secret_of(unit, person.account_id) is not None

    def settle(unit: Session) -> None:
        if owes_code:
            sign_in_limits.give_back(unit, attempt)
        else:
            _forgive(unit, attempt, person)
        if newer:
            accounts.replace_password_hash(unit, person.account_id, old, newer)

    if not owes_code:
        people.sign_in(person, settle)
        return Outcome.IN
    with session(engine, SYSTEM, write=True) as unit:
        settle(unit)
    pending.begin(person, now)
    return Outcome.CODE


def _forgive(unit: Session, attempt: Attempt, person: Person) -> None:
    sign_in_limits.forgive(unit, attempt, also=[subject("account", str(person.account_id))])


def _account_limit(unit: Session, found: Person | None, login: str, came: Origin, now: datetime) -> Limit:
    """An unknown name is counted as an account is.

    An address from which the account was signed in before is counted apart: strangers who guess from elsewhere cannot
    keep its owner waiting.
    """
    profile_id = found.profile_id if found else NOBODY
    is_known = has_signed_in_from(unit, profile_id, came.address, now)
    if found is None:
        return Limit(subject("name", login.strip().lower()), FREE_PER_ACCOUNT)
    where = str(came.address) if is_known else ""
    return Limit(subject("account", str(found.account_id), where), FREE_PER_ACCOUNT)


def _address_limit(came: Origin) -> Limit:
    return Limit(subject("address", network(came)), FREE_PER_ADDRESS)
