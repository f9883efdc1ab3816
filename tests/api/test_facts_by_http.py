"""Every trace, log and metric file of the shared data, sent over HTTP: the same numbers as from the file."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from app import COLLECTOR, create_app
from db.engine import make_engine
from db.metric import METRICS, Window, read
from db.models import Agent, AgentConnection, AgentLog, Call, NetworkNode, Span, SystemMetric
from db.services.otlp_files import import_files
from settings import load
from tests.api.reporter import JSON, PROTOBUF, Reporter, key_of
from tests.databases import Databases, logins
from tests.sessions import session

SHOP = "traces/onlineboutique-2022-08-22-0353.otlp.jsonl.gz"
RUNS = "traces/agent-runs.otlp.jsonl.gz"
RUNS_WIRE = "traces/agent-runs.otlp.pb"
RAILWAY = "traces/trainticket-2023-01-29-0843.otlp.jsonl.gz"
LOGS = "logs/trainticket-2023-01-29-0843.otlp-logs.jsonl.gz"
METRICS_FILE = "metrics/onlineboutique-2022-08-22.otlp-metrics.jsonl.gz"
ALL = Window.parse("all")
NUMBERS = sorted(
    key
    for key, declared in METRICS.items()
    if not declared.subject
    and not declared.by_system
    and key.split(".")[0] in ("spans", "traces", "calls", "tokens", "fleet")
) + ["ingest.refused", "ingest.orphans"]


def requests(path: Path) -> Iterator[tuple[bytes, str]]:
    if path.suffix == ".pb":
        yield path.read_bytes(), PROTOBUF
        return
    for line in gzip.decompress(path.read_bytes()).splitlines():
        if line.strip():
            yield line, JSON


def numbers(engine: Engine) -> dict[str, Any]:
    with session(engine) as unit:
        return {key: (read(unit, key, ALL).value, read(unit, key, ALL).n) for key in NUMBERS}


def rows(engine: Engine) -> dict[str, Any]:
    """Everything stored but where it came in and when."""

    def plain(document: Any) -> str:
        return json.dumps({key: held for key, held in document.items() if key != "source"}, sort_keys=True)

    with session(engine) as unit:
        links = unit.execute(
            select(AgentConnection.agent_a_id, AgentConnection.agent_b_id, AgentConnection.strength)
        )
        return {
            "agents": sorted(unit.execute(select(Agent.id, Agent.name, Agent.origin)).all()),
            "calls": sorted(
                unit.execute(select(Call.caller_id, Call.callee_id, Call.span_id, Call.latency_ns)).all()
            ),
            "links": sorted(links.all()),
            "nodes": sorted(unit.scalars(select(NetworkNode.node_name))),
            "spans": sorted(
                unit.execute(
                    select(Span.trace_id, Span.span_id, Span.agent_id, Span.attribution, Span.duration_ns)
                ).all(),
                key=str,
            ),
            "logs": sorted(
                (row.id, row.agent_id, row.log_level, row.message, row.created_at, plain(row.meta))
                for row in unit.scalars(select(AgentLog))
            ),
            "points": sorted(
                (
                    row.id,
                    row.metric_type,
                    row.metric_value,
                    row.metric_unit,
                    row.source,
                    row.recorded_at,
                    plain(row.meta),
                )
                for row in unit.scalars(
                    select(SystemMetric).where(~SystemMetric.metric_type.like("ingest.%"))
                )
            ),
        }


class Both:
    """One database filled from files, and one filled over HTTP."""

    def __init__(self, by_file: Engine, by_http: Engine, reporter: Reporter, collector: Any) -> None:
        self.by_file, self.by_http, self.reporter, self.collector = by_file, by_http, reporter, collector

    def fill(self, folder: Path, *names: str) -> None:
        import_files(self.by_file, [folder / name for name in names])
        for name in names:
            for body, kind in requests(folder / name):
                for _ in range(2):  # a client that did not hear the first answer
                    answer = self.reporter.send(name.split("/")[0], body, kind)
                    assert answer.status_code == 200 and answer.data in (b"", b"{}")
        self.collector.settle_fleet()


@pytest.fixture
def both(databases: Databases, database_kind: str, tmp_path: Path) -> Iterator[Both]:
    with ExitStack() as stack:
        first, second = (stack.enter_context(databases.migrated(database_kind)) for _ in range(2))
        own = logins(second)
        settings = load(
            {
                "QUANTUM_ENV": "test",
                "QUANTUM_DATABASE_URL": own["app"],
                "QUANTUM_DATABASE_OWNER_URL": own["owner"],
                "QUANTUM_DATABASE_SYSTEM_URL": own["system"],
                "QUANTUM_DATABASE_STAFF_URL": own["staff"],
                "QUANTUM_DATA_DIR": str(tmp_path / "var"),
            }
        )
        server = create_app(settings).server
        by_file, by_http = make_engine(first), make_engine(second)
        reporter = Reporter(server.test_client(), key_of(by_http))
        yield Both(by_file, by_http, reporter, server.extensions[COLLECTOR])
        by_file.dispose()
        by_http.dispose()


@pytest.mark.parametrize(
    "names",
    [(SHOP,), (RUNS,), (RUNS_WIRE,), (RAILWAY, LOGS), (LOGS, RAILWAY), (METRICS_FILE,)],
    ids=lambda names: " ".join(name.split("/")[-1] for name in names),
)
def test_what_is_sent_is_what_is_imported(both: Both, shared_data: Path, names: tuple[str, ...]) -> None:
    both.fill(shared_data / "data", *names)
    assert numbers(both.by_http) == numbers(both.by_file)
    assert rows(both.by_http) == rows(both.by_file)
    with session(both.by_http) as unit:
        assert read(unit, "fleet.agents_operational", ALL).value == 0, "history makes nobody operational"


def test_logs_over_http_agree_with_the_facts(both: Both, shared_data: Path) -> None:
    facts = json.loads((shared_data / "data" / "facts.json").read_text())[LOGS]
    both.fill(shared_data / "data", RAILWAY, LOGS)
    for engine in (both.by_http, both.by_file):
        with session(engine) as unit:
            found = list(unit.scalars(select(AgentLog)))
        assert len(found) == facts["records"] == 2435
        assert Counter(row.agent_id for row in found) == facts["services"]
        assert Counter(row.meta["severity_text"] for row in found) == facts["severity"]
        assert Counter(row.log_level for row in found) == {"info": 2315, "warning": 118, "error": 2}
        assert len({row.meta["trace_id"] for row in found}) == facts["distinct_traces"] == 53
        assert all(row.meta["span_id"] for row in found)
        assert min(row.meta["time_ns"] for row in found) == int(facts["first"])
        assert max(row.meta["time_ns"] for row in found) == int(facts["last"])


def test_metrics_over_http_agree_with_the_facts(both: Both, shared_data: Path) -> None:
    facts = json.loads((shared_data / "data" / "facts.json").read_text())[METRICS_FILE]
    both.fill(shared_data / "data", METRICS_FILE)
    for engine in (both.by_http, both.by_file):
        with session(engine) as unit:
            found = list(
                unit.scalars(select(SystemMetric).where(SystemMetric.metric_type.not_like("ingest.%")))
            )
        assert len(found) == facts["data_points"] == 2011
        assert len({row.metric_type for row in found}) == facts["metric_names"] == 19
        assert len({json.dumps(row.meta["resource"]) for row in found}) == facts["resources"] == 9
        assert {row.metric_unit for row in found} >= {"m", "%", "Mi"}
        assert all(row.metric_value is not None for row in found)


def test_llm_runs_over_http_agree_with_the_facts(both: Both, shared_data: Path) -> None:
    both.fill(shared_data / "data", RUNS)
    with session(both.by_http) as unit:
        found = {key: read(unit, key, ALL).value for key in ("spans.count", "traces.count", "spans.errors")}
        tokens = {key: read(unit, key, ALL).value for key in ("tokens.input", "tokens.output")}
        handoff = unit.scalar(
            select(func.count())
            .select_from(Call)
            .where(Call.caller_id.like("%/coordinator"), Call.callee_id.like("%/math_specialist"))
        )
    assert found == {"spans.count": 166, "traces.count": 39, "spans.errors": 1}
    assert tokens == {"tokens.input": 34_133, "tokens.output": 881}
    assert handoff


def test_every_late_item_is_counted_once(both: Both, shared_data: Path) -> None:
    both.fill(shared_data / "data", LOGS, METRICS_FILE)
    with session(both.by_http) as unit:
        assert read(unit, "ingest.late", ALL).value == 2435 + 2011
    with session(both.by_file) as unit:
        assert read(unit, "ingest.late", ALL).value == 0, "a file is history, not late"
