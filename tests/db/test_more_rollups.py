"""Roll-ups of log lines, measurements and programs' calls give with raw rows what raw rows give by themselves."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, select

from db.actor import SYSTEM, Actor
from db.engine import make_engine
from db.engine import session as db_session
from db.histogram import WORST
from db.metric import NANOSECONDS, Window, from_ns, read, read_series, to_ns
from db.models import Agent, AgentLog, ApiLog, ApiRollup, LogRollup, MeasurementRollup, SystemMetric
from db.models.rollup import API, DAY, LOGS, MEASUREMENTS
from db.queries import logs, measurements, rolled
from db.queries.kept import Beyond, beyond
from db.queries.log_counts import agents_with_lines, log_lines, log_points
from db.queries.measured import (
    WATCHED,
    Subject,
    count_of,
    measurement_percentile,
    measurement_points,
    measurement_sums,
    medians_by_time,
)
from db.queries.measurements import series_page
from db.queries.round_trips import ROUND_TRIP
from db.services.rollup_families import FAMILIES
from db.services.rollups import bucket_at, roll_up, roll_up_all, touch_all, waiting
from db.services.touched import touch_at
from tests.databases import Databases
from tests.db.test_rollups import ALL, BORDERS, MIDNIGHT, windows
from tests.module_rows import person
from tests.noted import note_arranged
from tests.sessions import session
from tests.workers.working import given as work_given
from workers.forgetting import forget
from workers.keeping import keep

MODELS: dict[str, Any] = {LOGS: AgentLog, MEASUREMENTS: SystemMetric, API: ApiLog}
ROLLED = (LogRollup, MeasurementRollup, ApiRollup)
VALUES = (None, "0", "-0.000001", "0.000001", "-41.5", "3", "3.1", "40", "41", "7000.25", "999999999")
STEPS = (300, 1800, 7200, DAY, 3 * DAY)
# Few, so that late rows come to what is rolled up already: at the borders of stretches and the last microsecond before
# them, and one of before 1970.
SECONDS = (0, 1, 299, 300, 3599, 3600, 86_399, 86_400, -MIDNIGHT - 86_401)
moments = st.tuples(st.sampled_from(SECONDS), st.sampled_from([0, 999_999]))


def at(moment: tuple[int, int]) -> datetime:
    return from_ns((MIDNIGHT + moment[0]) * NANOSECONDS) + timedelta(microseconds=moment[1])


@st.composite
def rows(draw: Any) -> tuple[str, dict[str, Any]]:
    """One raw row of any of the families."""
    family = draw(st.sampled_from(list(MODELS)))
    moment = at(draw(moments))
    if family == LOGS:
        told = {"log_level": draw(st.sampled_from(["info", "error"])), "message": "said"}
        return family, {"agent_id": draw(st.sampled_from("ab")), "created_at": moment, **told}
    if family == API:
        status = draw(st.sampled_from([200, 200, 404, 503]))
        took = draw(st.sampled_from([None, 0, 1, 2, 40, 41, 90_000]))
        call = {"endpoint": "/x", "method": draw(st.sampled_from(["GET", "POST"]))}
        return family, {"status_code": status, "response_time_ms": took, "created_at": moment, **call}
    value = draw(st.sampled_from(VALUES))
    return family, {
        "metric_type": draw(st.sampled_from(["load", "load", WATCHED[0]])),
        "metric_unit": draw(st.sampled_from([None, "1"])),
        "source": draw(st.sampled_from([None, "pod"])),
        "metric_value": None if value is None else Decimal(value),
        "meta": draw(st.sampled_from([{}, {"attributes": {"cpu": "0"}}])),
        "recorded_at": moment,
    }


def put(engine: Engine, told: Sequence[tuple[str, dict[str, Any]]]) -> None:
    with db_session(engine, SYSTEM, write=True) as unit:
        for family, row in told:
            unit.execute(insert(MODELS[family]), [row])
            touch_at(unit, family, [row.get("recorded_at") or row["created_at"]])


def take_away(engine: Engine, family: str, seconds: int) -> None:
    """As rows are forgotten that are not rolled up for good: with a note of what is to be counted anew."""
    moment = FAMILIES[family].moment
    with session(engine, write=True) as unit:
        gone = list(unit.scalars(select(moment).where(moment < at((seconds, 0)), *FAMILIES[family].only)))
        unit.execute(delete(MODELS[family]).where(moment.in_(gone)))
        touch_at(unit, family, gone)


# --- what the raw rows themselves say, counted without SQL ---------------------------------------------------


class Raw:
    def __init__(self, engine: Engine, window: Window) -> None:
        self.window = window
        with session(engine) as unit:
            logs, measured, calls = (list(unit.scalars(select(model))) for model in MODELS.values())
        self.logs = [each for each in logs if self.covers(each.created_at)]
        self.calls = [each for each in calls if self.covers(each.created_at)]
        self.measured = [
            each for each in measured if self.covers(each.recorded_at) and each.metric_type not in WATCHED
        ]

    def covers(self, moment: datetime) -> bool:
        start, end = self.window.start, self.window.end
        return start is None or end is None or start <= moment < end

    def of(self, subject: Subject) -> list[Any]:
        def fits(row: Any) -> bool:
            labels = '{"cpu":"0"}' if (row.meta or {}).get("attributes") else ""
            said = (row.metric_type, row.metric_unit or "", row.source or "", labels)
            wanted = (subject.kind, subject.unit, subject.source, subject.labels)
            return all(each in (None, own) for each, own in zip(wanted, said, strict=True))

        return [row for row in self.measured if fits(row)]


def start(moment: datetime, width: int) -> int:
    return to_ns(moment) // NANOSECONDS // width * width


def begin(moment: datetime, step: int) -> str:
    return from_ns(start(moment, step) * NANOSECONDS).strftime("%Y-%m-%dT%H:%M")


def ranked(values: Sequence[Any], percent: int) -> float | None:
    return float(sorted(values)[ceil(percent * len(values) / 100) - 1]) if values else None


def near(value: float | None, *, exact: bool) -> Any:
    return value if value is None or exact else pytest.approx(value, rel=WORST + 1e-9)


def compare_measured(unit: Any, raw: Raw, window: Window, subject: Subject) -> None:
    found = raw.of(subject)
    values = [row.metric_value for row in found if row.metric_value is not None]
    is_exact = len(values) <= rolled.MOST_EXACT
    told = unit.execute(measurement_sums(window, subject)).mappings().one()
    assert (told["count"], told["unknown"]) == (len(values), len(found) - len(values))
    assert count_of_missing(unit, window, subject) == told["unknown"]
    if values:
        assert (told["least"], told["most"]) == (float(min(values)), float(max(values)))
        assert told["value"] == pytest.approx(float(sum(values) / len(values)))
    for percent in (50, 95):
        row = unit.execute(measurement_percentile(window, subject, percent)).mappings().one()
        assert row["value"] == near(ranked(values, percent), exact=is_exact)
        assert (row["n"], row["resolution"]) == (len(values), 0 if is_exact else 1)
    for step in STEPS:
        compare_points(unit, found, window, subject, step)


def compare_points(unit: Any, found: Sequence[Any], window: Window, subject: Subject, step: int) -> None:
    by_start: dict[tuple[str, str, str], list[Decimal | None]] = defaultdict(list)
    for row in found:
        by_start[begin(row.recorded_at, step), row.metric_type, row.source or ""].append(row.metric_value)
    points = {
        (row["at"], row["metric"], row["source"]): row
        for row in unit.execute(measurement_points(window, subject, step)).mappings()
        if row["count"] or row["unknown"]
    }
    assert points.keys() == by_start.keys()
    for key, every in by_start.items():
        values, point = [each for each in every if each is not None], points[key]
        assert (point["count"], point["unknown"]) == (len(values), len(every) - len(values))
        assert point["seconds"] == step
        if values:
            assert (point["least"], point["most"]) == (float(min(values)), float(max(values)))
            assert point["value"] == pytest.approx(float(sum(values) / len(values)))


def count_of_missing(unit: Any, window: Window, subject: Subject) -> int:
    return int(unit.scalar(count_of(window, subject, "missing")))


def compare_medians(unit: Any, raw: Raw, window: Window, width: int) -> None:
    by_start: dict[str, list[Decimal]] = defaultdict(list)
    for row in raw.of(Subject("load")):
        if row.metric_value is not None:
            by_start[begin(row.recorded_at, width)].append(row.metric_value)
    is_exact = sum(map(len, by_start.values())) <= rolled.MOST_EXACT
    found = unit.execute(medians_by_time(window, Subject("load"), width)).mappings()
    assert {row["at"]: (row["value"], row["count"]) for row in found} == {
        key: (near(ranked(each, 50), exact=is_exact), len(each)) for key, each in by_start.items()
    }


def compare_logs(unit: Any, raw: Raw, window: Window) -> None:
    assert unit.scalar(log_lines(window)) == len(raw.logs)
    errors = [each for each in raw.logs if each.log_level == "error"]
    assert unit.scalar(log_lines(window, ["error"], "a")) == sum(each.agent_id == "a" for each in errors)
    for step in STEPS:
        drawn = unit.execute(log_points(window, step)).mappings()
        assert {(row["at"], row["label"]): row["count"] for row in drawn} == Counter(
            (begin(each.created_at, step), each.log_level) for each in raw.logs
        )
    heard = Counter(each.agent_id for each in raw.logs)
    assert list(unit.scalars(agents_with_lines(window, 9))) == sorted(
        heard, key=lambda agent: (-heard[agent], agent)
    )


def compare_calls(unit: Any, raw: Raw, window: Window) -> None:
    statuses = [each.status_code for each in raw.calls]
    took = [
        each.response_time_ms
        for each in raw.calls
        if each.response_time_ms is not None and each.status_code < 500
    ]
    assert read(unit, "api.calls", window).value == len(statuses)
    assert read(unit, "api.failures", window).value == sum(status >= 500 for status in statuses)
    share = read(unit, "api.error_share", window)
    assert share.n == len(statuses)
    if statuses:
        assert share.value == pytest.approx(100 * sum(status >= 400 for status in statuses) / len(statuses))
    median = read(unit, "api.response_p50_ms", window)
    assert median.n == len(took)
    assert median.value == near(ranked(took, 50), exact=len(took) <= rolled.MOST_EXACT)
    by = {row["label"]: row["count"] for row in read_series(unit, "api.calls_by_status", window).rows}
    assert by == Counter(map(str, statuses))
    days = {row["at"]: row["count"] for row in read_series(unit, "api.calls_by_day", window).rows}
    assert days == Counter(each.created_at.strftime("%Y-%m-%d") for each in raw.calls)


def compare(engine: Engine, *over: Window) -> None:
    for window in over:
        raw = Raw(engine, window)
        with session(engine) as unit:
            for subject in (Subject(), Subject("load", "1", "", "")):
                compare_measured(unit, raw, window, subject)
            compare_medians(unit, raw, window, 3600)
            compare_logs(unit, raw, window)
            compare_calls(unit, raw, window)


def rolled_rows(engine: Engine) -> list[list[tuple[str, ...]]]:
    with session(engine) as unit:
        return [
            sorted(
                tuple(str(row[column.key]) for column in model.__table__.columns if column.key != "id")
                for row in unit.execute(select(*model.__table__.columns)).mappings()
            )
            for model in ROLLED
        ]


def agents(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.add_all(Agent(id=name, name=name, origin="person", meta={}) for name in "ab")


steps = st.one_of(
    st.lists(rows(), min_size=3, max_size=9),
    st.tuples(st.sampled_from(list(MODELS)), st.integers(1, 4)),
    st.tuples(st.just("broken off"), st.sampled_from(list(MODELS))),
    st.tuples(st.just("taken away"), st.sampled_from(list(MODELS)), st.sampled_from(BORDERS)),
)


@given(
    first=st.lists(rows(), min_size=6, max_size=14),
    most=st.integers(1, 9),
    then=st.lists(steps, min_size=1, max_size=5),
    window=windows(),
)
@settings(
    max_examples=8,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_window_says_what_its_raw_rows_say_whatever_happened_in_which_order(
    databases: Databases, first: list[Any], most: int, then: list[Any], window: Window
) -> None:
    """Rows in any order, late ones, steps of the roll-up between them, some broken off, rows that are taken away."""
    with databases.migrated("sqlite") as url:
        engine = make_engine(url)
        agents(engine)
        for few, step in enumerate([first, ("all", most), *then]):
            happen(engine, step)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(rolled, "MOST_EXACT", (3, 50_000, 0)[few % 3])
                compare(engine, (ALL, window)[few % 2])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rolled, "MOST_EXACT", 0)
            compare(engine, ALL)
            roll_up_all(engine)
            compare(engine, ALL, window)
        once = rolled_rows(engine)
        with db_session(engine, SYSTEM, write=True) as unit:
            touch_all(unit)
        roll_up_all(engine)
        assert rolled_rows(engine) == once
        engine.dispose()


def happen(engine: Engine, step: Any) -> None:
    match step:
        case list():
            put(engine, step)
        case ("taken away", family, seconds):
            take_away(engine, family, seconds)
        case ("broken off", family):
            with pytest.raises(RuntimeError), db_session(engine, SYSTEM, write=True) as unit:
                roll_up(unit, family=family)
                raise RuntimeError("killed")
        case ("all", most):
            for family in MODELS:
                happen(engine, (family, most))
        case (family, most):
            with db_session(engine, SYSTEM, write=True) as unit:
                roll_up(unit, most, family=family)


def arranged() -> list[tuple[str, dict[str, Any]]]:
    """Some of each family over two days, and one of each long before."""
    found: list[tuple[str, dict[str, Any]]] = []
    for n in range(40):
        moment = at(((n * 4999) % (2 * DAY), n % 2 * 999_999))
        level = ("info", "error", "debug")[n % 3]
        found.append(
            (LOGS, {"agent_id": "ab"[n % 2], "log_level": level, "message": "", "created_at": moment})
        )
        call = {"endpoint": "/x", "method": "GET", "status_code": (200, 404, 503)[n % 3]}
        found.append((API, {**call, "response_time_ms": n * n or None, "created_at": moment}))
        told = {"metric_type": "load", "source": ("x", None)[n % 2], "metric_unit": "1"}
        value = Decimal(VALUES[n % 11] or 0) if n % 11 else None
        meta = {"attributes": {"cpu": "0"}} if n % 4 == 0 else {}
        found.append((MEASUREMENTS, {**told, "metric_value": value, "meta": meta, "recorded_at": moment}))
    return found


def test_both_databases_say_the_same(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    agents(engine)
    window = Window.parse("2023-11-14T01:02:03Z/2023-11-15T20:01:00Z")
    told = arranged()
    put(engine, told[:80])
    roll_up_all(engine)
    put(engine, told[80:])
    compare(engine, ALL, window)
    monkeypatch.setattr(rolled, "MOST_EXACT", 0)
    compare(engine, ALL, window)
    roll_up_all(engine)
    compare(engine, ALL, window)
    once = rolled_rows(engine)
    with db_session(engine, SYSTEM, write=True) as unit:
        touch_all(unit)
        assert waiting(unit, LOGS) > 30
    roll_up_all(engine)
    assert rolled_rows(engine) == once
    with session(engine, write=True) as unit:
        unit.execute(delete(Agent).where(Agent.id == "a"))
    compare(engine, ALL)


def test_a_person_counts_the_calls_they_may_read_and_no_other(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        ada, bob = person(unit, "ada"), person(unit, "bob")
        for who, calls in ((ada, 3), (bob, 2), (None, 4)):
            call = {"endpoint": "/x", "method": "GET", "status_code": 200, "created_at": at((0, 0))}
            unit.add_all(ApiLog(user_id=who.id if who else None, **call) for _ in range(calls))
        note_arranged(unit)
        ids = (ada.id, bob.id)
    for _ in range(2):
        seen = []
        for actor in (*(Actor.person(each, "user") for each in ids), SYSTEM):
            with db_session(engine, actor) as unit:
                seen.append(read(unit, "api.calls", ALL).value)
        assert seen == [3, 2, 9]
        roll_up_all(engine)


@pytest.mark.databases("sqlite")
def test_rows_go_once_they_are_rolled_up_and_what_was_counted_stays(engine: Engine) -> None:
    agents(engine)
    told = arranged()
    put(engine, told[:60])
    roll_up_all(engine)
    put(engine, told[60:])
    now = at((100 * DAY + 5000, 0))
    numbers = counted(engine)
    reached = extents(engine)
    kept = {f"QUANTUM_KEEP_{name}_DAYS": "99" for name in ("LOGS", "MEASUREMENTS")}
    work = work_given(engine, now, **kept, QUANTUM_API_LOG_DAYS="99")
    gone = dict(keep(work))
    assert gone["logs"] > 0 < gone["measurements"] and forget(work)["rows"] > 0
    boundary = bucket_at(now - timedelta(days=99))
    with session(engine) as unit:
        for name, model in MODELS.items():
            moment = FAMILIES[name].moment
            left = sorted(unit.scalars(select(moment)))
            assert left and left[0] >= from_ns(boundary * NANOSECONDS), model
            assert beyond(unit, ALL, name) == Beyond(from_ns(boundary * NANOSECONDS), 300)
    assert counted(engine) == numbers
    for (begin, end), (first, last) in zip(extents(engine), reached, strict=True):
        assert end == last and timedelta(0) <= first - begin < timedelta(days=1), (
            "to the day, of what is gone"
        )
    put(engine, [(family, row) for family, row in arranged() if row.get("metric_type")][:3])  # too late
    with db_session(engine, SYSTEM, write=True) as unit:
        touch_all(unit)
    roll_up_all(engine)
    assert counted(engine) == numbers


def extents(engine: Engine) -> list[tuple[datetime, datetime]]:
    """From when to when there are log lines, and measurements."""
    with session(engine) as unit:
        found = (logs.extent(unit), measurements.extent(unit))
    return [each for each in found if each is not None]


def counted(engine: Engine) -> list[Any]:
    with session(engine) as unit:
        sums = unit.execute(measurement_sums(ALL, Subject("load"))).mappings().one()
        mean = round(sums["value"], 5)
        rest = [sums[name] for name in ("count", "unknown", "least", "most")]
        listed, total = series_page(unit, ALL, "", 1, 50)
        each = [(row["key"], row["readings"]["count"].value) for row in listed]
        keys = ("logs.lines", "logs.warnings", "logs.errors", "api.calls")
        return [mean, *rest, total, *each, *(read(unit, key, ALL).value for key in keys)]


@pytest.mark.databases("sqlite")
def test_own_samples_that_are_forgotten_leave_their_roll_ups_too(engine: Engine) -> None:
    """Their numbers speak of the week for which they are kept, whether from roll-ups or not."""
    old = {"metric_type": ROUND_TRIP, "metric_value": Decimal(5), "recorded_at": at((0, 0))}
    put(engine, [(MEASUREMENTS, old), (MEASUREMENTS, old | {"recorded_at": at((9 * DAY, 0))})])
    roll_up_all(engine)
    forget(work_given(engine, at((10 * DAY, 0))))
    for _ in range(2):
        with session(engine) as unit:
            assert read(unit, "db.latency_p50_ms", ALL).n == 1
        roll_up_all(engine)
    with session(engine) as unit:
        assert set(unit.scalars(select(MeasurementRollup.n))) == {1}
