"""Taking one's data along and closing one's account, as the browser meets it."""

import json
import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select

from db.models import AuthAccount, Profile, SecurityEvent
from tests.auth.conftest import PASSWORD, Visitor
from tests.people import account_of, make_person
from tests.sessions import session

WRONG = "wrong horse 1"


@pytest.fixture
def alice(visitor: Visitor) -> Visitor:
    visitor.register("alice")
    visitor.get("/")
    return visitor


def only_profile(engine: Engine) -> UUID:
    with session(engine) as unit:
        return unit.scalars(select(Profile.id)).one()


# --- export ----------------------------------------------------------------------------------------------------


def test_the_file_is_a_download_of_ones_own_rows(alice: Visitor, engine: Engine) -> None:
    make_person(engine, "bob")
    answer = alice.send("/account/export", password=PASSWORD)
    assert answer.status_code == 200 and answer.mimetype == "application/json"
    assert re.fullmatch(
        r"attachment; filename=quantum-my-data-\d{4}-\d\d-\d\d\.json", answer.headers["Content-Disposition"]
    )
    assert answer.headers["Cache-Control"] == "no-store"
    whole = json.loads(answer.text)
    assert whole["about"]["for"]["username"] == "alice"
    assert whole["tables"]["user_sessions"][0]["ip_address"] == "127.0.0.1"
    assert "bob" not in answer.text and "argon2" not in answer.text


def test_without_the_password_there_is_no_file(alice: Visitor, engine: Engine) -> None:
    for given in ({}, {"password": WRONG}):
        answer = alice.send("/account/export", **given)
        assert answer.status_code == 400 and "This is not your password." in answer.text
        assert "alice@example.com" not in answer.text
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).where(SecurityEvent.event_type == "login_failed")) == 2


def test_a_session_left_open_is_no_licence_to_guess(alice: Visitor) -> None:
    statuses = [alice.send("/account/export", password=WRONG).status_code for _ in range(6)]
    assert statuses == [400] * 5 + [429]
    assert alice.send("/account/export", password=PASSWORD).status_code == 429
    assert alice.send("/account/close", confirm="alice", password=PASSWORD).status_code == 429


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("path", ["/account/export", "/account/close"])
def test_a_stranger_and_a_forged_form_get_nothing(
    alice: Visitor, other: Visitor, engine: Engine, path: str
) -> None:
    assert other.get(path).location.startswith("/login?next=")
    assert other.client.post(path, data={"password": PASSWORD, "confirm": "alice"}).status_code in (
        302,
        400,
        401,
    )
    forged = alice.client.post(path, data={"password": PASSWORD, "confirm": "alice"})
    assert forged.status_code == 400 and "This form was open for too long." in forged.text
    assert account_of(engine, only_profile(engine)).is_active


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("path", ["/account/export", "/account/close"])
def test_a_form_too_large_is_refused(alice: Visitor, path: str) -> None:
    assert alice.send(path, password="x" * 100_000).status_code == 413


# --- close -----------------------------------------------------------------------------------------------------


def test_before_it_is_said_what_will_happen(alice: Visitor) -> None:
    page = alice.get("/account/close").text
    for part in (
        "This cannot be undone",
        "are destroyed",
        "stays, under a profile that names nobody",
        "Type alice",
    ):
        assert part in page
    assert "Isto não pode ser desfeito" in alice.get("/account/close?lang=pt-BR").text


def test_with_name_and_password_the_account_is_closed(alice: Visitor, other: Visitor, engine: Engine) -> None:
    other.login("alice")
    other.get("/")
    who = only_profile(engine)
    answer = alice.send("/account/close", confirm=" Alice ", password=PASSWORD)
    assert answer.status_code == 200 and "Your account is closed" in answer.text
    assert account_of(engine, who).email.endswith("@invalid")
    for browser in (alice, other):
        assert browser.get("/who").status_code != 200
    for name in ("alice", "alice@example.com"):
        assert alice.login(name).status_code == 400
    assert alice.login(account_of(engine, who).email).status_code == 400
    assert alice.register("alice").status_code == 302, "name and address are free"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"confirm": "bob", "password": PASSWORD}, "This is not your user name."),
        ({"confirm": "", "password": PASSWORD}, "This is not your user name."),
        ({"confirm": "alice", "password": WRONG}, "This is not your password."),
        ({"confirm": "alice", "password": ""}, "This is not your password."),
    ],
)
@pytest.mark.databases("sqlite")
def test_without_either_nothing_happens(
    alice: Visitor, engine: Engine, given: dict[str, str], why: str
) -> None:
    answer = alice.send("/account/close", **given)
    assert answer.status_code == 400 and why in answer.text
    assert account_of(engine, only_profile(engine)).is_active


def test_the_last_administrator_is_told_why_not(server: Flask, engine: Engine) -> None:
    root = make_person(engine, "root", "admin", PASSWORD)
    visitor = Visitor(server.test_client())
    visitor.login("root")
    visitor.get("/")
    told: Any = visitor.get("/account/close")
    assert (
        told.status_code == 409
        and "You are the only administrator." in told.text
        and "<form" not in told.text
    )
    token = visitor.client.get_cookie("_csrf_token")
    assert token
    given = {"csrf_token": token.value, "confirm": "root", "password": PASSWORD}
    assert visitor.client.post("/account/close", data=given).status_code == 409
    assert account_of(engine, root).is_active
    make_person(engine, "second", "admin")
    assert visitor.send("/account/close", confirm="root", password=PASSWORD).status_code == 200
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).where(AuthAccount.is_active.is_(True))) == 1
