"""Every number comes out of the raw rows by another way; where it does not, that is told."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

import db.queries
from db.actor import SYSTEM
from db.catalogue.loader import seed
from db.engine import make_engine
from db.engine import session as guarded
from db.metric import BY_HISTOGRAM, METRICS, Window
from db.models import Job, Span
from db.queries.numbers import last_run
from db.recompute import DIFFERS, Line, verify
from db.recompute.base import RECOMPUTED, Again, Ranks, Rows, Stopped
from db.recompute.compare import AGREES, WITHIN, compared, standard_windows, unproven
from db.services.otlp_files import import_files
from db.services.recipes.base import Options
from db.services.table_import import import_table
from tests.databases import Databases
from tests.filled import SINCE, fill
from tests.looks import MODULES
from tests.module_rows import IN_JUNE
from tests.sessions import session
from tests.workers.working import given as work_given
from workers.schedule import Schedule
from workers.verify import verify_numbers

assert db.queries.__all__
AT = SINCE + timedelta(hours=3)
WITHIN_A_DAY = "2023-11-14T22:13:20.5Z/2023-11-14T22:30:00Z"


@pytest.fixture(scope="module")
def filled(
    databases: Databases, database_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    with databases.migrated(database_kind) as url:
        engine = make_engine(url)
        fill(engine, tmp_path_factory.mktemp("filled"))
        yield engine
        engine.dispose()


def lines_of(engine: Engine, at: datetime = AT, *more: Window) -> list[Line]:
    with guarded(engine, SYSTEM) as unit:
        return list(verify(unit, [*standard_windows(unit, at), *more]))


def differing(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.verdict == DIFFERS]


def test_every_metric_has_another_way() -> None:
    assert not [made.key for made in unproven()], "declare @recomputes(...) in db/recompute for these"
    assert set(RECOMPUTED) <= set(METRICS), "recomputed, but no metric"


def test_the_other_way_uses_no_metric() -> None:
    folder = Path(__file__).resolve().parents[2] / "db" / "recompute"
    for path in folder.glob("*.py"):
        told = path.read_text()
        if path.stem not in ("compare", "summary", "__init__"):
            assert "db.queries" not in told and "db.metric" not in told and ".where(" not in told, path.name


def test_every_number_agrees_over_every_window(filled: Engine) -> None:
    lines = lines_of(filled, AT, Window.parse(IN_JUNE, AT), Window.parse(WITHIN_A_DAY, AT))
    assert differing(lines) == []
    assert {line.key for line in lines} == set(METRICS)
    known = [line for line in lines if line.shown]
    assert len({line.key for line in known}) > 0.85 * len(METRICS), "too little is there to tell anything"
    for key, made in METRICS.items():
        about = {line.subject for line in lines if line.key == key}
        assert all(len(subject) == len(made.subject) for subject in about)


def test_an_empty_database_agrees(engine: Engine) -> None:
    lines = lines_of(engine)
    assert differing(lines) == []
    # Stretches of time are there also where nothing else is that a number may be about.
    about_nothing = {key for key, made in METRICS.items() if made.subject in ((), ("stretch",))}
    assert {line.key for line in lines} == about_nothing


def _broken(window: Window) -> Any:
    return select((func.count() + 1).label("value")).select_from(Span)


def _with_its_n(window: Window) -> Any:
    return select((func.min(Span.duration_ns) * 2.0).label("value"), func.count().label("n"))


@pytest.mark.parametrize(("key", "build"), [("spans.count", _broken), ("spans.latency_p50_ms", _with_its_n)])
@pytest.mark.databases("sqlite")
def test_a_broken_number_is_found(
    filled: Engine, key: str, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, key, replace(METRICS[key], build=build))
    found = differing(lines_of(filled))
    assert {line.key for line in found} == {key}
    verify_numbers_once(filled)
    with session(filled) as unit:
        told = last_run(unit)
        assert told is not None and {each["key"] for each in told.differs} == {key}
    monkeypatch.undo()
    verify_numbers_once(filled)
    with session(filled) as unit:
        again = last_run(unit)
        assert again is not None and again.differs == [] and again.unreached == []


def verify_numbers_once(engine: Engine) -> None:
    """Run the job as the schedule does, so that its facts are stored."""
    from workers import schedule
    from workers.verify import NAME

    with session(engine, write=True) as unit:
        for job in unit.scalars(select(Job).where(Job.name == NAME)):
            unit.delete(job)
    assert Schedule(engine, work_given(engine).settings, {}).look(schedule.JOBS[NAME])


@pytest.mark.databases("sqlite")
def test_what_everybody_may_read_of_a_run_holds_no_value(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "crm.deals", replace(METRICS["crm.deals"], build=_broken))
    facts = verify_numbers(work_given(filled, AT))
    assert facts["differing"] > 0 and facts["checked"] > 300
    assert {frozenset(each) for each in facts["differs"]} == {frozenset({"key", "window"})}


@pytest.mark.databases("sqlite")
def test_a_run_that_has_no_time_says_what_it_did_not_come_to(filled: Engine) -> None:
    work = replace(work_given(filled, AT), is_ending=lambda: True)
    facts = verify_numbers(work)
    assert "spans.count" in facts["unreached"] and facts["differing"] == 0
    with guarded(filled, SYSTEM) as unit, pytest.raises(Stopped):
        list(Rows(unit, lambda: True).each(Span.start_ns))


@pytest.mark.databases("sqlite")
def test_a_percentile_out_of_a_histogram_may_be_off_by_its_bound(filled: Engine) -> None:
    from db.metric import read

    with session(filled) as unit:
        exact = read(unit, "spans.latency_p50_ms", Window.parse("all", AT))
    assert exact.value is not None
    near = replace(exact, value=exact.value * 1.02, resolution=BY_HISTOGRAM)
    far = replace(exact, value=exact.value * 1.03, resolution=BY_HISTOGRAM)
    again = Again("spans.latency_p50_ms", Window.parse("all", AT), exact.value, exact.n)
    verdicts = [
        compared(reading, again).verdict for reading in (exact, near, far, replace(exact, value=near.value))
    ]
    assert verdicts == [AGREES, WITHIN, DIFFERS, DIFFERS]


@given(
    st.lists(st.one_of(st.integers(-(10**6), 10**18), st.floats(-1e9, 1e9)), max_size=60), st.integers(1, 100)
)
@settings(max_examples=300, deadline=None)
def test_a_rank_over_two_times_is_that_of_the_sorted_list(values: list[float], percent: int) -> None:
    ranks = Ranks(percent)
    for value in values:
        ranks.count(value)
    ranks.aim()
    for value in random.Random(7).sample(values, len(values)):
        ranks.collect(value)
    expected = sorted(values)[ceil(percent * len(values) / 100) - 1] if values else None
    assert ranks.value(percent) == expected


@pytest.mark.databases("sqlite")
def test_the_real_files_agree(engine: Engine, shared_data: Path) -> None:
    """The shop minute, the agents' runs, the railway minute and every module's file, in one database."""
    with session(engine, write=True) as unit:
        seed(unit)
    traces = sorted((shared_data / "data" / "traces").glob("*.otlp.jsonl.gz"))
    import_files(engine, traces)
    for table, name, recipe, year in MODULES:
        import_table(
            engine, table, [shared_data / "data" / "modules" / name], Options(recipe=recipe, year=year)
        )
    lines = lines_of(engine, datetime.now(UTC))
    assert differing(lines) == []
    shown = {(line.key, line.window): line.shown for line in lines if not line.subject}
    assert shown["spans.count", "all"] == 23_019 + 166 + 4_445
    assert shown["traces.count", "all"] == 497 + 39 + 53


def test_the_lines_and_courses_of_both_databases(filled: Engine) -> None:
    """What the pages of logs and measurements read besides their numbers, on either database."""
    from db.measured_series import SeriesKey
    from db.metric import read_series
    from db.queries import logs, measurements

    hour = Window.parse(f"{SINCE.isoformat()}/{AT.isoformat()}", AT)
    with session(filled) as unit:
        course = read_series(unit, "logs.by_time", hour)
        assert {row["label"]: row["count"] for row in course.rows} == {"info": 2, "warning": 1, "error": 1}
        assert logs.agents_heard(unit, hour) == ["till"] and logs.extent(unit) == (
            SINCE,
            SINCE + timedelta(minutes=1),
        )
        first = logs.line_page(unit, hour, text="LINE", trace=f"{900:032x}", size=3)
        rest = logs.line_page(unit, hour, before=(first.after or ())[:2], size=3)  # type: ignore[arg-type]
        assert [row["message"] for row in (*first.rows, *rest.rows)] == [
            f"Line {place}" for place in (3, 2, 1, 0)
        ]
        assert [row["agent_id"] for row in logs.spans_of(unit, f"{900:032x}")][0] == "writers/planner"
        assert measurements.extent(unit) == (SINCE, SINCE + timedelta(seconds=90 * 29))
        assert measurements.extent(unit, '[["queue","",""]]') == (SINCE, SINCE + timedelta(seconds=180))
        rows, total = measurements.series_page(unit, hour, "", 1, 25)
        assert total == 3 and rows[0]["key"] == SeriesKey("queue")
