"""The permission of every door, declared beside the function that opens it and checked where that function runs.

One line per route or callback, directly above the function:

    @blueprint.post("/keys")
    @permitted(Permission.KEYS_WRITE)   # or SIGNED_IN, or PUBLIC for strangers
    def make_key() -> Response: ...

`auth.guard` asks again before the function is reached. What declares nothing stays closed to everybody.
"""

import logging
from collections.abc import Callable, Iterable, MutableMapping
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

from flask import Flask, abort, current_app, request
from flask.typing import RouteCallable

from auth import public
from auth.events import note_refused
from auth.people import current_person, require_person
from auth.permissions import Permission, allows

DECLARED = "__permission__"
PUBLIC, SIGNED_IN = "public", ""
# What Dash itself serves. Its scripts and our files are for people who are in, but for those of the sign-in forms.
ROUTES_OF_DASH = {
    "_dash_assets.static": SIGNED_IN,
    "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>": SIGNED_IN,
    "/_dash-layout": SIGNED_IN,
    "/_dash-dependencies": SIGNED_IN,
    "/_dash-update-component": SIGNED_IN,
    "/_reload-hash": SIGNED_IN,
    "/_favicon.ico": PUBLIC,
    "/": SIGNED_IN,
    "/<path:path>": SIGNED_IN,
}
# Which page one comes to; each page then asks for its own permission.
ROUTER = ".._pages_content.children..._pages_store.data.."
CALLBACKS_OF_DASH = {ROUTER: SIGNED_IN}

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger("quantum.auth")


def permitted(needs: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare what the decorated route or callback needs, and check it whenever it runs.

    What it needs is held by the closure alone: no argument that a request could name reaches it.
    """
    if needs not in (PUBLIC, SIGNED_IN) and needs not in set(Permission):
        raise LookupError(f"{needs!r} is no permission; declare it in auth/permissions.py, with who holds it")

    def declare(run: Callable[P, R]) -> Callable[P, R]:
        @wraps(run)
        def checked(*given: P.args, **named: P.kwargs) -> R:
            require(needs)
            return run(*given, **named)

        setattr(checked, DECLARED, needs)
        return checked

    return declare


def needed_by(run: Callable[..., Any] | None) -> str | None:
    """What a function declares to need; None where it declares nothing."""
    found = getattr(run, DECLARED, None)
    return found if isinstance(found, str) else None


def needed_here() -> str | None:
    """What the route of this request needs; None where it declares nothing."""
    return needed_by(current_app.view_functions.get(request.endpoint or ""))


def may(needs: str) -> bool:
    """Whether whoever asks holds what is needed."""
    person = current_person()
    return needs == PUBLIC or (person is not None and allows(person.role, needs))


def require(needs: str) -> None:
    """Ends a stranger's request with 401 and that of a person without the permission with 403."""
    if needs == PUBLIC or is_public_file():
        return
    if not allows(require_person().role, needs):
        note_missing(needs)
        abort(403)


def note_missing(needs: str) -> None:
    """Store as a security event that a signed-in person was refused what they do not hold."""
    words = "A signed-in person was refused what their role does not include."
    note_refused("unauthorized_access", words, permission=needs)


def refuse_undeclared(what: str) -> NoReturn:
    """Ends the request with 403 and tells the log what to add."""
    log.error("%s declares no permission, so it is closed; %s", what, REMEDY)
    abort(403)


REMEDY = "add @permitted(...) of auth.doors directly above its function"


def is_public_file() -> bool:
    """Whether this request asks for one of the few files that the sign-in forms need."""
    return request.method in ("GET", "HEAD") and request.path in public.PATHS


def declare_dash(server: Flask, callback_map: MutableMapping[str, Any]) -> None:
    """Put Dash's own routes and callbacks, which carry no decorator, behind what the tables above say."""
    for endpoint, needs in ROUTES_OF_DASH.items():
        view = server.view_functions.get(endpoint)
        if view is not None and needed_by(view) is None:
            server.view_functions[endpoint] = cast(RouteCallable, permitted(needs)(view))
    for output, needs in CALLBACKS_OF_DASH.items():
        entry = callback_map.get(output, {})
        if "callback" in entry:
            entry["callback"] = permitted(needs)(entry["callback"])


def undeclared(server: Flask, callback_map: MutableMapping[str, Any]) -> Iterable[str]:
    """Routes and callbacks without a declaration, each with what to add; callbacks of the browser need none."""
    for rule in server.url_map.iter_rules():
        if needed_by(server.view_functions.get(rule.endpoint)) is None:
            yield f"route {rule.rule} ({rule.endpoint}): {REMEDY}"
    for output, entry in callback_map.items():
        if "callback" in entry and needed_by(entry["callback"]) is None:
            yield f"callback {output}: {REMEDY}, or load(...) of pages._view"
