"""Every door for programs x every kind of key, and what those are told who are refused."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, update
from sqlalchemy import text as sql
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import REQUEST_LOG, create_app
from auth import keys as auth_keys
from auth.doors import needed_by
from auth.keys import AGENT, ANY, KEYED, OR_PERSON, SCOPES, keyed
from auth.machines import DOORS
from auth.permissions import Permission
from auth.quotas import QUOTAS
from db.actor import Actor
from db.engine import DatabaseUnavailable
from db.models import ApiKey, ApiLog, AuthAccount, RoleRequirement, SecurityEvent
from db.services.api_keys import Reason, hash_of, look_up, revoke_prefix
from settings import Settings
from tests import module_rows
from tests.auth.test_doors import VERBS, address
from tests.keys import bearer, issue
from tests.people import make_person
from tests.sessions import session

HEARTBEAT = "/api/v1/test-agents/<agent_id>/heartbeat"


@dataclass(frozen=True)
class World:
    """A builder, whose keys these are, by what is the matter with them; `right` makes one with a scope."""

    builder: UUID
    keys: dict[str, str]
    right: Callable[[str], str]

    @property
    def secrets(self) -> list[str]:
        return [token.split("_", 2)[2] for token in self.keys.values() if token.count("_") >= 2]


@pytest.fixture
def app(app: Dash) -> Dash:
    """The application with a door of every kind of scope."""
    for scope in ("ingest", "fleet:read", "fleet:write", "metrics:read", "crm:read"):
        made = keyed(scope)(lambda: {"scope": "fits"})
        app.server.add_url_rule(f"/api/v1/test/{scope}", f"test {scope}", made, methods=["GET", "POST"])
    beat = keyed("agent:{agent_id}")(lambda agent_id: {"agent": agent_id})
    app.server.add_url_rule(HEARTBEAT, "test heartbeat", beat, methods=["POST"])
    return app


@pytest.fixture
def world(engine: Engine, app: Dash) -> World:
    builder = make_person(engine, "builder", "architect")
    demoted = make_person(engine, "demoted", "architect")
    closed = make_person(engine, "closed", "architect")
    every = (*SCOPES, "agent:x")
    past = datetime.now(UTC) - timedelta(seconds=1)
    made = {
        "revoked": issue(engine, builder, *every),
        "expired": issue(engine, builder, *every, expires_at=past),
        "demoted owner": issue(engine, demoted, *every),
        "closed owner": issue(engine, closed, *every),
        "without scopes": issue(engine, builder),
        "other agent": issue(engine, builder, "agent:y"),
        "unknown": "qk_abcdefghij_" + "A" * 43,
    }
    made["wrong secret"] = made["other agent"][:-1] + ("A" if made["other agent"][-1] != "A" else "B")
    with session(engine, write=True) as unit:
        revoke_prefix(unit, made["revoked"].split("_")[1])
        module_rows.promote(unit, "demoted", "user")
        unit.execute(
            update(AuthAccount).where(AuthAccount.email == "closed@example.com").values(is_active=False)
        )
    return World(builder, made, lambda scope: issue(engine, builder, scope))


def machine_routes(app: Dash) -> list[tuple[Rule, str]]:
    """Every rule that takes a key, with its scope."""
    views = app.server.view_functions
    found = [(rule, needed_by(views[rule.endpoint]) or "") for rule in app.server.url_map.iter_rules()]
    return [(rule, needs.removeprefix(KEYED)) for rule, needs in found if needs.startswith(KEYED)]


def knock(client: FlaskClient, rule: Rule, verb: str, token: str | None, **more: Any) -> TestResponse:
    headers = {} if token is None else bearer(token)
    return client.open(address(rule), method=verb, headers=headers, json={}, **more)


def holds(role: str, scope: str) -> bool:
    """Whether a role holds what a scope needs."""
    from auth.permissions import allows

    return allows(role, auth_keys.needs_of(scope))


def test_every_door_for_every_key(app: Dash, client: FlaskClient, world: World, engine: Engine) -> None:
    asked, admin = 0, make_person(engine, "root", "admin")
    for rule, scope in machine_routes(app):
        if scope in (ANY, OR_PERSON):
            continue  # what these ask further in, tests/api/rest holds against every key
        needed = "agent:x" if scope.startswith(AGENT) else scope
        for verb in VERBS:
            if verb not in (rule.methods or ()):
                continue
            cases: dict[str, tuple[str | None, set[int]]] = {
                "no key": (None, {401}),
                "malformed": ("qk_short", {401}),
                "somebody's password": ("violet harbour 47", {401}),
                "unknown": (world.keys["unknown"], {401}),
                "wrong secret": (world.keys["wrong secret"], {401}),
                "expired": (world.keys["expired"], {401}),
                "revoked": (world.keys["revoked"], {401}),
                "closed owner": (world.keys["closed owner"], {401}),
                "without scopes": (world.keys["without scopes"], {403}),
                "other agent": (world.keys["other agent"], {403}),
                "demoted owner": (world.keys["demoted owner"], set() if holds("user", needed) else {403}),
                "right": (issue(engine, admin, needed), set()),
            }
            for name, (token, refusals) in cases.items():
                answer = knock(client, rule, verb, token)
                asked += 1
                is_refused = answer.status_code in (401, 403)
                assert is_refused is bool(refusals), (rule.rule, verb, name, answer.status_code, answer.text)
                assert not refusals or answer.status_code in refusals, (rule.rule, verb, name)
                if is_refused:
                    assert answer.mimetype in ("application/problem+json", "application/json"), (
                        answer.mimetype
                    )
                if answer.status_code == 401:
                    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
                if answer.status_code == 403:
                    assert needed in answer.text
    print(f"\n{asked} cases: doors for programs x verbs x 12 keys")
    assert asked > 100


def test_doors_without_a_scope_of_their_own_take_no_key_that_is_not_accepted(
    app: Dash, client: FlaskClient, world: World
) -> None:
    for rule, scope in machine_routes(app):
        if scope not in (ANY, OR_PERSON):
            continue
        for verb in set(VERBS) & (rule.methods or set()):
            for name in ("unknown", "wrong secret", "expired", "revoked", "closed owner"):
                assert knock(client, rule, verb, world.keys[name]).status_code == 401, (rule.rule, name)
            assert knock(client, rule, verb, None).status_code == 401
            assert knock(client, rule, verb, world.keys["without scopes"]).status_code != 401


def test_revoking_holds_at_the_very_next_request(client: FlaskClient, world: World, engine: Engine) -> None:
    token = world.right("fleet:read")
    assert client.get("/api/v1/test/fleet:read", headers=bearer(token)).status_code == 200
    with session(engine, write=True) as unit:
        assert revoke_prefix(unit, token.split("_")[1])
    answer = client.get("/api/v1/test/fleet:read", headers=bearer(token))
    assert answer.status_code == 401 and "revoked" in answer.get_json()["detail"]


def test_a_changed_role_holds_at_the_very_next_request(
    client: FlaskClient, world: World, engine: Engine
) -> None:
    token = world.right("ingest")
    path = "/api/v1/test/ingest"
    for role, status in (("architect", 200), ("user", 403), ("admin", 200), ("observer", 403)):
        with session(engine, write=True) as unit:
            module_rows.promote(unit, "builder", role)
        assert client.get(path, headers=bearer(token)).status_code == status, role


def test_a_key_acts_as_its_person(app: Dash, world: World, client: FlaskClient) -> None:
    seen: list[Actor] = []

    def look() -> str:
        seen.append(auth_keys.require_caller().actor)
        return "ok"

    app.server.add_url_rule("/api/v1/test-look", "look", keyed("fleet:read")(look))
    client.get("/api/v1/test-look", headers=bearer(world.right("fleet:read")))
    assert seen == [Actor.person(world.builder, "architect")]


@pytest.mark.databases("sqlite")
def test_a_key_opens_nothing_while_its_owner_owes_a_second_factor(
    client: FlaskClient, world: World, engine: Engine
) -> None:
    token = world.right("fleet:read")
    with session(engine, write=True) as unit:
        unit.add(RoleRequirement(role="architect", factor_required=True, set_at=datetime.now(UTC)))
    answer = client.get("/api/v1/test/fleet:read", headers=bearer(token))
    assert answer.status_code == 403 and "second factor" in answer.get_json()["detail"]


@pytest.mark.databases("sqlite")
def test_a_key_speaks_only_for_its_agents(app: Dash, world: World, engine: Engine) -> None:
    token = issue(engine, world.builder, "ingest", "agent:shop/till", "agent:shop/door")
    free = world.right("ingest")
    for shown, agent, may in (
        (token, "shop/till", True), (token, "shop/door", True), (token, "shop", False), (token, "shop/till2", False),
        (free, "anything", True),
    ):  # fmt: skip
        with app.server.test_request_context("/v1/traces", headers=bearer(shown)):
            assert auth_keys.require_caller().speaks_for(agent) is may


# --- answers -----------------------------------------------------------------------------------------


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1/nothing", "/v1", "/v1/nothing/at/all", "/v1/traces/"]
)
@pytest.mark.parametrize("verb", [*VERBS, "OPTIONS", "HEAD", "TRACE", "PROPFIND"])
def test_unknown_addresses_are_closed_and_answered_in_kind(
    client: FlaskClient, world: World, path: str, verb: str
) -> None:
    stranger, known = client.open(path, method=verb), world.keys["without scopes"]
    assert stranger.status_code == 401 and "html" not in stranger.content_type
    answer = client.open(path, method=verb, headers=bearer(known))
    assert answer.status_code == 404 and "html" not in answer.content_type
    if path.startswith("/api") and verb != "HEAD":
        assert answer.mimetype == "application/problem+json"
        assert answer.get_json()["detail"].startswith("There is nothing at this address")
        assert answer.get_json() == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": answer.get_json()["detail"],
        }


@pytest.mark.databases("sqlite")
def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient, world: World) -> None:
    answer = client.delete("/api/v1/test/ingest", headers=bearer(world.right("ingest")))
    assert answer.status_code == 405 and answer.mimetype == "application/problem+json"
    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))
    assert client.delete("/api/v1/test/ingest").status_code == 401


@pytest.mark.databases("sqlite")
def test_otlp_refusals_are_a_status_in_the_callers_type(client: FlaskClient) -> None:
    as_json = client.post("/v1/traces", data=b"{}", content_type="application/json")
    assert as_json.status_code == 401 and as_json.mimetype == "application/json"
    assert as_json.get_json()["code"] == 16 and "Authorization: Bearer" in as_json.get_json()["message"]
    plain = client.post("/v1/traces", data=b"", content_type="application/x-protobuf")
    assert plain.status_code == 401 and plain.mimetype == "application/x-protobuf"
    assert plain.data[:3] == b"\x08\x10\x12" and plain.data[4 if plain.data[3] < 128 else 5 :].startswith(
        b"Send a key"
    )


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("status", [400, 408, 409, 413, 415, 422, 500, 503])
@pytest.mark.parametrize("door", DOORS)
def test_whatever_a_door_ends_with_is_no_page(
    app: Dash, client: FlaskClient, world: World, status: int, door: str
) -> None:
    from flask import abort

    def fails() -> str:
        abort(status)

    app.server.add_url_rule(f"{door}/test-fails", f"fails {door}", keyed("ingest")(fails))
    answer = client.get(f"{door}/test-fails", headers=bearer(world.right("ingest")))
    assert answer.status_code == status and "html" not in answer.content_type
    told = answer.get_json(force=True) if door == "/api" else answer.data
    assert told and "<" not in str(told)


@pytest.mark.databases("sqlite")
def test_a_failure_of_ours_tells_nothing_of_it(app: Dash, client: FlaskClient, world: World) -> None:
    def fails() -> str:
        raise RuntimeError("the password is violet")

    app.server.add_url_rule("/api/test-bug", "bug", keyed("ingest")(fails))
    answer = client.get("/api/test-bug", headers=bearer(world.right("ingest")))
    assert answer.status_code == 500 and answer.mimetype == "application/problem+json"
    assert "violet" not in answer.text
    (call,) = app.server.extensions[REQUEST_LOG]._waiting
    reference = answer.get_json()["detail"].split()[-1].rstrip(".")
    assert (call.status, call.error) == (500, f"Internal Server Error: RuntimeError, {reference}")


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("path", ["/api/v1/test/ingest", "/v1/traces", "/api/v1/nothing"])
def test_without_its_database_a_door_asks_to_come_again(
    client: FlaskClient, world: World, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseUnavailable("postgresql://somebody@secret-host is away")

    monkeypatch.setattr(auth_keys, "look_up", away)
    answer = client.post(path, headers=bearer(world.keys["revoked"]), json={})
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    assert "secret-host" not in answer.text and "html" not in answer.content_type


@pytest.mark.databases("sqlite")
def test_a_program_is_not_led_from_http_to_https_but_told(settings: Settings, engine: Engine) -> None:
    """Following a redirect it would send its key in the clear again, and as a GET without its body."""
    made = create_app(replace(settings, env="production", hosts=frozenset({"quantum.example"})))
    client = made.server.test_client()
    token = issue(engine, make_person(engine, "bob", "architect"), "ingest")
    sent = {"headers": bearer(token) | {"Host": "quantum.example"}, "json": {"resourceSpans": []}}
    answer = client.post("/v1/traces", **sent)
    assert answer.status_code == 400 and "https" in answer.get_json()["message"]
    assert client.post("/v1/traces", base_url="https://quantum.example", **sent).status_code == 200


# --- what is noted, and what is never ---------------------------------------------------------------


def test_keys_that_are_refused_are_security_events_once_a_minute(
    client: FlaskClient, world: World, engine: Engine
) -> None:
    for _ in range(3):
        for name in ("unknown", "wrong secret", "expired", "revoked", "closed owner", "without scopes"):
            client.get("/api/v1/test/ingest", headers=bearer(world.keys[name]))
    client.get("/api/v1/test/ingest")
    client.get("/api/v1/test/ingest", headers=bearer("nonsense"))
    with session(engine) as unit:
        events = unit.scalars(select(SecurityEvent).order_by(SecurityEvent.created_at)).all()
    told = [event.meta.get("reason") or event.meta.get("scope") for event in events]
    reasons = [Reason.UNKNOWN, Reason.WRONG, Reason.EXPIRED, Reason.REVOKED, Reason.CLOSED]
    assert told == [*map(str, reasons), "ingest"]
    assert [event.user_id is not None for event in events] == [False, False, True, True, True, True]


def test_no_secret_of_a_key_is_written_anywhere(
    app: Dash, client: FlaskClient, world: World, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = ""
    for token in [*world.keys.values(), world.right("ingest")]:
        for path in ("/api/v1/test/ingest?key=" + token, "/v1/traces", "/api/" + token):
            answer = client.post(path, headers=bearer(token), json={})
            answers += answer.text + str(answer.headers)
    app.server.extensions[REQUEST_LOG].flush()
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(ApiLog)) == 3 * (len(world.keys) + 1)
        tables = ("api_logs", "audit_log", "security_events", "api_keys", "rate_limits", "agent_logs")
        stored = str([unit.execute(sql(f"SELECT * FROM {table}")).all() for table in tables])
    for secret in world.secrets:
        assert secret not in answers and secret not in stored and secret not in caplog.text
    for token in world.keys.values():
        assert hash_of(token) not in answers and hash_of(token) not in caplog.text


def test_a_key_is_256_random_bits_kept_as_a_hash(world: World, engine: Engine) -> None:
    made = {world.right("ingest") for _ in range(20)}
    assert len(made) == 20 and all(len(token.split("_", 2)[2]) == 43 for token in made)
    with session(engine) as unit:
        hashes = set(unit.scalars(select(ApiKey.key_hash)))
        assert {hash_of(token) for token in made} <= hashes and all(len(each) == 64 for each in hashes)


@pytest.mark.databases("sqlite")
def test_secrets_are_compared_in_constant_time(
    world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        asked.append((one, other))
        return False

    monkeypatch.setattr("db.services.api_keys.hmac.compare_digest", compare)
    token = world.right("ingest")
    with session(engine) as unit:
        look_up(unit, token, datetime.now(UTC))
    assert asked == [(hash_of(token), hash_of(token))]


@pytest.mark.databases("sqlite")
def test_what_only_looks_like_a_key_asks_the_database_nothing(client: FlaskClient, world: World) -> None:
    for nonsense in (
        "qk_",
        "qk__x",
        "qk_abc_def",
        "qk_ABCDEFGHIJ_x",
        "qk_abcdefghij_",
        "Bearer",
        "qk_\xe9bcdefghij_x",
    ):
        with client.application.test_request_context("/v1/traces", headers=bearer(nonsense)):
            assert auth_keys.current_caller() is None and auth_keys.refused_key() is None
    assert QUOTAS in client.application.extensions and Permission.CRM_READ == "crm:read"
