"""`make bench-scale`: what the fleet's pages cost at 100 thousand, 1 million and 10 million spans over 90 days.

The same agents and the same ninety days, ever more spans in them, made inside the database. Each page's queries are
read over 24 hours, 30 days and all time. The 30-day 95th percentile is asked of DuckDB as well, over a Parquet file of
the same rows.

    python -m bench.scale [KIND ...] [SIZE ...]     such as postgresql 100000 1000000; everything where none is given
"""

import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import click
from sqlalchemy import Engine, text

from bench.databases import databases
from bench.report import CACHE, Row, at_most, spread
from db.actor import SYSTEM
from db.engine import Session, make_engine, session
from db.metric import Window, read, read_series
from db.models.rollup import FIVE_MINUTES
from db.queries.agents import AgentFilter, agent_page, last_spans, one_agent
from db.queries.connections import connections_of, latest_events, network
from db.services.rollups import roll_up_all
from tests.databases import logins
from tests.many_spans import fill

SIZES = {"postgresql": (100_000, 1_000_000, 10_000_000), "sqlite": (100_000, 1_000_000)}
OCTETS = {"postgresql": 900, "sqlite": 700}  # of a span with its calls, indexes and journal, generously
ROUNDS = 9
DAYS = 90
WINDOWS = ("24h", "30d", "all")
GROWTH, AGAINST_DUCKDB, ROLLING, PER_SECOND = 1.3, 0.2, 0.10, 2_000
SECTION = "Scale"
PEER = Path(__file__).resolve().parent / "peers" / "duckdb.txt"
CARDS = (
    "fleet.agents_observed", "fleet.connections", "calls.count", "spans.count", "spans.errors", "fleet.efficiency",
    "fleet.agents_unmeasured", "spans.latency_p50_ms", "spans.latency_p95_ms",
)  # fmt: skip
Page = Callable[[Session, Window], object]
Took = dict[tuple[str, str], list[float]]  # milliseconds by page and window


def overview(unit: Session, window: Window) -> None:
    for key in CARDS:
        read(unit, key, window)
    for key in ("fleet.efficiency_histogram", "spans.latency_histogram"):
        read_series(unit, key, window)
    network(unit, window, AgentFilter())
    latest_events(unit, window)


def neural_map(unit: Session, window: Window) -> None:
    network(unit, window, AgentFilter())
    for key in ("fleet.agents_observed", "fleet.connections", "calls.count"):
        read(unit, key, window)


def agent(unit: Session, window: Window) -> None:
    one_agent(unit, window, "agent-7")
    connections_of(unit, window, "agent-7")
    last_spans(unit, window, "agent-7")


def status(unit: Session, window: Window) -> None:
    agent_page(unit, window, AgentFilter())
    for key in ("fleet.agents_operational", "system.uptime", "system.coverage", "spans.errors"):
        read(unit, key, window)


PAGES: dict[str, Page] = {"overview": overview, "map": neural_map, "agent": agent, "status": status}


def measure(sizes: Sequence[int] = (), kinds: Sequence[str] = ()) -> list[Row]:
    """Every row is told as soon as it is known: the largest sizes take their time."""
    rows: list[Row] = []
    with databases() as made:
        for kind, usual in SIZES.items():
            if kinds and kind not in kinds:
                continue
            wanted = [size for size in usual if not sizes or size in sizes]
            _require_room(kind, wanted)
            until = datetime.now(UTC)
            with ExitStack() as stack:
                urls = {size: stack.enter_context(made.migrated(kind)) for size in wanted}
                for size, url in urls.items():
                    rows += _told(_filled(kind, url, size, until))
                rows += _told(_growth(kind, _in_turns(urls, until)))
            with made.migrated(kind) as url:
                rows += _told([_rolling(kind, url)])
    return rows


def _told(rows: list[Row]) -> list[Row]:
    for row in rows:
        click.echo(f"{row.metric}: {row.ours} | {row.peer} | {row.ratio:.3f} {row.budget} {row.verdict}")
    return rows


def _rolling(kind: str, url: str) -> Row:
    """Five minutes full of spans, rolled up as the job does once they are over: seconds of it in seconds of them."""
    engine, count = make_engine(url), PER_SECOND * FIVE_MINUTES
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    fill(engine, count, begin, begin + timedelta(seconds=FIVE_MINUTES))
    began = perf_counter()
    roll_up_all(engine)
    seconds = perf_counter() - began
    engine.dispose()
    name = f"{kind}: share of a core for roll-ups while {PER_SECOND:,} spans a second come in"
    return at_most(SECTION, name, f"{seconds:.1f} s for {count:,} spans", "", seconds / FIVE_MINUTES, ROLLING)


def _require_room(kind: str, sizes: Sequence[int]) -> None:
    needed, free = OCTETS[kind] * sum(sizes), shutil.disk_usage(tempfile.gettempdir()).free
    listed = ", ".join(f"{size:,}" for size in sizes)
    click.echo(
        f"scale: {kind}, {listed} spans need about {needed / 1e9:.1f} GB of disk; {free / 1e9:.0f} GB are free"
    )
    if free < needed * 1.2:
        raise SystemExit(
            f"Free {needed * 1.2 / 1e9:.1f} GB below {tempfile.gettempdir()}, or name smaller sizes."
        )


def _filled(kind: str, url: str, size: int, until: datetime) -> list[Row]:
    """The spans, rolled up; and what DuckDB takes for the same rows."""
    engine = make_engine(url)
    began = perf_counter()
    fill(engine, size, until - timedelta(days=DAYS), until)
    filled, rolled = perf_counter() - began, perf_counter()
    stretches = roll_up_all(engine)
    seconds = perf_counter() - rolled
    click.echo(f"  {size:,} filled in {filled:.0f} s; {stretches:,} stretches rolled up in {seconds:.0f} s")
    _settle(engine)
    rows = _against_duckdb(url, engine, size, Window.parse("30d", until)) if kind == "postgresql" else []
    engine.dispose()
    return rows


def _in_turns(urls: Mapping[int, str], until: datetime) -> dict[int, Took]:
    """Every page of every size once in each round, so that whatever else the machine does is done to all of them."""
    readers = {size: make_engine(logins(url)["system"]) for size, url in urls.items()}
    asked = [(page, window) for page in PAGES for window in WINDOWS]
    took: dict[int, Took] = {size: {each: [] for each in asked} for size in urls}
    for number in range(ROUNDS + 1):
        for page, window in asked:
            for size, reader in readers.items():
                found = _once(reader, PAGES[page], Window.parse(window, until))
                if number:
                    took[size][page, window].append(found)
    for reader in readers.values():
        reader.dispose()
    return took


def _settle(engine: Engine) -> None:
    """PostgreSQL tidies and counts its tables within minutes by itself; here it does so at once."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _once(engine: Engine, page: Page, window: Window) -> float:
    with session(engine, SYSTEM) as unit:
        began = perf_counter()
        page(unit, window)
        return (perf_counter() - began) * 1000


def _growth(kind: str, took: dict[int, Took]) -> list[Row]:
    sizes = sorted(took)
    rows = []
    for page in PAGES:
        for window in WINDOWS:
            small = took[sizes[0]][page, window]
            for size in sizes[1:]:
                large = took[size][page, window]
                name = f"{kind}, {page}, {window}: {size:,} spans beside {sizes[0]:,}"
                told = (
                    SECTION,
                    name,
                    spread(large, "ms"),
                    spread(small, "ms"),
                    median(large) / median(small),
                )
                # The embedded database is for one machine: what it takes is told, and no promise is made for it.
                rows.append(at_most(*told, GROWTH) if kind == "postgresql" else Row(*told))
    return rows


# --- DuckDB over a Parquet file of the same rows ---------------------------------------------------------------

ASK = """
import sys, time, duckdb
source, start, end, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
file = source + ".parquet"
duckdb.sql(f"COPY (SELECT * FROM read_csv('{source}', header=true)) TO '{file}' (FORMAT parquet)")
asked = f"SELECT quantile_disc(duration_ns, 0.95) FROM '{file}' WHERE start_ns >= {start} AND start_ns < {end}"
connection = duckdb.connect()
for _ in range(rounds + 1):
    began = time.perf_counter()
    value = connection.execute(asked).fetchone()[0]
    print((time.perf_counter() - began) * 1000, value)
"""


def _against_duckdb(url: str, engine: Engine, size: int, window: Window) -> list[Row]:
    python = _duckdb()
    if python is None:
        return []
    key, reader = "spans.latency_p95_ms", make_engine(logins(url)["system"])
    ours = [_once(reader, lambda unit, seen: read(unit, key, seen), window) for _ in range(ROUNDS + 1)][1:]
    with session(reader, SYSTEM) as unit:
        value = read(unit, key, window).value or 0
    reader.dispose()
    with tempfile.TemporaryDirectory(prefix="quantum-scale-") as folder:
        source = Path(folder) / "spans.csv"
        _write_csv(engine, source)
        bounds = [str(int(moment.timestamp() * 1e9)) for moment in (window.start, window.end) if moment]
        asked = [str(python), "-c", ASK, str(source), *bounds, str(ROUNDS)]
        said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
    theirs, told = [float(each) for each in said[2::2]], float(said[1]) / 1e6
    click.echo(f"  p95 of 30 days: ours {value:.3f} ms, DuckDB {told:.3f} ms")
    name = f"postgresql, {size:,} spans: 95th percentile of 30 days, DuckDB over Parquet beside it"
    ratio = median(ours) / median(theirs)
    said = (SECTION, name, spread(ours, "ms"), spread(theirs, "ms"), ratio)
    # Of fewer spans either takes milliseconds, which are no promise.
    return [at_most(*said, AGAINST_DUCKDB) if size >= max(SIZES["postgresql"]) else Row(*said)]


def _write_csv(engine: Engine, path: Path) -> None:
    asked = "COPY (SELECT start_ns, duration_ns FROM spans) TO STDOUT (FORMAT csv, HEADER)"
    with engine.connect() as connection, path.open("wb") as file:
        driver = connection.connection.driver_connection
        assert driver is not None
        with driver.cursor().copy(asked) as copied:
            for block in copied:
                file.write(block)


def _duckdb() -> Path | None:
    """The Python of an environment that has DuckDB; None, said aloud, where it cannot be installed."""
    folder = CACHE / "duckdb"
    python, mark = folder / "bin" / "python", folder / "installed"
    if not (mark.exists() and mark.read_text() == PEER.read_text()):
        venv.create(folder, with_pip=True, clear=True, symlinks=True)
        options = ["--disable-pip-version-check", "--quiet", "--no-deps", "-r", str(PEER)]
        if subprocess.run([str(python), "-m", "pip", "install", *options], check=False).returncode:
            click.echo("scale: NOT MEASURED against DuckDB: it cannot be installed here", err=True)
            return None
        mark.write_text(PEER.read_text())
    return python


def main(wanted: Sequence[str]) -> int:
    kinds = [word for word in wanted if word in SIZES]
    rows = measure([int(word.replace("_", "")) for word in wanted if word not in SIZES], kinds)
    return 1 if any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
