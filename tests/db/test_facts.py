"""What must come out of the real files, computed independently in facts.json and fixed in the interfaces."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from db.catalogue.loader import seed
from db.engine import make_engine
from db.metric import Reading, Window, read
from db.models import Agent
from db.queries.agents import AgentFilter, agent_page
from db.queries.connections import connections_of, network
from db.services.otlp_files import Report, import_files
from tests.databases import Databases
from tests.sessions import session

ALL = Window.parse("all")
SHOP = "traces/onlineboutique-2022-08-22-0353.otlp.jsonl.gz"
RUNS = "traces/agent-runs.otlp.jsonl.gz"
RAILWAY = "traces/trainticket-2023-01-29-0843.otlp.jsonl.gz"


def value(engine: Engine, key: str, *subject: str, window: Window = ALL) -> Reading:
    with session(engine) as unit:
        return read(unit, key, window, subject)


@pytest.fixture(scope="module")
def facts(shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "data" / "facts.json").read_text())
    return found


@pytest.fixture(scope="module")
def filled(databases: Databases, database_kind: str, shared_data: Path) -> Iterator[Any]:
    """One database per file (and kind), imported twice."""
    made: dict[str, tuple[Engine, list[Report]]] = {}
    opened = []

    def of(name: str) -> tuple[Engine, list[Report]]:
        if name not in made:
            context = databases.migrated(database_kind)
            engine = make_engine(context.__enter__())
            opened.append((context, engine))
            with session(engine, write=True) as unit:
                seed(unit)
            path = shared_data / "data" / name
            made[name] = engine, [import_files(engine, [path]) for _ in range(2)]
        return made[name]

    yield of
    for context, engine in opened:
        engine.dispose()
        context.__exit__(None, None, None)


def test_catalogue_alone(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        seed(unit)
    expected = {
        "fleet.agents_configured": 139,
        "fleet.agents_observed": 0,
        "fleet.agents_operational": 0,
        "fleet.connections": 0,
        "fleet.efficiency": None,
        "spans.latency_p50_ms": None,
        "spans.latency_p95_ms": None,
        "db.latency_p50_ms": None,
        "db.latency_p95_ms": None,
        "system.uptime": None,
    }
    found = {key: value(engine, key) for key in expected}
    assert {key: reading.value for key, reading in found.items()} == expected
    assert all(reading.reason for reading in found.values() if reading.value is None)


def test_shop_minute_once_or_twice(filled: Any) -> None:
    engine, (first, second) = filled(SHOP)
    assert (first.spans, first.already, first.refused) == (23_019, 0, [])
    assert (second.spans, second.already, second.agents) == (0, 23_019, 0)
    expected = {
        "spans.count": 23_019,
        "traces.count": 497,
        "fleet.agents_observed": 10,
        "fleet.connections": 13,
        "calls.count": 5_508,
        "spans.latency_p50_ms": 2.09024,
        "spans.latency_p95_ms": 81.377755,
        "spans.errors": 0,
        "fleet.agents_operational": 0,
        "fleet.efficiency": None,
        "spans.unattributed": 0,
    }
    assert {key: value(engine, key).value for key in expected} == expected
    assert value(engine, "fleet.efficiency").n == 0


def test_shop_edges_and_services_agree_with_the_facts(filled: Any, facts: dict[str, Any]) -> None:
    engine, _ = filled(SHOP)
    for service, expected in facts[SHOP]["per_service"].items():
        assert value(engine, "agent.spans", service).value == expected["spans"]
        assert value(engine, "agent.latency_p50_ms", service).value == pytest.approx(
            expected["p50_ms"], abs=0.01
        )
    for edge, expected in facts[SHOP]["service_edges"].items():
        caller, callee = edge.split(" -> ")
        assert value(engine, "connection.calls", caller, callee).value == expected["calls"]


def test_llm_runs(filled: Any, facts: dict[str, Any]) -> None:
    engine, (first, _) = filled(RUNS)
    expected = {
        "spans.count": 166,
        "traces.count": 39,
        "spans.errors": 1,
        "tokens.input": 34_133,
        "tokens.output": 881,
    }
    assert {key: value(engine, key).value for key in expected} == expected
    assert first.parents_missing == facts[RUNS]["spans_whose_parent_is_not_in_file"]
    with session(engine) as unit:
        names = set(unit.scalars(select(Agent.name).where(Agent.origin == "telemetry")))
    assert set(facts[RUNS]["agent_names_on_any_span"]) <= names
    team = "CWExperiment_OpenaiOpenInferenceMulti.DEFAULT"
    with session(engine) as unit:
        found = {
            (row.caller_id, row.callee_id): row for row in connections_of(unit, ALL, f"{team}/coordinator")
        }
    handed = found[(f"{team}/coordinator", f"{team}/math_specialist")]
    assert handed.kind == "command"
    assert handed.readings["connection.errors"].value == 1


def test_llm_runs_as_protobuf_give_the_same(filled: Any) -> None:
    engine, (first, _) = filled("traces/agent-runs.otlp.pb")
    other, _ = filled(RUNS)
    assert first.spans == 166
    for key in (
        "spans.count",
        "tokens.input",
        "tokens.output",
        "calls.count",
        "fleet.connections",
        "spans.errors",
    ):
        assert value(engine, key).value == value(other, key).value


def test_railway_minute(filled: Any, facts: dict[str, Any]) -> None:
    engine, _ = filled(RAILWAY)
    expected = {
        "spans.count": 4_445,
        "traces.count": 53,
        "fleet.agents_observed": 27,
        "fleet.connections": 49,
        "spans.latency_p95_ms": 122.611605,
    }
    assert {key: value(engine, key).value for key in expected} == expected
    assert value(engine, "calls.count").value == sum(
        edge["calls"] for edge in facts[RAILWAY]["service_edges"].values()
    )


def test_windows_are_half_open(filled: Any) -> None:
    engine, _ = filled(SHOP)
    whole = Window.parse("2022-08-22T03:52:00Z/2022-08-22T03:55:00Z")
    assert value(engine, "spans.count", window=whole).value == 23_019
    split = "2022-08-22T03:52:45Z"
    parts = [
        value(engine, "spans.count", window=Window.parse(text)).value or 0
        for text in (f"2022-08-22T03:52:00Z/{split}", f"{split}/2022-08-22T03:55:00Z")
    ]
    assert sum(parts) == 23_019
    assert all(parts)
    assert value(engine, "spans.count", window=Window.parse("24h")).value == 0


@pytest.mark.parametrize("name", [SHOP, RUNS])
def test_lists_show_what_the_single_metrics_say(filled: Any, name: str) -> None:
    engine, _ = filled(name)
    with session(engine) as unit:
        rows, total = agent_page(unit, ALL, AgentFilter(origin="telemetry"), size=200)
        assert total == len(rows)
        for row in rows:
            for key, listed in row.readings.items():
                assert read(unit, key, ALL, (row.id,)) == listed
        drawn = network(unit, ALL, AgentFilter())
        for connection in drawn.connections:
            for key, listed in connection.readings.items():
                assert read(unit, key, ALL, (connection.caller_id, connection.callee_id)) == listed
        assert sum(edge["calls"] for edge in drawn.edges) == read(unit, "calls.count", ALL).value
