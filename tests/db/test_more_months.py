"""Log lines, measurements and the log of requests by month on PostgreSQL: each row once, and gone with its month."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from db import queries, schema  # noqa: F401 - queries fills the registry
from db.actor import SYSTEM
from db.base import Base
from db.engine import session as db_session
from db.metric import Window, read
from db.models import Agent, AgentLog, ApiLog, SystemMetric
from db.partitions import IN_NS, MONTHLY, STAYING
from db.policies import KEPT
from db.queries.system import DOWN_SECONDS, UP_SECONDS
from db.services import log_lines, measure, months, troubled_items, watched_hours
from db.services.api_logs import LoggedCall, store_calls
from db.services.otlp_values import Invalid
from db.services.recipes.base import Options
from db.services.table_import import import_table
from tests.api.documents import logs, metric, metrics, point, record
from tests.databases import logins
from tests.db.test_log_lines import put as put_logs
from tests.db.test_measurements import put as put_points
from tests.db.test_partitions import NOW, OLD, SUMMER, closed, ns, partitions, places
from tests.sessions import session
from tests.workers.working import given
from workers.partitions import tend

pytestmark = pytest.mark.databases("postgresql")
BEFORE = "20261127_partitions"
TABLES = [table for table in MONTHLY if table not in IN_NS]
MODELS = (AgentLog, SystemMetric, ApiLog)
TIMELESS = record(timeUnixNano="0")
ALL = ("system.up_seconds", "system.down_seconds", "system.uptime")


def call(at: datetime) -> LoggedCall:
    return LoggedCall(endpoint="/x", method="GET", status=200, milliseconds=1, at=at)


def count(engine: Engine) -> list[int]:
    """How many log lines, measurements and requests there are."""
    return [sum(places(engine, table).values()) for table in TABLES]


def everything(engine: Engine) -> list[tuple[Any, ...]]:
    with session(engine) as unit:
        found = [unit.execute(select(*each.__table__.columns).order_by(each.id)) for each in MODELS]
        return [tuple(row) for rows in found for row in rows]


def put(engine: Engine, *moments: datetime) -> None:
    """A log line, a measurement, a minute that was watched and a request of each moment."""
    with session(engine, write=True) as unit:
        unit.merge(Agent(id="writer", name="writer", origin="person", meta={}))
        unit.flush()
        for at in moments:
            watched = {"recorded_at": at, "meta": {"beats": 2, "watcher": "w"}}
            kind = UP_SECONDS if at > SUMMER else DOWN_SECONDS
            unit.add(AgentLog(agent_id="writer", log_level="info", message="said", created_at=at))
            unit.add(SystemMetric(metric_type="cpu", metric_value=1, recorded_at=at))
            unit.add(SystemMetric(metric_type=kind, metric_value=60, **watched))
            unit.add(ApiLog(endpoint="/", method="GET", status_code=200, created_at=at))


# --- once, and in their months ----------------------------------------------------------------------------


def test_what_is_sent_lies_in_its_month_whatever_the_year(engine: Engine, tmp_path: Path) -> None:
    last = ns(datetime(2022, 9, 1, tzinfo=UTC)) - 1000  # the last microsecond of August
    times = [str(each) for each in (last, last + 1000, ns(NOW), 1)]
    put_logs(engine, logs(*(record(timeUnixNano=each) for each in times)))
    put_points(engine, metrics(metric("cpu", "gauge", *(point(timeUnixNano=at, asInt="1") for at in times))))
    file = tmp_path / "calls.csv"
    said = [
        f"/,GET,200,{datetime.fromtimestamp(int(each) // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}" for each in times
    ]
    file.write_text("\n".join(["endpoint,method,status_code,created_at", *said]))
    assert import_table(engine, "api_logs", [file]).stored == 4
    for table in TABLES:
        wanted = [f"months.{table}_{part}" for part in ("2022_08", "2022_09", f"{NOW:%Y_%m}", "rest")]
        assert places(engine, table) == dict.fromkeys(wanted, 1), table
    assert closed(engine) and not {"spans_2022_08", "calls_2022_08"} & partitions(engine)


def _timeless_line(engine: Engine) -> None:
    put_logs(engine, logs(TIMELESS, TIMELESS))


def _notes(engine: Engine) -> None:
    with db_session(engine, SYSTEM, write=True) as unit:
        at = datetime.now(UTC)
        troubled_items.note_refused(unit, "logs", [Invalid("no", "homeless")], "key a", b"x", at)
        troubled_items.note_late(unit, "logs", 2, "key a", b"x", at)


CALLS = [call(NOW), call(SUMMER)]
WATCHED = [measure.Stretch(True, SUMMER, 30.0, 1, "w"), measure.Stretch(False, NOW, 30.0, 1, "w")]


def _calls(engine: Engine) -> None:
    with db_session(engine, SYSTEM, write=True) as unit:
        store_calls(unit, CALLS)


def _watched(engine: Engine) -> None:
    with db_session(engine, SYSTEM, write=True) as unit:
        measure.store_stretches(unit, WATCHED)


def test_a_row_that_is_sent_twice_is_stored_once(engine: Engine, tmp_path: Path) -> None:
    """Also one without a time of its own, which has another each time it comes."""
    file = tmp_path / "calls.csv"
    file.write_text("endpoint,method,status_code\n/,GET,200\n/,GET,404\n")
    ways: dict[Callable[[], Any], list[int]] = {
        lambda: put_logs(engine, logs(record(1), record(2), record(2))): [3, 0, 0],
        lambda: _timeless_line(engine): [2, 0, 0],
        lambda: put_points(engine, metrics(metric("cpu", "gauge", point(1), point(2)))): [0, 2, 0],
        lambda: _notes(engine): [0, 2, 0],
        lambda: _watched(engine): [0, 2, 0],
        lambda: _calls(engine): [0, 0, 2],
        lambda: import_table(engine, "api_logs", [file], Options(key=("endpoint", "status_code"))): [0, 0, 2],
    }
    wanted = [0, 0, 0]
    for send, more in ways.items():
        wanted = [a + b for a, b in zip(wanted, more, strict=True)]
        for _ in range(3):
            send()
            assert count(engine) == wanted


def test_a_row_without_a_time_that_comes_twice_at_once_is_stored_once(engine: Engine) -> None:
    """The second waits for the first, as it would for a row of the same key."""
    put_logs(engine, logs(record(1)))  # so that they need not wait for each other's agent
    found = list(log_lines_of(logs(TIMELESS)))

    def second() -> int:
        with db_session(engine, SYSTEM, write=True) as unit:
            return log_lines.store_logs(unit, found, "key a").already

    with ThreadPoolExecutor(1) as pool:
        with db_session(engine, SYSTEM, write=True) as unit:
            assert len(log_lines.store_logs(unit, found, "key a").new) == 1
            told = pool.submit(second)
            with engine.connect() as looker:
                while not told.done() and not looker.scalar(
                    text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")
                ):
                    looker.rollback()
        assert told.result() == 1
    assert count(engine)[0] == 2


def log_lines_of(document: dict[str, Any]) -> list[Any]:
    from db.services.otlp_envelope import items_of
    from db.services.otlp_logs import NAMES, logs_of

    return list(logs_of(items_of(document, NAMES)))


def test_a_window_of_a_day_reads_its_month_alone(engine: Engine) -> None:
    put(engine, SUMMER, NOW, OLD)
    for table in TABLES:
        months.make(engine, table, date(2022, 8, 1))
        asked = f"EXPLAIN SELECT count(*) FROM {table} WHERE {MONTHLY[table]} >= '{NOW}' AND {MONTHLY[table]} < '{NOW + timedelta(1)}'"  # noqa: E501
        with engine.connect() as connection:
            plan = "\n".join(connection.scalars(text(asked.replace(":", "\\:"))))
        assert f"{table}_{NOW:%Y_%m}" in plan and "2022" not in plan and "rest" not in plan, plan


# --- gone -------------------------------------------------------------------------------------------------


def numbers(engine: Engine) -> list[Any]:
    with session(engine) as unit:
        return [read(unit, key, Window.parse("all", NOW + timedelta(days=1))).value for key in ALL]


def test_old_months_go_and_what_was_watched_stays(engine: Engine) -> None:
    put(engine, SUMMER, SUMMER + timedelta(days=1), NOW, OLD)
    tend(given(engine))  # the log of requests is kept for 90 days where nothing is said, the others for good
    assert count(engine) == [4, 8, 1]
    assert places(engine, "system_metrics")["months.system_metrics_2022_08"] == 4
    before = numbers(engine)
    assert before[:2] == [120.0, 120.0]
    days = {"QUANTUM_KEEP_LOGS_DAYS": "30", "QUANTUM_KEEP_MEASUREMENTS_DAYS": "7"}
    facts = tend(given(engine, **days))
    assert facts["dropped"] == ["agent_logs_2022_08", "system_metrics_2022_08"] and facts["forgotten"] == 2
    this = f"{NOW:%Y_%m}"
    assert places(engine, "agent_logs") == {f"months.agent_logs_{this}": 1}
    stays = {f"months.system_metrics_{this}": 2, "months.system_metrics_rest": 3}
    assert places(engine, "system_metrics") == stays
    assert numbers(engine) == before and closed(engine)
    assert not (again := tend(given(engine, **days)))["dropped"] and not again["made"] and not again["left"]
    put_points(engine, metrics(metric("cpu", "gauge", point(timeUnixNano=str(ns(SUMMER)), asInt="1"))))
    assert places(engine, "system_metrics")["months.system_metrics_2022_08"] == 3, "late, with the watched"
    assert numbers(engine) == before
    tend(given(engine, **days))
    assert places(engine, "system_metrics") == stays and numbers(engine) == before
    with db_session(engine, SYSTEM, write=True) as unit:
        assert watched_hours.put_together(unit, "none", NOW + timedelta(days=1)) == 4
    assert numbers(engine) == before, "put together from what stayed"


def test_what_went_stays_counted(engine: Engine) -> None:
    with db_session(engine, SYSTEM, write=True) as unit:
        store_calls(unit, [call(SUMMER), call(SUMMER), call(NOW), call(OLD)])

    def calls() -> float | int | None:
        with session(engine) as unit:
            return read(unit, "api.calls", Window.parse("all", NOW + timedelta(days=1))).value

    assert calls() == 4
    assert tend(given(engine))["forgotten"] == 3, (
        "they came before their month, and are older than any setting says"
    )
    assert calls() == 4 and count(engine)[2] == 1
    assert months.make(engine, "api_logs", date(2022, 8, 1)) == "made"
    with db_session(engine, SYSTEM, write=True) as unit:
        store_calls(unit, [call(SUMMER)])  # too late: counted nowhere
    assert tend(given(engine))["dropped"] == ["api_logs_2022_08"]
    assert calls() == 4 and count(engine)[2] == 1


def test_no_month_goes_that_the_rules_keep(engine: Engine) -> None:
    for table in TABLES:
        months.make(engine, table, months.after(NOW.date().replace(day=1), -1))
    yesterday = ns(datetime.now(UTC) - timedelta(days=2))
    with db_session(engine, SYSTEM, write=True) as unit:
        asked = text("SELECT drop_month('api_logs', :before)")
        assert unit.connection().scalar(asked, {"before": yesterday}) == "none"
    with engine.connect() as connection:
        said = connection.scalar(text("SELECT prosrc FROM pg_proc WHERE proname = 'drop_month'")) or ""
    for table in TABLES:
        assert f"WHEN '{table}' THEN {KEPT[table].days}" in " ".join(said.split())
    assert all(kind in said and kind in STAYING["system_metrics"] for kind in (UP_SECONDS, DOWN_SECONDS))


# --- there and back -----------------------------------------------------------------------------------------


def test_down_and_up_again_keeps_every_row(migrated_url: str, engine: Engine) -> None:
    owner = logins(migrated_url)["owner"]
    put(engine, SUMMER, NOW, OLD)
    before = everything(engine)
    schema.migrate(owner, BEFORE)
    assert [places(engine, table) for table in TABLES] == [
        {"agent_logs": 3},
        {"system_metrics": 6},
        {"api_logs": 3},
    ]
    assert everything(engine) == before
    with engine.begin() as connection:  # as only whole tables take them
        connection.execute(text("UPDATE agent_logs SET created_at = NULL WHERE created_at < '2000-01-01'"))
    schema.migrate(owner)
    assert count(engine) == [3, 6, 3] and closed(engine)
    for table in TABLES:
        assert places(engine, table) == {
            f"months.{table}_{part}": (2 if table == "system_metrics" else 1)
            for part in ("2022_08", f"{NOW:%Y_%m}", "rest")
        }
    after = everything(engine)
    assert after[3:] == before[3:]
    with session(engine) as unit:
        oldest = unit.scalars(select(AgentLog.created_at).order_by(AgentLog.created_at)).first()
    assert oldest == datetime(1970, 1, 1, tzinfo=UTC)
    assert Base.metadata.tables["audit_log"].dialect_options["postgresql"]["partition_by"] is None
