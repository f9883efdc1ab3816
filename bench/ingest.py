"""Spans over HTTP: how fast they are stored and countable, what they cost on disk and in memory, beside two peers.

All servers get the same bodies from the same client: the recorded minute as 45 requests of up to 512 spans in protobuf.
A rate is spans divided by the time from the first octet sent until the last span can be counted in the server's
database, whatever was answered before.
"""

import gc
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Protocol

import click

from bench import import_rate
from bench.copying import copied
from bench.databases import KINDS, databases, shop_minute
from bench.ours import serving
from bench.peers import PEERS, Peer
from bench.processes import peak_memory
from bench.report import Row, at_least, at_most, spread
from bench.sending import DROPPED, Sent, bodies, percentile, send_all, spans_of
from tests.databases import Databases

SECTION = "Ingest"
CONNECTIONS = (1, 4)
ROUNDS = {"MLflow": 3, "Phoenix": 1}  # Phoenix needs three minutes for a round
TIMES = {"MLflow": 5.0, "Phoenix": 40.0}
OF_EXECUTEMANY, DISK, MEGABYTE = 0.4, 0.5, 1_000_000
PATIENCE = 900.0


class Server(Protocol):
    """What a measured server can be asked."""

    @property
    def port(self) -> int: ...
    @property
    def pid(self) -> int: ...
    @property
    def headers(self) -> dict[str, str]: ...
    def count(self) -> int: ...
    def octets(self) -> int: ...


@dataclass(frozen=True)
class Run:
    """One server once: spans per second, seconds per batch, octets on disk per span, octets of memory at most."""

    rate: float
    took: list[float]
    disk: float
    memory: int


def measure() -> list[Row]:
    file, what = shop_minute()
    what_is_sent = bodies(file)
    click.echo(f"ingest: {what}, {len(what_is_sent)} requests")
    for peer in PEERS:
        peer.install()
    with databases() as made:
        runs = {
            ("ours", connections): [_once(_ours(made, "sqlite"), what_is_sent, connections) for _ in range(3)]
            for connections in CONNECTIONS
        }
        for peer in PEERS:
            for connections in CONNECTIONS:
                runs[peer.name, connections] = [
                    _once(_peer(peer), what_is_sent, connections) for _ in range(ROUNDS[peer.name])
                ]
        rows = [row for peer in PEERS for row in _against(peer, runs)]
        rows += [_batches(runs), *_disk_and_memory(runs)]
        rows += [row for kind in KINDS for row in _of_the_tables(made, kind, file, what_is_sent, runs)]
    return rows


def _against(peer: Peer, runs: dict[tuple[str, int], list[Run]]) -> Iterator[Row]:
    for connections in CONNECTIONS:
        ours, theirs = runs["ours", connections], runs[peer.name, connections]
        ratio = median(run.rate for run in ours) / median(run.rate for run in theirs)
        name = f"spans stored and countable, {_said(connections)}, against {peer.name}"
        yield at_least(SECTION, name, _rates(ours), _rates(theirs), ratio, TIMES[peer.name])


def _batches(runs: dict[tuple[str, int], list[Run]]) -> Row:
    def said(name: str) -> str:
        return f"{percentile([each for run in runs[name, 4] for each in run.took], 0.95) * 1000:,.0f} ms"

    theirs = ", ".join(f"{peer.name} {said(peer.name)}" for peer in PEERS)
    return Row(SECTION, "p95 of a batch of 512 spans, 4 clients at once (Phoenix answers before it stores)",
               said("ours"), theirs)  # fmt: skip


def _disk_and_memory(runs: dict[tuple[str, int], list[Run]]) -> Iterator[Row]:
    ours, mlflow, phoenix = (runs[name, 4] for name in ("ours", "MLflow", "Phoenix"))
    disk = [spread([run.disk for run in each], "bytes", 0) for each in (ours, mlflow, phoenix)]
    ratio = median(run.disk for run in ours) / median(run.disk for run in mlflow)
    yield at_most(SECTION, "bytes on disk per span, every resource attribute kept, against MLflow, which keeps none",
                  disk[0], f"{disk[1]}; Phoenix {disk[2]}", ratio, DISK)  # fmt: skip
    memory = [spread([run.memory / MEGABYTE for run in each], "MB", 0) for each in (ours, mlflow, phoenix)]
    ratio = max(run.memory for run in ours) / max(run.memory for run in phoenix)
    yield at_most(SECTION, "memory of the server at most, against Phoenix", memory[0],
                  f"{memory[2]}; MLflow {memory[1]}", ratio, 1.0)  # fmt: skip


def _of_the_tables(
    made: Databases, kind: str, file: Path, sent: list[bytes], runs: dict[tuple[str, int], list[Run]]
) -> Iterator[Row]:
    """Against the same rows put into the same tables without a server, a door or a look at what is there."""
    ours = runs["ours", 4] if kind == "sqlite" else [_once(_ours(made, kind), sent, 4) for _ in range(3)]
    written = import_rate.written(made, kind, file)
    spans = next(len(rows) for table, rows in written if table.name == "spans")
    bare = [spans / import_rate.timed(made, kind, lambda engine: import_rate.insert_all(engine, written))
            for _ in range(3)]  # fmt: skip
    said = f"executemany {spread(bare, 'spans/s', 0)}"
    if kind == "postgresql":
        copy = [
            spans / import_rate.timed(made, kind, lambda engine: copied(engine, written)) for _ in range(3)
        ]
        said += f"; COPY {spread(copy, 'spans/s', 0)}"
    ratio = median(run.rate for run in ours) / median(bare)
    name = f"spans stored and countable, {kind}, 4 connections, against a bare executemany of the same rows"
    yield at_least(SECTION, name, _rates(ours), said, ratio, OF_EXECUTEMANY)


def _rates(runs: list[Run]) -> str:
    return spread([run.rate for run in runs], "spans/s", 0)


def _said(connections: int) -> str:
    return "1 connection" if connections == 1 else f"{connections} connections"


Serving = Callable[[Path], AbstractContextManager[Server]]


def _ours(made: Databases, kind: str) -> Serving:
    return lambda folder: serving(made, kind, folder)


def _peer(peer: Peer) -> Serving:
    return peer.running


@contextmanager
def _in_a_folder(start: Serving) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="quantum-ingest-") as folder, start(Path(folder)) as server:
        yield server


def _once(start: Serving, what: list[bytes], connections: int) -> Run:
    """A new server with an empty database, and the whole minute sent to it."""
    spans = count_spans(what)
    with _in_a_folder(start) as server:
        before = server.octets()
        gc.collect()
        with peak_memory(server.pid) as memory:
            sent = send_all(server.port, server.headers, what, connections)
            seconds = await_count(server, spans, sent)
        if [each for each in sent.refused if each not in (DROPPED, 429, 503)]:
            raise RuntimeError(f"the server refused: {sent.refused[:5]}")
        disk = (server.octets() - before) / spans
    run = Run(spans / seconds, sent.took, disk, memory[0])
    click.echo(
        f"  {_said(connections)}: {run.rate:,.0f} spans/s, {run.disk:,.0f} bytes, {run.memory / 1e6:,.0f} MB"
    )
    return run


def await_count(server: Server, spans: int, sent: Sent) -> float:
    """Seconds from the first octet until all spans can be counted."""
    while (found := server.count()) < spans:
        if perf_counter() - sent.began > PATIENCE:
            raise RuntimeError(f"only {found:,} of {spans:,} spans can be counted after {PATIENCE:.0f} s")
        sleep(0.02 if spans - found < 5_000 else 0.1)
    return perf_counter() - sent.began


def count_spans(what: list[bytes]) -> int:
    return sum(len(spans_of(body)) for body in what)


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
