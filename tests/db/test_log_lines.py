"""Whose a log line is, how severe, and that nothing that was sent is lost."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select

from db.actor import SYSTEM
from db.engine import session as guarded
from db.metric import from_ns
from db.models import Agent, AgentLog
from db.services.ingest import store
from db.services.log_lines import StoredLogs, store_logs
from db.services.otlp import SpanRecord, spans_of
from db.services.otlp_envelope import items_of
from db.services.otlp_logs import NAMES, LogRecord, level_of, logs_of
from tests.api.documents import logs, record
from tests.otlp import BEGIN, attribute, request, span
from tests.sessions import session


def put(engine: Engine, document: dict[str, Any], source: str = "key a") -> StoredLogs:
    found = list(logs_of(items_of(document, NAMES)))
    with guarded(engine, SYSTEM, write=True) as unit:
        return store_logs(unit, [each for each in found if isinstance(each, LogRecord)], source)


def put_spans(engine: Engine, document: dict[str, Any]) -> None:
    with guarded(engine, SYSTEM, write=True) as unit:
        store(unit, [each for each in spans_of(document) if isinstance(each, SpanRecord)], "key a")


def owners(engine: Engine) -> list[tuple[str, str]]:
    with session(engine) as unit:
        lines = unit.scalars(select(AgentLog).order_by(AgentLog.created_at))
        return [(line.agent_id, line.meta["attribution"]) for line in lines]


def test_a_line_is_its_named_agents_then_its_spans_then_its_services(engine: Engine) -> None:
    put_spans(
        engine,
        request(
            span(1),
            span(2, 1, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="lead"),
            service="team",
        ),
    )
    inside = {"traceId": f"{1:032x}", "spanId": f"{2:016x}"}
    named = {"attributes": [attribute("gen_ai.agent.name", "helper")]}
    done = put(
        engine,
        logs(
            record(1),
            record(2, **inside),
            record(3, **inside, **named),
            record(4, traceId=f"{1:032x}", spanId=f"{1:016x}"),
            record(5, traceId=f"{9:032x}", spanId=f"{9:016x}"),
            service="desk",
        ),
    )
    assert owners(engine) == [
        ("desk", "service"),
        ("team/lead", "span"),
        ("desk/helper", "own"),
        ("desk", "service"),
        ("desk", "service"),
    ]
    assert done.agents == 2
    with session(engine) as unit:
        assert unit.scalars(select(Agent.origin).where(Agent.id == "desk/helper")).one() == "telemetry"


def test_a_line_of_nobody_is_refused_unless_its_span_is_known(engine: Engine) -> None:
    put_spans(engine, request(span(1), service="team"))
    inside = {"traceId": f"{1:032x}", "spanId": f"{1:016x}"}
    for service in (None, "unknown_service:python"):
        done = put(engine, logs(record(1), record(2, **inside), service=service))
        assert len(done.new) == 1 and [error.kind for _, error in done.refused] == ["of_nobody"]
        assert "OTEL_SERVICE_NAME" in str(done.refused[0][1])
    assert set(owners(engine)) == {("team", "span")}


def test_an_id_that_is_an_agents_means_that_agent(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.add(Agent(id="AGENT_7", name="Seven", origin="catalogue"))
    put(engine, logs(record(1, attributes=[attribute("gen_ai.agent.id", "AGENT_7")])))
    assert owners(engine) == [("AGENT_7", "own")]


@pytest.mark.parametrize(
    ("number", "word", "level"),
    [(1, "", "debug"), (8, "", "debug"), (9, "", "info"), (12, "ERROR", "info"), (13, "", "warning"), (17, "", "error"),
     (20, "", "error"), (21, "", "critical"), (24, "", "critical"), (0, "Warn", "warning"), (0, " FATAL ", "critical"),
     (0, "", "info"), (0, "loud", "info"), (99, "err", "error")],
)  # fmt: skip
@pytest.mark.databases("sqlite")
def test_severity_becomes_a_level(number: int, word: str, level: str) -> None:
    assert level_of(number, word) == level


def test_everything_that_was_sent_is_kept(engine: Engine) -> None:
    line = record(
        1,
        observedTimeUnixNano=str(BEGIN + 9),
        severityNumber="SEVERITY_NUMBER_WARN3",
        severityText="Loud",
        eventName="device.started",
        flags=1,
        traceId="AB" * 16,
        spanId="cd" * 8,
        attributes=[attribute("n", 7)],
        body={"kvlistValue": {"values": [attribute("a", 1), attribute("b", "x")]}},
    )
    put(engine, logs(line, host__name="h1"), source="key b")
    with session(engine) as unit:
        stored = unit.scalars(select(AgentLog)).one()
    assert (stored.log_level, stored.message) == ("warning", '{"a":1,"b":"x"}')
    assert stored.created_at == from_ns(BEGIN + 1_000_000)
    assert stored.meta == {
        "severity_number": 15,
        "severity_text": "Loud",
        "trace_id": "ab" * 16,
        "span_id": "cd" * 8,
        "time_ns": BEGIN + 1_000_000,
        "observed_ns": BEGIN + 9,
        "event": "device.started",
        "body": {"a": 1, "b": "x"},
        "flags": 1,
        "attributes": {"n": 7},
        "resource": {"service.name": "shop", "host.name": "h1"},
        "attribution": "service",
        "source": "key b",
    }


def test_a_line_without_a_time_has_the_time_it_was_seen_else_received(engine: Engine) -> None:
    before = datetime.now(UTC)
    put(
        engine,
        logs(record(1, timeUnixNano="0", observedTimeUnixNano=str(BEGIN)), record(2, timeUnixNano=None)),
    )
    with session(engine) as unit:
        times = sorted(line.created_at for line in unit.scalars(select(AgentLog)) if line.created_at)
    assert times[0] == from_ns(BEGIN) and before <= times[1] <= datetime.now(UTC)


def test_lines_that_say_the_same_are_all_kept_and_the_same_batch_adds_none(engine: Engine) -> None:
    batch = logs(record(1), record(1), record(1), record(2))
    assert len(put(engine, batch).new) == 4
    again = put(engine, batch)
    assert (len(again.new), again.already) == (0, 4)
    assert len(put(engine, logs(record(1), service="other")).new) == 1
    assert len(put(engine, logs(record(1), host__name="h2")).new) == 1
    assert len(put(engine, logs(record(1, severityNumber=10))).new) == 1
    turned = logs(record(3, attributes=[attribute("a", 1), attribute("b", 2)]))
    assert len(put(engine, turned).new) == 1
    turned = logs(record(3, attributes=[attribute("b", 2), attribute("a", 1)]))
    assert len(put(engine, turned).new) == 0, "the order of attributes says nothing"


def test_what_is_wrong_with_one_line_does_not_take_the_others(engine: Engine) -> None:
    good, odd = record(1), record(2, body={"stringValue": "a\x00b"}, attributes=[attribute("k\x00", "v\x00")])
    found = list(
        logs_of(items_of(logs(good, record(3, traceId="xyz"), odd, record(4, severityNumber=[1])), NAMES))
    )
    assert [isinstance(each, LogRecord) for each in found] == [True, False, True, False]
    with guarded(engine, SYSTEM, write=True) as unit:
        assert len(store_logs(unit, [each for each in found if isinstance(each, LogRecord)], "x").new) == 2
