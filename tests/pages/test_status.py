"""/status, one subject's page, /maintenance and /checks: what stands on them, and who may change what."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from components.timeline import Part, coarser, filled, spoken, strip
from db.metric import Window
from db.models import Agent, AuditEntry
from db.models.uptime import (
    Check,
    CheckResult,
    Correction,
    ExemptTime,
    HeardStretch,
    StateStretch,
    UptimeSubject,
)
from db.models.uptime_kept import StateDay, UptimeKept
from db.services import measure
from db.services.measure import Stretch
from db.services.uptime import settle
from pages._moments import this_month, typed, written
from tests.administrator import as_role
from tests.db.test_performance import bring
from tests.otlp import span
from tests.reader import Reader, elements, hrefs, readings, words
from tests.sessions import session

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


def story(unit: Session) -> None:
    """Three hours watched; the shop silent in the second of them, the till heard all along."""
    unit.add(Agent(id="shop/front", name="front", origin="telemetry", heartbeat_seconds=30))
    unit.add(Agent(id="till", name="till", origin="telemetry", heartbeat_seconds=30))
    began = NOW - 3 * HOUR
    measure.store_stretches(unit, [Stretch(True, began, 3 * 3600 - 20, 360, "one")])
    for agent, first, last in (
        ("shop/front", began, began + HOUR - timedelta(seconds=60)),
        ("shop/front", began + 2 * HOUR, NOW),
        ("till", began, NOW),
    ):
        unit.add(HeardStretch(agent_id=agent, first_at=first, last_at=last, limit_seconds=60, beats=60))
    unit.flush()
    settle(unit, NOW)


@pytest.fixture
def told(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        story(unit)


def test_the_list_tells_states_shares_and_whom_the_fleet_leaves_out(alice: Reader, told: None) -> None:
    drawn = alice.body("status", "?range=24h&lang=en")
    shown = readings(drawn)
    assert float(shown["uptime.fleet_availability"]) == pytest.approx(100 * 5 / 6, abs=0.3)
    assert shown["uptime.agents_counted"] == "2"
    said = words(drawn)
    for text in (
        "front",
        "till",
        "up",
        "of 1",
        "Availability = seconds up / (seconds up + seconds down).",
    ):
        assert text in said
    assert "/status/agent:shop/front?range=24h&lang=en" in hrefs(drawn)
    bars = [each for each in elements(drawn) if "strip" in str(each["props"].get("className", "")).split()]
    assert len(bars) == 2 and "down 1" in bars[0]["props"]["aria-label"]
    narrowed = alice.body("status", "?range=24h&lang=en&search=till&kind=agent&state=up&page=x")
    assert "till" in words(narrowed) and "front" not in words(narrowed)
    assert "Nothing found" in words(alice.body("status", "?state=down&lang=en"))


@pytest.mark.databases("sqlite")
def test_before_anything_was_observed_nothing_is_said_to_be_up_or_down(alice: Reader) -> None:
    drawn = alice.body("status", "?range=24h&lang=en")
    assert readings(drawn)["uptime.fleet_availability"] == ""
    assert "Nothing was observed yet" in words(drawn)
    assert "The collector has not been heard lately" in words(drawn)


@pytest.mark.databases("sqlite")
def test_older_days_are_said_to_be_sums_and_an_agents_latency_is_drawn(
    engine: Engine, alice: Reader, told: None, tmp_path: Path
) -> None:
    """Of the days before single stretches are kept there are sums: in the table, not in the strip, and said above."""
    kept = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=2)
    bring(engine, tmp_path, span(1, millis=30, start=int((NOW - HOUR).timestamp()) * 10**9), service="till")
    with session(engine, write=True) as unit:
        unit.get_one(UptimeSubject, "agent:till").observed_since = kept - timedelta(days=1)
        day = {"subject_id": "agent:till", "since": kept - timedelta(days=1)}
        unit.add(StateDay(**day, state="up", seconds=86_000))
        unit.add(StateDay(**day, state="down", seconds=400))
        unit.add(UptimeKept(family="states", since=kept))
    drawn = alice.body("subject", "?range=7d&lang=en", **{"url.pathname": "/status/agent:till"})
    shown, said = readings(drawn), words(drawn)
    assert shown["uptime.down_seconds"] == "400"
    for text in (
        "Single stretches of states are kept since",
        "sum of a whole day",
        "earlier ones are no longer kept singly",
    ):
        assert text in said, text
    bars = [each for each in elements(drawn) if "strip" in str(each["props"].get("className", "")).split()]
    assert all("down" not in bar["props"]["aria-label"] for bar in bars)
    charts = [each for each in elements(drawn) if each["props"].get("data-metric") == "agent.latency_by_time"]
    assert charts, "the latency beneath the strip is a chart"
    with session(engine, write=True) as unit:
        measure.introduce(unit, "sqlite")
        settle(unit, NOW)
    part = alice.body("subject", "?range=24h&lang=en", **{"url.pathname": "/status/part:quantum/database"})
    assert [each for each in elements(part) if each["props"].get("data-metric") == "db.latency_by_time"]
    assert "are kept since" in words(alice.body("status", "?range=7d&lang=en"))
    assert "are kept since" not in words(alice.body("status", "?range=24h&lang=en"))


@pytest.mark.parametrize("lang", ["en", "pt-BR"])
def test_a_subjects_page_tells_failures_windows_and_the_stretches_they_are_made_of(
    alice: Reader, told: None, lang: str
) -> None:
    drawn = alice.body("subject", f"?range=24h&lang={lang}", **{"url.pathname": "/status/agent:shop/front"})
    shown = readings(drawn)
    assert float(shown["uptime.down_seconds"]) == 3600
    seconds = [
        float(shown[f"uptime.{state}_seconds"])
        for state in ("up", "down", "unknown", "maintenance", "paused")
    ]
    rows = [each for each in elements(drawn) if each["props"].get("id") == "status-stretches"]
    cells = [
        each["props"]["children"]["props"]["children"]
        for each in elements(rows)
        if each["props"].get("data-label") in ("Seconds", "Segundos")
    ]
    assert sum(seconds) == sum(int(text.replace(",", "").replace(".", "")) for text in cells) > 3600
    said = words(drawn)
    wanted = {
        "en": (
            "no heartbeat in time, while the collector watched",
            "of 30",
            "This month",
            "Latency in the same range",
        ),
        "pt-BR": ("nenhum sinal de vida a tempo", "de 30", "Este mês", "Latência no mesmo período"),
    }
    for text in wanted[lang]:
        assert text in said


@pytest.mark.databases("sqlite")
def test_an_unknown_subject_says_so_and_an_imported_history_tells_a_share(
    alice: Reader, engine: Engine
) -> None:
    for path in ("/status/agent:nobody", "/status/check:nothing", "/status/x", "/status/"):
        assert "No states here" in words(alice.body("subject", "?lang=en", **{"url.pathname": path}))
    with session(engine, write=True) as unit:
        check = Check(name="Shop", kind="imported")
        unit.add(check)
        unit.flush()
        for minute, up in enumerate((True, True, False)):
            at = NOW - timedelta(minutes=minute)
            unit.add(CheckResult(check_id=check.id, at=at, is_up=up, status=200, milliseconds=20.0))
        path = f"/status/check:{check.id}"
    drawn = alice.body("subject", "?range=24h&lang=en", **{"url.pathname": path})
    assert float(readings(drawn)["checks.share_up"]) == pytest.approx(100 * 2 / 3)
    assert readings(drawn)["checks.latency_p50_ms"] == "20.0"
    assert not any(key.startswith("uptime.") for key in readings(drawn))
    assert "no availability" in words(drawn)
    listed = alice.body("status", "?range=24h&lang=en")
    assert "Share of checks up" in words(listed) and readings(listed)["checks.failed"] == "1"


def sent(reader: Reader, output: str, **values: Any) -> Any:
    return reader.post(output, {key.replace("__", "."): each for key, each in values.items()})


def callbacks(reader: Reader, submit: str) -> str:
    """The output of the callback that a form's submission calls."""
    for each in reader.get("/_dash-dependencies").get_json():
        if {"id": submit, "property": "n_submit"} in each["inputs"]:
            return str(each["output"])
    raise AssertionError(submit)


def test_maintenance_is_declared_by_who_builds_and_is_audited(
    alice: Reader, engine: Engine, told: None
) -> None:
    builder = as_role(alice, engine, "architect")
    starts = (datetime.now(UTC) + HOUR).strftime("%Y-%m-%d %H:%M")
    ends = (datetime.now(UTC) + 2 * HOUR).strftime("%Y-%m-%d %H:%M")
    form = {
        "maintenance-form.n_submit": 1,
        "maintenance-about.value": "agent:till",
        "maintenance-starts.value": starts,
        "maintenance-ends.value": ends,
        "maintenance-why.value": "New disks",
        "url.search": "?zone=UTC&lang=en",
    }
    output = callbacks(builder, "maintenance-form")
    late = builder.post(
        output, form | {"maintenance-starts.value": "2026-01-01 10:00", "maintenance-why.value": ""}
    )
    assert "Maintenance is declared before it starts" in late.text and "Say why" in late.text
    assert "Write a moment such as" in builder.post(output, form | {"maintenance-ends.value": "soon"}).text
    assert "was declared" in builder.post(output, form).text
    with session(engine) as unit:
        row = unit.scalars(select(ExemptTime)).one()
        assert (row.subject_id, row.why, row.edited_at) == ("agent:till", "New disks", None)
        key = row.id
    edit = {
        "edit-maintenance.n_submit": 1,
        "edit-starts.value": starts,
        "edit-ends.value": (datetime.now(UTC) + 3 * HOUR).strftime("%Y-%m-%d %H:%M"),
        "edit-why.value": "They are late",
        "url.search": f"?zone=UTC&lang=en&edit={key}",
    }
    assert "was changed, and says so" in builder.post(callbacks(builder, "edit-maintenance"), edit).text
    listed = words(builder.body("maintenance", "?zone=UTC&lang=en"))
    assert "They are late" in listed and "to come" in listed
    with session(engine) as unit:
        acts = unit.execute(
            select(AuditEntry.action, AuditEntry.new_data)
            .where(AuditEntry.table_name == "exempt_times")
            .order_by(AuditEntry.seq)
        ).all()
    assert [action for action, _ in acts] == ["INSERT", "UPDATE"]
    assert acts[1][1]["edit_why"] == "They are late"


@pytest.mark.databases("sqlite")
def test_checks_are_defined_changed_and_corrections_made_by_whom_they_are_for(
    alice: Reader, engine: Engine, told: None
) -> None:
    form = {
        "checks-form.n_submit": 1,
        "checks-name.value": "Shop",
        "checks-url.value": "https://shop.example/health",
        "checks-every.value": "60",
        "checks-timeout.value": "10",
        "checks-status.value": "200",
        "checks-failures.value": "3",
        "url.search": "?lang=en",
    }
    fix = {
        "correct-form.n_submit": 1,
        "correct-starts.value": (NOW - 2 * HOUR).strftime("%Y-%m-%d %H:%M"),
        "correct-ends.value": (NOW - HOUR).strftime("%Y-%m-%d %H:%M"),
        "correct-state.value": "up",
        "correct-why.value": "The network card was broken",
        "url.search": "?lang=en&zone=UTC",
        "url.pathname": "/status/agent:shop/front",
    }
    output, correcting = callbacks(alice, "checks-form"), callbacks(alice, "correct-form")
    assert alice.post(output, form).status_code == 403
    assert alice.post(correcting, fix).status_code == 403
    root = as_role(alice, engine, "admin")
    wrong = root.post(output, form | {"checks-url.value": "ftp://shop", "checks-every.value": "x"})
    assert "Write a whole address" in wrong.text and "Choose 30 to 86400 seconds." in wrong.text
    assert "The check was defined" in root.post(output, form).text
    with session(engine) as unit:
        key = unit.scalars(select(Check.id)).one()
    changed = form | {"checks-failures.value": "5", "url.search": f"?lang=en&edit={key}"}
    assert "The check was changed" in root.post(output, changed).text
    assert "The correction was stored" in root.post(correcting, fix).text
    assert "down after 5 failures" in words(root.body("checks", "?lang=en"))
    with session(engine, write=True) as unit:
        assert unit.scalars(select(Check.confirmations)).one() == 5
        settle(unit, NOW + timedelta(minutes=1))
        assert unit.scalars(select(Correction)).one().applied_at is not None
        states = unit.scalars(select(StateStretch.state).where(StateStretch.superseded_at.is_(None))).all()
        assert "up" in states
    page = words(root.body("subject", "?range=24h&lang=en", **{"url.pathname": "/status/agent:shop/front"}))
    assert "The network card was broken" in page and "corrected by a person" in page


# --- pure parts -------------------------------------------------------------------------------------------


def test_an_hour_a_zone_skips_is_none_and_one_it_has_twice_must_say_which() -> None:
    assert typed("2026-11-27 22:30", "America/Sao_Paulo") == datetime(2026, 11, 28, 1, 30, tzinfo=UTC)
    assert typed("2026-03-29 02:30", "Europe/Berlin") is None
    assert typed("2026-10-25 02:30", "Europe/Berlin") is None
    assert typed("2026-10-25 02:30+01:00", "Europe/Berlin") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    for text in ("", "soon", "2026-02-30 10:00", "0001-01-01 00:00+14:00", None):
        assert typed(text, "UTC") is None
    for hour in range(5):
        moment = datetime(2026, 10, 24, 22 + hour % 2, 30, tzinfo=UTC) + timedelta(hours=hour)
        assert typed(written(moment, "Europe/Berlin"), "Europe/Berlin") == moment


def test_a_month_with_a_change_of_the_clock_has_the_hours_it_has() -> None:
    month = this_month(datetime(2026, 10, 10, tzinfo=UTC), "Europe/Berlin")
    assert month.start and month.end
    assert (month.end - month.start) == timedelta(days=31, hours=1)
    assert this_month(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Europe/Berlin") == Window.parse(
        "2026-12-31T23:00:00Z/2027-01-31T23:00:00Z", datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    )


def test_a_strip_holds_the_whole_time_and_of_many_parts_the_worst() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    def at(n: int) -> datetime:
        return begin + timedelta(minutes=n)

    parts = filled([Part(at(10), at(20), "up"), Part(at(30), at(40), "down")], at(0), at(50))
    assert [each.state for each in parts] == ["none", "up", "none", "down", "none"]
    assert sum(each.seconds for each in parts) == 50 * 60
    assert spoken(parts, "en") == "up 10\u00a0min, down 10\u00a0min, not observed yet 30\u00a0min"
    many = [Part(at(n), at(n + 1), "down" if n == 500 else "up") for n in range(1000)]
    drawn = coarser(many, 100)
    assert [each.state for each in drawn] == ["up", "down", "up"]
    assert drawn[0].start == at(0) and abs((drawn[-1].end - at(1000)).total_seconds()) < 1
    assert coarser(many[:5]) == many[:5]
    assert strip([], at(0), at(0), "en", "UTC") is not None
