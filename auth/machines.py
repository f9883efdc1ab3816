"""The doors of programs: what lies under them gets neither forms nor pages, but answers a program can read."""

from typing import Any

from flask import request
from flask.globals import request_ctx
from werkzeug.exceptions import Forbidden, HTTPException, MethodNotAllowed, NotFound

DOORS = ("/api", "/v1")
PAGES = "/<path:path>"  # the route by which Dash serves every page
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class FactorOwed(Forbidden):
    """The role of whoever asks demands a second factor, and they have none."""

    description = "Set up a second factor first; your role demands it."


def at_their_door() -> bool:
    """Whether this request came to a door of programs, whatever is behind it."""
    return door_here() is not None


def door_here() -> str | None:
    """The door of programs this request came to; None for people's addresses."""
    return door_of(request.path)


def door_of(path: str) -> str | None:
    """The door of programs that a path lies under."""
    return next((door for door in DOORS if path == door or path.startswith(f"{door}/")), None)


def is_for_programs(path: str) -> bool:
    """Whether a path lies under a door of programs."""
    return door_of(path) is not None


def endpoint_here() -> str:
    """The template of the address asked for. What has none is one endpoint per door: a path may hold anything."""
    rule = request.url_rule
    return f"{door_here() or ''}/*" if rule is None or rule.rule == PAGES else rule.rule


def leads_nowhere() -> bool:
    """Whether no route of these doors takes this request; the pages' own takes every address, and is none of them."""
    return request.url_rule is None or request.url_rule.rule == PAGES


def nowhere() -> HTTPException:
    """404, or 405 where another method finds a route here."""
    allowed = [method for method in METHODS if _finds_a_route(method)]
    return MethodNotAllowed(allowed) if allowed else NotFound()


def _finds_a_route(method: str) -> bool:
    adapter = request_ctx.url_adapter
    try:
        found: Any = adapter.match(method=method, return_rule=True) if adapter else None
    except HTTPException:
        return False
    return found is not None and found[0].rule != PAGES
