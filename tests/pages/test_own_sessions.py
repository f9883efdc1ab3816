"""One's own sessions on the profile page: each with its device, ended one by one or all others, nobody else's."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from dash import Dash
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select

from db.models import Profile, UserSession
from db.services.user_sessions import Origin, begin_session
from pages._own_sessions import MOST
from tests.reader import PASSWORD, Reader, elements, words
from tests.sessions import session

IDLE = timedelta(hours=12)
PHONE = Origin("198.51.100.7", "an agent", {"browser": "Safari", "system": "iOS", "kind": "phone"})


def profile_id(engine: Engine, name: str = "alice") -> UUID:
    with session(engine) as unit:
        return unit.scalars(select(Profile.id).where(Profile.username == name)).one()


def sign_in_elsewhere(
    engine: Engine, name: str = "alice", origin: Origin = PHONE, at: datetime | None = None
) -> UUID:
    who = profile_id(engine, name)
    with session(engine, write=True) as unit:
        return begin_session(unit, who, origin, at or datetime.now(UTC) - timedelta(minutes=3), IDLE)


def active(engine: Engine) -> set[UUID]:
    with session(engine) as unit:
        return set(unit.scalars(select(UserSession.id).where(UserSession.is_active.is_(True))))


def press(reader: Reader, key: str, headers: dict[str, str] | None = None, clicks: int | None = 1) -> Any:
    """What the browser sends when one of the buttons is pressed."""
    named = {"kind": "end-session", "key": key}
    body = {
        "output": "profile-sessions.children",
        "outputs": {"id": "profile-sessions", "property": "children"},
        "inputs": [[{"id": named, "property": "n_clicks", "value": clicks}]],
        "state": [{"id": "url", "property": "search", "value": "?lang=en"}],
        "changedPropIds": [f"{json.dumps(named, separators=(',', ':'), sort_keys=True)}.n_clicks"],
    }
    token = reader.client.get_cookie("_csrf_token")
    given = {"X-CSRFToken": token.value if token else ""} if headers is None else headers
    return reader.client.post("/_dash-update-component", json=body, headers=given)


def said(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    return words(answer.get_json()["response"]["profile-sessions"]["children"])


def test_every_session_is_listed_and_this_one_is_marked(alice: Reader, engine: Engine) -> None:
    sign_in_elsewhere(engine)
    drawn = alice.body("profile", "?lang=en")
    shown = words(drawn)
    for part in ("Safari on iOS", "198.51.100.7", "3 minutes ago", "127.0.0.1", "End all other sessions"):
        assert part in shown, part
    assert shown.count("This session") == 1
    assert shown.index("This session") < shown.index("Safari on iOS"), "this one comes first"
    buttons = [each["props"] for each in elements(drawn) if each["type"] == "Button"]
    assert "End the session Safari on iOS, 198.51.100.7" in [each.get("aria-label") for each in buttons]


def test_what_is_unknown_is_said_to_be(alice: Reader, engine: Engine) -> None:
    sign_in_elsewhere(engine, origin=Origin())
    shown = words(alice.body("profile", "?lang=en"))
    assert "Unknown device" in shown and "Address —" in shown
    assert "Dispositivo desconhecido" in words(alice.body("profile", "?lang=pt-BR"))


def test_alone_one_is_told_so(alice: Reader) -> None:
    drawn = alice.body("profile", "?lang=en")
    assert "You are signed in nowhere else." in words(drawn)
    others = [each["props"] for each in elements(drawn) if each["props"].get("className") == "session-others"]
    assert [each["hidden"] for each in others] == [True]


def test_one_session_is_ended(alice: Reader, engine: Engine) -> None:
    phone, desk = sign_in_elsewhere(engine), sign_in_elsewhere(engine)
    before = active(engine)
    assert "1 session ended." in said(press(alice, str(phone)))
    assert active(engine) == before - {phone} and desk in before
    assert "That session had ended already." in said(press(alice, str(phone)))
    assert alice.get("/").status_code == 200


def test_all_others_are_ended_and_this_one_stays(alice: Reader, engine: Engine, app: Dash) -> None:
    bob = Reader(app.server.test_client(), "bob")
    for _ in range(3):
        sign_in_elsewhere(engine)
    shown = said(press(alice, "others"))
    assert "3 sessions ended." in shown and "You are signed in nowhere else." in shown
    assert len(active(engine)) == 2, "hers and his"
    assert alice.get("/").status_code == bob.get("/").status_code == 200


def test_an_ended_session_is_shown_the_door(alice: Reader, engine: Engine, app: Dash) -> None:
    phone = app.server.test_client()
    token = phone.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    given = {"csrf_token": token, "login": "alice", "password": PASSWORD}
    assert phone.post("/login", data=given).status_code == 302
    assert phone.get("/").status_code == 200
    said(press(alice, "others"))
    assert phone.get("/").status_code == 302


def test_nobody_ends_or_sees_somebody_elses(alice: Reader, engine: Engine, app: Dash) -> None:
    """IDOR deleting others' API tokens, the finding of PyPI's audit, as it could happen to sessions."""
    Reader(app.server.test_client(), "bob")
    theirs = sign_in_elsewhere(engine, "bob")
    before = active(engine)
    assert "198.51.100.7" not in words(alice.body("profile", "?lang=en"))
    for key in (str(theirs), str(uuid4()), "x", "", "../others", "null"):
        assert "That session had ended already." in said(press(alice, key))
    assert active(engine) == before


def test_without_the_token_nothing_ends(alice: Reader, engine: Engine, client: FlaskClient) -> None:
    sign_in_elsewhere(engine)
    before = active(engine)
    assert press(alice, "others", headers={}).status_code == 400
    assert press(alice, "others", clicks=None).status_code == 204, "a button that was only drawn"
    assert active(engine) == before


def test_what_has_ended_or_expired_is_not_listed(alice: Reader, engine: Engine) -> None:
    sign_in_elsewhere(engine, at=datetime.now(UTC) - IDLE - timedelta(minutes=1))
    ended = sign_in_elsewhere(engine)
    said(press(alice, str(ended)))
    assert "198.51.100.7" not in words(alice.body("profile", "?lang=en"))


@pytest.mark.databases("sqlite")
def test_a_long_list_says_what_it_leaves_out(alice: Reader, engine: Engine) -> None:
    for _ in range(MOST + 2):
        sign_in_elsewhere(engine)
    drawn = alice.body("profile", "?lang=en")
    assert "3 more sessions are not listed." in words(drawn)
    assert f"{MOST + 2} sessions ended." in said(press(alice, "others"))


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("width", [1440, 390])
def test_the_keyboard_ends_a_session_and_is_told(
    live_server: str, alice: Reader, engine: Engine, new_page: Any, width: int
) -> None:
    page: Page = new_page(viewport={"width": width, "height": 900})
    page.goto(f"{live_server}/login?lang=en&next=/profile")
    page.fill("#login", "alice")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator(".session-list li")).to_have_count(2)
    sign_in_elsewhere(engine)
    page.reload()
    expect(page.locator(".session-list li")).to_have_count(3)
    button = page.get_by_role("button", name="End the session Safari on iOS, 198.51.100.7")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#profile-sessions-said")).to_have_text("1 session ended.")
    expect(page.locator("#profile-sessions-said")).to_be_focused()
    expect(page.locator(".session-list li")).to_have_count(2)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="End all other sessions")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#profile-sessions-said")).to_have_text("1 session ended.")
    expect(page.locator(".session-list li")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
