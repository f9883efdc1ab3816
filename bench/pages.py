"""What one answer of a page costs at 23 thousand and at 230 thousand spans: time, queries, rows read.

The larger fleet is the recorded minute ten times over, each copy a minute later with traces of its own. CRM stands
for the modules: its deals do not hang on spans, so there is one for every ten spans, made for the measurement.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import click
from sqlalchemy import Engine, event, func, insert, select, text
from sqlalchemy.engine.cursor import CursorFetchStrategy

from bench.databases import KINDS, databases, shop_minute
from bench.report import Row, spread
from db.engine import make_engine
from db.models import Call, Deal, Profile, Span
from db.services.network import settle_network
from db.services.otlp_files import import_files
from db.services.rollups import roll_up_all, touch_all
from tests.databases import Databases
from tests.module_rows import promote
from tests.reader import Reader
from tests.sessions import session

ROUNDS = 3
COPIES = 10
SECTION = "Pages"
PAGES = ("overview", "map", "agents", "crm")
MINUTE_NS = 60_000_000_000
Rows = list[tuple[Any, list[dict[str, Any]]]]


@dataclass(frozen=True)
class Cost:
    """One page at one size: milliseconds of each round, queries, rows that came back."""

    ms: list[float]
    queries: int
    rows: int


@dataclass
class Counted:
    """What the database was asked while it was watched."""

    queries: int = 0
    rows: int = 0


def measure() -> list[Row]:
    file, what = shop_minute()
    click.echo(f"pages: {what}, and {COPIES} times it")
    with databases() as made:
        return [row for kind in KINDS for row in _measure(made, kind, file)]


def _measure(made: Databases, kind: str, file: Path) -> list[Row]:
    with made.migrated(kind) as url:
        engine = make_engine(url)
        import_files(engine, [file])
        roll_up_all(engine)
        _add_deals(engine, 0)
        small, few, minute = _spans(engine), _costs(url, engine), _minute(engine)
        for copy in range(1, COPIES):
            _copy(engine, minute, copy)
            _add_deals(engine, copy)
        with session(engine, write=True) as unit:
            touch_all(unit)
            settle_network(unit)
        roll_up_all(engine)
        large, many = _spans(engine), _costs(url, engine)
        engine.dispose()
    click.echo(f"  {kind}: {', '.join(f'{page} {median(many[page].ms):.0f} ms' for page in PAGES)}")
    return [_row(kind, page, few[page], many[page], (small, large)) for page in PAGES]


def _row(kind: str, page: str, few: Cost, many: Cost, sizes: tuple[int, int]) -> Row:
    def said(cost: Cost) -> str:
        return f"{spread(cost.ms, 'ms', 0)}, {cost.queries} queries, {cost.rows:,} rows"

    name = f"{page}, {kind}, {sizes[1]:,} spans beside {sizes[0]:,}"
    return Row(SECTION, name, said(many), said(few), median(many.ms) / median(few.ms))


def _costs(url: str, engine: Engine) -> dict[str, Cost]:
    """Each page's data callback, as a signed-in person's browser calls it."""
    _know_the_tables(engine)
    person = _signed_in(url, engine)
    names = {page: _callback(person, page) for page in PAGES}
    rounds = [{page: _once(person, name) for page, name in names.items()} for _ in range(ROUNDS + 1)][1:]
    return {
        page: Cost([each[page][0] for each in rounds], rounds[0][page][1].queries, rounds[0][page][1].rows)
        for page in PAGES
    }


def _know_the_tables(engine: Engine) -> None:
    """PostgreSQL counts its tables by itself a minute after they grew; here it does so at once."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _signed_in(url: str, engine: Engine) -> Reader:
    """An administrator, on an application of its own."""
    from app import create_app
    from settings import load

    folder = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None
    secret = {"QUANTUM_SECRET_KEY": "measured with this and nothing else, 0123456789"}
    environ = {"QUANTUM_ENV": "test", "QUANTUM_DATABASE_URL": url, **secret}
    if folder is not None:
        environ["QUANTUM_DATA_DIR"] = str(folder.parent / "var")
    app = create_app(load(environ))
    with engine.connect() as connection:
        known = connection.scalar(select(func.count()).select_from(Profile)) or 0
    name = f"reader{known}"
    person = Reader(app.server.test_client(), name)
    with session(engine, write=True) as unit:
        promote(unit, name, "admin")
    return person


def _callback(person: Reader, page: str) -> str:
    """The name of the callback that reads the page's numbers: it listens to the query and the refresh button."""
    wanted = {
        "overview": "overview-body",
        "map": "map-graph-packed",
        "agents": "agents-list",
        "crm": "crm-top",
    }[page]
    for entry in person.get("/_dash-dependencies").get_json():
        asked = {f"{each['id']}.{each['property']}" for each in entry["inputs"]}
        outputs = entry["output"].strip(".").split("...")
        if "url.search" in asked and any(output.startswith(f"{wanted}.") for output in outputs):
            return str(entry["output"])
    raise LookupError(f"no callback of {page} writes {wanted}")


def _once(person: Reader, callback: str) -> tuple[float, Counted]:
    gc.collect()
    with _watched() as counted:
        begin = perf_counter()
        answer = person.post(callback, {"url.search": "?range=all"})
        took = (perf_counter() - begin) * 1000
    if answer.status_code != 200 or "state-error" in answer.text:
        raise RuntimeError(f"{callback} answered {answer.status_code}: {answer.text[:400]}")
    return took, counted


@contextmanager
def _watched() -> Iterator[Counted]:
    """Count statements sent and rows fetched, on every engine of the process."""
    counted = Counted()

    def sent(*_: Any) -> None:
        counted.queries += 1

    def counting(fetch: Callable[..., Any], size: Callable[[Any], int]) -> Callable[..., Any]:
        def fetched(*given: Any, **more: Any) -> Any:
            found = fetch(*given, **more)
            counted.rows += size(found)
            return found

        return fetched

    sizes = {"fetchall": len, "fetchmany": len, "fetchone": lambda row: int(row is not None)}
    before = {name: getattr(CursorFetchStrategy, name) for name in sizes}
    event.listen(Engine, "after_cursor_execute", sent)
    for name, size in sizes.items():
        setattr(CursorFetchStrategy, name, counting(before[name], size))
    try:
        yield counted
    finally:
        event.remove(Engine, "after_cursor_execute", sent)
        for name, fetch in before.items():
            setattr(CursorFetchStrategy, name, fetch)


def _minute(engine: Engine) -> Rows:
    """The first minute's spans and calls."""
    tables: list[Any] = [Span.__table__, Call.__table__]
    with engine.connect() as connection:
        return [
            (table, [dict(row) for row in connection.execute(select(table)).mappings()]) for table in tables
        ]


def _copy(engine: Engine, minute: Rows, copy: int) -> None:
    """The first minute once more: traces renamed, `copy` minutes later."""
    for table, rows in minute:
        moved = [
            row
            | {"trace_id": f"{copy:04x}{row['trace_id'][4:]}", "start_ns": row["start_ns"] + copy * MINUTE_NS}
            for row in rows
        ]
        with engine.begin() as connection:
            connection.execute(insert(table), moved)


def _spans(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(Span)) or 0


def _add_deals(engine: Engine, copy: int) -> None:
    begin = datetime(2022, 8, 22, tzinfo=UTC) + timedelta(days=copy)
    statuses = ("lead", "negotiation", "closed", "lost")
    deals = [
        {
            "client_name": f"Client {copy}-{number}",
            "value": number % 997,
            "status": statuses[number % 4],
            "probability": number % 101,
            "created_at": begin + timedelta(seconds=30 * number),
        }
        for number in range(2302)
    ]
    with engine.begin() as connection:
        connection.execute(insert(Deal.__table__), deals)


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
