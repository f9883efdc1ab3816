"""Links that open a door once, on their way from the address to the form.

The first GET exchanges the token for its digest in the signed session cookie and leads on to an address without it. So
it stays in no history, and no referrer tells it. A GET uses nothing up: programs that check mail follow links, too.
"""

import time
from typing import Any

from flask import Response, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from db.services.links import INVITE, RESET, digest

HELD, HELD_SECONDS = "link", 30 * 60
CARRIED = ("lang", "theme")


def exchange(purpose: str, token: str) -> AnyResponse:
    """Keep what the link is found by, and lead to its form. Every token is treated alike; none is looked up here."""
    session[HELD] = {"purpose": purpose, "digest": digest(token), "at": int(time.time())}
    carried: dict[str, Any] = {name: request.args[name] for name in CARRIED if name in request.args}
    return redirect(url_for(f"auth.{purpose}", **carried))


def held(purpose: str) -> str:
    """The digest of the link this browser opened last, within half an hour; "" where there is none."""
    kept = session.get(HELD)
    if not isinstance(kept, dict) or kept.get("purpose") != purpose:
        return ""
    age = time.time() - kept.get("at", 0)
    return str(kept.get("digest", "")) if age < HELD_SECONDS else ""


def let_go() -> None:
    """The link was used."""
    session.pop(HELD, None)


def keep_token_secret(response: Response) -> Response:
    """An address with a token is told to no other page. Its form, without it, is told to this application only: a form
    that tells nobody where it comes from could not be sent, because that is looked at."""
    _, door, *rest = f"{request.path}//".split("/")
    if door in (RESET, INVITE):
        response.headers["Referrer-Policy"] = "no-referrer" if any(rest) else "same-origin"
        response.headers["Cache-Control"] = "no-store"
    return response
