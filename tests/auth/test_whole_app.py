"""The whole application as its answers and refusals show it: every route, every page, every file."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dash
import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from werkzeug.routing import Rule

from app import create_app
from auth import public
from auth.doors import SIGNED_IN, needed_by, permitted
from auth.headers import CSRF, POLICY
from auth.keys import KEYED, keyed
from auth.sizes import DEEPEST, LARGEST_CALLBACK, LARGEST_FORM, LONGEST_VALUE, MOST_VALUES, is_too_much
from db.models import Profile
from db.services.links import issue_invite, issue_reset
from settings import Settings
from tests.auth.conftest import PASSWORD, Visitor
from tests.auth.second import enrol
from tests.sessions import session

pytestmark = pytest.mark.databases("sqlite")
ROOT = Path(__file__).parent.parent.parent
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
CALLBACKS = "/_dash-update-component"
HTTPS = "https://localhost"
# Where a URL of somebody else may stand: as the name of a format, which nobody fetches, or in a remark.
NAMES = ("http://www.w3.org/", "https://github.com/", "https://getbootstrap.com", "https://rsms.me")


@pytest.fixture
def alice(client: FlaskClient) -> Visitor:
    visitor = Visitor(client)
    visitor.register("alice")
    visitor.get("/")
    return visitor


@pytest.fixture
def production(settings: Settings) -> Visitor:
    return Visitor(create_app(replace(settings, env="production")).server.test_client())


def changing(app: Dash) -> list[tuple[Rule, str]]:
    """Every route of people with a method that may change something. Those of programs take a key, no cookie."""
    rules = [rule for rule in app.server.url_map.iter_rules() if not takes_a_key(app, rule.endpoint)]
    return [(rule, method) for rule in rules for method in sorted(CHANGES & (rule.methods or set()))]


def takes_a_key(app: Dash, endpoint: str) -> bool:
    return (needed_by(app.server.view_functions[endpoint]) or "").startswith(KEYED)


def path(rule: Rule) -> str:
    return re.sub(r"<[^>]+>", "x", rule.rule)


def token(visitor: Visitor) -> dict[str, str]:
    cookie = visitor.client.get_cookie("_csrf_token")
    assert cookie is not None
    return {"X-CSRFToken": cookie.value}


@pytest.fixture
def at_the_door(app: Dash, engine: Engine, alice: Visitor) -> Callable[[str], Visitor]:
    """Whoever finds the form of a path open: most paths Alice, others somebody who has come so far."""
    carol, owing, invited, forgetful = (Visitor(app.server.test_client()) for _ in range(4))
    carol.register("carol")
    enrol(carol)
    owing.login("carol")
    with session(engine, write=True) as unit:
        now = datetime.now(UTC)
        who = unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()
        invited.get(issue_invite(unit, "dave@example.com", "user", None, now).path)
        forgetful.get(issue_reset(unit, who, None, now).path)
    come_so_far = {
        "/invite": invited,
        "/reset": forgetful,
        "/login/code": owing,
        "/login/recovery": owing,
        "/second-factor/codes": carol,
        "/second-factor/off": carol,
    }
    for path, visitor in come_so_far.items():
        assert visitor.get(path).status_code == 200, f"the form of {path} is open"
    return lambda path: come_so_far.get(path, alice)


# --- forged requests -------------------------------------------------------------------------------------------


def test_every_change_is_refused_without_its_token(
    app: Dash, alice: Visitor, at_the_door: Callable[[str], Visitor]
) -> None:
    doors = changing(app)
    assert {rule.rule for rule, _ in doors} >= {"/login", "/register", "/logout", "/invite", CALLBACKS}
    for rule, method in doors:
        for headers in ({}, {"X-CSRFToken": "wrong"}, {"Origin": HTTPS, "Referer": f"{HTTPS}/"}):
            for sent in (
                {"json": {"output": "x"}},
                {"data": {"a": "b"}},
                {"data": b"x", "content_type": "text/plain"},
            ):
                visitor = at_the_door(rule.rule)
                answer: Any = visitor.client.open(path(rule), method=method, headers=headers, **sent)
                assert answer.status_code == 400, (rule.rule, method)
                assert "CSRF" in answer.text or "open for too long" in answer.text, (rule.rule, method)
    assert alice.client.get_cookie("_csrf_token") is not None, "the token still fits the page that is open"
    assert alice.get("/").status_code == 200, "nobody was signed out"


def test_no_route_is_left_out_of_the_check_but_those_that_take_a_key(settings: Settings) -> None:
    """No browser sends a key by itself, so nobody can make it send one."""
    app = create_app(settings)
    assert not CSRF._exempt_views and not CSRF._exempt_blueprints

    def change() -> str:
        return "changed"

    app.server.add_url_rule("/keyed", "keyed", keyed("ingest")(change), methods=["POST"])
    app.server.add_url_rule("/personal", "personal", permitted(SIGNED_IN)(change), methods=["POST"])
    alice = Visitor(app.server.test_client())
    alice.register("alice")
    alice.get("/")
    assert alice.client.post("/keyed").status_code == 401, "not for a cookie, with a token or without"
    assert alice.client.post("/personal").status_code == 400, "a function of the same name in the same file"
    assert alice.client.post("/personal", headers=token(alice)).text == "changed"


def test_every_callback_is_refused_without_its_token(app: Dash, alice: Visitor) -> None:
    assert app.callback_map
    for output in app.callback_map:
        answer = alice.client.post(CALLBACKS, json={"output": output, "inputs": []})
        assert answer.status_code == 400 and "CSRF" in answer.text, output


def test_a_session_from_before_signing_in_opens_nothing(client: FlaskClient, app: Dash) -> None:
    """Fixation: somebody else's cookie, planted before the sign-in, is worth nothing after it."""
    visitor, other = Visitor(client), app.server.test_client()
    visitor.get("/login")
    planted = client.get_cookie("quantum_session")
    assert planted is not None
    visitor.register("alice")
    kept = client.get_cookie("quantum_session")
    assert kept is not None and kept.value != planted.value
    other.set_cookie("quantum_session", planted.value)
    assert other.get("/").status_code == 302
    visitor.logout()
    visitor.login("alice")
    again = client.get_cookie("quantum_session")
    assert again is not None and again.value != kept.value
    other.set_cookie("quantum_session", kept.value)
    assert other.get("/").status_code == 302


# --- sizes -----------------------------------------------------------------------------------------------------


def test_every_route_refuses_a_larger_body(
    app: Dash, alice: Visitor, at_the_door: Callable[[str], Visitor]
) -> None:
    for rule, method in changing(app):
        visitor = at_the_door(rule.rule)
        for length in (LARGEST_CALLBACK + 1, 10 * LARGEST_CALLBACK):
            answer = visitor.client.open(path(rule), method=method, data=b"x" * length, headers=token(alice))
            assert answer.status_code == 413, (rule.rule, method)
            assert "too large" in answer.text


def test_the_length_need_not_be_told(app: Dash, alice: Visitor) -> None:
    from io import BytesIO

    answer = alice.client.post(
        CALLBACKS,
        input_stream=BytesIO(b" " * (LARGEST_CALLBACK + 1)),
        headers=token(alice),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413


def test_a_form_takes_less_than_a_callback(client: FlaskClient) -> None:
    for door in ("/login", "/register"):
        assert client.post(door, data={"bio": "x" * LARGEST_FORM}).status_code == 413


def test_a_stranger_s_too_large_value_for_a_person_s_form_is_a_stranger_s(app: Dash) -> None:
    """Saying so in the form of a person who is not there once ended in a traceback."""
    own = [rule.rule for rule in app.server.url_map.iter_rules() if rule.endpoint in public.OWN_FORMS]
    assert own
    for path in own:
        answer = app.server.test_client().post(path, data={"password": "x" * 5000})
        assert answer.status_code == 401 and answer.json is not None, path


@pytest.mark.parametrize("field", ["login", "password", "next", "csrf_token", "nothing we know"])
def test_no_value_of_a_form_is_longer_than_any_field(client: FlaskClient, field: str) -> None:
    for door in ("/login", "/register"):
        answer = client.post(
            door, data={"login": "alice", "password": PASSWORD, field: "x" * (LONGEST_VALUE + 1)}
        )
        assert answer.status_code == 413 and "xxxx" not in answer.text


def callback(app: Dash, value: Any) -> dict[str, Any]:
    output = next(name for name in app.callback_map if "agents-" in name)
    entry = {"id": "url", "property": "search", "value": value}
    return {"output": output, "inputs": [entry], "state": [], "changedPropIds": ["url.search"]}


def deep(levels: int) -> Any:
    return [deep(levels - 1)] if levels else "x"


@pytest.mark.parametrize(
    "value",
    ["x" * (LONGEST_VALUE + 1), {"x" * (LONGEST_VALUE + 1): 1}, ["x"] * MOST_VALUES, deep(DEEPEST + 1)],
    ids=["text", "name", "many", "deep"],
)
def test_no_value_of_a_callback_is_longer_than_any_page_sends(app: Dash, alice: Visitor, value: Any) -> None:
    for place in ("inputs", "state"):
        sent = callback(app, "")
        sent[place] = [{"id": "url", "property": "search", "value": value}]
        answer = alice.client.post(CALLBACKS, json=sent, headers=token(alice))
        assert answer.status_code == 413 and answer.json is not None
        assert answer.json["error"] == "What was sent is too large. Shorten it and send it again."


@pytest.mark.parametrize(
    "nested", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 50_000 + "1" + "}" * 50_000]
)
def test_a_body_nested_without_end_is_refused(alice: Visitor, nested: str) -> None:
    answer = alice.client.post(CALLBACKS, data=nested, headers=token(alice), content_type="application/json")
    assert answer.status_code in (400, 413)


def test_what_pages_do_send_is_let_through(app: Dash) -> None:
    assert not is_too_much(callback(app, "x" * LONGEST_VALUE))
    for output in app.callback_map:
        assert not is_too_much({"output": output})


# --- headers ---------------------------------------------------------------------------------------------------


def pages() -> list[str]:
    return [entry["relative_path"] for entry in dash.page_registry.values()]


def test_private_answers_are_kept_by_nobody(app: Dash, alice: Visitor) -> None:
    private = [
        *pages(),
        "/login",
        "/register",
        "/_dash-layout",
        "/_dash-dependencies",
        "/nothing",
        "/assets/nothing.css",
    ]
    assert len(private) > 15
    for address in private:
        answer = alice.get(address)
        assert answer.headers["Cache-Control"] == "no-store", address
        assert "Cookie" in answer.headers["Vary"], address
    answer = alice.client.post(CALLBACKS, json=callback(app, ""), headers=token(alice))
    assert answer.headers["Cache-Control"] == "no-store" and "Cookie" in answer.headers["Vary"]


def test_a_strangers_redirects_and_refusals_are_kept_by_nobody(client: FlaskClient) -> None:
    for address in ("/", "/_dash-layout", "/assets/map.js"):
        answer = client.get(address)
        assert answer.headers["Cache-Control"] == "no-store" and "Cookie" in answer.headers["Vary"]


def test_production_cookies_are_bound_to_this_host_and_https(production: Visitor) -> None:
    token_of = re.search(
        r'name="csrf_token" value="([^"]+)"', production.get("/register", base_url=HTTPS).text
    )
    assert token_of
    fields = {"email": "a@example.com", "username": "alice", "password": PASSWORD, "csrf_token": token_of[1]}
    headers = {"Referer": f"{HTTPS}/register"}
    answer = production.client.post("/register", data=fields, base_url=HTTPS, headers=headers)
    assert answer.status_code == 302
    found = [
        *answer.headers.getlist("Set-Cookie"),
        *production.get("/", base_url=HTTPS).headers.getlist("Set-Cookie"),
    ]
    kinds = {line.partition("=")[0]: {part.strip() for part in line.split(";")[1:]} for line in found}
    assert set(kinds) == {"__Host-quantum", "_csrf_token"}
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= kinds["__Host-quantum"]
    assert {"Secure", "SameSite=Strict", "Path=/"} <= kinds["_csrf_token"]
    assert not any(part.startswith("Domain") for parts in kinds.values() for part in parts)


def test_production_tells_browsers_to_come_by_https_only(production: Visitor, client: FlaskClient) -> None:
    for address in ("/login", "/", "/assets/app.css", "/nothing"):
        told = production.get(address, base_url=HTTPS).headers["Strict-Transport-Security"]
        age = re.search(r"max-age=(\d+)", told)
        assert age and int(age[1]) >= 365 * 24 * 3600
    assert "Strict-Transport-Security" not in client.get("/login").headers


def test_the_policy_names_nobody_else(alice: Visitor) -> None:
    said = alice.get("/").headers["Content-Security-Policy"]
    policy = dict(part.strip().split(" ", 1) for part in said.split(";"))
    assert set(policy) == set(POLICY)
    for name, sources in policy.items():
        for source in sources.split():
            assert re.fullmatch(r"'none'|'self'|data:|blob:|'unsafe-inline'|'sha256-[\w+/=]+'", source), (
                name,
                source,
            )
    assert [name for name, sources in policy.items() if "unsafe" in sources] == ["style-src-elem"]
    assert "data:" not in policy["script-src"] and "blob:" not in policy["script-src"]


def test_no_page_fetches_anything_from_elsewhere(alice: Visitor, app: Dash) -> None:
    for address in [*pages(), "/nothing"]:
        page = alice.get(address).text
        assert not re.findall(r"""(?:src|href|action|poster|data)\s*=\s*["']?(?:https?:)?//""", page), address
    stranger = Visitor(app.server.test_client())
    for address in ("/login", "/register"):
        assert "//" not in re.sub(r"<!doctype[^>]*>", "", stranger.get(address).text, flags=re.I), address
    layout = json.dumps(alice.get("/_dash-layout").get_json())
    assert not re.findall(r'"(?:src|href)": "(?:https?:)?//', layout)


# Its texts name its makers' pages. What it may fetch, the content policy says (tests/browser/test_api_docs.py).
READER = ROOT / "assets" / "vendor" / "swagger-ui" / "swagger-ui-bundle.js"


def test_no_file_of_ours_names_another_place() -> None:
    found = []
    for file in sorted([*(ROOT / "assets").rglob("*"), *(ROOT / "auth" / "templates").rglob("*")]):
        if not file.is_file() or file.suffix not in (".css", ".js", ".svg", ".html") or file == READER:
            continue
        text = file.read_text()
        for address in re.findall(r"""(?:https?:|url\(\s*["']?|import\s+["'])//[^\s"')<]+""", text):
            if not address.startswith(NAMES):
                found.append(f"{file.relative_to(ROOT)}: {address}")
    assert found == []
