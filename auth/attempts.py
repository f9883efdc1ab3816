"""One attempt to sign in: the same work, words and status whether or not there is such an account."""

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import IPv6Address, ip_network
from uuid import UUID

from flask import current_app

from auth import passwords, people
from auth.origin import origin, parsed_address
from db.actor import SYSTEM
from db.engine import Session, session
from db.services import accounts, sign_in_limits
from db.services.accounts import Credentials, Person
from db.services.sign_in_limits import FREE_PER_ACCOUNT, FREE_PER_ADDRESS, Attempt, Limit
from db.services.user_sessions import Origin, has_signed_in_from

NOBODY = UUID(int=0)
ONE_HOUSEHOLD = 64  # an IPv6 network this long belongs to one customer, who may take any address in it


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


def _succeed(found: Credentials, password: str, attempt: Attempt) -> None:
    account_id, old = found.person.account_id, found.password_hash
    newer = passwords.hash_password(password) if passwords.is_outdated(old) else None

    def forgive_and_renew(unit: Session) -> None:
        sign_in_limits.forgive(unit, attempt, also=[_subject("account", str(account_id))])
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
        return Limit(_subject("name", login.strip().lower()), FREE_PER_ACCOUNT)
    where = str(came.address) if is_known else ""
    return Limit(_subject("account", str(found.person.account_id), where), FREE_PER_ACCOUNT)


def _address_limit(came: Origin) -> Limit:
    address = parsed_address(came.address)
    where = str(address)
    if isinstance(address, IPv6Address):
        where = str(ip_network((address, ONE_HOUSEHOLD), strict=False))
    return Limit(_subject("address", where), FREE_PER_ADDRESS)


def _subject(kind: str, name: str, where: str = "") -> str:
    """Who is counted, unreadable without the secret: people type passwords into the wrong field."""
    spelled = "\0".join([kind, where, name]).encode("utf-8", "surrogatepass")
    return hmac.new(str(current_app.secret_key).encode(), spelled, sha256).hexdigest()
