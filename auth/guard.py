"""Deny by default: whoever is not signed in gets the sign-in form or 401, whatever they ask for."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flask import Flask, jsonify, redirect, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from auth import callback_bodies, public
from auth.people import current_person

CALLBACKS = "/_dash-update-component"
# Asked for by programs, which cannot fill in a form: no redirect for these.
MACHINES = ("/api", "/v1", "/assets")
LARGEST_FORM = 64 * 1024
CARRIED = ("lang", "theme")
ASCII = "".join(map(chr, range(128)))


def init_app(server: Flask) -> None:
    """Stand before everything else; call this before any other before_request is registered."""
    server.before_request(guard)


def guard() -> Response | tuple[Response, int] | None:
    """Let through what is public and whoever is signed in; stop everybody else."""
    _spell_out_query()
    if isinstance(request.routing_exception, BadRequest):
        raise request.routing_exception  # the host is none; without one not even the form's address can be told
    if request.endpoint in public.ENDPOINTS:
        request.max_content_length = LARGEST_FORM
        return None
    if request.path in public.PATHS and request.method in ("GET", "HEAD"):
        return None
    if current_person() is not None:
        return None
    if request.endpoint == "auth.logout":
        return redirect(url_for("auth.login"))
    if is_page():
        return redirect(url_for("auth.login", next=_here(), **_carried()))
    return jsonify(error="Sign in first.", sign_in=url_for("auth.login")), 401


def _spell_out_query() -> None:
    """Octets that no browser leaves as they are, with percent signs: Flask fails on those that are no UTF-8."""
    if not request.query_string.isascii():
        request.query_string = quote(request.query_string, safe=ASCII).encode()


def is_page() -> bool:
    """Whether a person asked for a page, who can be sent to the sign-in form."""
    machine = request.path.startswith("/_") or any(
        request.path == door or request.path.startswith(f"{door}/") for door in MACHINES
    )
    return request.method in ("GET", "HEAD") and not machine


def refuse_unknown_outputs(server: Flask, callback_map: Mapping[str, Mapping[str, Any]]) -> None:
    """Answer 404 for a callback that does not exist and 400 for a body that is not its own, instead of a traceback."""

    @server.before_request
    def known_output() -> tuple[Response, int] | None:
        if request.path != CALLBACKS or request.method != "POST":
            return None
        refused = callback_bodies.refusal(callback_map)
        return (jsonify(error=refused[0]), refused[1]) if refused else None


def _here() -> str:
    return request.full_path.rstrip("?") if not request.query_string else request.full_path


def _carried() -> dict[str, Any]:
    return {name: request.args[name] for name in CARRIED if name in request.args}
