"""What the doors refused, as security events. Each is about a request that really happened; nothing else is noted."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, g, request, session
from flask_login import session_protected
from itsdangerous import BadSignature, SignatureExpired

from auth import people
from auth.addresses import parts_of
from auth.origin import origin
from db.actor import SYSTEM
from db.engine import DatabaseUnavailable
from db.engine import session as unit_of_work
from db.listing import Listing, read_row
from db.services.refusals import Refusal, note_refusal

LONGEST_PATH = 200
NOTED, ANONYMOUS = "refusal_noted", "refusal_of_nobody"
CALLBACKS = "/_dash-update-component"
# Flask-WTF's words; a token that is missing, or whose session is gone, is mostly a form that was open for too long.
TOKENS = {
    "The CSRF token is invalid.": "The token against forged requests was not made by this server.",
    "The CSRF tokens do not match.": "The token against forged requests belongs to another session.",
    "The CSRF token is missing.": "A change was asked for without the token against forged requests.",
    "The CSRF session token is missing.": "A change was asked for with a token whose session is over.",
}
GRAVE = ("The CSRF token is invalid.", "The CSRF tokens do not match.")

log = logging.getLogger("quantum.auth")


def init_app(server: Flask) -> None:
    """Note every 403 of a signed-in person, and sessions that are carried to another browser."""
    server.after_request(_forbidden)
    session_protected.connect(_moved_session, server)


def note_refused(
    kind: str,
    description: str,
    *,
    severity: str = "",
    profile_id: UUID | None = None,
    **evidence: str | int,
) -> None:
    """Store that this request was refused, in the system's name and apart from the request's own transaction.

    Once per request. `profile_id` is whose key it came with; without one, it is of whoever is signed in.
    What cannot be stored is told to the log: the refusal stands either way.
    """
    if g.get(NOTED):
        return
    setattr(g, NOTED, True)
    try:
        is_nobodys = g.pop(ANONYMOUS, False) or profile_id is not None
        asking = None if is_nobodys else people.current_person()
        refusal = Refusal(
            kind=kind,
            words=description,
            evidence={"method": request.method, "path": _path(), **evidence},
            profile_id=asking.profile_id if asking else profile_id,
            severity=severity,
        )
        with unit_of_work(people.system_engine(), SYSTEM, write=True) as unit:
            note_refusal(unit, refusal, origin(), datetime.now(UTC))
    except DatabaseUnavailable as error:
        log.warning("a refused request was not noted: %s", error)


def note_hidden_row(listing: Listing, key: str) -> None:
    """A person asked for a row they do not see. Noted when there is one: a mistyped address is no event."""
    with unit_of_work(people.system_engine(), SYSTEM) as unit:
        is_there = read_row(unit, listing, key) is not None
    if is_there:
        words = "A row was asked for that this person may not see."
        note_refused(
            "unauthorized_access", words, table=listing.model.__tablename__, record=key[:LONGEST_PATH]
        )


def note_forged_token(reason: str | None) -> None:
    """A change was asked for without the right token; `reason` in the words of what checked it."""
    words = TOKENS.get(reason or "", "A change was refused by the check against forged requests.")
    note_refused("suspicious_activity", words, severity="medium" if reason in GRAVE else "low")


def note_forged_cookie() -> None:
    """Whether this stranger's session cookie was signed by somebody else; it is then noted and taken away."""
    try:
        _shown_session()
    except SignatureExpired:
        return
    except BadSignature:
        session.clear()  # the browser need not send it again
        session.modified = True
        note_refused(
            "suspicious_activity", "A session cookie came that this server did not sign, or that was changed."
        )


def _shown_session() -> Mapping[str, Any]:
    """What the session cookie holds as it came. Raises BadSignature."""
    serializer = current_app.session_interface.get_signing_serializer(current_app)  # type: ignore[attr-defined]
    shown = request.cookies.get(current_app.config["SESSION_COOKIE_NAME"])
    if not shown or serializer is None:
        return {}
    found = serializer.loads(shown, max_age=int(current_app.permanent_session_lifetime.total_seconds()))
    return found if isinstance(found, Mapping) else {}


def _forbidden(response: Response) -> Response:
    if response.status_code == 403 and people.current_person() is not None:
        note_refused(
            "unauthorized_access", "A signed-in person was refused what their role does not include."
        )
    return response


def _moved_session(_server: object) -> None:
    """Flask-Login also says so of strangers, whose cookie names nobody."""
    if "_user_id" not in _shown_session():
        return
    setattr(g, ANONYMOUS, True)  # whose it was must not be asked while that is being found out
    words = (
        "A session's cookie came from another address or browser than it was made for, and opened nothing."
    )
    note_refused("suspicious_activity", words, severity="low")


def _path() -> str:
    """The page asked for, without its query; for a callback the page it belongs to."""
    path = parts_of(request.referrer).path if request.path == CALLBACKS else request.path
    said = "".join(character for character in path or request.path if character.isprintable())
    return said[:LONGEST_PATH]
