"""Reads of /api/v1 over a kept connection to `quantum serve`, with the shop minute's 23,019 spans in the database.

Numbers by their own promise: 95 of 100 in under 30 ms, each by itself, on either database. A connection that is kept
must not wait for acknowledgements either: those would show as steps of 40 ms in an answer that takes a few.
"""

import tempfile
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

import click

from bench.databases import databases, shop_minute
from bench.ours import Ours, serving
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
                rows += _of(ours, kind)
    return rows


def _of(ours: Ours, kind: str) -> list[Row]:
    numbers = {key: read(ours, f"/metrics/{key}?window=all") for key in NUMBERS}
    numbers |= {f"{key} of two hours": read(ours, f"/metrics/{key}?window={WINDOW}") for key in NUMBERS[:6]}
    lists = {path: read(ours, path) for path in LISTS}
    for name, took in {**numbers, **lists}.items():
        click.echo(f"  {kind} {name}: {_said(took)}")
    return [_row(kind, "numbers", numbers), _row(kind, "lists", lists)]


def _row(kind: str, what: str, found: Mapping[str, list[float]]) -> Row:
    """The slowest of them, against what was promised of each."""
    name, took = max(found.items(), key=lambda each: percentile(each[1], 0.95))
    slowest = percentile(took, 0.95) * 1000
    title = f"{kind}: p95 of the slowest of {len(found)} {what} ({name})"
    return Row(SECTION, title, _said(took), "", slowest, f"<= {LIMIT_MS:g} ms", slowest <= LIMIT_MS)


def _said(took: list[float]) -> str:
    return f"median {percentile(took, 0.5) * 1000:.1f} ms, p95 {percentile(took, 0.95) * 1000:.1f} ms"


def read(ours: Ours, path: str, times: int = TIMES) -> list[float]:
    """Seconds from the first octet of a request to the last of its answer, over one connection."""
    connection, took = HTTPConnection("127.0.0.1", ours.port, timeout=60), []
    for _ in range(FIRST + times):
        begin = perf_counter()
        connection.request("GET", f"/api/v1{path}", headers=ours.headers)
        answer = connection.getresponse()
        answer.read()
        took.append(perf_counter() - begin)
        assert answer.status == 200, (path, answer.status)
        assert not answer.will_close, "the connection is not kept"
    connection.close()
    return took[FIRST:]


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
