"""Lists: page by page, filtered, tagged, and nothing but what was asked for."""

from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from db.models import Agent, AgentConnection, AgentLog, ApiKey, Span
from tests.api.rest.conftest import Programs
from tests.sessions import session

LISTS = (
    "/agents",
    "/connections",
    "/connections?evidence=declared",
    "/nodes",
    "/logs",
    "/spans",
    "/modules/system/agentlogs",
)
WHOLE = ("/metrics", "/modules", "/openapi.json", "/agents/shop")
STRICT = (*(path for path in LISTS if "?" not in path), *WHOLE)


@pytest.fixture
def rows(engine: Engine, fleet: None) -> None:
    """Log lines of one instant, and declared connections of several kinds."""
    with session(engine, write=True) as unit:
        unit.add_all(AgentLog(agent_id="shop", log_level="info", message=f"line {n}") for n in range(5))
        for kind in ("neural", "command", "sync"):
            meta = {"evidence": "declared"}
            unit.add(AgentConnection(agent_a_id="shop", agent_b_id="till", connection_type=kind, meta=meta))


@pytest.mark.parametrize("path", LISTS)
def test_pages_hold_together_what_one_page_holds(program: Programs, rows: None, path: str) -> None:
    mark = "&" if "?" in path else "?"
    whole = program().read(f"{path}{mark}limit=200")
    walked = program().walk(f"{path}{mark}limit=1")
    assert whole["next"] is None
    assert walked == whole["items"] and walked


def test_the_link_header_says_the_next_page_as_well(program: Programs, rows: None) -> None:
    answer = program().get("/spans?limit=3&status=ok")
    following = answer.get_json()["next"]
    assert answer.headers["Link"] == f'<{following}>; rel="next"'
    assert following.startswith("/api/v1/spans?") and "limit=3" in following and "status=ok" in following
    assert "Link" not in program().get("/spans?limit=200").headers


def test_rows_that_come_in_meanwhile_shift_no_page(program: Programs, rows: None, engine: Engine) -> None:
    first = program().read("/logs?limit=2")
    with session(engine, write=True) as unit:
        unit.add(AgentLog(agent_id="shop", log_level="info", message="news"))
    rest = program().walk(first["next"])
    assert sorted(row["message"] for row in first["items"] + rest) == [f"line {n}" for n in range(5)]


def test_a_cursor_answers_only_the_question_it_was_made_for(program: Programs, rows: None) -> None:
    following = program().read("/spans?limit=1&agent=shop")["next"]
    cursor = following.rpartition("cursor=")[2]
    assert program().get(f"/spans?limit=9&agent=shop&cursor={cursor}").status_code == 200
    for other in (
        f"/spans?agent=till&cursor={cursor}",
        f"/spans?cursor={cursor}",
        f"/logs?cursor={cursor}",
        f"/spans?agent=shop&cursor=x{cursor}",
        f"/spans?agent=shop&cursor={cursor[:-1]}",
        "/spans?agent=shop&cursor=WyJhIl0",
        "/spans?agent=shop&cursor=%00",
        "/spans?agent=shop&cursor=%C3%BC.%C3%BC",
    ):
        answer = program().get(other)
        assert answer.status_code == 422, other
        assert answer.get_json()["errors"][0]["name"] == "cursor"


@pytest.mark.parametrize("path", STRICT)
def test_an_unknown_parameter_is_named_and_not_passed_over(program: Programs, fleet: None, path: str) -> None:
    answer = program().get(f"{path}?agnet=shop")
    assert answer.status_code == 422 and answer.mimetype == "application/problem+json"
    (error,) = answer.get_json()["errors"]
    assert (
        error["where"] == "query"
        and error["name"] == "agnet"
        and "There is no such parameter" in error["detail"]
    )


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("/agents?limit=0", "limit"),
        ("/agents?limit=201", "limit"),
        ("/agents?limit=ten", "limit"),
        ("/agents?limit=1&limit=2", "limit"),
        ("/agents?origin=moon", "origin"),
        ("/agents?search=%00", "search"),
        ("/agents?operational=perhaps", "operational"),
        ("/spans?trace=xyz", "trace"),
        ("/spans?status=2", "status"),
        ("/spans?window=yesterday", "window"),
        ("/spans?window=2026-01-02/2026-01-01", "window"),
        ("/spans?window=9999-12-31T23:59:59-12:00/all", "window"),
        ("/logs?since=soon", "since"),
        ("/logs?until=0001-01-01T00:00:00%2B14:00", "until"),
        ("/logs?level=loud", "level"),
        ("/metrics/spans.count?window=1h", "window"),
        ("/modules/crm/deals?search=%00", "search"),
    ],
)
def test_what_cannot_be_used_is_named(program: Programs, fleet: None, query: str, name: str) -> None:
    answer = program().get(query)
    assert answer.status_code == 422, answer.text
    assert [error["name"] for error in answer.get_json()["errors"]] == [name]


def ids(told: Any, key: str = "id") -> list[str]:
    return [row[key] for row in told["items"]]


def test_agents_by_origin_and_part_of_their_name(program: Programs, fleet: None) -> None:
    me = program()
    assert ids(me.read("/agents")) == ["shop", "till"]
    assert ids(me.read("/agents?search=SHO")) == ["shop"]
    assert ids(me.read("/agents?search=%25")) == []
    assert ids(me.read("/agents?origin=telemetry")) == ["shop", "till"] and not ids(
        me.read("/agents?origin=person")
    )
    assert ids(me.read("/agents?operational=false")) == ["shop", "till"]
    assert ids(me.read("/agents?operational=true")) == []


def test_the_applications_own_parts_are_no_part_of_the_fleet(
    program: Programs, fleet: None, engine: Engine
) -> None:
    with session(engine, write=True) as unit:
        unit.execute(insert(Agent), [{"id": "quantum", "name": "quantum", "origin": "system"}])
    assert ids(program().read("/agents")) == ["shop", "till"]
    assert program().read("/agents/quantum")["origin"] == "system"


def test_spans_by_agent_trace_status_and_window(program: Programs, fleet: None) -> None:
    me = program()
    assert len(me.walk("/spans")) == 40
    assert {row["agent"] for row in me.walk("/spans?agent=till")} == {"till"}
    assert len(me.walk(f"/spans?trace={27:032x}")) == 2
    (failed,) = me.walk("/spans?status=error")
    assert failed["agent"] == "till" and failed["duration_ms"] == 2 and failed["status"] == "error"
    assert failed["start"] == "2023-11-14T22:13:20.040000000Z"
    assert not me.walk("/spans?window=24h")
    inside = me.walk("/spans?window=2023-11-14T22:13:20.010Z/2023-11-14T22:13:20.020Z")
    assert [row["start"][-12:] for row in inside] == [f"0.{n:03d}000000Z" for n in range(19, 9, -1)]
    starts = [row["start"] for row in me.walk("/spans")]
    assert starts == sorted(starts, reverse=True)


def test_connections_are_those_of_the_map(program: Programs, rows: None) -> None:
    me = program()
    (measured,) = me.walk("/connections")
    figures = {
        "calls": 20,
        "errors": 1,
        "n": 20,
        "p50_ms": 2.0,
        "p95_ms": 2.0,
        "reason": None,
        "strength": None,
    }
    assert measured == {"caller": "shop", "callee": "till", "kind": "data", "evidence": "measured"} | figures
    assert me.walk("/connections?agent=till") == [measured] and not me.walk("/connections?agent=nobody")
    assert not me.walk("/connections?window=7d")
    few = me.walk("/connections?window=2023-11-14T22:13:20.000Z/2023-11-14T22:13:20.010Z")
    assert few[0]["p95_ms"] is None and few[0]["p50_ms"] == 2 and "too small" in few[0]["reason"]
    declared = me.walk("/connections?evidence=declared&agent=shop")
    assert [row["kind"] for row in declared] == ["command", "neural", "sync"]
    assert {row["calls"] for row in declared} == {None} and declared[0]["reason"]


def test_log_lines_by_agent_level_and_time(program: Programs, rows: None, engine: Engine) -> None:
    me = program()
    with session(engine, write=True) as unit:
        unit.add(AgentLog(agent_id="till", log_level="error", message="no paper"))
    assert [row["message"] for row in me.walk("/logs?level=error")] == ["no paper"]
    assert [row["message"] for row in me.walk("/logs?agent=till")] == ["no paper"]
    at = me.read("/logs?agent=till")["items"][0]["created_at"]
    assert at.endswith("Z")
    assert not me.walk(f"/logs?agent=till&until={at}") and len(me.walk(f"/logs?agent=till&since={at}")) == 1


def test_what_one_has_already_is_not_sent_again(program: Programs, fleet: None) -> None:
    me = program()
    for path in (
        "/agents",
        "/agents/shop",
        "/metrics",
        "/metrics/spans.count",
        "/openapi.json",
        "/spans?limit=200",
    ):
        for encoding in ("identity", "gzip", "br"):
            first = me.get(path, headers={"Accept-Encoding": encoding})
            tag = first.headers["ETag"]
            assert first.status_code == 200 and tag.startswith("W/") is path.startswith("/metrics/")
            again = me.get(path, headers={"If-None-Match": tag, "Accept-Encoding": encoding})
            assert again.status_code == 304 and not again.data, (path, encoding)
            other = me.get(path, headers={"If-None-Match": '"0123"', "Accept-Encoding": encoding})
            assert other.status_code == 200
        assert first.headers["Cache-Control"] == "no-store"


def test_what_changed_has_another_tag(program: Programs, fleet: None, engine: Engine) -> None:
    me = program()
    tags = {path: me.get(path).headers["ETag"] for path in ("/agents", "/metrics/spans.count")}
    with session(engine, write=True) as unit:
        unit.get(Agent, "shop").name = "Shop"  # type: ignore[union-attr]
        unit.delete(unit.scalars(select(Span).limit(1)).one())
    for path, tag in tags.items():
        assert me.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_hidden_columns_stay_hidden(program: Programs, fleet: None, engine: Engine) -> None:
    told = program().read("/modules/api/keys")
    with session(engine) as unit:
        hashes = list(unit.scalars(select(ApiKey.key_hash)))
    assert told["items"] and "key_hash" not in told["items"][0]
    assert not [each for each in hashes if each in str(told)]


def test_an_address_without_anything_is_none(program: Programs, fleet: None) -> None:
    answer = program().get("/agent")
    assert answer.status_code == 404 and answer.mimetype == "application/problem+json"
