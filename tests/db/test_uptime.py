"""States settled from stored rows: what SQL says is what the rules say, to the second, on both databases."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from db.actor import SYSTEM, Actor
from db.engine import session as guarded
from db.guard import Denied
from db.metric import METRICS, Window, read
from db.models import Agent
from db.models.uptime import CheckResult, Correction, ExemptTime, HeardStretch, StateStretch, UptimeSubject
from db.queries.uptime_rows import LISTED, Wanted, one_subject, subject_page
from db.services import measure
from db.services.account_fields import FieldErrors
from db.services.agents import change_agent
from db.services.checks import Outcome, Wish, define_check, delete_check, keep_outcomes, pause_check, take_due
from db.services.exempt_times import Wish as Maintenance
from db.services.exempt_times import change_maintenance, correct, declare_maintenance, end_maintenance
from db.services.liveness import beat, hear_spans
from db.services.measure import COLLECTOR, DATABASE, Stretch
from db.services.uptime import settle
from db.services.uptime_complaints import Complaint
from tests.people import make_person
from tests.sessions import session

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def builder(engine: Engine) -> Actor:
    """Somebody who builds agents."""
    return Actor.person(make_person(engine, "ann", password="copper lantern 93"), "architect")


@pytest.fixture
def admin(engine: Engine) -> Actor:
    return Actor.person(make_person(engine, "root", password="copper lantern 94"), "admin")


def agents(engine: Engine, *names: str, period: int | None = 20) -> None:
    with session(engine, write=True) as unit:
        for name in names:
            unit.add(Agent(id=name, name=name, origin="telemetry", heartbeat_seconds=period))


def watch(engine: Engine, *stretches: tuple[float, float, bool]) -> None:
    """The collector's stretches: seconds after noon from and to, and whether the database answered."""
    told = [
        Stretch(up, NOON + start * SECOND, end - start, 2, "one", None if up else "Away")
        for start, end, up in stretches
    ]
    with session(engine, write=True) as unit:
        measure.store_stretches(unit, told)


def heard(engine: Engine, agent: str, *seconds: float) -> None:
    for at in seconds:
        with guarded(engine, SYSTEM, write=True) as unit:
            assert beat(unit, agent, NOON + at * SECOND)


def settled(engine: Engine, at: float) -> dict[str, int]:
    with guarded(engine, SYSTEM, write=True) as unit:
        return settle(unit, NOON + at * SECOND)


def stands(engine: Engine, subject: str) -> list[tuple[int, int | None, str]]:
    """Its stretches that stand, in seconds after noon."""
    with session(engine) as unit:
        rows = unit.execute(
            select(StateStretch.since, StateStretch.until, StateStretch.state)
            .where(StateStretch.subject_id == subject, StateStretch.superseded_at.is_(None))
            .order_by(StateStretch.since)
        )
        return [
            (
                round((since - NOON).total_seconds()),
                None if until is None else round((until - NOON).total_seconds()),
                state,
            )
            for since, until, state in rows
        ]


def value(engine: Engine, key: str, at: float, *about: str, window: str = "all") -> float | None:
    with session(engine) as unit:
        return read(unit, key, Window.parse(window, NOON + at * SECOND), about).value


def evidence_seconds(engine: Engine, key: str, window: Window, *about: str) -> dict[str, int]:
    """What the rows behind a number sum up to, by state."""
    listed = METRICS[key].evidence
    assert listed is not None
    sums: dict[str, int] = {}
    with session(engine) as unit:
        for row in unit.execute(listed(window, *about)).mappings():
            sums[row["state"]] = sums.get(row["state"], 0) + row["seconds"]
    return sums


def test_heartbeats_in_time_are_one_row_and_a_silence_begins_another(engine: Engine) -> None:
    agents(engine, "shop")
    heard(engine, "shop", 0, 20, 40, 30, 40, 200, 220)
    with session(engine) as unit:
        rows = unit.execute(
            select(
                HeardStretch.first_at, HeardStretch.last_at, HeardStretch.beats, HeardStretch.limit_seconds
            ).order_by(HeardStretch.first_at)
        ).all()
    assert rows == [
        (NOON, NOON + 40 * SECOND, 5, 40),
        (NOON + 200 * SECOND, NOON + 220 * SECOND, 2, 40),
    ]


@pytest.mark.databases("sqlite")
def test_spans_are_heard_as_well_and_another_interval_begins_another_row(engine: Engine) -> None:
    agents(engine, "shop", "till", period=None)
    with guarded(engine, SYSTEM, write=True) as unit:
        at = int(NOON.timestamp() * 1e9)
        hear_spans(unit, {"shop": at, "till": at}, NOON)
        beat(unit, "shop", NOON + 10 * SECOND, interval=30)
    with session(engine) as unit:
        found = unit.execute(
            select(HeardStretch.agent_id, HeardStretch.limit_seconds, HeardStretch.beats).order_by(
                HeardStretch.agent_id, HeardStretch.first_at
            )
        ).all()
    assert found == [("shop", 300, 1), ("shop", 60, 1), ("till", 300, 1)]


def test_the_story_of_a_day(engine: Engine) -> None:
    """Up, our own outage, up, silence, up again: settled in several runs, summed by SQL, listed row by row."""
    agents(engine, "shop")
    watch(engine, (0, 100, True))
    heard(engine, "shop", 0, 20, 40, 60, 80)
    assert settled(engine, 115) == {"subjects": 1, "stretches": 1}
    assert stands(engine, "agent:shop") == [(0, None, "up")]
    watch(engine, (300, 1000, True))
    heard(engine, "shop", 300, 320, 500.5, 520, 900)
    settled(engine, 700)
    settled(engine, 1015)
    story = [
        (0, 120, "up"),
        (120, 300, "unknown"),
        (300, 360, "up"),
        (360, 500, "down"),
        (500, 560, "up"),
        (560, 900, "down"),
        (900, 940, "up"),
        (940, None, "down"),
    ]
    assert stands(engine, "agent:shop") == story
    assert settled(engine, 1015)["stretches"] == 0
    up, down, unknown = 120 + 60 + 60 + 40, 140 + 340 + 60, 180
    shares = {
        "uptime.availability": 100 * up / (up + down),
        "uptime.coverage": 100 * (up + down) / (up + down + unknown),
        "uptime.lowest": 100 * up / (up + down + unknown),
        "uptime.highest": 100 * (up + unknown) / (up + down + unknown),
        "uptime.days_observed": (up + down) / 86_400,
    }
    for key, wanted in shares.items():
        assert value(engine, key, 1015, "agent:shop") == pytest.approx(wanted, abs=1e-9), key
    assert [
        value(engine, f"uptime.{state}_seconds", 1015, "agent:shop")
        for state in ("up", "down", "unknown", "maintenance", "paused")
    ] == [up, down, unknown, 0, 0]
    for key in (
        "uptime.fleet_availability",
        "uptime.fleet_coverage",
        "uptime.fleet_lowest",
        "uptime.fleet_highest",
    ):
        assert value(engine, key, 1015) == pytest.approx(shares[key.replace("fleet_", "")], abs=1e-9)
    # Windows cut stretches to the second, whatever fraction they begin with, and nothing lies in the future.
    cut = Window.parse("2026-03-01T12:01:40.7Z/2026-03-01T12:05:10.2Z", NOON + 1015 * SECOND)
    assert evidence_seconds(engine, "uptime.availability", cut, "agent:shop") == {"up": 30, "unknown": 180}
    later = "2026-03-01T13:00:00Z/2026-03-01T14:00:00Z"
    assert value(engine, "uptime.availability", 1015, "agent:shop", window=later) is None
    assert evidence_seconds(
        engine, "uptime.down_seconds", Window.parse("all", NOON + 1015 * SECOND), "agent:shop"
    ) == {"down": down}
    with session(engine) as unit:
        window = Window.parse("all", NOON + 1015 * SECOND)
        row = one_subject(unit, window, "agent:shop")
        assert row is not None and (row.state, row.reason) == ("down", "silent")
        alone = {key: read(unit, key, window, ("agent:shop",)) for key in LISTED}
        assert row.readings == alone
        assert subject_page(unit, window, Wanted(kind="agent"))[1] == 1
        facts = unit.scalar(select(StateStretch.facts).where(StateStretch.since == NOON + 560 * SECOND))
    assert facts == {
        "confirmed": (NOON + 560 * SECOND).isoformat(),
        "last": (NOON + 520 * SECOND).isoformat(),
    }


@pytest.mark.databases("sqlite")
def test_the_fleet_pools_seconds_and_counts_whom_it_leaves_out(engine: Engine) -> None:
    agents(engine, "one", "two", "silent")
    watch(engine, (0, 400, True))
    heard(engine, "one", *range(0, 400, 20))
    heard(engine, "two", 0)
    with session(engine, write=True) as unit:
        unit.add(Agent(id="planned", name="planned", origin="catalogue"))
    settled(engine, 415)
    assert value(engine, "uptime.fleet_availability", 415) == pytest.approx(100 * 440 / 800)
    assert value(engine, "uptime.agents_counted", 415) == 2
    assert (
        value(engine, "uptime.agents_left_out", 415) == 1
    )  # never heard; one of telemetry alone is no part of it


@pytest.mark.databases("sqlite")
def test_a_fleet_that_falls_silent_at_once_is_unknown(engine: Engine) -> None:
    names = [f"agent{n}" for n in range(6)]
    agents(engine, *names)
    watch(engine, (0, 1800, True))
    for name in names:
        heard(engine, name, *range(0, 600, 20))
    heard(engine, "agent0", *range(600, 1800, 20))
    settled(engine, 1815)
    assert stands(engine, "agent:agent0") == [(0, None, "up")]
    assert stands(engine, "agent:agent5") == [(0, 620, "up"), (620, None, "unknown")]
    assert value(engine, "uptime.fleet_availability", 1815) == 100.0


@pytest.mark.databases("sqlite")
def test_the_parts_tell_the_databases_outage_and_agents_do_not(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        measure.introduce(unit, "sqlite")
    agents(engine, "shop")
    watch(engine, (0, 99.9996, True), (100.0003, 200, False), (200, 300, True))
    heard(engine, "shop", 0)
    settled(engine, 315)
    assert stands(engine, f"part:{DATABASE}") == [(0, 100, "up"), (100, 200, "down"), (200, None, "up")]
    assert stands(engine, f"part:{COLLECTOR}") == [(0, None, "up")]
    assert stands(engine, "agent:shop") == [
        (0, 40, "up"),
        (40, 100, "down"),
        (100, 200, "unknown"),
        (200, None, "down"),
    ]


def test_maintenance_is_declared_ahead_and_edited_with_a_reason(engine: Engine, builder: Actor) -> None:
    agents(engine, "shop")
    watch(engine, (0, 1000, True))
    heard(engine, "shop", 0)

    def wish(start: float, end: float, why: str = "New disks") -> Maintenance:
        return Maintenance("agent:shop", NOON + start * SECOND, NOON + end * SECOND, why)

    with guarded(engine, builder, write=True) as unit:
        key = declare_maintenance(unit, wish(100, 200), NOON)
        for wrong, field in (
            (wish(-5, 50), "starts_at"),
            (wish(50, 50), "ends_at"),
            (wish(50, 60, " "), "why"),
        ):
            with pytest.raises(FieldErrors) as refused:
                declare_maintenance(unit, wrong, NOON)
            assert field in refused.value.errors
    settled(engine, 415)
    assert stands(engine, "agent:shop") == [
        (0, 40, "up"),
        (40, 100, "down"),
        (100, 200, "maintenance"),
        (200, None, "down"),
    ]
    with guarded(engine, builder, write=True) as unit:
        kept = unit.get_one(ExemptTime, key)
        assert kept.edited_at is None
        with pytest.raises(FieldErrors) as refused:  # over: nobody changes it any more
            change_maintenance(
                unit,
                key,
                starts_at=kept.starts_at,
                ends_at=NOON + 300 * SECOND,
                why="Longer",
                at=NOON + 415 * SECOND,
            )
        assert refused.value.errors["ends_at"] == Complaint.IS_OVER
    with guarded(engine, builder, write=True) as unit:
        key = declare_maintenance(unit, wish(500, 900), NOON + 415 * SECOND)
    settled(engine, 715)
    with guarded(engine, builder, write=True) as unit:
        with pytest.raises(FieldErrors):
            change_maintenance(
                unit,
                key,
                starts_at=NOON + 500 * SECOND,
                ends_at=NOON + 800 * SECOND,
                why="",
                at=NOON + 715 * SECOND,
            )
        with pytest.raises(FieldErrors) as refused:
            change_maintenance(
                unit,
                key,
                starts_at=NOON + 400 * SECOND,
                ends_at=NOON + 800 * SECOND,
                why="x",
                at=NOON + 715 * SECOND,
            )
        assert refused.value.errors == {"starts_at": Complaint.HAS_BEGUN}
        assert end_maintenance(unit, key, "Done early", NOON + 720 * SECOND)
    settled(engine, 1015)
    assert stands(engine, "agent:shop")[-2:] == [(500, 720, "maintenance"), (720, None, "down")]
    with session(engine) as unit:
        row = unit.get_one(ExemptTime, key)
        assert (row.edit_why, row.edited_at, row.unsettled_from) == ("Done early", NOON + 720 * SECOND, None)
    assert value(engine, "uptime.maintenance_seconds", 1015, "agent:shop") == 320
    assert value(engine, "uptime.availability", 1015, "agent:shop") == pytest.approx(100 * 40 / 680)


def test_a_correction_is_a_new_row_that_stands_over_what_stays(
    engine: Engine, builder: Actor, admin: Actor
) -> None:
    agents(engine, "shop")
    watch(engine, (0, 1000, True))
    heard(engine, "shop", 0)
    settled(engine, 515)
    span = ("agent:shop", NOON + 100 * SECOND, NOON + 300 * SECOND)
    with pytest.raises(Denied), guarded(engine, builder, write=True) as unit:
        correct(unit, *span, "up", "The network card was broken", NOON + 515 * SECOND)
    with guarded(engine, admin, write=True) as unit:
        correct(unit, *span, "up", "The network card was broken", NOON + 515 * SECOND)
        with pytest.raises(FieldErrors) as refused:
            correct(unit, span[0], span[1], NOON + 900 * SECOND, "up", "It will be", NOON + 515 * SECOND)
        assert refused.value.errors == {"ends_at": Complaint.NOT_SETTLED}
    settled(engine, 575)
    assert stands(engine, "agent:shop") == [
        (0, 40, "up"),
        (40, 100, "down"),
        (100, 300, "up"),
        (300, None, "down"),
    ]
    with guarded(engine, admin, write=True) as unit:
        correct(unit, span[0], NOON + 200 * SECOND, span[2], "unknown", "Nobody knows", NOON + 576 * SECOND)
    settled(engine, 635)
    assert stands(engine, "agent:shop")[2:4] == [(100, 200, "up"), (200, 300, "unknown")]
    with session(engine) as unit:
        kept = unit.scalars(select(StateStretch).where(StateStretch.superseded_at.is_not(None))).all()
        assert {(row.state, (row.since - NOON).total_seconds()) for row in kept} >= {
            ("down", 40.0),
            ("up", 100.0),
        }
        assert (
            unit.scalar(select(func.count()).select_from(Correction).where(Correction.applied_at.is_(None)))
            == 0
        )
    assert value(engine, "uptime.up_seconds", 635, "agent:shop") == 140


@pytest.mark.databases("sqlite")
def test_a_pause_that_is_over_stays_on_neither_side(engine: Engine, builder: Actor) -> None:
    agents(engine, "shop")
    watch(engine, (0, 1000, True))
    heard(engine, "shop", 0)
    for at, paused in ((100, True), (300, False)):
        with guarded(engine, builder, write=True) as unit:
            change_agent(unit, "shop", {}, paused=paused, at=NOON + at * SECOND)
        settled(engine, at + 100)
    settled(engine, 615)
    assert stands(engine, "agent:shop") == [
        (0, 40, "up"),
        (40, 100, "down"),
        (100, 300, "paused"),
        (300, None, "down"),
    ]


# --- checks -----------------------------------------------------------------------------------------------


def ask(engine: Engine, at: float, *answers: bool) -> Sequence[Any]:
    """Whatever is due is asked, and answered so."""
    with guarded(engine, SYSTEM, write=True) as unit:
        due = take_due(unit, NOON + at * SECOND, 8)
        outcomes = [
            Outcome(each.id, each.planned, up, 200 if up else 503, 12.5, None if up else "HTTP 503")
            for each, up in zip(due, answers, strict=True)
        ]
        keep_outcomes(unit, outcomes)
    return due


def test_a_check_is_down_from_the_first_of_the_failures_that_confirm_it(
    engine: Engine, builder: Actor
) -> None:
    with guarded(engine, builder, write=True) as unit:
        key = define_check(unit, Wish("Shop", "https://shop.example/health", 60, 10, 200, 3))
        with pytest.raises(FieldErrors) as refused:
            define_check(unit, Wish("Shop", "https://u:p@shop.example/", 5, 70, 99, 0))
        assert set(refused.value.errors) == {
            "url", "interval_seconds", "timeout_seconds", "expected_status", "confirmations",
        }  # fmt: skip
        with pytest.raises(FieldErrors) as refused:
            define_check(unit, Wish("Shop", "https://other.example/"))
        assert refused.value.errors == {"name": Complaint.NAME_TAKEN}
    subject = f"check:{key}"
    for minute, up in enumerate((True, False, False, True, False, False, False, True)):
        (due,) = ask(engine, 60 * minute + (4 if minute else 0), up)
        assert due.planned == NOON + minute * MINUTE  # from the planned moment, whenever it was asked
        assert ask(engine, 60 * minute + 5) == []
        settled(engine, 60 * minute + 40)
    assert stands(engine, subject) == [
        (0, 60, "up"), (60, 180, "up"), (180, 240, "up"), (240, 420, "down"), (420, None, "up"),
    ]  # fmt: skip
    with session(engine) as unit:
        down = unit.scalars(select(StateStretch).where(StateStretch.state == "down")).one()
        assert down.facts["confirmed"] == (NOON + 6 * MINUTE).isoformat()
    assert value(engine, "checks.share_up", 500, str(key)) == pytest.approx(100 * 3 / 8)
    assert value(engine, "checks.failed", 500, str(key)) == 5
    assert value(engine, "checks.latency_p50_ms", 500, str(key)) == 12.5
    assert value(engine, "checks.latency_p95_ms", 500, str(key)) is None
    assert value(engine, "checks.count", 500, "no id") == 0
    settled(engine, 2000)
    assert stands(engine, subject)[-1] == (510, None, "unknown")  # nobody asked any more
    (due,) = ask(engine, 2000, True)
    assert due.planned == NOON + 2000 * SECOND  # what was missed is not asked afterwards
    with guarded(engine, builder, write=True) as unit:
        assert pause_check(unit, key, True, NOON + 2030 * SECOND)
    assert ask(engine, 2100) == []
    with guarded(engine, builder, write=True) as unit:
        assert delete_check(unit, key)
    with session(engine) as unit:
        left = [
            unit.scalar(select(func.count()).select_from(each))
            for each in (CheckResult, UptimeSubject, StateStretch)
        ]
    assert left == [0, 0, 0]


@pytest.mark.databases("sqlite")
def test_a_check_that_is_not_asked_says_why_and_has_no_state(engine: Engine, builder: Actor) -> None:
    with guarded(engine, builder, write=True) as unit:
        key = define_check(unit, Wish("Inside", "http://10.0.0.1/"))
    with guarded(engine, SYSTEM, write=True) as unit:
        (due,) = take_due(unit, NOON, 8)
        assert (
            keep_outcomes(unit, [Outcome(due.id, due.planned, refusal="private"), Outcome(UUID(int=5), NOON)])
            == 0
        )
    settled(engine, 500)
    assert stands(engine, f"check:{key}") == []
