"""Changing one's password: the old one is asked, every other session ends, this one goes on."""

from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select

from auth import own_password
from db.models import AuthAccount, SecurityEvent, UserSession
from db.services import credentials
from tests.pages.test_own_sessions import profile_id, sign_in_elsewhere
from tests.reader import PASSWORD, Reader, elements, words
from tests.sessions import session

FORM = "password-form.children"
NEW = "amber lantern 92"


def change(reader: Reader, old: str = PASSWORD, new: str = NEW) -> dict[str, Any]:
    """What the browser sends with the form, and the answer."""
    entries = reader.get("/_dash-dependencies").get_json()
    output = next(each["output"] for each in entries if FORM in each["output"])
    given = {"password-old.value": old, "password-new.value": new, "url.search": "?lang=en"}
    answer = reader.post(output, {"password-form.n_submit": 1, **given}, changed=["password-form.n_submit"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()["response"]
    return found


def said(answer: dict[str, Any]) -> str:
    return words(answer["password-form"]["children"])


def errors(answer: dict[str, Any]) -> dict[str, str]:
    props = [each["props"] for each in elements(answer["password-form"]["children"])]
    return {
        each["id"]: each["children"]
        for each in props
        if str(each.get("id", "")).endswith("-error") and each.get("children")
    }


def sign_in(client: FlaskClient, password: str) -> int:
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    given = {"csrf_token": token, "login": "alice", "password": password}
    return client.post("/login", data=given).status_code


def test_the_new_password_signs_in_and_the_old_one_does_not(alice: Reader, app: Dash) -> None:
    assert "Your password is changed." in said(change(alice))
    assert sign_in(app.server.test_client(), PASSWORD) == 400
    assert sign_in(app.server.test_client(), NEW) == 302


def test_all_other_sessions_end_at_once_and_this_one_goes_on(
    alice: Reader, engine: Engine, app: Dash
) -> None:
    phone = app.server.test_client()
    assert sign_in(phone, PASSWORD) == 302 and phone.get("/").status_code == 200
    sign_in_elsewhere(engine)
    bob = Reader(app.server.test_client(), "bob")
    answer = change(alice)
    assert "2 other sessions ended." in said(answer)
    listed = words(list(answer["profile-sessions"].values()))
    assert "You are signed in nowhere else." in listed, "the list beside it tells the same"
    assert phone.get("/").status_code == 302
    assert alice.get("/").status_code == bob.get("/").status_code == 200
    assert "Your password is changed. You are signed in nowhere else." in said(change(alice, NEW, PASSWORD))


def test_the_cookie_of_before_opens_nothing(alice: Reader, app: Dash) -> None:
    with alice.client.session_transaction() as kept:
        before = dict(kept)
    change(alice)
    thief = app.server.test_client()
    with thief.session_transaction() as kept:
        kept.update(before)
    assert thief.get("/").status_code == 302
    assert alice.get("/").status_code == 200


def test_a_wrong_old_password_changes_nothing_and_is_counted(alice: Reader, engine: Engine) -> None:
    for _ in range(5):
        assert errors(change(alice, "wrong horse 1")) == {
            "password-old-error": "This is not your current password."
        }
    for old in ("wrong horse 1", PASSWORD):
        assert "Too many attempts failed. Wait 1" in said(change(alice, old))
    with session(engine) as unit:
        events = unit.scalars(select(SecurityEvent).where(SecurityEvent.event_type == "login_failed"))
        assert [each.meta for each in events] == [{"reason": "confirm"}] * 5
        assert unit.scalars(select(AuthAccount.credential_version)).one() == 1


@pytest.mark.parametrize(
    ("new", "words_of"),
    [
        ("", "Use at least 8 characters."),
        ("short", "Use at least 8 characters."),
        ("x" * 129, "Use at most 128 characters."),
        ("password123", "This password is one of the first that attackers try. Choose another."),
        ("ALICE@example.com", "Choose a password that is not your e-mail address or user name."),
    ],
)
@pytest.mark.databases("sqlite")
def test_a_weak_new_password_is_refused_before_the_old_is_looked_at(
    alice: Reader, engine: Engine, new: str, words_of: str
) -> None:
    assert errors(change(alice, "wrong horse 1", new)) == {"password-new-error": words_of}
    with session(engine) as unit:
        assert unit.scalars(select(SecurityEvent)).all() == []


def test_nothing_typed_comes_back(alice: Reader) -> None:
    for answer in (change(alice, "wrong horse 1"), change(alice, new="x1 y2"), change(alice)):
        assert not any(each in str(answer) for each in ("wrong horse 1", "x1 y2", PASSWORD, NEW))


def test_of_two_changes_only_the_first_holds(
    alice: Reader, engine: Engine, app: Dash, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changes the password between this one's check of the old password and its write."""
    real = own_password.passwords.hash_password

    def slow(password: str) -> str:
        who = profile_id(engine)
        with session(engine, write=True) as unit:
            credentials.change_password(unit, who, real("first one wins 1"))
        return real(password)

    monkeypatch.setattr(own_password.passwords, "hash_password", slow)
    entries = alice.get("/_dash-dependencies").get_json()
    output = next(each["output"] for each in entries if FORM in each["output"])
    given = {"password-old.value": PASSWORD, "password-new.value": NEW, "url.search": "?lang=en"}
    answer = alice.post(output, {"password-form.n_submit": 1, **given}, changed=["password-form.n_submit"])
    assert answer.status_code == 401
    monkeypatch.undo()
    assert sign_in(app.server.test_client(), NEW) == 400
    assert sign_in(app.server.test_client(), "first one wins 1") == 302


def test_it_counts_as_giving_the_password(alice: Reader, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        for row in unit.scalars(select(UserSession)):
            row.confirmed_at = None
    change(alice)
    with session(engine) as unit:
        assert None not in unit.scalars(select(UserSession.confirmed_at)).all()


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("width", [1440, 390])
def test_the_form_in_a_browser(live_server: str, alice: Reader, new_page: Any, width: int) -> None:
    page: Page = new_page(viewport={"width": width, "height": 900})
    page.goto(f"{live_server}/login?lang=en&next=/profile")
    page.fill("#login", "alice")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    old, new = page.get_by_label("Current password"), page.get_by_label("New password")
    old.fill(PASSWORD)
    new.fill(NEW)
    expect(new).to_have_attribute("type", "password")
    page.get_by_label("Show what I type").check()
    expect(new).to_have_attribute("type", "text")
    expect(old).to_have_attribute("type", "text")
    new.press("Enter")
    expect(page.locator("#password-said")).to_contain_text("1 other session ended.")
    expect(old).to_have_value("")
    expect(new).to_have_attribute("type", "password")
    expect(page.locator(".session-list li")).to_have_count(1)
    page.reload()
    expect(page.locator("#profile-save")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
