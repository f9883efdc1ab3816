"""The proof drawer: the shown value is read again over the same window, and nothing unknown is let in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.services.otlp_files import import_files
from tests.otlp import request, span, write
from tests.reader import Reader, elements, readings, words


def prove(alice: Reader, **asked: Any) -> Any:
    data = {"window": "all", "subject": [], "value": None, "at": None} | asked
    answer = alice.post("proof-body.children", {"proof-request.data": data})
    assert answer.status_code == 200, answer.text
    return answer.get_json()["response"]["proof-body"]["children"]


def verdict(tree: Any) -> str | None:
    return next((each["props"]["data-same"] for each in elements(tree) if "data-same" in each["props"]), None)


def test_a_proof_holds_everything_needed_to_check_it(alice: Reader, fleet: None) -> None:
    drawn = prove(alice, key="spans.latency_p95_ms", value="4.0")
    said = words(drawn)
    assert readings(drawn) == {"spans.latency_p95_ms": "4.0"}
    assert verdict(drawn) == "true"
    for part in (
        "SELECT",
        "OFFSET",
        "nearest rank",
        "agents, fleet_rollups",
        "spans",
        "95 of 100 spans",
        "origin",
    ):
        assert part in said
    assert "4.00" in said and "14 Nov 2023" in said, "first rows: durations in ms, starts as moments"
    assert "1700000000" not in said


def test_every_value_of_the_overview_can_be_proven(alice: Reader, fleet: None) -> None:
    for each in list(elements(alice.body("overview", "?range=all"))):
        props = each["props"]
        if "data-metric" not in props:
            continue
        drawn = prove(
            alice,
            key=props["data-metric"],
            window=props["data-window"] or None,
            value=props["data-value"] or None,
            at=props["data-measured-at"],
        )
        assert verdict(drawn) in ("true", None), words(drawn)
        assert "SELECT" in words(drawn)


def test_the_window_is_the_one_that_was_shown(alice: Reader, fleet: None) -> None:
    at = datetime(2023, 11, 15, tzinfo=UTC)
    assert readings(prove(alice, key="calls.count", window="24h", value="20", at=at.isoformat())) == {
        "calls.count": "20"
    }
    later = (at + timedelta(days=30)).isoformat()
    assert readings(prove(alice, key="calls.count", window="24h", value="0", at=later)) == {
        "calls.count": "0"
    }


def test_rows_that_came_meanwhile_are_said(
    alice: Reader, fleet: None, engine: Engine, tmp_path: Path
) -> None:
    import_files(engine, [write(tmp_path / "more.jsonl", request(span(900, trace=9), service="shop"))])
    drawn = prove(alice, key="spans.count", value="40")
    assert verdict(drawn) == "false"
    assert "it is 41; the page showed 40" in words(drawn)


def test_a_reading_of_one_agent_is_proven_for_that_agent(alice: Reader, fleet: None) -> None:
    drawn = prove(alice, key="agent.spans", subject=["till"], value="20")
    assert verdict(drawn) == "true" and "till" in words(drawn)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"key": "nothing.such"}, "There is no measure called"),
        ({"key": "__class__"}, "There is no measure called"),
        ({"key": "agent.spans"}, "It is not said whose value this is"),
        ({"key": "agent.spans", "subject": ["a", "b"]}, "It is not said whose value this is"),
        ({"key": "agent.spans", "subject": [{"a": 1}]}, "It is not said whose value this is"),
        ({"key": "spans.count", "subject": "all"}, "SELECT"),
        ({"key": "spans.count", "window": "rubbish"}, "The time range of this value cannot be read"),
        (
            {"key": "spans.count", "window": "0001-01-01/9999-12-31"},
            "The time range of this value cannot be read",
        ),
        ({"key": "spans.count", "at": "rubbish"}, "SELECT"),
        ({"key": "spans.count", "value": "<b>rubbish</b>"}, "SELECT"),
        ({"key": 7}, "There is no measure called"),
    ],
)
def test_a_request_is_checked(alice: Reader, fleet: None, asked: dict[str, Any], said: str) -> None:
    assert said in words(prove(alice, **asked))


@pytest.mark.databases("sqlite")
def test_a_request_that_is_no_object_is_answered(alice: Reader) -> None:
    answer = alice.post("proof-body.children", {"proof-request.data": ["spans.count"]})
    assert "Click a measured value" in words(answer.get_json()["response"]["proof-body"]["children"])


@pytest.mark.parametrize(
    "value", ["nan", "inf", "-1e308", "9" * 400, "9" * 4000, 10**30, True, ["1"], {"a": 1}]
)
@pytest.mark.databases("sqlite")
def test_a_value_that_no_reading_can_be_counts_as_unknown(alice: Reader, fleet: None, value: Any) -> None:
    drawn = prove(alice, key="spans.count", value=value)
    assert "SELECT" in words(drawn) and verdict(drawn) == "false"


def test_a_subject_that_no_database_holds_is_nobody_s(alice: Reader, fleet: None) -> None:
    drawn = prove(alice, key="agent.spans", subject=["a\0b"])
    assert "It is not said whose value this is" in words(drawn)
