"""Storing what comes over HTTP, without the HTTP: protobuf bodies of 512 spans decoded and stored, a transaction each.

The peer is SQLAlchemy Core's executemany of the very rows that come of it, ready made, in transactions of that size.
On PostgreSQL the rate of a COPY of the spans alone is told besides: no login that row security binds may COPY in.
"""

import base64
import gc
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import click
import orjson
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import Engine, Table, insert, select

from bench.databases import KINDS, databases, shop_minute
from bench.report import Row, at_least, at_most, spread
from db.actor import SYSTEM
from db.base import Base
from db.engine import make_engine, session
from db.models import Span
from db.services.ingest import store
from db.services.otlp import SpanRecord, decode_protobuf
from tests.databases import Databases

ROUNDS, BATCH = 3, 512
LEAST, MOST_BYTES = 0.4, 410
SECTION = "Store"
IDS = ("traceId", "spanId", "parentSpanId")
Rows = list[tuple[Table, list[dict[str, Any]]]]


def measure() -> list[Row]:
    file, what = shop_minute()
    click.echo(f"store: {what}, as protobuf in batches of {BATCH}")
    bodies = list(_bodies(file))
    with databases() as made:
        return [row for kind in KINDS for row in _measure(made, kind, bodies)]


def _bodies(file: Path) -> Iterator[bytes]:
    with gzip.open(file) as lines:
        for line in lines:
            document = orjson.loads(line)
            for span in _spans(document):
                span |= {key: _base64(span[key]) for key in IDS if span.get(key)}
            yield json_format.ParseDict(document, ExportTraceServiceRequest()).SerializeToString()


def _spans(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            yield from scope["spans"]


def _base64(digits: str) -> str:
    """Protobuf's own JSON, unlike OTLP's, writes bytes so."""
    return base64.b64encode(bytes.fromhex(digits)).decode()


def _measure(made: Databases, kind: str, bodies: list[bytes]) -> Iterator[Row]:
    written = _written(made, kind, bodies)
    count = next(len(rows) for table, rows in written if table is Span.__table__)
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(_timed(made, kind, lambda engine: _store(engine, bodies)))
        peer.append(_timed(made, kind, lambda engine: _insert(engine, written)))
        click.echo(f"  {kind}: store {ours[-1]:.2f} s, executemany {peer[-1]:.2f} s")
    ratio = median(p / o for o, p in zip(ours, peer, strict=True))
    mine, theirs = (spread([count / each for each in took], "spans/s", 0) for took in (ours, peer))
    yield at_least(SECTION, f"decode and store, {kind}, {count:,} spans", mine, theirs, ratio, LEAST)
    if kind == "sqlite":
        empty, grown = _bytes(made, bodies)
        each = grown / count
        told = f"{each:.0f}, and {empty / 1_000_000:.1f} MB for the empty database"
        yield at_most(SECTION, "bytes on disk a span", told, "", each, MOST_BYTES)
    else:
        took = _timed(made, kind, lambda engine: _copy(engine, written))
        click.echo(f"  {kind}: COPY of the spans alone {count / took:,.0f} spans/s")


def _store(engine: Engine, bodies: list[bytes]) -> None:
    for body in bodies:
        records = [each for each in decode_protobuf(body) if isinstance(each, SpanRecord)]
        with session(engine, SYSTEM, write=True) as unit:
            store(unit, records, "key bench")


def _insert(engine: Engine, written: Rows) -> None:
    for table, rows in written:
        for begin in range(0, len(rows), BATCH):
            with engine.begin() as connection:
                connection.execute(insert(table), rows[begin : begin + BATCH])


def _copy(engine: Engine, written: Rows) -> None:
    """Spans only, after whom they refer to; as the server's administrator."""
    _insert(engine, [each for each in written if each[0] is not Span.__table__])
    rows = next(rows for table, rows in written if table is Span.__table__)
    names = [name for name in rows[0] if any(row[name] not in (None, [], {}) for row in rows)]
    with engine.begin() as connection:
        raw: Any = connection.connection.driver_connection
        with raw.cursor() as cursor, cursor.copy(f"COPY spans ({', '.join(names)}) FROM STDIN") as sent:
            for row in rows:
                sent.write_row([_plain(name, row[name]) for name in names])


def _plain(name: str, value: Any) -> Any:
    return bytes.fromhex(value) if value and name in ("trace_id", "span_id", "parent_span_id") else value


def _timed(made: Databases, kind: str, work: Callable[[Engine], None]) -> float:
    """Seconds of `work` on a new migrated database over a connection that is already open."""
    with made.migrated(kind) as url:
        engine = make_engine(url)
        with engine.connect() as connection:
            connection.execute(select(1))
        gc.collect()
        begin = perf_counter()
        work(engine)
        took = perf_counter() - begin
        engine.dispose()
    return took


def _written(made: Databases, kind: str, bodies: list[bytes]) -> Rows:
    """Every row that storing adds, in an order foreign keys allow."""
    names = {"senders", "agents", "spans", "calls"}
    with made.migrated(kind) as url:
        engine = make_engine(url)
        _store(engine, bodies)
        with engine.connect() as connection:
            rows = [
                (table, [dict(row) for row in connection.execute(select(table)).mappings()])
                for table in Base.metadata.sorted_tables
                if table.name in names
            ]
        engine.dispose()
    return rows


def _bytes(made: Databases, bodies: list[bytes]) -> tuple[int, int]:
    """What the empty database takes, a page for each table and index, and by how much the spans let it grow."""
    with made.migrated("sqlite") as url:
        engine = make_engine(url)
        empty = _octets(engine)
        _store(engine, bodies)
        grown = _octets(engine) - empty
        engine.dispose()
    return empty, grown


def _octets(engine: Engine) -> int:
    with engine.connect() as connection:
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {what}").scalar() or 0 for what in ("page_count", "page_size")
        )
    return int(pages * size)


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
