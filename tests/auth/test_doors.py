"""Every route and every callback declares its permission, and keeps to it: at the door and where it runs."""

import re
from typing import Any

import dash
import pytest
from dash import Dash, Input, Output
from flask import request
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from app import create_app
from auth import doors, permissions, public
from auth.doors import PUBLIC, SIGNED_IN, needed_by, permitted
from auth.keys import KEYED, OR_PERSON
from auth.permissions import ROLES, Permission, allows
from settings import Settings
from tests import module_rows
from tests.reader import Reader
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")
# What of it a callback is told, it is told; the rest is none of its business.
ASKED = {
    "url.search": "?lang=en&range=all",
    "_pages_location.pathname": "/",
    "_pages_location.search": "?lang=en",
}
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def callbacks(app: Dash) -> dict[str, str | None]:
    """What every callback that runs on the server declares, by output."""
    return {out: needed_by(each["callback"]) for out, each in app.callback_map.items() if "callback" in each}


def in_the_browser(app: Dash) -> list[str]:
    """The outputs of callbacks that only the browser runs."""
    return [output for output, each in app.callback_map.items() if "callback" not in each]


def routes(app: Dash) -> list[tuple[Rule, str | None]]:
    """Every rule of the URL map with what its function declares."""
    views = app.server.view_functions
    return [(rule, needed_by(views[rule.endpoint])) for rule in app.server.url_map.iter_rules()]


def address(rule: Rule) -> str:
    """A path the rule answers, which no other rule answers and no file of the sign-in forms bears."""
    return re.sub(r"<[^>]+>", "x", rule.rule)


def wanted(needs: str | None, role: str | None) -> set[int]:
    """Which refusals a door must answer with; empty where it must let through."""
    if needs == PUBLIC:
        return set()
    if (needs or "").startswith(KEYED):  # it takes a key, whoever is signed in, but where it says otherwise
        return set() if needs == f"{KEYED}{OR_PERSON}" and role is not None else {401}
    if role is None:
        return {302, 401}
    return set() if needs is not None and allows(role, needs) else {403}


def becomes(engine: Engine, role: str) -> None:
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", role)


@pytest.fixture
def alice(client: FlaskClient) -> Reader:
    return Reader(client)


def test_every_route_and_callback_declares_its_permission(app: Dash) -> None:
    missing = list(doors.undeclared(app.server, app.callback_map))
    assert not missing, "Closed until declared:\n" + "\n".join(missing)
    counts = len(routes(app)), len(callbacks(app)), len(in_the_browser(app))
    print("\n{} routes, {} callbacks declared; {} callbacks in the browser".format(*counts))
    assert len(routes(app)) > 10 and len(callbacks(app)) > 20 and in_the_browser(app)


def test_every_page_declares_its_permission(app: Dash) -> None:
    pages = {name: needed_by(entry["layout"]) for name, entry in dash.page_registry.items()}
    assert pages and None not in pages.values(), pages


def test_what_lacks_a_declaration_is_named_with_what_to_add(app: Dash) -> None:
    app.server.add_url_rule("/forgotten", "forgotten", lambda: "open")
    app.callback(Output("test-out", "children"), Input("test-in", "value"))(lambda value: value)
    missing = "\n".join(doors.undeclared(app.server, app.callback_map))
    assert "/forgotten" in missing and "test-out.children" in missing and "add @permitted(...)" in missing


def test_what_lacks_a_declaration_is_closed_to_everybody(app: Dash, alice: Reader, engine: Engine) -> None:
    app.callback(Output("test-out", "children"), Input("test-in", "value"))(lambda value: value)
    app.server.view_functions["/_reload-hash"] = lambda: "open"
    for role in ROLES:
        becomes(engine, role)
        assert alice.post("test-out.children", {}).status_code == 403
        assert alice.get("/_reload-hash").status_code == 403


def test_the_doors_ask_before_anything_runs(app: Dash, client: FlaskClient) -> None:
    """Also where a function that declares its permission does not ask for it itself."""
    ran: list[str] = []

    def careless(*_: Any) -> str:
        ran.append("ran")
        return "open"

    setattr(careless, doors.DECLARED, Permission.PEOPLE_READ)
    app.server.add_url_rule("/careless", "careless", careless)
    app.callback(Output("test-out", "children"), Input("test-in", "value"))(careless)
    alice = Reader(client)
    assert alice.get("/careless").status_code == 403
    assert alice.post("test-out.children", {}).status_code == 403
    assert not ran


@pytest.fixture
def probed(app: Dash) -> Dash:
    """The application with one more callback per permission: some permission is then held by no role but one."""
    for name in Permission:
        made = app.callback(Output(f"probe-{name.name.lower()}", "children"), Input("in", "value"))
        made(permitted(name)(lambda value: "let in"))
    return app


def test_every_route_for_everybody(app: Dash, client: FlaskClient, engine: Engine) -> None:
    cases = [(None, client)] + [(role, None) for role in ROLES]
    alice = None
    asked = 0
    for role, reader in cases:
        if reader is None:
            alice = alice or Reader(client)
            becomes(engine, str(role))
        for rule, needs in routes(app):
            for verb in VERBS:
                if verb not in (rule.methods or ()) or rule.endpoint == "auth.logout":
                    continue
                token = client.get_cookie("_csrf_token")
                headers = {"X-CSRFToken": token.value if token else ""}
                answer = client.open(address(rule), method=verb, headers=headers, json={})
                refusals = wanted(needs, role)
                is_sent_away = needs != PUBLIC and str(answer.location).startswith("/login")
                is_refused = answer.status_code in (401, 403) or is_sent_away
                asked += 1
                assert is_refused is bool(refusals), (rule.rule, verb, role, answer.status_code)
                assert not refusals or answer.status_code in refusals
    print(f"\n{asked} cases: routes x verbs x {{anonymous, {', '.join(ROLES)}}}")


@pytest.mark.databases("sqlite", "postgresql")
def test_every_callback_for_everybody(probed: Dash, client: FlaskClient, engine: Engine) -> None:
    outputs = callbacks(probed)
    for output in [*outputs, *in_the_browser(probed)]:
        answer = client.post("/_dash-update-component", json={"output": output, "inputs": []})
        assert answer.status_code == 401, output
    alice = Reader(client)
    asked = len(outputs)
    refused = 0
    for role in ROLES:
        becomes(engine, role)
        for output, needs in outputs.items():
            answer = alice.post(output, ASKED, [])
            asked, is_refused = asked + 1, answer.status_code == 403
            refused += is_refused
            assert is_refused is bool(wanted(needs, role)), (output, needs, role, answer.status_code)
            assert is_refused or answer.status_code in (200, 204), (output, role, answer.text)
            assert "could not be shown" not in answer.text, (output, role, answer.text)
            assert not is_refused or "Your role does not include this" in answer.get_json()["error"]
        for output in in_the_browser(probed):
            assert alice.post(output, {}).status_code == 404
    assert refused >= 7, "the probes of what not every role holds"
    print(f"\n{asked} cases: {len(outputs)} callbacks x {{anonymous, {', '.join(ROLES)}}}; {refused} refused")


def without_the_doors(app: Dash) -> None:
    """Take the outer doors away; what is left is what the functions ask themselves."""
    asked = app.server.before_request_funcs[None]
    kept = [each for each in asked if each.__module__ != "auth.guard"]
    assert len(asked) - len(kept) == 2
    app.server.before_request_funcs[None] = kept
    app.server.config["WTF_CSRF_ENABLED"] = False


def test_every_function_asks_again_where_it_runs(
    app: Dash, alice: Reader, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    becomes(engine, "admin")
    without_the_doors(app)
    stranger = app.server.test_client()
    monkeypatch.setattr(permissions, "HELD_BY", dict.fromkeys(Permission, frozenset()))
    for output, needs in callbacks(app).items():
        body = {"output": output, "outputs": [], "inputs": [], "state": [], "changedPropIds": []}
        assert stranger.post("/_dash-update-component", json=body).status_code == 401, output
        if needs != SIGNED_IN:
            assert alice.post(output, ASKED, []).status_code == 403, output
    for rule, needs in routes(app):
        verb = next(each for each in VERBS if each in (rule.methods or ()))
        if needs != PUBLIC:
            assert stranger.open(address(rule), method=verb).status_code == 401, rule.rule


def test_a_declaration_cannot_be_reached_by_an_argument(app: Dash) -> None:
    @permitted(Permission.PEOPLE_READ)
    def closed(**given: Any) -> dict[str, Any]:
        return given

    with app.server.test_request_context("/"), pytest.raises(HTTPException) as refused:
        closed(needs=PUBLIC, _need=PUBLIC, __permission__=PUBLIC, run=print)
    assert refused.value.code == 401
    assert not closed.__defaults__ and not closed.__kwdefaults__


def test_a_misspelt_permission_is_refused_when_it_is_declared() -> None:
    with pytest.raises(LookupError, match=r"auth/permissions\.py"):
        permitted("crm:raed")


def test_public_files_are_public_by_their_exact_path(app: Dash) -> None:
    for path, method, is_open in (
        (public.STYLES[1], "GET", True),
        (public.STYLES[1], "POST", False),
        (public.STYLES[1] + "/", "GET", False),
        ("/assets//theme.css", "GET", False),
        ("/assets/x/../theme.css", "GET", False),
    ):
        with app.server.test_request_context(path, method=method):
            assert doors.is_public_file() is is_open, (path, method, request.path)


# --- Dash's other doors ----------------------------------------------------------------------------------------


def test_dash_opens_no_door_for_language_models(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASH_MCP_ENABLED", "true")
    monkeypatch.setenv("DASH_MCP_PATH", "tools")
    app = create_app(settings)
    alice = Reader(app.server.test_client())
    rules = {rule.rule for rule in app.server.url_map.iter_rules()}
    assert not {rule for rule in rules if "mcp" in rule or "tools" in rule}
    for path in ("/_mcp", "/tools", "/mcp"):
        assert alice.client.post(path, json={}).status_code in (400, 404, 405)
        assert alice.get(path).status_code == 404


def test_no_callback_is_also_an_address_of_its_own(app: Dash, alice: Reader) -> None:
    from dash import _callback

    assert not _callback.GLOBAL_API_PATHS and not app.callback_api_paths
    made = app.callback(Output("test-out", "children"), Input("test-in", "value"), api_endpoint="/of-its-own")
    made(permitted(SIGNED_IN)(lambda value: value))
    try:
        assert "/of-its-own" not in {rule.rule for rule in app.server.url_map.iter_rules()}
        assert alice.get("/of-its-own").status_code == 404
    finally:
        _callback.GLOBAL_API_PATHS.clear()


def test_what_dash_opens_by_a_setting_stays_closed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASH_HEALTH_ENDPOINT", "pulse")
    app = create_app(settings)
    client = app.server.test_client()
    if "/pulse" in {rule.rule for rule in app.server.url_map.iter_rules()}:
        assert client.get("/pulse").status_code in (302, 401)
        assert Reader(client).get("/pulse").status_code == 403
