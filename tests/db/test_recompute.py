"""Every number comes out of the raw rows by another way; where it does not, that is told."""

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, case, delete, func, select

import db.queries
from db.actor import SYSTEM
from db.catalogue.loader import seed
from db.engine import make_engine
from db.engine import session as guarded
from db.metric import BY_HISTOGRAM, METRICS, SERIES, Window
from db.models import Job, ProviderUsage, Span, SystemMetric
from db.models.uptime import WatchedHour
from db.queries.numbers import last_run
from db.recompute import DIFFERS, Line, answers, charts_of_time, tasks, usage, verify, watched
from db.recompute.base import RECOMPUTED, Again, Ranks, Rows, Stopped
from db.recompute.compare import AGREES, WITHIN, compared, standard_windows, unproven
from db.services import measure
from db.services.otlp_files import import_files
from db.services.recipes.base import Options
from db.services.table_import import import_table
from db.services.watched_hours import put_together
from tests.databases import Databases
from tests.db.test_performance import bring
from tests.filled import SINCE, fill
from tests.looks import MODULES
from tests.module_rows import IN_JUNE
from tests.otlp import BEGIN, SECOND, span
from tests.sessions import session
from tests.workers.working import given as work_given
from workers.schedule import Schedule
from workers.verify import recomputed, verify_numbers

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


EVERY = set(METRICS) | set(SERIES)


def test_every_metric_and_every_chart_has_another_way() -> None:
    assert not [made.key for made in unproven()], "declare @recomputes(...) in db/recompute for these"
    assert set(RECOMPUTED) <= EVERY, "recomputed, but neither metric nor chart"


def test_the_other_way_uses_no_metric() -> None:
    folder = Path(__file__).resolve().parents[2] / "db" / "recompute"
    for path in folder.glob("*.py"):
        told = path.read_text()
        if path.stem not in ("compare", "summary", "__init__"):
            assert "db.queries" not in told and "db.metric" not in told and ".where(" not in told, path.name


def test_every_number_agrees_over_every_window(filled: Engine) -> None:
    lines = lines_of(filled, AT, Window.parse(IN_JUNE, AT), Window.parse(WITHIN_A_DAY, AT))
    assert differing(lines) == []
    assert {line.key for line in lines} == EVERY
    known = [line for line in lines if line.shown]
    assert len({line.key for line in known}) > 0.85 * len(EVERY), "too little is there to tell anything"
    assert {line.key for line in lines if line.is_chart and line.recomputed_n} == set(SERIES)
    for key, made in {**METRICS, **SERIES}.items():
        about = {line.subject for line in lines if line.key == key}
        assert all(len(subject) == len(made.subject) for subject in about)


def test_an_empty_database_agrees(engine: Engine) -> None:
    lines = lines_of(engine)
    assert differing(lines) == []
    # Stretches of time are there also where nothing else is that a number may be about.
    about_nothing = {key for key, made in {**METRICS, **SERIES}.items() if made.subject in ((), ("stretch",))}
    assert {line.key for line in lines} == about_nothing


def _broken(window: Window) -> Any:
    return select((func.count() + 1).label("value")).select_from(Span)


def _with_its_n(window: Window) -> Any:
    return select((func.min(Span.duration_ns) * 2.0).label("value"), func.count().label("n"))


TRUE = {key: made.build for key, made in SERIES.items()}


def _one_more_at_the_top(window: Window) -> Any:
    row = TRUE["spans.latency_histogram"](window).subquery("row")
    more = case((row.c.low_ms == select(func.max(row.c.low_ms)).scalar_subquery(), 1), else_=0)
    return select(row.c.low_ms, row.c.high_ms, (row.c.count + more).label("count"))


def _without_its_last_row(window: Window) -> Any:
    return TRUE["crm.deals_by_status"](window).limit(1)


@pytest.mark.parametrize(
    ("key", "build"),
    [
        ("spans.count", _broken),
        ("spans.latency_p50_ms", _with_its_n),
        ("spans.latency_histogram", _one_more_at_the_top),
        ("crm.deals_by_status", _without_its_last_row),
    ],
)
@pytest.mark.databases("sqlite")
def test_a_broken_number_is_found(
    filled: Engine, key: str, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key in METRICS:
        monkeypatch.setitem(METRICS, key, replace(METRICS[key], build=build))
    else:
        monkeypatch.setitem(SERIES, key, replace(SERIES[key], build=build))
    with guarded(filled, SYSTEM) as unit:
        found = list(verify(unit, standard_windows(unit, AT), domains=[RECOMPUTED[key]]))
    assert {line.key for line in differing(found)} == {key}
    if key != "spans.count":
        return
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
    from workers import verify as job

    with session(engine, write=True) as unit:
        for each in unit.scalars(select(Job).where(Job.name == job.NAME)):
            unit.delete(each)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "LONGEST_SECONDS", 300.0)  # what a slow machine does not come to is no matter here
        patch.setattr(
            job, "apart", job.recomputed
        )  # another process would not see what was broken in this one
        assert Schedule(engine, work_given(engine).settings, {}).look(schedule.JOBS[job.NAME])


@pytest.mark.databases("sqlite")
def test_what_everybody_may_read_of_a_run_holds_no_value(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "crm.deals", replace(METRICS["crm.deals"], build=_broken))
    monkeypatch.setattr("workers.verify.apart", recomputed)
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


@pytest.mark.databases("postgresql")
def test_the_job_recomputes_in_a_process_behind_all_others(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the login it was given, with its password."""
    started: list[Any] = []
    monkeypatch.setattr(
        "workers.verify.recomputed", lambda *_: pytest.fail("computed here, where requests are answered")
    )
    begin = subprocess.Popen.__init__

    def note(self: Any, command: Any, **more: Any) -> None:
        started.append(command)
        begin(self, command, **more)

    monkeypatch.setattr(subprocess.Popen, "__init__", note)
    facts = verify_numbers(work_given(filled, AT))
    assert facts["checked"] > 300 and facts["differing"] == 0
    assert started == [[sys.executable, "-m", "workers.verify"]], "and no secret among the arguments"


@pytest.mark.databases("sqlite")
def test_a_process_that_fails_is_a_run_that_failed(
    filled: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("workers.verify.sys.executable", str(_dying(tmp_path)))
    with pytest.raises(RuntimeError, match="ended with 3"):
        verify_numbers(work_given(filled, AT))


def _dying(folder: Path) -> Path:
    made = folder / "dying"
    made.write_text("#!/bin/sh\nexit 3\n")
    made.chmod(0o700)
    return made


def test_both_databases_and_python_mean_the_same_by_a_number_and_by_small_letters(
    engine: Engine, tmp_path: Path
) -> None:
    """JSON's true is no number, also where a database keeps it as 1; only A to Z are compared as small letters."""
    first, queue = "gen_ai.response.time_to_first_chunk", "gen_ai.latency.time_in_queue"
    said: list[dict[str, Any]] = [
        {first: True},
        {first: False, queue: True},
        {first: "true"},
        {first: 0.25, queue: 1},
        {first: "0.5", queue: "1e20"},
        {queue: 1e20},
        {first: "1e-2"},
        *({first: word} for word in ("007", "-0.1", "0.1 ", ".1", "1.", "0_1", "1e-100", "[0.1]", "")),
    ]
    chat = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1}
    spans = [
        span(place, millis=1000, **chat, **more, **{"gen_ai.request.model": ("MAÇÃ", "maÇÃ")[place % 2]})
        for place, more in enumerate(said, 20)
    ]
    ended = {"gen_ai.operation.name": "invoke_agent", "error.type": "ÄRGER.CANCELLEDERROR"}
    bring(engine, tmp_path, *spans, span(9, trace=9, status=2, **ended))
    with session(engine, write=True) as unit:
        day = datetime.fromtimestamp(BEGIN / SECOND, UTC).date()
        unit.add(
            ProviderUsage(
                id=UUID(int=1), provider="p", day=day, model="MaÇÃ", input_tokens=16, source="usage.csv"
            )
        )
    window = Window.parse("all", datetime.fromtimestamp(BEGIN / SECOND, UTC) + timedelta(days=3))
    with guarded(engine, SYSTEM) as unit:
        lines = list(verify(unit, [window], domains=[answers.models, tasks.tasks, usage.tokens]))
    assert differing(lines) == []
    shown = {
        line.key: (line.shown, line.shown_n) for line in lines if line.window == "all" and not line.subject
    }
    assert shown["models.first_token_p50_ms"] == (250.0, 3)
    assert shown["tasks.queue_wait_p50_ms"] == (1000.0, 1)
    assert (shown["usage.input_ours"], shown["usage.input_difference"]) == ((16.0, 1), (0.0, 1))
    assert shown["tasks.cancelled"][0] == 1


@pytest.mark.databases("sqlite")
def test_hours_that_were_put_together_stand_for_their_measurements(engine: Engine) -> None:
    """Also in a window that begins within one, and when the measurements themselves are gone."""
    begin = AT.replace(minute=10, second=0, microsecond=0) - timedelta(hours=5)
    told = [
        measure.Stretch(place % 7 != 3, begin + timedelta(minutes=20 * place), 1199.5, 40, "one")
        for place in range(14)
    ]
    windows = [
        Window.parse("all", AT),
        Window(begin + timedelta(minutes=95), AT, "within", AT),
        Window(begin, begin + timedelta(minutes=130), "until", AT),
    ]
    with session(engine, write=True) as unit:
        measure.store_stretches(unit, told)
        assert put_together(unit, "watched-hours", AT) > 2
    for _ in range(2):
        with guarded(engine, SYSTEM) as unit:
            lines = list(verify(unit, windows, domains=[watched.uptime, charts_of_time.heartbeats]))
        assert differing(lines) == []
        assert sum(line.recomputed_n for line in lines if line.is_chart) > 500
        with session(engine, write=True) as unit:
            last = unit.scalar(select(func.max(WatchedHour.hour)))
            unit.execute(delete(SystemMetric).where(SystemMetric.recorded_at < last + timedelta(hours=1)))


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
