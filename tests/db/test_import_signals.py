"""One import for traces, logs and metrics, whatever a line holds; the command says what was stored of each."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from sqlalchemy import Engine, func, select

from cli_import import stored_words
from db.metric import Window, read
from db.models import AgentLog, AuditEntry, Span, SystemMetric
from db.services.otlp_files import Report, import_files
from tests.api.documents import logs, metric, metrics, point, record
from tests.api.reporter import REQUESTS
from tests.otlp import request, span, write
from tests.sessions import session

SPANS, LINES = request(span(1), span(2, 1)), logs(record(1), record(2), record(3))
POINTS = metrics(metric("load", "gauge", point(1)), metric("spent", "sum", point(1)))
ALL = Window.parse("all")


def counted(engine: Engine) -> tuple[int, ...]:
    with session(engine) as unit:
        return tuple(
            unit.scalar(select(func.count()).select_from(each)) or 0
            for each in (Span, AgentLog, SystemMetric)
        )


def test_mixed_lines_are_told_apart_and_stored_once(engine: Engine, tmp_path: Path) -> None:
    file = write(tmp_path / "mixed.jsonl", SPANS, LINES, POINTS, SPANS | LINES | POINTS)
    first, second = (import_files(engine, [file]) for _ in range(2))
    assert (first.spans, first.logs, first.points, first.already) == (2, 3, 2, 7)
    assert (second.spans, second.logs, second.points, second.already) == (0, 0, 0, 14)
    assert first.refused == second.refused == []
    assert counted(engine) == (2, 3, 2)
    with session(engine) as unit:
        assert {row.meta["source"] for row in unit.scalars(select(AgentLog))} == {"mixed"}
        told = unit.scalars(select(AuditEntry.table_name).where(AuditEntry.action == "IMPORT")).all()
    assert sorted(str(table) for table in told) == ["agent_logs", "spans", "system_metrics"]


@pytest.mark.parametrize(("signal", "document"), [("traces", SPANS), ("logs", LINES), ("metrics", POINTS)])
def test_a_protobuf_file_is_recognised_by_what_it_holds(
    engine: Engine, tmp_path: Path, signal: str, document: dict[str, object]
) -> None:
    text = json.dumps(document)
    for digits, number in ((32, 1), (16, 1), (16, 2)):  # protobuf's own JSON writes ids as base64
        written = b64encode(number.to_bytes(digits // 2)).decode()
        text = text.replace(f'"{number:0{digits}x}"', f'"{written}"')
    made = ParseDict(json.loads(text), REQUESTS[signal]())
    file = tmp_path / f"{signal}.pb"
    file.write_bytes(made.SerializeToString())
    report = import_files(engine, [file])
    assert report.refused == []
    assert counted(engine) == {"traces": (2, 0, 0), "logs": (0, 3, 0), "metrics": (0, 0, 2)}[signal]


def test_what_is_refused_is_told_by_line_and_counted_once(engine: Engine, tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.jsonl",
        LINES,
        logs(record(1), service=None),
        metrics(metric("db.round_trip_ms", "gauge", point(1), point(2))),
        '{"resourceLogs": [{"scopeLogs": 7}]}',
        request(span(1) | {"traceId": "x"}, span(2)),
    )
    reports = [import_files(engine, [file]) for _ in range(2)]
    assert [sorted(refusal.line for refusal in report.refused) for report in reports] == [[2, 3, 4, 5]] * 2
    assert (reports[0].logs, reports[0].spans) == (3, 1), "the rest is kept"
    with session(engine) as unit:
        assert read(unit, "ingest.refused", ALL).value == 5
        assert read(unit, "ingest.late", ALL).value == 0
        assert read(unit, "db.latency_p50_ms", ALL).value is None, (
            "nobody's round trips are the application's"
        )


@pytest.mark.databases("sqlite")
def test_the_command_says_what_was_stored_of_each() -> None:
    assert stored_words(Report()) == "0 spans"
    assert stored_words(Report(spans=23_019)) == "23,019 spans"
    assert stored_words(Report(spans=1, logs=2435, points=3)) == "1 spans, 2,435 log records, 3 points"
