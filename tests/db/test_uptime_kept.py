"""States and results too old to be kept go by whole days, and every number over them stays what it was."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from cli_verify import _tell_lines
from db.actor import SYSTEM, Actor
from db.engine import session as guarded
from db.metric import BY_HISTOGRAM, EXACT, METRICS, Window, read, read_series
from db.models import Agent
from db.models.uptime import (
    Check,
    CheckResult,
    Correction,
    HeardStretch,
    StateStretch,
    UptimeSubject,
)
from db.models.uptime_kept import RESULTS, STATES, CheckDay, StateDay, UptimeKept
from db.queries.uptime_kept import DAY_SUM, summed
from db.queries.uptime_rows import check_readings, failures, stretches_of, subject_readings
from db.recompute import BEYOND, DIFFERS, uptime, verify
from db.recompute.charts_of_time import check_times
from db.services.account_fields import FieldErrors
from db.services.exempt_times import correct
from db.services.uptime import settle
from db.services.uptime_complaints import Complaint
from tests.people import make_person
from tests.sessions import session
from tests.workers.working import given
from workers.keeping import keep

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
BEGIN = datetime(2026, 1, 1, 7, 30, 5, tzinfo=UTC)
NOW = BEGIN + 40 * DAY
KEPT = datetime(2026, 1, 11, tzinfo=UTC)  # 30 days before now, at midnight
CHECK = UUID("01930000-0000-7000-8000-00000000c4ec")
OLD = UUID("01930000-0000-7000-8000-00000000c4ed")
ABOUT = ("agent:shop", "agent:till", f"check:{CHECK}")
OF_ONE = [key for key, made in METRICS.items() if key.startswith("uptime.") and made.subject]
OF_ALL = [key for key, made in METRICS.items() if key.startswith("uptime.") and not made.subject]
WHOLE = (
    "all",
    "90d",
    "2026-01-05T00:00:00Z/2026-02-01T00:00:00Z",
    "2026-01-20T10:11:12Z/2026-02-01T13:00:00Z",
)
BOTH = {"QUANTUM_KEEP_STATES_DAYS": "30", "QUANTUM_KEEP_CHECK_RESULTS_DAYS": "30"}


def fill(engine: Engine) -> None:
    """Three subjects whose states change at random for forty days, and a check's results every three hours."""
    dice = random.Random(6)
    with session(engine, write=True) as unit:
        for agent in ("shop", "till"):
            unit.add(Agent(id=agent, name=agent, origin="telemetry"))
        unit.add(Check(id=CHECK, name="Door", url="https://shop.example/", interval_seconds=10_800))
        unit.add(Check(id=OLD, name="Old history", kind="imported"))
        unit.flush()
        for subject in ABOUT:
            kind, key = subject.split(":")
            told = {"agent_id": key} if kind == "agent" else {"check_id": CHECK}
            unit.add(
                UptimeSubject(
                    id=subject, kind=kind, observed_since=BEGIN, settled_until=NOW - 600 * SECOND, **told
                )
            )
            unit.flush()
            at = BEGIN
            while at < NOW - 700 * SECOND:
                until = at + dice.choice((1, 59, 3600, 40_000, 86_400, 200_000)) * SECOND
                last = until >= NOW - 700 * SECOND
                stretch = {"subject_id": subject, "since": at, "state": dice.choice(list(STATE_WORDS))}
                unit.add(
                    StateStretch(until=None if last else until, reason="heard", settled_at=NOW, **stretch)
                )
                if dice.random() < 0.2:
                    unit.add(
                        StateStretch(
                            until=until, reason="told before", settled_at=NOW, superseded_at=NOW, **stretch
                        )
                    )
                at = until
        for place in range(8 * 40):
            at, up = BEGIN + place * 10_800 * SECOND, dice.random() > 0.2
            took = dice.lognormvariate(3, 1) if up else None
            unit.add(CheckResult(check_id=CHECK, at=at, is_up=up, milliseconds=took))
        unit.add(CheckResult(check_id=OLD, at=BEGIN, is_up=True, milliseconds=5, source="old.csv"))


STATE_WORDS = ("up", "down", "unknown", "maintenance", "paused")


def numbers(engine: Engine, name: str) -> dict[Any, Any]:
    window = Window.parse(name, NOW)
    with session(engine) as unit:
        found = {
            (key, subject): (told.value, told.n)
            for key in OF_ONE
            for subject in ABOUT
            for told in [read(unit, key, window, (subject,))]
        }
        found |= {(key,): (told.value, told.n) for key in OF_ALL for told in [read(unit, key, window)]}
        for key in ("checks.count", "checks.failed", "checks.share_up"):
            for check in (CHECK, OLD):
                told = read(unit, key, window, (str(check),))
                found[key, check] = (told.value, told.n)
        listed = subject_readings(unit, window, ABOUT)
        assert all(
            told.value == found[key, subject][0] for subject in ABOUT for key, told in listed[subject].items()
        )
        asked = check_readings(unit, window, "http")[CHECK]
        assert all(told.value == found[key, CHECK][0] for key, told in asked.items())
    return found


def alike(found: dict[Any, Any], expected: dict[Any, Any]) -> None:
    for key, (value, n) in expected.items():
        assert found[key] == (value if value is None else pytest.approx(value, abs=1e-9), n), key


def count(engine: Engine, model: Any, *conditions: Any) -> int:
    with session(engine) as unit:
        return unit.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def latencies(engine: Engine, name: str) -> list[Any]:
    window, about = Window.parse(name, NOW), (str(CHECK),)
    with session(engine) as unit:
        return [read(unit, f"checks.latency_p{percent}_ms", window, about) for percent in (50, 95)]


def test_days_go_and_every_number_stays_to_the_second(engine: Engine) -> None:
    fill(engine)
    before = {name: numbers(engine, name) for name in WHOLE}
    since_next_day = numbers(engine, "2026-01-06T00:00:00Z/2026-02-01T13:00:00Z")
    until_that_day = numbers(engine, "2026-01-03T00:00:00Z/2026-01-05T00:00:00Z")
    times = {name: latencies(engine, name) for name in WHOLE}
    assert keep(given(engine, NOW))["states"] == 0, "nothing goes while no setting says so"
    done = keep(given(engine, NOW, **BOTH))
    assert done["states"] > 0 and done["check_results"] > 0
    assert count(engine, StateStretch, StateStretch.until <= KEPT) == 0 < count(engine, StateDay)
    assert count(engine, CheckResult, CheckResult.at < KEPT) == 1, "the imported one stays"
    assert count(engine, CheckDay) == 10
    for name in WHOLE:
        alike(numbers(engine, name), before[name])
        for told, once in zip(latencies(engine, name), times[name], strict=True):
            is_exact = name.startswith("2026-01-20")
            assert (told.n, told.resolution) == (once.n, EXACT if is_exact else BY_HISTOGRAM)
            assert told.value == pytest.approx(once.value, rel=0 if is_exact else 0.0203)
    # A range that begins within a day that is summed up begins with the next one and one that ends within one ends
    # before it, and the page says so.
    midway = Window.parse("2026-01-05T11:00:00Z/2026-02-01T13:00:00Z", NOW)
    found = numbers(engine, midway.name)
    alike(found, {key: told for key, told in since_next_day.items() if key[-1] != OLD})
    within = numbers(engine, "2026-01-03T00:00:00Z/2026-01-05T11:00:00Z")
    alike(within, {key: told for key, told in until_that_day.items() if key[-1] != OLD})
    with session(engine) as unit:
        assert summed(unit, midway).states == summed(unit, midway).results == KEPT
        assert summed(unit, Window.parse("24h", NOW)).states is None
        _lists_add_up(unit, midway, found)
        drawn = read_series(unit, "checks.latency_by_time", Window.parse("all", NOW), (str(CHECK),))
        assert drawn.n == times["all"][0].n and drawn.resolution == BY_HISTOGRAM
        assert len({row["at"] for row in drawn.rows}) == len(drawn.rows) == 41
        shown, total = failures(unit, Window.parse("all", NOW), "agent:shop", 100)
        assert len(shown) == total and all(row["until"] > KEPT for row in shown)
    done = keep(given(engine, NOW, **BOTH))
    assert (done["states"], done["check_results"]) == (0, 0), "twice is once"


def _lists_add_up(unit: Any, window: Window, found: dict[Any, Any]) -> None:
    """The rows behind each number, and those of the page, have its seconds; those of a check its results."""
    for subject in ABOUT:
        sums = dict.fromkeys(STATE_WORDS, 0)
        for row in stretches_of(unit, window, [subject])[subject]:
            sums[row["state"]] += row["seconds"]
        listed = METRICS["uptime.availability"].evidence
        assert listed is not None
        rows = unit.execute(listed(window, subject)).mappings().all()
        assert any(row["reason"] == DAY_SUM for row in rows)
        for state, length in sums.items():
            assert length == found[f"uptime.{state}_seconds", subject][0]
            assert length == sum(row["seconds"] for row in rows if row["state"] == state)
    for key in ("checks.count", "checks.failed"):
        listed = METRICS[key].evidence
        assert listed is not None
        assert (
            sum(row["results"] for row in unit.execute(listed(window, str(CHECK))).mappings())
            == found[key, CHECK][0]
        )


@pytest.mark.databases("sqlite")
def test_verifying_says_what_it_cannot_recompute_and_finds_no_difference(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(engine)
    keep(given(engine, NOW, **BOTH))
    windows = [Window.parse(name, NOW) for name in ("all", "7d", *WHOLE[2:])]
    with guarded(engine, SYSTEM) as unit:
        lines = list(verify(unit, windows, domains=[uptime.states, uptime.checks, check_times]))
    assert [line for line in lines if line.verdict == DIFFERS] == []
    beyond = {(line.key, line.window) for line in lines if line.verdict == BEYOND}
    assert ("checks.count", "all") in beyond and ("checks.latency_by_time", WHOLE[2]) in beyond
    assert {window for _, window in beyond} == {"all", WHOLE[2]}, "states are added up from what stays"
    assert {line.since for line in lines if line.verdict == BEYOND} == {"2026-01-11T00:00:00Z"}
    assert _tell_lines(lines, windows) == 0
    printed = capsys.readouterr().out
    assert "not recomputed: raw rows before 2026-01-11T00:00:00Z are gone" in printed
    assert f"{len(lines) - 12:,} numbers recomputed · all agree · 12 not recomputed" in printed


@pytest.mark.databases("sqlite")
def test_a_day_stays_until_everybody_is_told_and_nobodys_word_waits(engine: Engine) -> None:
    fill(engine)
    admin = Actor.person(make_person(engine, "root", password="copper lantern 94"), "admin")
    with session(engine, write=True) as unit:
        unit.get_one(UptimeSubject, "agent:till").settled_until = BEGIN + 5 * DAY
    keep(given(engine, NOW, **BOTH))
    with session(engine) as unit:
        kept = {row.family: row.since for row in unit.scalars(select(UptimeKept))}
    assert kept == {STATES: datetime(2026, 1, 6, tzinfo=UTC), RESULTS: KEPT}
    span = ("agent:shop", BEGIN + 7 * DAY, BEGIN + 8 * DAY)
    with guarded(engine, admin, write=True) as unit:
        correct(unit, *span, "up", "The card was broken", NOW)
    with session(engine, write=True) as unit:
        unit.get_one(UptimeSubject, "agent:till").settled_until = NOW - 600 * SECOND
    keep(given(engine, NOW, **BOTH))
    with session(engine) as unit:
        assert unit.get_one(UptimeKept, STATES).since == datetime(2026, 1, 8, tzinfo=UTC)
        told = numbers(engine, "all")["uptime.up_seconds", "agent:shop"][0]
    with guarded(engine, SYSTEM, write=True) as unit:
        settle(unit, NOW)
        assert unit.scalars(select(Correction)).one().applied_at is not None
    keep(given(engine, NOW, **BOTH))
    with session(engine) as unit:
        assert unit.get_one(UptimeKept, STATES).since == KEPT
        state_of = select(StateDay.state, StateDay.seconds).where(
            StateDay.subject_id == "agent:shop", StateDay.since == datetime(2026, 1, 9, tzinfo=UTC)
        )
        assert dict(tuple(row) for row in unit.execute(state_of))["up"] >= 7 * 3600 + 30 * 60
    assert told is not None
    with guarded(engine, admin, write=True) as unit, pytest.raises(FieldErrors) as refused:
        correct(unit, *span, "down", "It was not", NOW)
    assert refused.value.errors == {"starts_at": Complaint.NOT_KEPT}


@pytest.mark.databases("sqlite")
def test_heartbeats_go_a_while_after_the_states_they_were_for(engine: Engine) -> None:
    fill(engine)
    with session(engine, write=True) as unit:
        for days, limit in ((1, 40), (6, 40), (8, 40), (20, 40), (2, 200_000)):
            at = BEGIN + days * DAY
            unit.add(HeardStretch(agent_id="shop", first_at=at, last_at=at, limit_seconds=limit))
    keep(given(engine, NOW, **BOTH))
    with session(engine) as unit:
        left = unit.execute(
            select(HeardStretch.first_at, HeardStretch.limit_seconds).order_by(HeardStretch.first_at)
        )
        found = [((at - BEGIN).days, limit) for at, limit in left]
    assert found == [(2, 200_000), (8, 40), (20, 40)], "three days are read before what may be told again"
