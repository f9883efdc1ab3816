"""By which names this installation may be asked for: the Host header is a stranger's word, and ends up in links."""

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import current_app, request
from werkzeug.wrappers import Response

from auth.machines import is_for_programs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PUBLIC_URL = "quantum_public_url"
# Asked by address from inside a container or by a balancer; its answer holds no name.
HEALTH = "/health"
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
REFUSAL = (
    "This installation does not answer to the name it was asked for by. "
    "Whoever runs it lists its names in QUANTUM_HOSTS.\n"
)
SILENT = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def only_known(serve: "WSGIApplication", names: frozenset[str]) -> "WSGIApplication":
    """`serve`, asked for by one of `names` only; anything else gets a plain 400 before anybody looks at it."""

    def door(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if is_known(environ.get("HTTP_HOST", ""), names) or _asks_health(environ):
            return serve(environ, start)
        return _refusal(environ.get("PATH_INFO", ""))(environ, start)

    return door


def _refusal(path: str) -> Response:
    """In words; for programs as a problem (RFC 9457), which all their clients take."""
    if is_for_programs(path):
        told = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": REFUSAL.strip()}
        return Response(json.dumps(told), 400, SILENT, content_type="application/problem+json")
    return Response(REFUSAL, 400, SILENT, mimetype="text/plain")


def is_known(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header names one of `names`, on whatever port."""
    found = HOST.fullmatch(host.lower())
    return found is not None and found[1] in names


def _asks_health(environ: "WSGIEnvironment") -> bool:
    return environ.get("PATH_INFO") == HEALTH and environ.get("REQUEST_METHOD") in ("GET", "HEAD")


def base_address() -> str:
    """Where this installation is reached: as the settings say, else as this very request found it."""
    base: str | None = current_app.extensions[PUBLIC_URL]
    if base is not None:
        return base
    scheme = "https" if current_app.config["SESSION_COOKIE_SECURE"] else request.scheme
    return f"{scheme}://{request.host}"
