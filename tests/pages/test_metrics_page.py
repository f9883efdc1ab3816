"""/metrics: every definition, each with its reading or what it is read per."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

import db.queries
from auth.permissions import allows
from db.metric import METRICS, SERIES
from db.models import Job
from db.queries.numbers import NAME
from tests.reader import Reader, elements, readings, words
from tests.sessions import session

assert db.queries.__all__
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
FACTS = {
    "windows": ["all"],
    "checked": 8,
    "agreed": 8,
    "differing": 0,
    "differs": [],
    "unreached": ["crm.deals"],
}


def everything(alice: Reader, lang: str = "en") -> list[Any]:
    """The page of each domain."""
    names = sorted({key.partition(".")[0] for key in (*METRICS, *SERIES)})
    return [alice.body("metrics", f"?range=all&lang={lang}&domain={name}") for name in names]


def test_every_definition_is_listed_with_its_sentence_and_formula(alice: Reader, fleet: None) -> None:
    said = " ".join(words(each) for each in everything(alice))
    for declared in (*METRICS.values(), *SERIES.values()):
        for text in (declared.key, declared.title, declared.sentence, declared.formula, declared.excluded):
            assert text in said, declared.key


def test_what_speaks_of_the_whole_fleet_is_read(alice: Reader, fleet: None) -> None:
    shown = {key: value for each in everything(alice) for key, value in readings(each).items()}
    known = (*METRICS.values(), *SERIES.values())
    whole = {declared.key: declared.needs for declared in known if not declared.subject}
    assert set(shown) == {key for key, needs in whole.items() if allows("user", needs)}
    assert set(whole) - set(shown), "some need more than a user's role"
    assert shown["spans.count"] == "40"
    assert shown["db.latency_p50_ms"] == shown["system.uptime"] == ""


@pytest.mark.databases("sqlite")
def test_a_dash_has_its_reason(alice: Reader, fleet: None) -> None:
    said = " ".join(words(each) for each in everything(alice))
    assert METRICS["system.uptime"].few in said and METRICS["db.latency_p50_ms"].few in said
    assert "per agent" in said and "per connection" in said


@pytest.mark.databases("sqlite")
def test_portuguese_leaves_no_english_definition(alice: Reader, fleet: None) -> None:
    said = " ".join(words(each) for each in everything(alice, "pt-BR"))
    assert not [declared.key for declared in METRICS.values() if declared.sentence in said]


@pytest.mark.databases("sqlite")
def test_every_domain_has_a_heading_in_words(alice: Reader, fleet: None) -> None:
    bodies = everything(alice)
    headings = [words(each) for body in bodies for each in elements(body) if each["type"] == "H2"]
    assert "API" in headings and "api" not in headings
    assert all(heading[0].isupper() for heading in headings)


@pytest.mark.databases("sqlite")
def test_an_address_without_a_domain_or_with_a_strange_one_shows_the_fleet(
    alice: Reader, fleet: None
) -> None:
    for address in ("?range=all", "?range=all&domain=nothing"):
        shown = readings(alice.body("metrics", address))
        assert {key.partition(".")[0] for key in shown} == {"fleet", "numbers"}


def verified(alice: Reader) -> tuple[str, str]:
    """The verdict of the last run as the page tells it, and its words."""
    parts = [
        each
        for each in elements(alice.body("metrics", "?range=all&lang=en"))
        if "data-verdict" in each["props"]
    ]
    return parts[0]["props"]["data-verdict"], words(parts[0])


def test_the_last_recomputation_is_told(alice: Reader, fleet: None, engine: Engine) -> None:
    assert verified(alice)[0] == "unknown"
    with session(engine, write=True) as unit:
        unit.add(Job(name=NAME, due_at=AT, succeeded_at=AT, facts=FACTS))
    verdict, said = verified(alice)
    assert verdict == "agrees" and "8 numbers" in said
    with session(engine, write=True) as unit:
        differs = [{"key": "spans.count", "window": "7d"}]
        unit.get_one(Job, NAME).facts = FACTS | {"agreed": 7, "differing": 1, "differs": differs}
        unit.get_one(Job, NAME).error = "Away"
        gone = {"window": "30d", "since": "2026-02-20T00:00:00Z", "numbers": 61}
        unit.get_one(Job, NAME).facts |= {"beyond": [gone]}
    verdict, said = verified(alice)
    assert (
        verdict == "differs" and "These do not agree" in said and "spans.count 7d" in " ".join(said.split())
    )
    assert "A later run failed: Away." in said and "crm.deals" in said, "and what it did not come to"
    assert "30d 61 numbers · raw rows before" in " ".join(said.split()), "nor what it cannot recompute"
