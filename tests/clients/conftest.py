"""A served application and a key, for programs that report to it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Select, select

from db.engine import make_engine
from db.models import Agent, AgentLog, Call, SystemMetric
from tests.databases import Databases
from tests.served import make_key, served

SLOWEST_SECONDS = 120
Told = Callable[[str], dict[str, str]]


@dataclass(frozen=True)
class Quantum:
    """Where programs report to, the key they show, and the database behind it."""

    url: str
    token: str
    engine: Engine
    variables: dict[str, str]

    def rows(self, statement: Select[Any]) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(statement)]

    def agents(self, service: str) -> set[str]:
        """Ids of the agents that were first seen in spans of this service."""
        known = self.rows(select(Agent.id).where(Agent.origin == "telemetry"))
        return {str(agent) for (agent,) in known if str(agent).partition("/")[0] == service}

    def logs(self, agent: str) -> list[tuple[str, str, str | None, str | None]]:
        """Level, text, trace and span of an agent's log records, in the order of their time."""
        known = self.rows(
            select(AgentLog.log_level, AgentLog.message, AgentLog.meta)
            .where(AgentLog.agent_id == agent)
            .order_by(AgentLog.created_at)
        )
        return [
            (str(level), str(words), meta.get("trace_id"), meta.get("span_id"))
            for level, words, meta in known
        ]

    def points(self, source: str) -> dict[str, tuple[str | None, float | None]]:
        """Unit and value of a source's measurements, by name."""
        known = self.rows(
            select(SystemMetric.metric_type, SystemMetric.metric_unit, SystemMetric.metric_value).where(
                SystemMetric.source == source
            )
        )
        return {name: (unit, None if value is None else float(value)) for name, unit, value in known}

    def calls(self, service: str) -> dict[tuple[str, str], int]:
        """How often one agent of this service asked another, by (caller, callee)."""
        found: dict[tuple[str, str], int] = {}
        for caller, callee in self.rows(select(Call.caller_id, Call.callee_id)):
            if str(callee).partition("/")[0] == service:
                pair = str(caller), str(callee)
                found[pair] = found.get(pair, 0) + 1
        return found


@pytest.fixture(scope="session")
def quantum(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quantum]:
    """The application as `quantum serve` serves it, on SQLite: what clients send does not depend on the database."""
    with databases.migrated("sqlite") as url, served(url, tmp_path_factory.mktemp("served")) as server:
        engine = make_engine(url)
        _, token = make_key(engine)
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{token}",
        }
        yield Quantum(server.url, token, engine, variables)
        engine.dispose()


@pytest.fixture
def told(quantum: Quantum) -> Told:
    """The environment of a program that reports under a service name, as step 2 of docs/connect.md sets it."""

    def environment(service: str) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "QUANTUM_"))
        }
        return kept | quantum.variables | {"OTEL_SERVICE_NAME": service, "PYTHONWARNINGS": "ignore"}

    return environment


def run(command: list[str], environment: dict[str, str], folder: Path) -> str:
    """What a program said. It has to end well."""
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=SLOWEST_SECONDS
    )
    assert done.returncode == 0, f"{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
    assert "Failed to export" not in done.stderr, done.stderr[-2000:]
    return done.stdout
