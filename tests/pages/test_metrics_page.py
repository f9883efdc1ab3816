"""/metrics: every definition, each with its reading or what it is read per."""

import pytest

import db.queries
from auth.permissions import allows
from db.metric import METRICS, SERIES
from tests.reader import Reader, elements, readings, words

assert db.queries.__all__


def test_every_definition_is_listed_with_its_sentence_and_formula(alice: Reader, fleet: None) -> None:
    said = words(alice.body("metrics", "?range=all&lang=en"))
    for declared in (*METRICS.values(), *SERIES.values()):
        for text in (declared.key, declared.title, declared.sentence, declared.formula):
            assert text in said, declared.key


def test_what_speaks_of_the_whole_fleet_is_read(alice: Reader, fleet: None) -> None:
    shown = readings(alice.body("metrics", "?range=all"))
    everything = (*METRICS.values(), *SERIES.values())
    whole = {declared.key: declared.needs for declared in everything if not declared.subject}
    assert set(shown) == {key for key, needs in whole.items() if allows("user", needs)}
    assert set(whole) - set(shown), "some need more than a user's role"
    assert shown["spans.count"] == "40"
    assert shown["db.latency_p50_ms"] == shown["system.uptime"] == ""


@pytest.mark.databases("sqlite")
def test_a_dash_has_its_reason(alice: Reader, fleet: None) -> None:
    said = words(alice.body("metrics", "?range=all&lang=en"))
    assert METRICS["system.uptime"].few in said and METRICS["db.latency_p50_ms"].few in said
    assert "per agent" in said and "per connection" in said


@pytest.mark.databases("sqlite")
def test_portuguese_leaves_no_english_definition(alice: Reader, fleet: None) -> None:
    said = words(alice.body("metrics", "?range=all&lang=pt-BR"))
    assert not [declared.key for declared in METRICS.values() if declared.sentence in said]


@pytest.mark.databases("sqlite")
def test_every_domain_has_a_heading_in_words(alice: Reader, fleet: None) -> None:
    headings = [
        words(each) for each in elements(alice.body("metrics", "?range=all&lang=en")) if each["type"] == "H2"
    ]
    assert "API" in headings and "api" not in headings
    assert all(heading[0].isupper() for heading in headings)
