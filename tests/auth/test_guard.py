"""Nothing is open that is not named; cookies and headers as they must be."""

import base64
import hashlib
import re
from dataclasses import replace
from typing import Any

import pytest
from dash import Dash, Input, Output, dcc, html
from flask import Flask
from sqlalchemy import Engine

import auth
from api import health
from auth import public
from auth.doors import SIGNED_IN, permitted
from auth.headers import POLICY
from auth.people import ENGINE
from db.engine import make_engine
from settings import Settings
from tests.auth.conftest import Visitor, make_server

pytestmark = pytest.mark.databases("sqlite")


def test_strangers_are_led_to_the_form_for_pages(visitor: Visitor) -> None:
    for path in ("/", "/agents?range=7d", "/nothing/here", "/login/", "/health/"):
        answer = visitor.get(path)
        assert answer.status_code == 302 and answer.location.startswith("/login?next=/")


def test_the_language_asked_for_goes_along(visitor: Visitor) -> None:
    answer = visitor.get("/agents?lang=pt-BR&theme=light")
    assert '<html lang="pt-BR" data-bs-theme="light">' in visitor.get(answer.location).text


@pytest.mark.parametrize(
    "path",
    [
        "/_dash-layout",
        "/_dash-dependencies",
        "/_dash-component-suites/dash/deps/react.js",
        "/_reload-hash",
        "/api",
        "/api/v1/things",
        "/v1/traces",
        "/assets/clientside.js",
        "/assets/../settings.py",
    ],
)
def test_strangers_programs_get_401(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 401 and answer.json is not None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/api/v1/things", "/_dash-update-component", "/assets/app.css", "/no"])
def test_strangers_change_nothing(visitor: Visitor, method: str, path: str) -> None:
    assert visitor.client.open(path, method=method, json={}).status_code == 401


def test_what_the_forms_need_is_public(visitor: Visitor) -> None:
    for path in public.STYLES:
        assert visitor.get(path).status_code == 200


def test_a_forged_session_is_a_strangers(visitor: Visitor) -> None:
    for identity in ("x", ":", "1", "00000000-0000-0000-0000-000000000000:1"):
        with visitor.client.session_transaction() as kept:
            kept["_user_id"] = identity
        assert visitor.get("/").status_code == 302


# --- tokens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_a_form_without_its_token_is_refused_and_shown_again(visitor: Visitor, path: str) -> None:
    answer = visitor.client.post(path, data={"login": "alice", "username": "alice"})
    assert answer.status_code == 400
    assert 'name="csrf_token"' in answer.text and 'id="summary"' in answer.text


def test_callbacks_need_the_token_from_the_cookie(visitor: Visitor) -> None:
    visitor.register("alice")
    visitor.get("/")
    token = visitor.client.get_cookie("_csrf_token")
    assert token is not None
    path, body = "/_dash-update-component", {"output": "x"}
    assert visitor.client.post(path, json=body).status_code == 400
    assert visitor.client.post(path, json=body, headers={"X-CSRFToken": "wrong"}).status_code == 400
    assert visitor.client.post(path, json=body, headers={"X-CSRFToken": token.value}).status_code == 200


def test_a_token_of_somebody_else_does_not_fit(visitor: Visitor, other: Visitor) -> None:
    visitor.register("alice")
    other.register("bob")
    visitor.get("/")
    other.get("/")
    strange = other.client.get_cookie("_csrf_token")
    assert strange is not None
    answer = visitor.client.post("/_dash-update-component", json={}, headers={"X-CSRFToken": strange.value})
    assert answer.status_code == 400


# --- cookies and headers ---------------------------------------------------------------------------------------


def cookies(answer: Any) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}


def test_cookies_at_home(visitor: Visitor, other: Visitor) -> None:
    made = cookies(visitor.register("alice"))["quantum_session"]
    assert "HttpOnly" in made and "SameSite=Lax" in made and "Secure" not in made and "Path=/" in made
    token = cookies(visitor.get("/"))["_csrf_token"]
    assert "SameSite=Strict" in token and "HttpOnly" not in token
    assert "_csrf_token" not in cookies(other.get("/login"))


def test_cookies_in_production(settings: Settings, engine: Engine) -> None:
    visitor = Visitor(production(settings, engine).test_client())
    secure: dict[str, Any] = {"base_url": "https://quantum.example"}
    page = visitor.get("/login?lang=en", **secure)
    made = cookies(page)
    assert set(made) == {"__Host-quantum", "lang"}
    for line in made.values():
        assert "Secure" in line and "HttpOnly" in line and "SameSite=Lax" in line and "Path=/" in line
    assert "Domain" not in made["__Host-quantum"]
    assert "max-age" in page.headers["Strict-Transport-Security"]


def production(settings: Settings, engine: Engine) -> Flask:
    names = frozenset({"localhost", "quantum.example"})
    server = make_server(replace(settings, env="production", hosts=names), engine)
    auth.attach_dash(NoDash(server))
    return server


class NoDash:
    """What `attach_dash` needs, without pages."""

    def __init__(self, server: Flask) -> None:
        self.server = server
        self.callback_map: dict[str, dict[str, Any]] = {}

    def csp_hashes(self) -> list[str]:
        return ["'sha256-abc='"]


def test_production_is_served_over_https_but_for_health(settings: Settings, engine: Engine) -> None:
    visitor = Visitor(production(settings, engine).test_client())
    assert visitor.get("/login").location == "https://localhost/login"
    assert visitor.get("/health").status_code == 200
    behind_proxy = visitor.get("/login", headers={"X-Forwarded-Proto": "https"})
    assert behind_proxy.status_code == 200


def test_the_content_policy_lets_only_our_scripts_run(settings: Settings, engine: Engine) -> None:
    visitor = Visitor(production(settings, engine).test_client())
    answer = visitor.get("/login", base_url="https://localhost")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == "'self' 'sha256-abc='"
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'"
    assert policy["style-src-attr"] == "'none'" and set(policy) == set(POLICY)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_nobody_keeps_a_copy(visitor: Visitor) -> None:
    visitor.register("alice")
    for path in ("/", "/who", "/login?next=/who", "/health"):
        answer = visitor.get(path)
        assert answer.headers["Cache-Control"] == "no-store"
    assert "no-store" not in visitor.get("/assets/app.css").headers.get("Cache-Control", "")


# --- the database is away --------------------------------------------------------------------------------------


def test_a_database_that_is_away_is_said_without_its_address(
    server: Flask, visitor: Visitor, settings: Settings
) -> None:
    missing = make_engine("postgresql://quantum:hush@127.0.0.1:1/nowhere")
    visitor.register("alice")
    server.extensions[ENGINE] = missing
    form = visitor.client.post("/login", data={})
    answers = [visitor.get(path) for path in ("/", "/api/v1/things", "/register")]
    answers.append(Visitor(make_server(settings, missing).test_client()).get("/health"))
    assert [answer.status_code for answer in answers] == [503, 503, 503, 503]
    assert form.status_code == 400
    assert "does not answer" in answers[0].text
    for answer in answers:
        assert not any(secret in answer.text for secret in ("hush", "nowhere", "127.0.0.1", "Traceback"))


def test_health_tells_the_revision(visitor: Visitor) -> None:
    answer = visitor.get("/health")
    assert answer.status_code == 200 and answer.json is not None
    assert (answer.json["status"], answer.json["database"]) == ("ok", "ok") and answer.json["revision"]


def test_health_tells_of_a_missing_schema(database_url: str) -> None:
    engine = make_engine(database_url)
    server = Flask("tests.auth.health")
    server.register_blueprint(health.blueprint(engine))
    answer = server.test_client().get("/health")
    engine.dispose()
    assert answer.status_code == 503 and "quantum migrate" in answer.text


# --- callbacks -------------------------------------------------------------------------------------------------


@pytest.fixture
def dash_visitor(settings: Settings, engine: Engine) -> Visitor:
    """Signed in to a Dash application of one callback."""
    server = Flask("tests.auth.dash", static_folder=None)
    auth.init_app(server, engine, settings)
    app = Dash("tests.auth.dash", server=server, assets_folder="none", suppress_callback_exceptions=True)
    app.layout = html.Div([dcc.Input(id="in"), html.P(id="out"), html.P(id="there")])

    @app.callback(Output("out", "children"), Input("in", "value"))
    @permitted(SIGNED_IN)
    def echo(value: str | None) -> str:
        return f"said {value}"

    app.clientside_callback("function(v) { return v; }", Output("there", "children"), Input("in", "value"))
    auth.attach_dash(app)
    visitor = Visitor(server.test_client())
    visitor.register("alice")
    visitor.get("/")
    return visitor


def call(visitor: Visitor, **options: Any) -> Any:
    token = visitor.client.get_cookie("_csrf_token")
    assert token is not None
    headers = {"X-CSRFToken": token.value}
    return visitor.client.post("/_dash-update-component", headers=headers, **options)


def body(output: Any) -> dict[str, Any]:
    inputs = [{"id": "in", "property": "value", "value": "hello"}]
    outputs = {"id": "out", "property": "children"}
    return {"output": output, "outputs": outputs, "inputs": inputs, "changedPropIds": ["in.value"]}


def test_a_callback_answers_the_one_who_is_in(dash_visitor: Visitor) -> None:
    answer = call(dash_visitor, json=body("out.children"))
    assert answer.status_code == 200 and "said hello" in answer.text


@pytest.mark.parametrize("output", ["no.children", "there.children", "", "__proto__", "..out.children.."])
def test_a_callback_that_is_none_is_not_found(dash_visitor: Visitor, output: str) -> None:
    assert call(dash_visitor, json=body(output)).status_code == 404


@pytest.mark.parametrize(
    "options",
    [
        {"data": "{", "content_type": "application/json"},
        {"data": "x"},
        {"json": []},
        {"json": {}},
        {"json": {"output": ["x"]}},
        {"json": {"output": "out.children", "inputs": "x"}},
    ],
    ids=["half", "text", "list", "empty", "odd output", "odd inputs"],
)
def test_a_body_that_is_no_callback_is_refused(dash_visitor: Visitor, options: dict[str, Any]) -> None:
    assert call(dash_visitor, **options).status_code == 400


def test_the_inline_scripts_of_the_page_are_all_allowed(dash_visitor: Visitor) -> None:
    answer = dash_visitor.get("/")
    policy = answer.headers["Content-Security-Policy"]
    page = re.sub(r"<!--.*?-->", "", answer.text, flags=re.S)
    scripts = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>(.*?)</script>", page, re.S)
    assert scripts
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("path", ["/login", "/register", "/", "/who"])
def test_a_query_of_octets_that_are_no_text_is_read_as_far_as_it_goes(visitor: Visitor, path: str) -> None:
    """Flask fails on them with a traceback; a browser would have sent %FF."""
    if path == "/who":
        visitor.register("alice")
    environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "QUERY_STRING": "lang=pt-BR&next=/\xff\xed\xa0"}
    answer = visitor.client.get(path, environ_overrides=environ)
    assert answer.status_code in (200, 302)
    assert "pt-BR" in answer.text + answer.headers.get("Location", "") or path == "/who"


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("host", ["9" * 400, f"{'a' * 64}.example", "a..b"])
@pytest.mark.parametrize("path", ["/", "/login", "/api/v1/things", "/logout"])
def test_a_host_that_is_none_is_refused_in_words(visitor: Visitor, host: str, path: str) -> None:
    answer = visitor.client.get(path, environ_overrides={"HTTP_HOST": host})
    assert answer.status_code == 400 and host not in answer.text
