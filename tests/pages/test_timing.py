"""Answers of callbacks are timed, and browsers report what they saw: bounded, with the token, and of nobody."""

from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import COLLECTOR
from db.engine import DatabaseUnavailable
from db.queries.answers import FIRST_PAINT, NUMBERS, SERVER_TIME
from db.timings import Timing
from pages._timing import REPORTED, REPORTS_A_MINUTE
from tests.reader import Reader

pytestmark = pytest.mark.databases("sqlite")


def drained(app: Dash) -> list[Timing]:
    timings: list[Timing] = app.server.extensions[COLLECTOR].timings.drain()
    return timings


def test_an_answered_callback_is_timed_by_its_own_name_and_a_failed_one_has_no_time(
    app: Dash, alice: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.body("performance")
    (one,) = drained(app)
    assert (one.kind, one.about, one.error) == (SERVER_TIME, "performance-body.children", None)
    assert one.ms is not None and 0 < one.ms < 60_000

    def away(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr("pages._view.session", away)
    alice.body("performance")
    (other,) = drained(app)
    assert (other.ms, other.error, other.about) == (None, "failed", "performance-body.children")


def test_what_is_refused_is_no_answer(app: Dash, alice: Reader, client: FlaskClient) -> None:
    token = client.get_cookie("_csrf_token")
    assert token is not None
    headers = {"X-CSRFToken": token.value}
    assert client.post("/_dash-update-component", json={"output": "x.y"}, headers=headers).status_code == 404
    assert client.post("/_dash-update-component", json={"output": "x.y"}).status_code == 400
    assert drained(app) == []


def report(client: FlaskClient, body: Any, **headers: str) -> TestResponse:
    token = client.get_cookie("_csrf_token")
    return client.post(REPORTED, json=body, headers={"X-CSRFToken": token.value if token else ""} | headers)


def test_a_report_is_kept_by_the_pages_name_alone(app: Dash, alice: Reader, client: FlaskClient) -> None:
    seen = {"page": "/agents/marina-prado", "paint": 312.5, "numbers": 1200, "error": None}
    assert report(client, seen).status_code == 204
    assert (
        report(client, {"page": "/", "paint": None, "numbers": None, "error": "timeout"}).status_code == 204
    )
    told = [(each.kind, each.ms, each.about, each.error) for each in drained(app)]
    assert sorted(told, key=str) == [
        (FIRST_PAINT, 312.5, "agent", None),
        (NUMBERS, 1200.0, "agent", None),
        (NUMBERS, None, "overview", "timeout"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"page": "/", "paint": -1},
        {"page": "/", "paint": 60_001},
        {"page": "/", "paint": True},
        {"page": "/", "paint": "fast"},
        {"page": "/nowhere", "paint": 1},
        {"page": "/", "numbers": 1, "error": "anything"},
    ],
)
def test_what_is_no_report_is_refused(app: Dash, alice: Reader, client: FlaskClient, body: Any) -> None:
    assert report(client, body).status_code == 400
    assert drained(app) == []


def test_reports_need_the_token_and_a_person_and_have_bounds(
    app: Dash, alice: Reader, client: FlaskClient
) -> None:
    good = {"page": "/", "paint": 1}
    assert report(client, good, **{"X-CSRFToken": "x"}).status_code == 400
    assert report(client, good | {"more": "x" * 2000}).status_code == 413
    answers = [report(client, good).status_code for _ in range(REPORTS_A_MINUTE + 1)]
    assert answers[0] == 204 and answers[-1] == 429
    assert report(app.server.test_client(), good).status_code in (400, 401)
