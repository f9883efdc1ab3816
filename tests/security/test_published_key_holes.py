"""Published holes of products like this one that concern keys of programs, each closed here under its own name."""

import logging
from datetime import UTC, datetime
from uuid import UUID

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select

from app import REQUEST_LOG
from db.actor import SYSTEM, Actor
from db.engine import session as guarded
from db.guard import Denied
from db.models import ApiKey, ApiLog, Span
from db.services.api_keys import look_up, make_key, revoke_key
from db.services.closing import close_account
from tests import module_rows
from tests.keys import bearer, issue
from tests.people import make_person
from tests.security.conftest import Becomes
from tests.sessions import session


def key_of(engine: Engine, person: UUID) -> ApiKey:
    with session(engine) as unit:
        return unit.scalars(select(ApiKey).where(ApiKey.user_id == person)).one()


def test_warehouse_idor_ending_others_keys_by_their_id(engine: Engine) -> None:
    alice, bob = make_person(engine, "alice"), make_person(engine, "bob")
    issue(engine, bob, "fleet:read")
    theirs = key_of(engine, bob).id
    with guarded(engine, Actor.person(alice, "user"), write=True) as unit:
        assert not revoke_key(unit, theirs)
    assert key_of(engine, bob).is_active


def test_cve_2026_21721_a_key_is_made_for_oneself_only(engine: Engine) -> None:
    """Whoever may make keys may not therefore make one that acts as somebody else."""
    alice, admin = make_person(engine, "alice"), make_person(engine, "root", "admin")
    for by, actor in ((alice, Actor.person(alice, "user")), (admin, Actor.person(admin, "admin"))):
        victim = admin if by == alice else alice
        with pytest.raises(Denied), guarded(engine, actor, write=True) as unit:
            make_key(unit, victim, "mine now", ["fleet:read"])
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(ApiKey)) == 0


@pytest.mark.parametrize("column", ["permissions", "user_id", "key_hash", "key_prefix", "rate_limit"])
def test_cve_2026_23982_what_was_checked_when_a_key_was_made_is_not_changed_after(
    engine: Engine, column: str
) -> None:
    bob = make_person(engine, "bob")
    issue(engine, bob, "fleet:read")
    other = {"permissions": ["ingest"], "user_id": make_person(engine, "carol"), "rate_limit": 9}.get(
        column, "x"
    )
    with pytest.raises(Denied), guarded(engine, Actor.person(bob, "user"), write=True) as unit:
        setattr(unit.scalars(select(ApiKey)).one(), column, other)


def test_cve_2026_44553_a_key_loses_what_its_person_loses(client: FlaskClient, engine: Engine) -> None:
    token = issue(engine, make_person(engine, "bob", "architect"), "ingest")
    sent = {"headers": bearer(token), "json": {"resourceSpans": []}}
    assert client.post("/v1/traces", **sent).status_code == 200
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "bob", "user")
    answer = client.post("/v1/traces", **sent)
    assert answer.status_code == 403 and "ingest" in answer.get_json()["message"]


def test_cve_2023_44400_keys_do_not_outlive_their_account(client: FlaskClient, engine: Engine) -> None:
    bob = make_person(engine, "bob", "architect")
    token = issue(engine, bob, "ingest")
    with guarded(engine, SYSTEM, write=True) as unit:
        close_account(unit, bob, "no hash")
    assert client.post("/v1/traces", headers=bearer(token), json={}).status_code == 401
    assert not key_of(engine, bob).is_active


def test_cve_2026_2652_nobody_reports_telemetry_without_a_key(
    app: Dash, client: FlaskClient, engine: Engine, becomes: Becomes
) -> None:
    """Nor with an administrator's cookie: a page of another site could make a browser send it."""
    from tests.reader import Reader

    Reader(client)
    becomes("admin")
    token = client.get_cookie("_csrf_token")
    cookie = {"X-CSRFToken": token.value if token else ""}
    tried = ({}, cookie, {"Authorization": "Basic YWRtaW46YWRtaW4="}, {"X-Api-Key": "qk_abcdefghij_x"})
    for path in (
        "/v1/traces",
        "/v1/traces/",
        "//v1/traces",
        "/v1/../v1/traces",
        "/V1/traces",
        "/v1/traces?key=qk_x",
    ):
        for headers in tried:
            answer = client.post(path, headers=headers, json={"resourceSpans": []})
            assert answer.status_code in (308, 400, 401, 403, 404, 405), (path, headers, answer.status_code)
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(Span)) == 0


def test_a_key_is_taken_from_its_header_only(client: FlaskClient, engine: Engine) -> None:
    """What stands in an address or a form ends up in logs, histories and other sites' referrers."""
    token = issue(engine, make_person(engine, "bob", "architect"), "ingest")
    for path in (
        f"/v1/traces?key={token}",
        f"/v1/traces?access_token={token}",
        f"/v1/traces?Authorization=Bearer+{token}",
    ):
        assert client.post(path, json={}).status_code == 401
    assert client.post("/v1/traces", data={"access_token": token}).status_code == 401
    client.set_cookie("Authorization", f"Bearer {token}")
    assert client.post("/v1/traces", json={}).status_code == 401


@pytest.mark.databases("sqlite")
def test_cve_2021_42250_nothing_a_program_sends_begins_a_line_of_the_log(
    app: Dash, client: FlaskClient, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    issue(engine, make_person(engine, "bob"), "fleet:read")
    client.post(
        "/v1/nothing%0d%0a2026 CRITICAL forged",
        headers={"Authorization": "Bearer qk_abcdefghij_\x1b[2J", "User-Agent": "x\x1b[2Jy"},
    )
    app.server.extensions[REQUEST_LOG].flush()
    with session(engine) as unit:
        (call,) = unit.scalars(select(ApiLog)).all()
    assert call.endpoint == "/v1/*" and call.user_agent == "x[2Jy"
    assert "forged" not in caplog.text


@pytest.mark.databases("sqlite")
def test_cve_2022_31177_a_key_is_not_found_by_a_part_of_it(engine: Engine) -> None:
    token = issue(engine, make_person(engine, "bob"), "fleet:read")
    start, prefix, secret = token.split("_", 2)
    with guarded(engine, SYSTEM) as unit:
        for shown in (f"{start}_{prefix}_{secret[:-1]}", f"{start}_{prefix}_%", f"{start}_{prefix[:9]}%_{secret}",
                      f"{start}_{prefix}_{secret} ", f"{start}_{prefix}_{secret.swapcase()}"):  # fmt: skip
            found = look_up(unit, shown, datetime.now(UTC))
            assert found is None or not hasattr(found, "scopes"), shown
