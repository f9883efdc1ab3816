"""The outer door: strangers get the sign-in form or 401, people without the permission 403, whatever they ask for.

It asks before any view or callback runs; these ask once more (`auth.doors`).
"""

from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import quote

from flask import Flask, jsonify, redirect, request, url_for
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.wrappers import Response

from auth import callback_bodies, doors, keys, machines, public, quotas, sizes
from auth.events import note_forged_cookie
from auth.people import current_person

CALLBACKS = "/_dash-update-component"
# Asked for by programs, which cannot fill in a form: no redirect for these.
MACHINES = (*machines.DOORS, "/assets")
CARRIED = ("lang", "theme")
ASCII = "".join(map(chr, range(128)))


def init_app(server: Flask) -> None:
    """Stand before everything else; call this before any other before_request is registered."""
    server.before_request(guard)


def guard() -> Response | tuple[Response, int] | None:
    """Let through what is public and whoever holds what the route needs; stop everybody else."""
    _spell_out_query()
    if isinstance(request.routing_exception, BadRequest):
        raise request.routing_exception  # the host is none; without one not even the form's address can be told
    needs = doors.needed_here()
    if needs == doors.PUBLIC:
        refuse_large_form()
        return None
    if doors.is_public_file():
        return None
    if needs is not None and needs.startswith(keys.KEYED) and not _is_for_this_person(needs):
        quotas.spend(keys.require_caller())
        keys.require_scope(needs.removeprefix(keys.KEYED))
        return None
    if machines.at_their_door() and machines.leads_nowhere():
        _refuse_nowhere()
    person = current_person()
    if person is not None:
        if request.endpoint in public.OWN_FORMS:
            refuse_large_form()  # only now: what is refused is said in the form, which no stranger has
        else:
            refuse_large_body(sizes.LARGEST_CALLBACK)
        if person.owes_factor:
            return _set_up_first()
        if not _is_for_this_person(needs):
            _for_a_person(needs)
        return None
    note_forged_cookie()
    if machines.at_their_door():
        keys.refuse_nobody()
    if request.endpoint == "auth.logout":
        return redirect(url_for("auth.login"))
    if is_page():
        return redirect(url_for("auth.login", next=_here(), **_carried()))
    return jsonify(error="Sign in first.", sign_in=url_for("auth.login")), 401


def _refuse_nowhere() -> NoReturn:
    """Programs with a key, and people, are told that there is nothing; strangers not even that."""
    caller = keys.current_caller()
    if caller is not None:
        quotas.spend(caller)
    else:
        person = None if keys.refused_key() else current_person()
        if person is None:
            note_forged_cookie()
            keys.refuse_nobody()
        if person.owes_factor:
            raise machines.FactorOwed
    raise machines.nowhere()


def _set_up_first() -> Response | tuple[Response, int] | None:
    """Their role demands a second factor and they have none: nothing is open but setting it up and leaving."""
    if request.endpoint in public.SETTING_UP:
        return None
    if is_page():
        return redirect(url_for("auth.second_factor", next=_here(), **_carried()))
    raise machines.FactorOwed


def refuse_large_body(most: int) -> None:
    """413 for more than `most` bytes: at once where the length is told, else as soon as so much was read."""
    request.max_content_length = most
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge


def refuse_large_form() -> None:
    """413 also for a single value that no field can hold."""
    refuse_large_body(sizes.LARGEST_FORM)
    if request.method == "POST" and any(len(value) > sizes.LONGEST_VALUE for value in request.form.values()):
        raise RequestEntityTooLarge


def _spell_out_query() -> None:
    """Octets that no browser leaves as they are, with percent signs: Flask fails on those that are no UTF-8."""
    if not request.query_string.isascii():
        request.query_string = quote(request.query_string, safe=ASCII).encode()


def _is_for_this_person(needs: str | None) -> bool:
    """Whether a door that opens for keys opens for whoever is signed in, too."""
    return needs is not None and keys.lets_person_in(needs.removeprefix(keys.KEYED))


def _for_a_person(needs: str | None) -> None:
    if request.endpoint is None:
        return  # no such address, or no such verb there: Flask says so
    if needs is None:
        doors.refuse_undeclared(f"the route {request.endpoint}")
    doors.require(needs)


def is_page() -> bool:
    """Whether a person asked for a page, who can be sent to the sign-in form."""
    machine = request.path.startswith("/_") or any(
        request.path == door or request.path.startswith(f"{door}/") for door in MACHINES
    )
    return request.method in ("GET", "HEAD") and not machine


def guard_outputs(server: Flask, callback_map: Mapping[str, Mapping[str, Any]]) -> None:
    """The same door for callbacks, which share one address: by output, before Dash runs anything.

    403 without the callback's permission, 404 for a callback that does not exist, 400 for a body that is not its own.
    """

    @server.before_request
    def permitted_output() -> tuple[Response, int] | None:
        if request.path != CALLBACKS or request.method != "POST":
            return None
        try:
            if sizes.is_too_much(request.get_json(silent=True)):
                raise RequestEntityTooLarge
        except RecursionError:  # nested a thousand times
            raise RequestEntityTooLarge from None
        _require_output(request.get_json(silent=True), callback_map)
        refused = callback_bodies.refusal(callback_map)
        return (jsonify(error=refused[0]), refused[1]) if refused else None


def _require_output(body: Any, callback_map: Mapping[str, Mapping[str, Any]]) -> None:
    output = body.get("output") if isinstance(body, dict) else None
    entry = callback_map.get(output, {}) if isinstance(output, str) else {}
    if "callback" not in entry:
        return
    needs = doors.needed_by(entry["callback"])
    if needs is None:
        doors.refuse_undeclared(f"the callback {output}")
    doors.require(needs)


def _here() -> str:
    return request.full_path.rstrip("?") if not request.query_string else request.full_path


def _carried() -> dict[str, Any]:
    return {name: request.args[name] for name in CARRIED if name in request.args}
