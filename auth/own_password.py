"""Changing one's own password: the old one is asked for, all other sessions end, this one goes on."""

from datetime import UTC, datetime

from flask import abort

from auth import passwords, people
from auth.attempts import try_to_confirm
from auth.people import SignedIn
from db.engine import session
from db.services import accounts, credentials
from db.services.accounts import Complaint, FieldErrors, clean


def change_own_password(old: str, new: str) -> int:
    """Give whoever is asking another password; returns how many other sessions that ended.

    Raises FieldErrors for `old` or `password`, and TooManyAttempts: the old password is guessed no faster here than at
    sign-in.
    """
    me = people.require_person()
    _clean(me, new)
    if not try_to_confirm(old):
        raise FieldErrors({"old": Complaint.PASSWORD_OLD})
    hashed, now = passwords.hash_password(new), datetime.now(UTC)
    with session(people.system_engine(), people.system_here(), write=True) as unit:
        ended = credentials.change_password(unit, me.profile_id, hashed, but=me.session_id)
        renewed = accounts.find_person(unit, me.account_id)
        if renewed is None or renewed.credential_version != me.person.credential_version + 1:
            abort(401)  # another change came first and ended this session; this one is rolled back
    people.stay_signed_in(renewed, me.session_id, now)
    return ended


def _clean(me: SignedIn, new: str) -> None:
    named = {"email": me.email, "username": me.username}
    try:
        clean(password=new, **{name: value for name, value in named.items() if value})
    except FieldErrors as refused:
        if "password" in refused.errors:
            raise FieldErrors({"password": refused.errors["password"]}) from None
