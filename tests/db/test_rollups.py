"""Roll-ups and raw rows together give what the raw rows give, at every instant and however late a row comes."""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from threading import Event
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from db import schema
from db.actor import SYSTEM
from db.engine import make_engine
from db.engine import session as db_session
from db.histogram import WORST
from db.metric import NANOSECONDS, Reading, Window, from_ns, read, read_series, to_ns
from db.models import Agent, AgentRollup, Call, CallRollup, FleetRollup, Span, Touched
from db.models.rollup import DAY, EDGES_MS, FIVE_MINUTES, HOUR, QUARTER, WEEK
from db.queries import rolled
from db.queries.agents import agent_readings
from db.queries.connections import connections_of
from db.services import rollup_rows
from db.services.ingest import store
from db.services.rollups import roll_up, roll_up_all, touch_all, waiting
from tests.databases import Databases, logins
from tests.db.test_late_spans import Told, records
from tests.otlp import span
from tests.sessions import session
from tests.workers.working import given as work_given
from workers.rolling import roll_up as job

MIDNIGHT = 1_699_920_000  # of a day in UTC
ALL = Window.parse("all")
INVOKE = {"gen_ai__operation__name": "invoke_agent"}
AGENTS = ("shop", "desk", "shop/planner", "desk/writer")
# Seconds after midnight at which stretches begin and end, and some between.
BORDERS = (0, 1, 299, 300, 301, 599, 600, 3599, 3600, 3601, 7200, 86_399, 86_400, 86_401, 90_000, 172_800)
moments = st.sampled_from(BORDERS) | st.integers(0, 3 * DAY)


@st.composite
def told_spans(draw: Any) -> list[Told]:
    """Spans of a few traces over three days, in the order in which they come in."""
    made: list[Told] = []
    for number in range(1, draw(st.integers(4, 14)) + 1):
        trace = draw(st.integers(1, 3))
        said: dict[str, Any] = {}
        if draw(st.booleans()):
            said = {**INVOKE, "gen_ai__agent__name": draw(st.sampled_from(["planner", "writer"]))}
        elif draw(st.booleans()):
            said = {
                "gen_ai__operation__name": "chat",
                "gen_ai__usage__input_tokens": draw(st.integers(1, 900)),
            }
        made.append(
            (
                span(
                    number,
                    draw(st.none() | st.integers(1, number)) if number > 1 else None,
                    trace=trace,
                    start=(MIDNIGHT + draw(moments)) * NANOSECONDS
                    + draw(st.sampled_from([0, 1, 999_999_999])),
                    millis=draw(st.sampled_from([0, 0.0001, 0.5, 3, 40, 41, 700, 90_000])),
                    status=draw(st.sampled_from([None, None, 1, 2])),
                    **said,
                ),
                draw(st.sampled_from(["shop", "desk"])),
            )
        )
    return draw(st.permutations(made))


@st.composite
def windows(draw: Any) -> Window:
    first, last = sorted((draw(moments), draw(moments)))
    start, end = (from_ns((MIDNIGHT + second) * NANOSECONDS) for second in (first, last + 1))
    return Window(start, end, "drawn", end)


class Raw:
    """What the stored rows themselves say, counted without SQL."""

    def __init__(self, engine: Engine, window: Window) -> None:
        with session(engine) as unit:
            spans = list(unit.execute(select(*Span.__table__.columns)).mappings())
            calls = list(unit.execute(select(*Call.__table__.columns)).mappings())
        self.begin = to_ns(window.start) if window.start else 0
        self.end = to_ns(window.end) if window.end else 2**62
        self.since: dict[str, int] = {}
        for each in spans:
            if each["status"]:
                self.since[each["service"]] = min(each["start_ns"], self.since.get(each["service"], 2**62))
        self.every, self.is_all = spans, window.start is None
        self.spans = [each for each in spans if self.begin <= each["start_ns"] < self.end]
        self.calls = [each for each in calls if self.begin <= each["start_ns"] < self.end]

    def numbers(self) -> dict[str, Any]:
        outcomes = [each for each in map(self.outcome, self.spans) if each is not None]
        tokens = [each["input_tokens"] for each in self.spans if each["input_tokens"] is not None]
        return {
            "spans.count": len(self.spans),
            "spans.errors": sum(each["status"] == 2 for each in self.spans),
            "spans.unattributed": sum(each["agent_id"] is None for each in self.spans),
            "fleet.agents_observed": len({each["agent_id"] for each in self.spans} - {None}),
            "fleet.connections": len({(each["caller_id"], each["callee_id"]) for each in self.calls}),
            "calls.count": len(self.calls),
            "tokens.input": sum(tokens),
            "fleet.efficiency": 100 * sum(outcomes) / len(outcomes) if outcomes else None,
            "traces.count": self.traces() if len(self.spans) > rolled.MOST_EXACT else self.distinct(),
        }

    def outcome(self, row: Any) -> int | None:
        if not row["is_task"]:
            return None
        silent = 1 if self.since.get(row["service"], 2**62) < row["start_ns"] else None
        return {2: 0, 1: 1}.get(row["status"], silent)

    def distinct(self) -> int:
        return len({each["trace_id"] for each in self.spans})

    def traces(self) -> int:
        """As the definition says: each where it begins, and once more after five silent minutes of the clock."""
        width = FIVE_MINUTES * NANOSECONDS
        first = 0 if self.is_all else -(-self.begin // width) + 1
        last = 2**62 if self.is_all else self.end // width
        if first >= last:
            return self.distinct()
        opened = {each["trace_id"] for each in self.spans if each["start_ns"] < first * width}
        seen = {(each["trace_id"], each["start_ns"] // width) for each in self.spans}
        begun = {(trace, at) for trace, at in seen if at >= first and (trace, at - 1) not in seen}
        return len(begun) + (0 if self.is_all else len(opened))

    def durations(self, agent: str | None = None) -> list[int]:
        return [each["duration_ns"] for each in self.spans if agent in (None, each["agent_id"])]


def rank(values: Sequence[int], percent: int) -> float | None:
    """The nearest rank, in milliseconds."""
    return sorted(values)[ceil(percent * len(values) / 100) - 1] / 1e6 if values else None


def agrees(found: Reading, values: Sequence[int], percent: int, *, exact: bool) -> None:
    expected = rank(values, percent) if len(values) >= {50: 1, 95: 20}[percent] else None
    if expected is None or found.value is None:
        assert found.value is expected
    elif exact:
        assert found.value == expected
    elif expected >= 0.000001:  # a nanosecond; below it there is one place for everything
        assert found.value == pytest.approx(expected, rel=WORST + 1e-9)
    assert found.n == len(values)


def compare(engine: Engine, window: Window) -> None:
    """Every number of the window against the raw rows."""
    raw = Raw(engine, window)
    is_exact = len(raw.spans) <= rolled.MOST_EXACT
    with session(engine) as unit:
        found = {key: read(unit, key, window).value for key in raw.numbers()}
        assert found == pytest.approx(raw.numbers())
        agrees(read(unit, "spans.latency_p50_ms", window), raw.durations(), 50, exact=is_exact)
        drawn = {
            row["low_ms"]: row["count"] for row in read_series(unit, "spans.latency_histogram", window).rows
        }
        edges = [0.0, *EDGES_MS]
        assert drawn == Counter(max(low for low in edges if x >= low * 1e6) for x in raw.durations())
        for agent, told in agent_readings(unit, window, AGENTS).items():
            mine = raw.durations(agent)
            agrees(told["agent.latency_p50_ms"], mine, 50, exact=is_exact)
            assert told["agent.spans"].value == len(mine)
            hits = [raw.outcome(each) for each in raw.spans if each["agent_id"] == agent]
            known = [each for each in hits if each is not None]
            assert (told["agent.efficiency"].n, told["agent.efficiency"].value) == (
                len(known),
                pytest.approx(100 * sum(known) / len(known)) if known else None,
            )
            assert told["agent.calls_out"].value == sum(each["caller_id"] == agent for each in raw.calls)
            pairs = Counter(
                (each["caller_id"], each["callee_id"])
                for each in raw.calls
                if agent in (each["caller_id"], each["callee_id"])
            )
            rows = connections_of(unit, window, agent)
            assert {(r.caller_id, r.callee_id): r.readings["connection.calls"].value for r in rows} == pairs


def put(engine: Engine, spans: Sequence[Told]) -> None:
    with db_session(engine, SYSTEM, write=True) as unit:
        store(unit, records(list(spans)), "key qk_1")


def rolled_rows(engine: Engine) -> list[list[tuple[Any, ...]]]:
    """All roll-ups, without their numbers."""
    with session(engine) as unit:
        return [
            sorted(
                (
                    tuple(str(row[column.key]) for column in model.__table__.columns if column.key != "id")
                    for row in unit.execute(select(*model.__table__.columns)).mappings()
                ),
            )
            for model in (FleetRollup, AgentRollup, CallRollup)
        ]


@given(
    spans=told_spans(),
    window=windows(),
    cuts=st.lists(st.integers(0, 14), max_size=3),
    most=st.integers(1, 5),
)
@settings(
    max_examples=10,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_window_says_what_its_raw_rows_say_whatever_came_when(
    databases: Databases,
    spans: list[Told],
    window: Window,
    cuts: list[int],
    most: int,
) -> None:
    """In batches of any size and order, rolled up in part between them; small windows exact, long ones by histogram."""
    bounds = [0, *sorted(cuts), len(spans)]
    with databases.migrated("sqlite") as url:
        engine = make_engine(url)
        for few, (begin, end) in enumerate(zip(bounds, bounds[1:], strict=False)):
            put(engine, spans[begin:end])
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(rolled, "MOST_EXACT", (50_000, 0, 3)[few % 3])
                compare(engine, window)
                with db_session(engine, SYSTEM, write=True) as unit:
                    roll_up(unit, most)
                compare(engine, window)
                compare(engine, ALL)
        roll_up_all(engine)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rolled, "MOST_EXACT", 0)
            compare(engine, window)
            compare(engine, ALL)
        engine.dispose()


def some(seed: int, count: int = 60) -> list[Told]:
    dice = random.Random(seed)
    return [
        (
            span(
                number,
                dice.choice([None, max(1, number - 1)]) if number > 1 else None,
                trace=number // 5,
                start=(MIDNIGHT + dice.randrange(2 * DAY)) * NANOSECONDS,
                millis=dice.lognormvariate(2, 2),
                status=dice.choice([None, 1, 2]),
                **({**INVOKE, "gen_ai__agent__name": "planner"} if number % 3 == 0 else {}),
            ),
            dice.choice(["shop", "desk"]),
        )
        for number in range(1, count + 1)
    ]


def test_both_databases_roll_up_alike_and_again_to_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = some(1)
    put(engine, spans[:40])
    roll_up_all(engine)
    put(engine, spans[40:])
    monkeypatch.setattr(rolled, "MOST_EXACT", 0)
    compare(engine, ALL)
    roll_up_all(engine)
    compare(engine, ALL)
    compare(engine, Window.parse("2023-11-14T01:02:03Z/2023-11-15T20:01:00Z"))
    once = rolled_rows(engine)
    with db_session(engine, SYSTEM, write=True) as unit:
        touch_all(unit)
        assert waiting(unit) >= 40
    roll_up_all(engine)
    assert rolled_rows(engine) == once


@pytest.mark.databases("sqlite")
def test_what_comes_late_changes_the_five_minutes_beside_it_too(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parent in other five minutes gives its child another agent; a trace that began earlier begins there no more."""
    monkeypatch.setattr(rolled, "MOST_EXACT", 0)

    def at(number: int, second: int, parent: int | None = None, **said: Any) -> Told:
        return span(number, parent, start=(MIDNIGHT + second) * NANOSECONDS, **said), "shop"

    named = {**INVOKE, "gen_ai__agent__name": "planner"}
    for late in ([at(2, 700, 1)], [at(3, 1500, 2)], [at(1, 350, **named)], [at(4, 100)], [at(5, 950)]):
        put(engine, late)
        compare(engine, ALL)
        compare(engine, Window.parse("2023-11-14T00:00:10Z/2023-11-14T00:30:00Z"))
        roll_up_all(engine)
        compare(engine, ALL)
        compare(engine, Window.parse("2023-11-14T00:00:10Z/2023-11-14T00:30:00Z"))
    with session(engine) as unit:
        assert read(unit, "traces.count", ALL).value == 2, (
            "silent for five whole minutes of the clock in between"
        )


def test_what_was_stored_before_is_noted_by_the_revision_that_brings_roll_ups(
    migrated_url: str, engine: Engine
) -> None:
    """Up to then nothing is rolled up, and numbers are right before it is, and after."""
    put(engine, some(6))
    roll_up_all(engine)
    owner = logins(migrated_url)["owner"]
    schema.migrate(owner, "20261127_jobs")
    schema.migrate(owner)
    with session(engine) as unit:
        assert waiting(unit) > 40
    compare(engine, ALL)
    roll_up_all(engine)
    compare(engine, ALL)


def test_a_step_that_is_broken_off_has_done_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    put(engine, some(2))
    before = rolled_rows(engine)
    made = rollup_rows._put

    def broken(*told: Any) -> None:
        if told[1] == "fleet_rollups":
            raise RuntimeError("killed")
        made(*told)

    monkeypatch.setattr(rollup_rows, "_put", broken)
    with pytest.raises(RuntimeError):
        roll_up_all(engine)
    assert rolled_rows(engine) == before
    compare(engine, ALL)
    monkeypatch.setattr(rollup_rows, "_put", made)
    roll_up_all(engine)
    compare(engine, ALL)


def test_nothing_is_lost_while_several_roll_up_what_others_store(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it within a day, so that everybody is at the same hours and the same day."""
    spans, is_stored = (
        [
            (told | {"startTimeUnixNano": str(at), "endTimeUnixNano": str(at + 5)}, service)
            for n, (told, service) in enumerate(some(11))
            for at in [(MIDNIGHT + n * 97 % 7200) * NANOSECONDS]
        ],
        Event(),
    )

    def store_all() -> None:
        for begin in range(0, len(spans), 4):
            put(engine, spans[begin : begin + 4])
        is_stored.set()

    def roll() -> None:
        while not is_stored.is_set():
            with db_session(engine, SYSTEM, write=True) as unit:
                roll_up(unit, 2)

    with ThreadPoolExecutor(3) as pool:
        for work in [pool.submit(each) for each in (store_all, roll, roll)]:
            work.result()
    monkeypatch.setattr(rolled, "MOST_EXACT", 0)
    compare(engine, ALL)
    roll_up_all(engine)
    compare(engine, ALL)


def test_the_job_leaves_five_minutes_that_are_not_over(engine: Engine) -> None:
    put(engine, some(3))
    now = from_ns((MIDNIGHT + DAY) * NANOSECONDS)
    late = span(900, trace=900, start=to_ns(now) + 7 * NANOSECONDS)
    put(engine, [(late, "shop")])
    facts = job(work_given(engine, now))
    assert facts["waiting"] == 1
    compare(engine, ALL)
    with session(engine) as unit:
        assert list(unit.scalars(select(Touched.start).distinct())) == [MIDNIGHT + DAY]


def test_spans_of_an_agent_that_is_deleted_are_nobodys_in_roll_ups_too(engine: Engine) -> None:
    put(engine, some(4))
    roll_up_all(engine)
    with session(engine, write=True) as unit:
        unit.execute(delete(Agent).where(Agent.id == "shop/planner"))
    compare(engine, ALL)


def test_hours_and_days_are_what_their_five_minutes_are(engine: Engine) -> None:
    put(engine, some(5))
    roll_up_all(engine)
    with session(engine) as unit:
        for model, counted in ((FleetRollup, "spans"), (AgentRollup, "spans"), (CallRollup, "calls")):
            sums = {
                resolution: sum(
                    unit.scalars(select(getattr(model, counted)).where(model.resolution == resolution))
                )
                for resolution in (FIVE_MINUTES, HOUR, QUARTER, DAY, WEEK)
            }
            assert len(set(sums.values())) == 1 and sums[DAY] > 0, (model, sums)


@pytest.mark.parametrize("coarsest", [DAY, WEEK])
@pytest.mark.parametrize("is_now", [False, True])
@given(first=st.integers(0, 4000), many=st.integers(1, 1500))
def test_pieces_less_what_lies_beyond_are_the_window(
    coarsest: int, is_now: bool, first: int, many: int
) -> None:
    begin, end = first * FIVE_MINUTES, (first + many) * FIVE_MINUTES
    more, less = rolled._with_less(begin, end, coarsest, is_now=is_now)
    ends = {at for _, *each in (*more, *less) for at in each if at is not None} | {begin, end}
    for moment in {at + off for at in ends for off in (-FIVE_MINUTES, 0)}:
        assert lying(more, moment) - lying(less, moment) == (begin <= moment < end)
    assert all(
        start % width == 0 and until % width == 0 and start < until for width, start, until in (*more, *less)
    )  # type: ignore[operator]


def lying(stretches: Sequence[rolled.Stretch], moment: int) -> int:
    return sum(start <= moment < until for _, start, until in stretches)  # type: ignore[operator]


def test_a_day_that_ends_now_is_a_handful_of_pieces() -> None:
    """Of nineteen that it has on average without those that are taken away: each is a row per agent."""
    day = DAY // FIVE_MINUTES
    counts = []
    for first in range(0, 3 * day, 7):
        begin, end = first * FIVE_MINUTES, (first + day) * FIVE_MINUTES
        pieces = [each for part in rolled._with_less(begin, end, WEEK, is_now=True) for each in part]
        counts.append(
            sum((min(until, end) - start) // width for width, start, until in pieces if start < end)
        )  # type: ignore[operator, type-var]
    assert sum(counts) / len(counts) < 8
