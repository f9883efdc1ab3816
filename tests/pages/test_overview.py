"""The first page: one instant, measured values only, and a way out of every empty state."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from auth.people import ENGINE
from db.catalogue.loader import seed
from db.models import Kept
from db.services.otlp_files import import_files
from tests.otlp import request, span, write
from tests.reader import Reader, elements, hrefs, readings, words
from tests.sessions import session

CARDS = {
    "fleet.agents_configured": "0",
    "fleet.agents_observed": "2",
    "fleet.agents_operational": "0",
    "fleet.connections": "1",
    "calls.count": "20",
    "spans.errors": "1",
    "fleet.efficiency": "97.5",
    "spans.latency_p50_ms": "2.0",
    "spans.latency_p95_ms": "4.0",
}


def test_every_card_says_what_was_measured(alice: Reader, fleet: None) -> None:
    shown = readings(alice.body("overview", "?range=all"))
    assert {key: shown[key] for key in CARDS} == CARDS
    assert float(shown["system.elapsed_days"]) > 600
    assert shown["fleet.agents_unmeasured"] == "0"
    assert {"fleet.efficiency_histogram", "spans.latency_histogram"} <= set(shown)


def test_a_range_that_reaches_beyond_what_is_kept_is_said(alice: Reader, engine: Engine, fleet: None) -> None:
    said = "Single spans are kept since"
    assert said not in words(alice.body("overview", "?range=all"))
    with session(engine, write=True) as unit:
        unit.add(Kept(family="spans", raw_from=1_699_920_000, five_from=1_699_833_600))
    told = words(alice.body("overview", "?range=2023-11-10T00:00:00Z/2023-11-20T00:00:00Z"))
    assert f"{said} 13 Nov 2023, 21:00:00 UTC−3." in told and "in whole hours" in told
    assert said not in words(alice.body("overview", "?range=2023-11-14T00:00:00Z/2023-11-20T00:00:00Z"))


def test_all_of_it_is_of_one_instant(alice: Reader, fleet: None) -> None:
    drawn = alice.body("overview", "?range=all")
    instants = {each["props"].get("data-measured-at") for each in elements(drawn)} - {None}
    assert len(instants) == 1


@contextmanager
def checked_out(server: Flask) -> Iterator[list[Any]]:
    """The connections taken while it lasts, of the system's login and of the people's."""
    seen: list[Any] = []

    def note(connection: Any, *_: Any) -> None:
        seen.append(connection)

    engines = {server.config["QUANTUM_ENGINE"], server.extensions[ENGINE]}
    for engine in engines:
        event.listen(engine, "checkout", note)
    yield seen
    for engine in engines:
        event.remove(engine, "checkout", note)


def test_all_of_it_is_read_in_one_session(alice: Reader, fleet: None) -> None:
    server = alice.client.application
    with checked_out(server) as before:
        alice.get("/_dash-dependencies")
    with checked_out(server) as seen:
        alice.body("overview", "?range=all")  # asks for /_dash-dependencies first
    assert len(seen) - len(before) == 2, "one connection to find out who asks, one for the whole page"


def test_an_event_tells_agents_of_one_name_apart(
    alice: Reader, engine: Engine, fleet: None, tmp_path: Path
) -> None:
    twins = [
        request(span(900 + number, trace=900 + number, gen_ai__agent__name="planner"), service=service)
        for number, service in enumerate(("east", "west"))
    ]
    import_files(engine, [write(tmp_path / "twins.jsonl", *twins)])
    beside = [
        words(each)
        for each in elements(alice.body("overview", "?range=all"))
        if "event-beside" in str(each["props"].get("className"))
    ]
    assert sorted(beside) == ["east", "west"], "a name of one's own needs nothing beside it"


def test_unknown_is_a_dash_and_never_a_zero(alice: Reader, fleet: None) -> None:
    drawn = alice.body("overview", "?range=24h")
    shown = readings(drawn)
    assert shown["fleet.efficiency"] == shown["spans.latency_p50_ms"] == ""
    assert shown["spans.errors"] == "0"
    assert "—" in words(drawn)


def test_an_empty_range_offers_the_time_that_has_data(alice: Reader, fleet: None) -> None:
    drawn = alice.body("overview", "?range=24h&lang=en")
    assert "No data in the chosen range." in words(drawn)
    there = [link for link in hrefs(drawn) if "range=2023-11-14T22:13:00Z/2023-11-14T22:14:00Z" in link]
    assert there and "lang=en" in there[0]
    assert any("range=all" in link for link in hrefs(drawn))
    assert readings(alice.body("overview", there[0]))["calls.count"] == "20"


def test_without_any_span_the_page_says_how_to_get_the_first(alice: Reader, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        seed(unit)
    drawn = alice.body("overview", "?range=all")
    assert ".venv/bin/quantum import otlp FILE" in words(drawn)
    assert readings(drawn)["fleet.agents_configured"] == "139"


@pytest.mark.databases("sqlite")
def test_an_unusable_range_is_said_and_the_default_shown(alice: Reader, fleet: None) -> None:
    for wish in ("rubbish", "2024-01-02/2024-01-01", "0001-01-01/9999-12-31", "2024-01-01T00:00:00-25:00/x"):
        drawn = alice.body("overview", f"?range={wish}")
        assert f"The time range “{wish}” cannot be read" in words(drawn)
        assert readings(drawn)["fleet.agents_observed"] == "0"


@pytest.mark.databases("sqlite")
def test_it_speaks_portuguese(alice: Reader, fleet: None) -> None:
    said = words(alice.body("overview", "?range=all&lang=pt-BR"))
    assert "Agentes observados" in said and "97,5" in said
    assert "Agents observed" not in said


def test_events_name_the_failure(alice: Reader, fleet: None) -> None:
    drawn = alice.body("overview", "?range=all&lang=en")
    assert "till reported an error in work" in " ".join(words(drawn).split())
    assert any(link.startswith("/agents/till") for link in hrefs(drawn))
