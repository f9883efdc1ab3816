"""Import of the shop minute against SQLAlchemy Core's executemany of every row the import wrote.

The peer gets its rows ready made in memory: no file, no decoding, no checks, no look-ups. It is what no importer
that goes through SQLAlchemy can beat.
"""

import gc
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import click
from sqlalchemy import Engine, Table, func, insert, select

from bench.databases import KINDS, databases, shop_minute
from bench.report import Row, at_least, spread
from db.base import Base
from db.engine import make_engine
from db.services.otlp_files import BATCH, import_files
from tests.databases import Databases

ROUNDS = 3
LEAST = 0.5
SECTION = "Import"
Rows = list[tuple[Table, list[dict[str, Any]]]]


def measure() -> list[Row]:
    file, what = shop_minute()
    click.echo(f"import: {what}")
    with databases() as made:
        return [_measure(made, kind, file) for kind in KINDS]


def _measure(made: Databases, kind: str, file: Path) -> Row:
    rows = written(made, kind, file)
    count = sum(len(each) for _, each in rows)
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(timed(made, kind, lambda engine: import_files(engine, [file])))
        peer.append(timed(made, kind, lambda engine: insert_all(engine, rows)))
        click.echo(f"  {kind}: import {ours[-1]:.2f} s, executemany {peer[-1]:.2f} s")
    ratio = median(p / o for o, p in zip(ours, peer, strict=True))
    metric = f"import rate, {kind}, {count:,} rows written ({_named(rows)})"
    return at_least(SECTION, metric, _rate(count, ours), _rate(count, peer), ratio, LEAST)


def _rate(count: int, seconds: list[float]) -> str:
    return spread([count / each for each in seconds], "rows/s", 0)


def _named(written: Rows) -> str:
    return ", ".join(f"{table.name} {len(rows):,}" for table, rows in written)


def timed(made: Databases, kind: str, work: Any) -> float:
    """Seconds of `work` on a new migrated database over a connection that is already open."""
    with made.migrated(kind) as url:
        engine = make_engine(url)
        with engine.connect() as connection:
            connection.execute(select(1))
        gc.collect()
        gc.freeze()  # the import does this for itself, and the peer shall not be slower for want of it
        begin = perf_counter()
        work(engine)
        took = perf_counter() - begin
        gc.unfreeze()
        engine.dispose()
    return took


def written(made: Databases, kind: str, file: Path) -> Rows:
    """Every row the import adds, by table, in an order foreign keys allow."""
    with made.migrated(kind) as url:
        engine = make_engine(url)
        before = _counts(engine)
        import_files(engine, [file])
        after = _counts(engine)
        if any(before[name] and before[name] != after[name] for name in before):
            raise RuntimeError("the import adds to rows a migration wrote; they cannot be told apart here")
        with engine.connect() as connection:
            rows = [
                (table, [dict(row) for row in connection.execute(select(table)).mappings()])
                for table in Base.metadata.sorted_tables
                if after[table.name] > before[table.name]
            ]
        engine.dispose()
    return rows


def _counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def insert_all(engine: Engine, written: Rows) -> None:
    """The rows in transactions of the import's size."""
    for table, rows in written:
        for batch in batches(rows):
            with engine.begin() as connection:
                connection.execute(insert(table), batch)


def batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for begin in range(0, len(rows), BATCH):
        yield rows[begin : begin + BATCH]


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
