"""What the doors refuse is a security event, once, with its evidence and without secrets; a flood is only counted."""

import re
from datetime import timedelta

import pytest
from flask import Flask, abort
from sqlalchemy import Engine, select, update

from auth import events
from db.engine import DatabaseUnavailable
from db.models import SecurityEvent
from db.services.refusals import PER_HOUR
from settings import Settings
from tests.auth.conftest import Visitor, make_server
from tests.sessions import session

COOKIE = "quantum_session"


@pytest.fixture
def server(settings: Settings, engine: Engine) -> Flask:
    made = make_server(settings, engine)
    made.add_url_rule("/closed", "closed", lambda: abort(403))
    return made


@pytest.fixture
def alice(visitor: Visitor) -> Visitor:
    visitor.register("alice")
    visitor.get("/")
    return visitor


def noted(engine: Engine) -> list[SecurityEvent]:
    with session(engine) as unit:
        return list(unit.scalars(select(SecurityEvent).order_by(SecurityEvent.created_at, SecurityEvent.id)))


def test_a_signed_in_person_who_is_refused_is_noted(alice: Visitor, engine: Engine) -> None:
    assert alice.get("/closed?secret=abc").status_code == 403
    (event,) = noted(engine)
    assert event.event_type == "unauthorized_access"
    assert event.user_id is not None and event.severity == "medium"
    assert event.meta["path"] == "/closed" and event.meta["method"] == "GET"
    assert str(event.ip_address) == "127.0.0.1" and event.user_agent
    assert "abc" not in str(event.meta)


@pytest.mark.databases("sqlite")
def test_what_is_allowed_and_what_strangers_meet_every_day_is_no_event(
    alice: Visitor, other: Visitor, engine: Engine
) -> None:
    for path in ("/", "/who", "/nothing"):
        alice.get(path)
    for path in ("/", "/login", "/api/v1/things", "/closed"):
        other.get(path)
    other.register("bob")
    other.get("/")
    other.logout()
    other.get("/")
    other.login("bob")
    assert noted(engine) == []


def test_a_changed_cookie_is_noted_once_and_taken_away(alice: Visitor, engine: Engine) -> None:
    kept = alice.client.get_cookie(COOKIE)
    assert kept is not None
    forged = kept.value[:-4] + ("AAAA" if kept.value[-4:] != "AAAA" else "BBBB")
    alice.client.set_cookie(COOKIE, forged)
    assert alice.get("/").status_code == 302
    assert alice.get("/").status_code == 302
    (event,) = noted(engine)
    assert event.event_type == "suspicious_activity" and "did not sign" in event.description
    assert forged[:20] not in str(event.meta)


@pytest.mark.databases("sqlite")
def test_a_cookie_carried_to_another_browser_is_noted(alice: Visitor, engine: Engine) -> None:
    assert alice.get("/", headers={"User-Agent": "Thief/1"}).status_code == 302
    (event,) = noted(engine)
    assert event.event_type == "suspicious_activity" and event.user_agent == "Thief/1"
    assert event.severity == "low"


def test_a_forged_token_is_noted(alice: Visitor, other: Visitor, engine: Engine) -> None:
    other.register("bob")
    other.get("/")
    strange = other.client.get_cookie("_csrf_token")
    assert strange is not None
    for token in ("nonsense", strange.value):
        answer = alice.client.post("/_dash-update-component", json={}, headers={"X-CSRFToken": token})
        assert answer.status_code == 400
    made_up, anothers = noted(engine)
    assert "not made by this server" in made_up.description and "another session" in anothers.description
    assert {made_up.severity, anothers.severity} == {"medium"}
    assert made_up.user_id == anothers.user_id is not None
    assert strange.value not in str(anothers.meta)


@pytest.mark.databases("sqlite")
def test_a_form_without_its_token_is_a_small_event(visitor: Visitor, engine: Engine) -> None:
    assert visitor.client.post("/login", data={"login": "alice"}).status_code == 400
    (event,) = noted(engine)
    assert (event.event_type, event.severity) == ("suspicious_activity", "low")


def test_a_flood_is_counted_in_one_row_and_begins_anew_after_an_hour(alice: Visitor, engine: Engine) -> None:
    for _ in range(PER_HOUR + 3):
        alice.get("/closed")
    found = noted(engine)
    assert len(found) == PER_HOUR + 1
    assert found[-1].meta["count"] == 3 and "is counted" in found[-1].description
    with session(engine, write=True) as unit:
        unit.execute(update(SecurityEvent).values(created_at=found[0].created_at - timedelta(minutes=61)))
    alice.get("/closed")
    assert len(noted(engine)) == PER_HOUR + 2


@pytest.mark.databases("sqlite")
def test_one_address_does_not_hide_another(alice: Visitor, engine: Engine) -> None:
    for _ in range(PER_HOUR + 1):
        alice.get("/closed")
    alice.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    alice.client.post("/login", data={})
    assert str(noted(engine)[-1].ip_address) == "198.51.100.7"
    assert noted(engine)[-1].meta["source"] == "refusal"


@pytest.mark.databases("sqlite")
def test_a_refusal_stands_when_it_cannot_be_noted(
    alice: Visitor, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(events, "unit_of_work", away)
    assert alice.get("/closed").status_code == 403
    assert re.search("refused request was not noted", caplog.text)
    assert noted(engine) == []
