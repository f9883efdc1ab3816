"""Published holes of products like this one, each closed here under its own name: settings, addresses and answers."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import dash
import pytest
from dash import Dash
from flask import Flask
from flask import session as cookie
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Engine, select, update

from auth import passwords, permissions
from auth.addresses import safe_next
from auth.doors import SIGNED_IN, needed_by, permitted
from auth.permissions import ROLES, Permission
from db.actor import SYSTEM
from db.engine import session as guarded
from db.models import OneTimeCode, Profile
from db.services import codes, credentials
from settings import Settings, SettingsError, load
from tests.auth.conftest import PASSWORD, Visitor
from tests.auth.test_doors import ASKED, becomes, callbacks, in_the_browser, routes
from tests.reader import Reader, module_row, words
from tests.sessions import session
from tests.test_house import imported, product_files

pytestmark = pytest.mark.databases("sqlite")
KNOWN_KEYS = (
    "\x02\x01thisismyscretkey\x01\x02\\e\\y\\y\\h",
    "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET",
    "thisISaSECRET_1234",
    "YOUR_OWN_RANDOM_GENERATED_SECRET_KEY",
    "TEST_NON_DEV_SECRET",
    "",
    "short",
    "a" * 64,
)


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    return Visitor(client)


# --- secrets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KNOWN_KEYS)
def test_cve_2023_27524_no_default_short_or_known_secret_signs_sessions(key: str, tmp_path: Any) -> None:
    given = {
        "QUANTUM_DATABASE_URL": "postgresql://x/y",
        "QUANTUM_DATA_DIR": str(tmp_path),
        "QUANTUM_HOSTS": "x.example",
    }
    with pytest.raises(SettingsError, match="QUANTUM_SECRET_KEY"):
        load(given | {"QUANTUM_ENV": "production", "QUANTUM_SECRET_KEY": key})


def test_cve_2023_27524_two_installations_make_different_secrets(tmp_path: Any) -> None:
    made = {load({"QUANTUM_DATA_DIR": str(tmp_path / name)}).secret_key for name in ("one", "two")}
    assert len(made) == 2 and all(len(key) >= 32 for key in made)


def test_cve_2023_27524_a_session_signed_with_a_known_key_is_a_stranger_s(app: Dash, alice: Reader) -> None:
    with alice.client.session_transaction() as kept:
        identity = dict(kept)
    name = app.server.config["SESSION_COOKIE_NAME"]
    for key in KNOWN_KEYS:
        stranger = app.server.test_client()
        stranger.set_cookie(name, signed(app.server, key, identity))
        assert stranger.get("/").status_code == 302, key
    own = app.server.test_client()
    own.set_cookie(name, signed(app.server, str(app.server.secret_key), identity))
    assert own.get("/").status_code == 200, "the forgery lacks nothing but the key"


def signed(server: Flask, key: str, content: dict[str, Any]) -> str:
    like: Any = server.session_interface.get_signing_serializer(server)  # type: ignore[attr-defined]
    options = {"salt": like.salt, "serializer": like.serializer, "signer_kwargs": like.signer_kwargs}
    return str(URLSafeTimedSerializer(key, **options).dumps(content))


# --- signing in and up -----------------------------------------------------------------------------------------


def test_cve_2021_29621_and_2022_21659_unknown_names_cost_the_same_work(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long it takes is compared by `tests.campaigns.sign_in_timing`; here, what is done."""
    visitor.register("alice")
    visitor.logout()
    hashed: list[bytes] = []

    class Counted:
        def verify(self, kept: str, given: bytes) -> bool:
            hashed.append(given)
            return bool(real.verify(kept, given))

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    real = passwords.HASHER
    monkeypatch.setattr(passwords, "HASHER", Counted())
    told = [visitor.login(name, "not it") for name in ("alice", "nobody", "ALICE@example.com", "x" * 300)]
    assert len(hashed) == 4
    answers = {re.sub(r'value="[^"]*"', "", answer.text) for answer in told}
    assert {answer.status_code for answer in told} == {400} and len(answers) == 1


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example", "https://evil.example/", "http:evil.example", "/\\evil.example", "\\\\evil.example",
        "///evil.example", "/%09/evil.example/../..//evil.example\t", "javascript:alert(1)", " //evil.example",
        "/\t/evil.example", "https:/evil.example", "@evil.example", "/login?next=//evil.example",
    ],
)  # fmt: skip
def test_cve_2021_32805_next_leads_nowhere_else(visitor: Visitor, place: str) -> None:
    assert safe_next(place) == "/"
    answer = visitor.register("alice", f"/register?next={quote(place)}", next=place)
    assert answer.status_code == 302 and answer.location == "/"


@pytest.mark.databases("sqlite", "postgresql")
def test_cve_2023_38646_the_set_up_code_expires_and_is_used_once(
    app: Dash, engine: Engine, visitor: Visitor
) -> None:
    def issue() -> str:
        with guarded(engine, SYSTEM, write=True) as unit:
            return codes.issue_first_admin_code(unit, datetime.now(UTC)) or ""

    old = issue()
    with session(engine, write=True) as unit:
        unit.execute(update(OneTimeCode).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    for code in (old, "AAAA-BBBB-CCCC", "' OR 1=1 --"):
        assert visitor.register("mallory", code=code).status_code == 400, code
    good = issue()
    assert old not in visitor.get("/register").text and good not in visitor.get("/register").text
    assert visitor.register("alice", code=good).status_code == 302
    second = Visitor(app.server.test_client())
    assert second.register("mallory", code=good).status_code == 400
    assert 'name="code"' not in second.get("/register").text, "nobody is asked for one any more"
    assert issue() == "", "and none is made"


@pytest.mark.databases("sqlite", "postgresql")
def test_cve_2023_44400_and_2023_49804_sessions_end_with_the_password(
    app: Dash, engine: Engine, visitor: Visitor
) -> None:
    visitor.register("alice")
    elsewhere = Visitor(app.server.test_client())
    elsewhere.login()
    assert elsewhere.get("/").status_code == visitor.get("/").status_code == 200
    with app.server.test_request_context("/"):
        new = passwords.hash_password("another harbour 48")
    with guarded(engine, SYSTEM, write=True) as unit:
        me = unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()
        credentials.change_password(unit, me, new)
    for browser in (visitor, elsewhere):
        assert browser.get("/").status_code == 302
        assert browser.client.post("/_dash-update-component", json={}).status_code == 401
    assert visitor.login("alice", PASSWORD).status_code == 400


# --- one guard -------------------------------------------------------------------------------------------------


def test_cve_2026_2652_and_2026_0545_no_route_is_outside_the_guard(app: Dash, client: FlaskClient) -> None:
    """Also what is added later, by whatever way: the guard stands before the router, not beside the views."""
    first = app.server.before_request_funcs[None][0]
    assert (first.__module__, first.__name__) == ("auth.guard", "guard")
    app.server.add_url_rule("/v1/traces", "late", lambda: "open", methods=["GET", "POST"])
    app.server.add_url_rule("/jobs/<name>", "later", lambda name: "open")
    for path in ("/v1/traces", "/jobs/1", "/ajax-api/jobs", "/_alive"):
        assert client.get(path).status_code in (302, 401), path
        assert client.post(path, json={}).status_code == 401, path
    alice = Reader(client)
    assert alice.get("/v1/traces").status_code == 403, "nor to people, before it says to whom"


def test_cve_2025_59305_signed_in_is_not_authorised(
    app: Dash, alice: Reader, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "HELD_BY", dict.fromkeys(Permission, frozenset()))
    asked = [output for output, needs in callbacks(app).items() if needs != SIGNED_IN]
    for role in ROLES:
        becomes(engine, role)
        for output in asked:
            assert alice.post(output, ASKED, []).status_code == 403, (output, role)
    assert len(asked) > 15


def test_cve_2026_23982_every_verb_is_guarded_alike(app: Dash, client: FlaskClient) -> None:
    verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    app.server.add_url_rule("/of-admins", "of_admins", closed, methods=verbs)
    Reader(client)
    token = client.get_cookie("_csrf_token")
    headers = {"X-CSRFToken": token.value if token else ""}
    for verb in verbs:
        assert client.open("/of-admins", method=verb, headers=headers).status_code == 403, verb
    stranger = app.server.test_client()
    for verb in verbs:
        assert stranger.open("/of-admins", method=verb).status_code in (302, 401), verb


@permitted(Permission.PEOPLE_READ)
def closed() -> str:
    return "open"


# --- addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../settings.py", "/assets/%2e%2e/settings.py", "/assets/..%2fsettings.py", "/assets/..%5csettings.py",
        "/assets//etc/passwd", "/assets/%2fetc%2fpasswd", "/assets/....//settings.py", "/assets/app.css/../../app.py",
        "/_dash-component-suites/dash/../../app.py", "/_dash-component-suites/dash/%2e%2e/%2e%2e/dash/dash.py",
        "/_dash-component-suites/dash/dash.py", "/_dash-component-suites/../app.py", "/_dash-component-suites/os/x.js",
    ],
)  # fmt: skip
def test_cve_2023_1177_2023_2356_2023_6831_and_2023_6909_no_path_leads_out(alice: Reader, path: str) -> None:
    answer = alice.get(path)
    assert answer.status_code in (404, 500) and "import" not in answer.text and "root:" not in answer.text
    assert "Traceback" not in answer.text


def test_cve_2023_1177_row_ids_are_no_paths(alice: Reader) -> None:
    for key in (
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "file:%2f%2f%2fetc%2fpasswd",
        "%00",
        "x" * 3000,
        "%F0%9F",
    ):
        assert "There is no such row" in words(module_row(alice, "crm", "deals", key)), key


def test_cve_2021_39226_a_literal_placeholder_opens_nothing(app: Dash, alice: Reader, others: Any) -> None:
    """The template of an address, asked for as it stands, is one more address of nothing."""
    templates = [
        entry["path_template"] for entry in dash.page_registry.values() if entry.get("path_template")
    ]
    spelled = [
        re.sub(r"<(\w+)>", form, each) for each in templates for form in (r":\1", r"<\1>", r"{\1}", "*", "%")
    ]
    stranger = app.server.test_client()
    for path in spelled:
        assert stranger.get(path).status_code == 302, path
        assert not [word for word in ("of Bob", '"ada"', ">ada<") if word in alice.get(path).text], path
    for key in (":row", "<row>", "{row}", "*", "%", "_", "null", "undefined", "0", "-1"):
        for page, listing in (("crm", "deals"), ("support", "tickets"), ("finance", "invoices")):
            assert "There is no such row" in words(module_row(alice, page, listing, quote(key)))
    assert len(templates) > 8


# --- answers ---------------------------------------------------------------------------------------------------


def test_cve_2023_30861_nothing_private_is_kept_by_a_proxy(app: Dash, alice: Reader) -> None:
    asked = [
        alice.get(rule.rule)
        for rule, _ in routes(app)
        if "GET" in (rule.methods or ()) and "<" not in rule.rule
    ]
    asked += [alice.get(entry["path"]) for entry in dash.page_registry.values()]
    asked += [alice.post(output, ASKED, []) for output in callbacks(app)]
    for answer in asked:
        control = answer.headers.get("Cache-Control", "")
        if answer.mimetype in ("text/html", "application/json") or answer.headers.getlist("Set-Cookie"):
            assert "no-store" in control, answer.request.path
        assert "public" not in control
        if any("quantum_session=" in line for line in answer.headers.getlist("Set-Cookie")):
            assert "Cookie" in answer.headers.get("Vary", ""), answer.request.path
    assert len(asked) > 50


def test_cve_2023_36829_no_other_site_may_read_answers(app: Dash, alice: Reader) -> None:
    for origin in ("https://evil.example", "http://localhost.evil.example", "null", "http://evil-localhost"):
        for answer in (
            alice.get("/", headers={"Origin": origin}),
            alice.client.options("/_dash-update-component", headers={"Origin": origin}),
        ):
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_cve_2021_33026_and_2021_23727_nothing_is_unpickled() -> None:
    able = {
        "pickle",
        "cPickle",
        "dill",
        "marshal",
        "shelve",
        "jsonpickle",
        "joblib",
        "celery",
        "flask_caching",
    }
    found = {
        (path.name, name)
        for path in product_files()
        for name in imported(path.read_text())
        if name.split(".")[0] in able
    }
    assert not found
    unsafe = re.compile(r"yaml\.(load|load_all|unsafe_load|full_load|Loader|UnsafeLoader|FullLoader)\b")
    assert not [path.name for path in product_files() if unsafe.search(path.read_text())], (
        "YAML can make objects too"
    )


def test_cve_2021_33026_the_session_cookie_is_json(app: Dash) -> None:
    with app.server.test_request_context("/"), pytest.raises(TypeError):
        cookie["x"] = Flask
        app.server.session_interface.save_session(app.server, cookie, app.server.make_response(""))


def test_cve_2021_27907_nothing_is_drawn_as_markdown_or_html() -> None:
    """Every text of a row is a text; a component that would read markup in it is not used."""
    raw = re.compile(r"dcc\.Markdown|dangerously|DangerouslySetInnerHTML|html\.Iframe|\|safe\b|Markup\(")
    assert not [path.name for path in product_files() if raw.search(path.read_text())]


def test_cve_2026_22805_the_server_fetches_nothing_for_anybody_but_by_one_guarded_way() -> None:
    """The collector asks this server itself, at the address it was given; what people have asked goes through
    workers/probing.py, whose tests lead it astray (tests/workers/test_probing.py)."""
    clients = {
        "requests",
        "httpx",
        "aiohttp",
        "urllib3",
        "urllib.request",
        "http.client",
        "ftplib",
        "telnetlib",
    }
    found = {
        path.name
        for path in product_files()
        if clients & {*imported(path.read_text())} or "urlopen(" in path.read_text()
    }
    assert found == {"collector.py", "probing.py"}


def test_what_only_the_browser_runs_is_no_door(app: Dash, alice: Reader) -> None:
    assert in_the_browser(app)
    assert {alice.post(output, {}).status_code for output in in_the_browser(app)} == {404}
    assert all(
        needed_by(each["callback"]) is not None for each in app.callback_map.values() if "callback" in each
    )


def test_closed_by_default_without_a_single_setting(tmp_path: Any) -> None:
    """Products that ship without sign-in were found open on most hosts that could be reached."""
    settings: Settings = load({"QUANTUM_DATA_DIR": str(tmp_path)})
    assert settings.host == "127.0.0.1"
    assert not [
        name for name in Settings.__dataclass_fields__ if re.search("auth|login|guest|anonymous", name)
    ]
