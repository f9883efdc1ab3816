"""Sensitive acts ask for the password again when it was last given over ten minutes ago.

The session's row remembers when that was, not the cookie: at sign-in, and whenever /confirm is answered. Sensitive are
turning the second factor on and making new recovery codes; so must be changes of roles, API keys, deletions and exports
of personal data.

In a view, or first thing in a page's callback:

    require_recent()

When it is too long ago this raises PasswordNeeded, and nothing below it happens. In a view the person is led to
/confirm and back to the page. In a callback a message says "Give your password again" with a link there and back
(`pages._live.on_error`), and every output stays as it is; what a callback wrote before the call stays written, so call
it before anything else.
"""

from datetime import UTC, datetime, timedelta

from flask import url_for
from werkzeug.exceptions import Forbidden

from auth import people
from auth.addresses import safe_next

LASTS = timedelta(minutes=10)


class PasswordNeeded(Forbidden):
    """The password was last given over ten minutes ago; give it again and come back."""

    description = "Give your password again first."


def needs_password_again(now: datetime | None = None) -> bool:
    """Whether the password of whoever is asking was last given over ten minutes ago, or nobody knows when."""
    given = people.require_person().confirmed_at
    return given is None or (now or datetime.now(UTC)) - given > LASTS


def require_recent(now: datetime | None = None) -> None:
    """Go on only when the password was given within the last ten minutes. Raises PasswordNeeded."""
    if needs_password_again(now):
        raise PasswordNeeded


def confirm_address(back: str) -> str:
    """Where the password is given again, after which one is back at `back`, a path of this application."""
    return url_for("auth.confirm", next=safe_next(back))
