"""Agents declared, changed and paused by programs; and the heartbeats that make them operational."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, insert, select

from db.models import Agent, AuditEntry, NetworkNode
from tests.api.rest.conftest import Programs
from tests.sessions import session

CARD = {
    "name": "Invoice reader",
    "squad": "ANALYST",
    "heartbeat_seconds": 30,
    "description": "Reads invoices.",
}
IDS = (
    "shop/till",
    "a b",
    "ünïcode/ß",
    "/leading",
    "trailing/",
    "two//slashes",
    "x/heartbeat",
    "100%",
    "a?b#c",
    "line\nbreak",
)


def test_an_agent_is_declared_once_and_then_changed(program: Programs, engine: Engine) -> None:
    me = program("architect")
    made = me.ask("PUT", "/agents/reader", json=CARD)
    assert made.status_code == 201 and made.headers["Location"] == "/api/v1/agents/reader"
    told = made.get_json()
    assert {name: told[name] for name in CARD} == CARD
    assert told["origin"] == "person" and told["operational"] is False and "never heard" in told["reason"]
    assert me.read("/agents/reader") == told
    again = me.ask("PUT", "/agents/reader", json={"name": "Reader"})
    assert again.status_code == 200
    changed = again.get_json()
    assert changed["name"] == "Reader" and changed["squad"] is changed["description"] is None
    with session(engine) as unit:
        row = unit.get(Agent, "reader")
        assert row is not None and row.user_id == me.person
        acts = list(
            unit.scalars(
                select(AuditEntry).where(AuditEntry.record_id == "reader").order_by(AuditEntry.created_at)
            )
        )
        assert [act.action for act in acts] == ["INSERT", "UPDATE"]
        assert {act.user_id for act in acts} == {me.person}
        assert (
            unit.scalars(select(NetworkNode).where(NetworkNode.agent_id == "reader")).one().position_x
            is not None
        )
    assert me.read("/metrics/fleet.agents_configured")["value"] == 1


def test_what_is_left_out_of_a_patch_stays(program: Programs, fleet: None, engine: Engine) -> None:
    me = program("admin")
    before = me.read("/agents/shop")
    told = me.ask("PATCH", "/agents/shop", json={"description": "Sells."}).get_json()
    assert told == before | {"description": "Sells.", "updated_at": told["updated_at"]}
    told = me.ask(
        "PATCH", "/agents/shop", json={"heartbeat_seconds": 10, "squad": "CHAOS", "description": None}
    ).get_json()
    assert (told["heartbeat_seconds"], told["squad"], told["description"]) == (10, "CHAOS", None)
    with session(engine) as unit:
        row = unit.get(Agent, "shop")
        assert (
            row is not None
            and row.meta == {"source": "fleet", "service": "shop"}
            and row.origin == "telemetry"
        )


def test_a_paused_agent_is_not_operational_whatever_is_heard(program: Programs, fleet: None) -> None:
    me = program("admin")
    assert me.ask("POST", "/agents/shop/heartbeat").get_json()["operational"] is True
    paused = me.ask("PATCH", "/agents/shop", json={"paused": True}).get_json()
    assert paused["operational"] is False and "paused" in paused["reason"]
    since = paused["paused_at"]
    assert me.ask("PATCH", "/agents/shop", json={"paused": True}).get_json()["paused_at"] == since
    heard = me.ask("POST", "/agents/shop/heartbeat").get_json()
    assert heard["operational"] is False and "paused" in heard["reason"]
    assert me.ask("PATCH", "/agents/shop", json={"paused": False}).get_json()["operational"] is True


@pytest.mark.parametrize("agent", IDS)
def test_an_id_may_hold_whatever_it_holds(program: Programs, engine: Engine, agent: str) -> None:
    with session(engine, write=True) as unit:
        unit.execute(insert(Agent), [{"id": agent, "name": "Odd", "origin": "telemetry"}])
    me = program("admin")
    assert me.read(f"/agents/{quote(agent, safe='')}")["id"] == agent
    assert me.read(f"/agents/{quote(agent)}")["id"] == agent
    assert me.ask("POST", f"/agents/{quote(agent, safe='')}/heartbeat").get_json()["agent"] == agent
    assert (
        me.ask("PATCH", f"/agents/{quote(agent, safe='')}", json={"name": "Even"}).get_json()["name"]
        == "Even"
    )


def test_what_cannot_be_an_id_is_none(program: Programs) -> None:
    me = program("admin")
    for path in ("/agents/%00", "/agents/%C3%28"):
        assert me.get(path).status_code == 404
        assert me.ask("PATCH", path, json={}).status_code == 404
        assert me.ask("POST", f"{path}/heartbeat").status_code == 404
    for path in ("/agents/%00", "/agents/a%0Ab", "/agents/%20", f"/agents/{'x' * 501}"):
        answer = me.ask("PUT", path, json=CARD)
        assert answer.status_code == 422 and answer.get_json()["errors"][0]["name"] == "agent"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": None}, "name"),
        (CARD | {"origin": "catalogue"}, "origin"),
        (CARD | {"user_id": "x"}, "user_id"),
        (CARD | {"squad": "NONE"}, "squad"),
        (CARD | {"heartbeat_seconds": 0}, "heartbeat_seconds"),
        (CARD | {"heartbeat_seconds": "30"}, "heartbeat_seconds"),
        (CARD | {"heartbeat_seconds": 10**12}, "heartbeat_seconds"),
        (CARD | {"description": "a\0b"}, "description"),
        ([], ""),
        ("text", ""),
        (None, ""),
        (0, ""),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_by_field(program: Programs, body: Any, name: str) -> None:
    sent = {"data": json.dumps(body), "content_type": "application/json"}
    answer = program("admin").ask("PUT", "/agents/reader", **sent)
    assert answer.status_code == 422, answer.text
    assert [error["name"] for error in answer.get_json()["errors"]] == [name]
    assert program("admin").get("/agents/reader").status_code == 404


def test_a_body_that_is_no_json_is_no_body(program: Programs, fleet: None) -> None:
    me = program("admin")
    for path, method in (
        ("/agents/shop", "PUT"),
        ("/agents/shop", "PATCH"),
        ("/agents/shop/heartbeat", "POST"),
    ):
        assert me.ask(method, path, data="{", content_type="application/json").status_code == 400
        assert me.ask(method, path, data="NaN", content_type="application/json").status_code == 400
        assert (
            me.ask(method, path, data='{"name":"\\ud800"}', content_type="application/json").status_code
            == 400
        )
        assert me.ask(method, path, data="[" * 60_000, content_type="application/json").status_code == 400
        assert (
            me.ask(method, path, data="name=x", content_type="application/x-www-form-urlencoded").status_code
            == 415
        )
        assert me.ask(method, path, data=" " * 70_000, content_type="application/json").status_code == 413


def test_a_change_to_what_has_changed_since_is_refused(program: Programs, fleet: None) -> None:
    me = program("admin")
    for encoding in ("identity", "br", "gzip"):
        read = me.get("/agents/shop", headers={"Accept-Encoding": encoding})
        assert read.status_code == 200
        first = me.ask(
            "PATCH", "/agents/shop", json={"name": encoding}, headers={"If-Match": read.headers["ETag"]}
        )
        assert first.status_code == 200
        late = me.ask(
            "PATCH", "/agents/shop", json={"name": "Late"}, headers={"If-Match": read.headers["ETag"]}
        )
        assert late.status_code == 412
        assert (
            me.ask("PUT", "/agents/shop", json=CARD, headers={"If-Match": read.headers["ETag"]}).status_code
            == 412
        )
        assert me.read("/agents/shop")["name"] == encoding
        now = me.ask("PATCH", "/agents/shop", json={"name": "x"}, headers={"If-Match": first.headers["ETag"]})
        assert now.status_code == 200
    assert me.ask("PUT", "/agents/shop", json=CARD, headers={"If-None-Match": "*"}).status_code == 412
    assert me.ask("PUT", "/agents/new", json=CARD, headers={"If-Match": "*"}).status_code == 412
    assert me.ask("PUT", "/agents/new", json=CARD, headers={"If-None-Match": "*"}).status_code == 201


@pytest.mark.parametrize("tag", ['"', ",", ", ,", "x", '"x', 'W/"x"', '""', "\x80", '"a","b'])
def test_a_condition_that_is_none_is_not_fulfilled(program: Programs, fleet: None, tag: str) -> None:
    sent = {"If-Match": tag}
    assert program("admin").ask("PATCH", "/agents/shop", json={"name": "x"}, headers=sent).status_code == 412
    assert program("admin").get("/agents/shop", headers={"If-None-Match": tag}).status_code == 200


def test_nobody_changes_or_speaks_for_the_applications_own_parts(program: Programs, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.execute(insert(Agent), [{"id": "quantum", "name": "quantum", "origin": "system"}])
    me = program("admin")
    assert me.ask("PUT", "/agents/quantum", json=CARD).status_code == 409
    assert me.ask("PATCH", "/agents/quantum", json={"paused": True}).status_code == 409
    assert me.ask("POST", "/agents/quantum/heartbeat").status_code == 409
    assert me.read("/agents/quantum")["last_active"] is None


@pytest.mark.parametrize("role", ["observer", "strategist", "user"])
def test_who_may_not_change_the_fleet_has_no_key_that_does(program: Programs, fleet: None, role: str) -> None:
    me = program(role, scopes=("fleet:read", "fleet:write", "agent:shop"))
    for method, path in (
        ("PUT", "/agents/shop"),
        ("PATCH", "/agents/shop"),
        ("POST", "/agents/shop/heartbeat"),
    ):
        assert me.ask(method, path, json=CARD if method == "PUT" else {}).status_code == 403, method
    assert me.read("/agents/shop")["last_active"] is None


# --- heartbeats -------------------------------------------------------------------------------------


def test_a_key_of_one_agent_speaks_for_that_one_alone(program: Programs, fleet: None) -> None:
    me, watcher = program("admin", scopes=("agent:shop",)), program("admin")
    before = datetime.now(UTC)
    heard = me.ask("POST", "/agents/shop/heartbeat")
    assert heard.status_code == 200, heard.text
    told = heard.get_json()
    assert told["operational"] is True and told["reason"] is None and told["clock_drift_ms"] is None
    received, until = (datetime.fromisoformat(told[name]) for name in ("received_at", "operational_until"))
    assert before <= received <= datetime.now(UTC) and until - received == timedelta(minutes=5)
    assert me.ask("POST", "/agents/till/heartbeat").status_code == 403
    assert me.ask("POST", "/agents/shop%2Fheartbeat/heartbeat").status_code == 403
    assert (
        me.ask("PATCH", "/agents/shop", json={"name": "x"}).status_code
        == me.get("/agents").status_code
        == 403
    )
    assert [row["id"] for row in watcher.walk("/agents?operational=true")] == ["shop"]
    assert watcher.read("/metrics/fleet.agents_operational")["value"] == 1


def test_a_heartbeat_promises_the_next_one_and_tells_the_senders_clock(
    program: Programs, fleet: None
) -> None:
    me = program("admin")
    sent = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    told = me.ask("POST", "/agents/shop/heartbeat", json={"sent_at": sent, "interval_seconds": 7}).get_json()
    received, until = (datetime.fromisoformat(told[name]) for name in ("received_at", "operational_until"))
    assert until - received == timedelta(seconds=14) and told["heartbeat_seconds"] == 7
    assert 50_000 < told["clock_drift_ms"] <= 60_000 and told["clock_is_off"] is True
    near = datetime.now(UTC).isoformat()
    assert (
        me.ask("POST", "/agents/shop/heartbeat", json={"sent_at": near}).get_json()["clock_is_off"] is False
    )
    for wrong in (
        {"sent_at": "now"},
        {"sent_at": 5},
        {"interval_seconds": 0},
        {"interval_seconds": 1.5},
        {"x": 1},
    ):
        assert me.ask("POST", "/agents/shop/heartbeat", json=wrong).status_code == 422, wrong


def test_an_agent_that_is_not_there_is_not_heard(program: Programs, fleet: None) -> None:
    answer = program("admin").ask("POST", "/agents/nobody/heartbeat")
    assert answer.status_code == 404 and answer.mimetype == "application/problem+json"
    assert (
        program("admin", scopes=("agent:nobody",)).ask("POST", "/agents/nobody/heartbeat").status_code == 404
    )


def test_silence_ends_being_operational_and_says_since_when(
    program: Programs, fleet: None, engine: Engine
) -> None:
    heard = datetime.now(UTC) - timedelta(minutes=6)
    with session(engine, write=True) as unit:
        unit.get(Agent, "shop").last_active = heard  # type: ignore[union-attr]
    told = program().read("/agents/shop")
    assert told["operational"] is False
    assert datetime.fromisoformat(told["operational_until"]) == heard + timedelta(minutes=5)
    assert told["reason"] == f"It has been silent since {told['last_active']}."
