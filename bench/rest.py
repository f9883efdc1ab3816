"""Reads of /api/v1 over a kept connection to `quantum serve`, with the shop minute's 23,019 spans in the database.

Numbers by their own promise: 95 of 100 in under 30 ms, each by itself, on either database. A connection that is kept
must not wait for acknowledgements either: those would show as steps of 40 ms in an answer that takes a few.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

import click
from sqlalchemy import text

from bench.databases import databases, shop_minute
from bench.ours import Ours, serving
from bench.processes import cpu_ms
from bench.report import Row
from bench.sending import bodies, percentile, send_all

SECTION = "REST"
LIMIT_MS = 30.0
TIMES, FIRST = 200, 10  # readings of each, and how many before them make whatever is made on first use
NUMBERS = (
    "spans.count",
    "spans.errors",
    "traces.count",
    "spans.latency_p50_ms",
    "spans.latency_p95_ms",
    "fleet.agents_observed",
    "fleet.agents_operational",
    "fleet.connections",
    "fleet.efficiency",
    "calls.count",
    "tokens.input",
    "tokens.output",
)
LISTS = ("/agents", "/connections", "/spans?limit=50", "/spans?limit=50&agent=frontend", "/agents/frontend")
WINDOW = "2022-08-22T03:00:00Z/2022-08-22T05:00:00Z"


def measure() -> list[Row]:
    file, what = shop_minute()
    click.echo(f"rest: {TIMES} readings each, {what}")
    rows = []
    with databases() as made:
        for kind in ("sqlite", "postgresql"):
            with (
                tempfile.TemporaryDirectory(prefix="quantum-rest-") as folder,
                serving(made, kind, Path(folder)) as ours,
            ):
                sent = send_all(ours.port, ours.headers, bodies(file), 1)
                assert not sent.refused, sent.refused
                _settle(ours)
                rows += _of(ours, kind)
    return rows


def _settle(ours: Ours) -> None:
    """PostgreSQL vacuums and analyses by itself within minutes; here it is not waited for."""
    if ours.engine.dialect.name == "postgresql":
        with ours.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _of(ours: Ours, kind: str) -> list[Row]:
    numbers = {key: read(ours, f"/metrics/{key}?window=all") for key in NUMBERS}
    numbers |= {f"{key} of two hours": read(ours, f"/metrics/{key}?window={WINDOW}") for key in NUMBERS[:6]}
    lists = {path: read(ours, path) for path in LISTS}
    for name, told in {**numbers, **lists}.items():
        click.echo(f"  {kind} {name}: {told}")
    return [_row(kind, "numbers", numbers), _row(kind, "lists", lists)]


def _row(kind: str, what: str, found: Mapping[str, "Told"]) -> Row:
    """The slowest of them, against what was promised of each."""
    name, told = max(found.items(), key=lambda each: each[1].p95_ms)
    title = f"{kind}: p95 of the slowest of {len(found)} {what} ({name})"
    return Row(SECTION, title, str(told), "", told.p95_ms, f"<= {LIMIT_MS:g} ms", told.p95_ms <= LIMIT_MS)


@dataclass(frozen=True)
class Told:
    """How long answers took, and what each cost the server: a busy machine stretches the first, not the second."""

    took: list[float]
    cpu_ms: float

    @property
    def p95_ms(self) -> float:
        return percentile(self.took, 0.95) * 1000

    def __str__(self) -> str:
        median = percentile(self.took, 0.5) * 1000
        return f"median {median:.1f} ms, p95 {self.p95_ms:.1f} ms, {self.cpu_ms:.1f} ms of the server's processor"


def read(ours: Ours, path: str, times: int = TIMES) -> Told:
    """From the first octet of a request to the last of its answer, over one connection."""
    connection, took = HTTPConnection("127.0.0.1", ours.port, timeout=60), []
    before = 0.0
    for number in range(FIRST + times):
        if number == FIRST:
            before = cpu_ms(ours.pid)
        begin = perf_counter()
        connection.request("GET", f"/api/v1{path}", headers=ours.headers)
        answer = connection.getresponse()
        answer.read()
        took.append(perf_counter() - begin)
        assert answer.status == 200, (path, answer.status)
        assert not answer.will_close, "the connection is not kept"
    connection.close()
    return Told(took[FIRST:], (cpu_ms(ours.pid) - before) / times)


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
