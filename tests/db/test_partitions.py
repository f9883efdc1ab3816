"""Spans and calls cut by month on PostgreSQL: rows lie in their months, windows read theirs, the old go as a whole."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, delete, select, text
from sqlalchemy.exc import DBAPIError

from cli import quantum
from db import queries, schema  # noqa: F401 - queries fills the registry
from db.actor import SYSTEM
from db.engine import make_engine
from db.engine import session as db_session
from db.metric import Window, read
from db.models import Agent, Call, Span
from db.partitions import MONTHLY
from db.services import ingest, months
from db.services.ingest import store
from db.services.otlp import SpanRecord, spans_of
from tests.databases import logins
from tests.otlp import request, span
from tests.sessions import session
from tests.workers.working import given
from workers.partitions import tend

pytestmark = pytest.mark.databases("postgresql")
NOW = datetime.now(UTC).replace(day=15, hour=12, minute=0, second=0, microsecond=0)
OLD = datetime(1999, 12, 31, 23, 59, tzinfo=UTC)  # before there are months
SUMMER = datetime(2022, 8, 22, tzinfo=UTC)  # of the recorded railway minute
BEFORE = "20261127_rollups"
INVOKE = {"gen_ai__operation__name": "invoke_agent"}
WHERE = "SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1"


def ns(at: datetime) -> int:
    return int(at.timestamp()) * months.BILLION


def put(engine: Engine, *starts: datetime | int, trace: int = 1) -> None:
    """A planner that calls a helper, begun at each of these instants."""
    spans = []
    for place, at in enumerate(starts):
        start = at if isinstance(at, int) else ns(at)
        first = 10 * place + 1
        spans += [
            span(first, trace=trace, start=start, **INVOKE, gen_ai__agent__name="planner"),
            span(first + 1, first, trace=trace, start=start, **INVOKE, gen_ai__agent__name="helper"),
        ]
    keep(engine, *spans)


def keep(engine: Engine, *spans: dict[str, Any]) -> None:
    found = [each for each in spans_of(request(*spans)) if isinstance(each, SpanRecord)]
    with db_session(engine, SYSTEM, write=True) as unit:
        told = store(unit, found, "a test")
    assert not told.refused and told.spans == len(spans)


def places(engine: Engine, table: str = "spans") -> dict[str, int]:
    """How many rows lie in which partition."""
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(text(WHERE.format(table=table)))}


def rows(engine: Engine) -> list[tuple[Any, ...]]:
    """All there is of every span and call."""
    with session(engine) as unit:
        return [
            tuple(row)
            for model in (Span, Call)
            for row in unit.execute(
                select(*model.__table__.columns).order_by(model.trace_id, model.span_id, model.start_ns)  # type: ignore[attr-defined]
            )
        ]


@pytest.fixture
def unprepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come before their months do."""
    monkeypatch.setattr(ingest.months, "prepare", lambda unit, starts: None)


@pytest.fixture
def system(migrated_url: str) -> Any:
    made = make_engine(logins(migrated_url)["system"])
    yield made
    made.dispose()


# --- where rows lie -------------------------------------------------------------------------------------


def test_spans_of_any_year_are_stored_each_in_its_month(system: Engine, engine: Engine) -> None:
    far, beginning = datetime(2199, 1, 1, tzinfo=UTC), 1
    last = ns(datetime(2022, 9, 1, tzinfo=UTC)) - 1  # the last nanosecond of August
    put(system, SUMMER, last, last + 1, NOW, far, OLD, beginning)
    this = f"{NOW:%Y_%m}"
    found = {"spans_2022_08": 4, "spans_2022_09": 2, f"spans_{this}": 2, "spans_rest": 6}
    assert places(engine) == {f"months.{name}": count for name, count in found.items()}
    assert places(engine, "calls")["months.calls_2022_08"] == 2
    assert len(rows(engine)) == 14 + 7


def test_a_window_of_a_day_reads_its_month_alone(engine: Engine) -> None:
    put(engine, SUMMER, NOW, OLD)
    asked = "EXPLAIN SELECT agent_id, count(*) FROM {table} WHERE start_ns >= {start} AND start_ns < {end} GROUP BY 1"
    with engine.connect() as connection:
        for table in ("spans", "calls"):
            window = {"table": table, "start": ns(NOW), "end": ns(NOW + timedelta(days=1))}
            said = asked.format(**window).replace("agent_id", "agent_id" if table == "spans" else "caller_id")
            plan = "\n".join(connection.scalars(text(said)))
            assert f"{table}_{NOW:%Y_%m}" in plan
            assert "2022" not in plan and "rest" not in plan, plan


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_parent_of_another_month_is_found_whichever_comes_first(engine: Engine, parent_first: bool) -> None:
    parent = span(1, start=ns(SUMMER), **INVOKE, gen_ai__agent__name="planner")
    child = span(2, 1, start=ns(SUMMER + timedelta(days=70)))
    for each in (parent, child) if parent_first else (child, parent):
        keep(engine, each)
    assert sorted(places(engine)) == ["months.spans_2022_08", "months.spans_2022_10"]
    with session(engine) as unit:
        found = unit.execute(
            select(Span.agent_id, Span.attribution, Span.unsettled).order_by(Span.span_id)
        ).all()
    assert [tuple(row) for row in found] == [
        ("shop/planner", "own", False),
        ("shop/planner", "ancestor", False),
    ]


def test_rows_that_came_before_their_month_are_moved_into_it(engine: Engine, unprepared: None) -> None:
    put(engine, SUMMER, NOW, OLD)
    before = rows(engine)
    assert places(engine)["months.spans_rest"] == 4
    facts = tended(engine)
    assert facts["made"] == ["spans 2022-08", "calls 2022-08"]
    assert facts["busy"] == [] and facts["left"] == {} and facts["dropped"] == []
    assert places(engine) == {
        "months.spans_2022_08": 2,
        f"months.spans_{NOW:%Y_%m}": 2,
        "months.spans_rest": 2,
    }
    assert rows(engine) == before
    with session(engine, write=True) as unit:  # what refers to agents still follows them
        unit.execute(delete(Agent).where(Agent.id == "shop/helper"))
    after = rows(engine)
    assert len(after) == 6 and sum(row[5] is None for row in after) == 3
    assert tend(given(engine))["made"] == [], "once is enough"


def test_a_month_of_too_many_rows_stays_in_the_rest_as_it_was(engine: Engine, unprepared: None) -> None:
    put(engine, SUMMER)
    assert months.make(engine, "spans", date(2022, 8, 1), most=1) == "too many"
    assert places(engine) == {"months.spans_rest": 2}
    assert closed(engine) and "spans_2022_08" not in partitions(engine)
    assert months.make(engine, "spans", date(2022, 8, 1), most=2) == "made"
    assert places(engine) == {"months.spans_2022_08": 2}
    assert closed(engine)


def test_a_long_reader_hinders_neither_storing_nor_is_hindered(engine: Engine) -> None:
    """The month cannot be made while somebody reads every month: the rest takes the rows, and gives them back later."""
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM spans"))
        put(engine, SUMMER)
        assert places(engine) == {"months.spans_rest": 2}
        assert reader.scalar(text("SELECT count(*) FROM spans")) == 2
    assert "spans 2022-08" in tend(given(engine))["made"]
    assert places(engine) == {"months.spans_2022_08": 2}


def test_several_processes_make_one_month(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: months.make(engine, "spans", date(2021, 3, 1)), range(4)))
    assert sorted(told) == ["made", "there", "there", "there"]


def test_clocks_gone_wild_make_no_end_of_partitions(engine: Engine) -> None:
    with db_session(engine, SYSTEM, write=True) as unit:
        for number in range(37):  # beside this month and three ahead of it
            month = months.after(date(2010, 1, 1), number)
            made = unit.connection().scalar(months.MAKE, {"what": "calls", "month": month, "most": 0})
            assert made == ("made" if number < 36 else "enough"), number
    put(engine, datetime(2021, 1, 1, tzinfo=UTC))
    assert places(engine, "calls") == {"months.calls_rest": 1}
    assert places(engine) == {"months.spans_2021_01": 2}
    assert months.make(engine, "calls", NOW.date()) == "there"
    ahead = months.ahead(NOW)[-1]
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE months.calls_{ahead:%Y_%m}")
    assert tended(engine)["made"] == [f"calls {ahead:%Y-%m}"], "time goes on all the same"


def printed(url: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What `quantum db months` prints, by the system's login."""
    monkeypatch.setenv("QUANTUM_ENV", "test")
    monkeypatch.setenv("QUANTUM_DATABASE_URL", logins(url)["app"])
    monkeypatch.setenv("QUANTUM_DATABASE_SYSTEM_URL", logins(url)["system"])
    return CliRunner().invoke(quantum, ["db", "months", *arguments]).output


def test_the_command_lists_months_and_moves_the_large(
    migrated_url: str, engine: Engine, unprepared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(engine, SUMMER)
    listed = printed(migrated_url, monkeypatch)
    assert "2022" not in listed
    for table in MONTHLY:
        assert f"\n{table}_{NOW:%Y_%m} " in f"\n{listed}" and f"\n{table}_rest " in listed
    moved = printed(migrated_url, monkeypatch, "--move")
    assert "spans 2022-08, 2 rows: made" in moved and "spans_2022_08" in moved
    assert places(engine) == {"months.spans_2022_08": 2}


@pytest.mark.databases("sqlite")
def test_whole_tables_have_no_months(
    engine: Engine, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(engine, SUMMER)
    facts = tend(given(engine, QUANTUM_KEEP_SPANS_DAYS="30"))
    assert facts == {"dropped": [], "made": [], "forgotten": 0, "busy": [], "left": {}}
    assert len(rows(engine)) == 3
    assert "SQLite keeps whole tables" in printed(migrated_url, monkeypatch)


# --- ahead, and gone ------------------------------------------------------------------------------------


def test_months_are_ready_ahead_of_their_time(engine: Engine) -> None:
    later = NOW + timedelta(days=70)
    with db_session(engine, SYSTEM) as unit:
        before = months.bounds(unit, "spans")
    assert [months.month_of(begins) for begins, _ in before] == months.ahead(NOW)
    assert all(ends == next_one[0] for (_, ends), next_one in zip(before, before[1:], strict=False))
    assert len(tended(engine, later)["made"]) == 4, "two months of two tables"
    with db_session(engine, SYSTEM) as unit:
        for table in MONTHLY:
            assert set(months.ahead(later)) <= set(months.cut(unit, table))
            assert months.waiting(unit, table) == {}


def test_old_months_go_as_a_whole_once_they_are_counted_and_the_young_stay(engine: Engine) -> None:
    edge = NOW - timedelta(days=40)
    put(engine, SUMMER, edge, NOW, OLD)
    before = numbers(engine)
    assert before["spans.count"] == 8 and before["calls.count"] == 4
    assert tend(given(engine))["dropped"] == [], "for ever, where nothing is said"
    days = {"QUANTUM_KEEP_SPANS_DAYS": "30"}
    facts = tend(given(engine, **days))
    assert facts["dropped"] == ["spans_2022_08", "calls_2022_08"] and facts["forgotten"] == 3
    assert partitions(engine).isdisjoint({"spans_2022_08", "calls_2022_08"})
    for table, each in (("spans", 2), ("calls", 1)):
        young = {f"months.{table}_{edge:%Y_%m}": each, f"months.{table}_{NOW:%Y_%m}": each}
        assert places(engine, table) == young, "a month goes when the last of its days is old"
    assert numbers(engine) == before, "what was counted of them stays"
    put(engine, SUMMER, trace=2)  # comes too late: it is stored, counted nowhere, and goes with the next run
    assert sum(places(engine).values()) == 6
    tend(given(engine, **days))
    assert sum(places(engine).values()) == 4 and numbers(engine) == before


def tended(engine: Engine, at: datetime | None = None) -> dict[str, Any]:
    """What the job did; of the tables that test_more_months looks after it says nothing here."""
    facts = dict(tend(given(engine, at)))
    return facts | {"made": [each for each in facts["made"] if each.startswith(("spans", "calls"))]}


def numbers(engine: Engine) -> dict[str, Any]:
    with session(engine) as unit:
        ever = Window.parse("all", datetime.now(UTC))
        return {
            key: read(unit, key, ever).value
            for key in ("spans.count", "calls.count", "fleet.agents_observed")
        }


def test_postgresql_knows_the_tables_as_a_whole(engine: Engine) -> None:
    """It plans by what it gathered of the parent, which nothing gathers by itself."""
    asked = text("SELECT count(*) FROM pg_stats WHERE tablename = 'spans' AND inherited")
    put(engine, NOW)
    with engine.connect() as connection:
        before = connection.scalar(asked)
    assert before == 0
    tend(given(engine))
    with engine.connect() as connection:
        assert connection.scalar(asked) == len(Span.__table__.columns)


# --- closed ---------------------------------------------------------------------------------------------


def partitions(engine: Engine) -> set[str]:
    found = "SELECT relname FROM pg_class WHERE relnamespace = 'months'::regnamespace AND relkind = 'r'"
    with engine.connect() as connection:
        return set(connection.scalars(text(found)))


def closed(engine: Engine) -> bool:
    """Whether row security is forced on every partition, nobody is granted one, and no rule opens one."""
    found = (
        "SELECT bool_and(c.relrowsecurity AND c.relforcerowsecurity AND (c.relacl IS NULL OR NOT EXISTS "
        "(SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee <> c.relowner))) AND "
        "NOT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'months') FROM pg_class AS c "
        "WHERE c.relnamespace = 'months'::regnamespace AND c.relkind = 'r'"
    )
    with engine.connect() as connection:
        return bool(connection.scalar(text(found)))


def test_partitions_made_later_are_closed_like_the_first(engine: Engine) -> None:
    put(engine, SUMMER)
    assert len(partitions(engine)) == 2 * 6 + 3 * 3 and closed(engine)


REFUSED: dict[str, str] = {
    "another table": "SELECT make_month('agents', '2022-08-01', 0)",
    "a table that is none": "SELECT make_month('spans; DROP TABLE calls', '2022-08-01', 0)",
    "no table": "SELECT make_month(NULL, '2022-08-01', 0)",
    "a month long before computers reported": "SELECT make_month('spans', '1970-01-01', 0)",
    "a month far ahead": "SELECT make_month('spans', '2199-01-01', 0)",
    "no month": "SELECT make_month('spans', NULL, 0)",
    "no number of rows": "SELECT make_month('spans', '2022-08-01', NULL)",
    "the rows of today": "SELECT drop_month('spans', (extract(epoch FROM now())::bigint + 40 * 86400) * 1000000000)",
    "no instant": "SELECT drop_month('spans', NULL)",
    "a survey of another table": "SELECT survey_months('agents')",
}


def test_the_functions_take_a_known_table_and_a_month_and_nothing_else(engine: Engine) -> None:
    before = partitions(engine)
    for what, asked in REFUSED.items():
        with pytest.raises(DBAPIError, match="of this"), db_session(engine, SYSTEM, write=True) as unit:
            unit.connection().execute(text(asked))
        assert partitions(engine) == before, what


# --- there and back -------------------------------------------------------------------------------------


def test_down_and_up_again_keeps_every_row(migrated_url: str, engine: Engine) -> None:
    owner = logins(migrated_url)["owner"]
    put(engine, SUMMER, NOW, OLD)
    before = rows(engine)
    schema.migrate(owner, BEFORE)
    assert places(engine) == {"spans": 6} and rows(engine) == before
    put_plain(engine)
    schema.migrate(owner)
    assert rows(engine) == before
    assert places(engine)["months.spans_2022_08"] == 2 and places(engine)["months.spans_rest"] == 2
    assert closed(engine)


def put_plain(engine: Engine) -> None:
    """Whole tables hold their rows to the same keys."""
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text("INSERT INTO spans SELECT * FROM spans LIMIT 1"))
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text("UPDATE spans SET agent_id = 'nobody'"))
