"""One attempt to sign in: the same work, words and status whether or not there is such an account."""

from datetime import UTC, datetime
from uuid import UUID

from auth import passwords, people
from auth.origin import origin
from auth.subjects import network, subject
from db.actor import SYSTEM
from db.engine import Session, session
from db.services import accounts, sign_in_limits
from db.services.accounts import Credentials, Person
from db.services.sign_in_limits import FREE_PER_ACCOUNT, FREE_PER_ADDRESS, Attempt, Limit
from db.services.user_sessions import Origin, has_signed_in_from

NOBODY = UUID(int=0)
FREE_LINKS_PER_NAME, FREE_LINKS_PER_ADDRESS = 5, 20


def try_to_sign_in(login: str, password: str) -> Person | None:
    """Sign in the person whom name and password belong to; None when they do not match, or the account is closed.

    Raises TooManyAttempts when this account or address has to wait; then the password is not looked at.
    """
    came, now, engine = origin(), datetime.now(UTC), people.system_engine()
    with session(engine, SYSTEM, write=True) as unit:
        found = accounts.find_for_sign_in(unit, login)
        limit = _account_limit(unit, found, login, came, now)
        attempt = sign_in_limits.count_attempt(unit, limit, _address_limit(came), now)
    matches = passwords.verify(found.password_hash if found else None, password)
    if found is not None and matches and found.person.is_active:
        _succeed(found, password, attempt)
        return found.person
    reason = "unknown" if found is None else "closed" if matches else "password"
    with session(engine, SYSTEM, write=True) as unit:
        who = found.person.profile_id if found else None
        sign_in_limits.record_failure(unit, attempt, reason, who, came)
    return None


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


def confirm(person: Person, password: str) -> bool:
    """Whether somebody signed in knows their own password. Raises TooManyAttempts: a session left open is no licence
    to guess."""
    came, now, engine = origin(), datetime.now(UTC), people.system_engine()
    with session(engine, SYSTEM, write=True) as unit:
        found = accounts.find_credentials(unit, person.account_id)
        limit = Limit(subject("confirm", str(person.account_id)), FREE_PER_ACCOUNT)
        attempt = sign_in_limits.count_attempt(unit, limit, _address_limit(came), now)
    matches = passwords.verify(found.password_hash if found else None, password)
    with session(engine, SYSTEM, write=True) as unit:
        if matches:
            sign_in_limits.forgive(unit, attempt)
        else:
            sign_in_limits.record_failure(unit, attempt, "password", person.profile_id, came)
    return matches


def _succeed(found: Credentials, password: str, attempt: Attempt) -> None:
    account_id, old = found.person.account_id, found.password_hash
    newer = passwords.hash_password(password) if passwords.is_outdated(old) else None

    def forgive_and_renew(unit: Session) -> None:
        sign_in_limits.forgive(unit, attempt, also=[subject("account", str(account_id))])
        if newer:
            accounts.replace_password_hash(unit, account_id, old, newer)

    people.sign_in(found.person, forgive_and_renew)


def _account_limit(
    unit: Session, found: Credentials | None, login: str, came: Origin, now: datetime
) -> Limit:
    """An unknown name is counted as an account is.

    An address from which the account was signed in before is counted apart: strangers who guess from elsewhere cannot
    keep its owner waiting.
    """
    profile_id = found.person.profile_id if found else NOBODY
    is_known = has_signed_in_from(unit, profile_id, came.address, now)
    if found is None:
        return Limit(subject("name", login.strip().lower()), FREE_PER_ACCOUNT)
    where = str(came.address) if is_known else ""
    return Limit(subject("account", str(found.person.account_id), where), FREE_PER_ACCOUNT)


def _address_limit(came: Origin) -> Limit:
    return Limit(subject("address", network(came)), FREE_PER_ADDRESS)
