"""Invitations at the door, and an installation that takes nobody without one."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select

from db.models import AuthAccount, Profile
from db.services.codes import issue_first_admin_code
from db.services.links import issue_invite
from settings import Settings
from tests.auth.conftest import PASSWORD, Visitor, make_server
from tests.people import make_person
from tests.sessions import session

BOB = {"username": "bob", "full_name": "Bob Lima", "password": PASSWORD}


def invite(engine: Engine, role: str = "observer", email: str = "bob@example.com") -> str:
    with session(engine, write=True) as unit:
        return issue_invite(unit, email, role, None, datetime.now(UTC)).path


def people(engine: Engine) -> list[tuple[str, str | None, str]]:
    with session(engine) as unit:
        wanted = select(AuthAccount.email, Profile.username, Profile.role)
        return [
            tuple(row) for row in unit.execute(wanted.join(Profile, Profile.auth_user_id == AuthAccount.id))
        ]


def test_an_invitation_makes_the_account_it_promises_and_signs_in(visitor: Visitor, engine: Engine) -> None:
    assert visitor.get(invite(engine)).location == "/invite"
    form = visitor.get("/invite")
    assert "Your account will have the address bob@example.com and the role observer." in form.text
    assert 'name="email"' not in form.text
    answer = visitor.send("/invite", **BOB, email="eve@example.com", role="admin")
    assert (answer.status_code, answer.location) == (302, "/")
    assert people(engine) == [("bob@example.com", "bob", "observer")]
    assert visitor.get("/who").json == {"role": "observer", "preferences": {}}


def test_an_invitation_opens_nothing_twice_and_every_bad_one_says_the_same(
    visitor: Visitor, other: Visitor, server: Flask, engine: Engine
) -> None:
    path = invite(engine)
    visitor.get(path)
    visitor.send("/invite", **BOB)
    told = []
    for bad in (path, "/invite/xyz", "/invite"):
        answer = Visitor(server.test_client()).client.get(bad, follow_redirects=True)
        told.append((answer.status_code, answer.text))
    assert set(told) == {(404, told[0][1])} and "This invitation does not work" in told[0][1]
    assert len(people(engine)) == 1


@pytest.mark.databases("sqlite")
def test_a_link_for_a_password_is_no_invitation(visitor: Visitor, engine: Engine) -> None:
    path = invite(engine)
    visitor.get(path.replace("/invite/", "/reset/"))
    assert visitor.get("/reset").status_code == 404
    assert visitor.get("/invite").status_code == 404


@pytest.mark.databases("sqlite")
def test_what_is_refused_stands_beside_the_field_and_the_invitation_stays_good(
    visitor: Visitor, engine: Engine
) -> None:
    make_person(engine, "bobby")
    visitor.get(invite(engine))
    taken = visitor.send("/invite", **(BOB | {"username": "Bobby"}))
    assert taken.status_code == 400 and "This user name is taken." in taken.text
    assert 'value="Bob Lima"' in taken.text and PASSWORD not in taken.text
    short = visitor.send("/invite", **(BOB | {"password": "short"}))
    assert short.status_code == 400 and "Use at least 8 characters." in short.text
    assert visitor.send("/invite", **BOB).status_code == 302


@pytest.mark.databases("sqlite")
def test_a_password_equal_to_the_invited_address_is_refused(visitor: Visitor, engine: Engine) -> None:
    visitor.get(invite(engine))
    answer = visitor.send("/invite", **(BOB | {"password": "Bob@Example.com"}))
    assert answer.status_code == 400 and "not your e-mail address" in answer.text


@pytest.mark.databases("sqlite")
def test_language_and_theme_chosen_at_the_door_are_kept(visitor: Visitor, engine: Engine) -> None:
    visitor.get(invite(engine) + "?lang=pt-BR", follow_redirects=True)
    visitor.get("/invite?lang=pt-BR")
    visitor.send("/invite", **BOB)
    assert visitor.get("/who").json == {"role": "observer", "preferences": {"language": "pt-BR"}}


# --- an installation for the invited ---------------------------------------------------------------------------


@pytest.fixture
def closed(settings: Settings, engine: Engine) -> Visitor:
    """A browser at an installation that takes only the invited."""
    return Visitor(make_server(replace(settings, sign_up="invited"), engine).test_client())


def test_only_the_code_makes_the_first_administrator(closed: Visitor, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        code = issue_first_admin_code(unit, datetime.now(UTC))
    assert code
    for wrong in ("", "AAAA-AAAA-AAAA"):
        answer = closed.register("root", code=wrong)
        assert answer.status_code == 400 and "This code is missing, wrong" in answer.text
    assert people(engine) == []
    assert closed.register("root", code=code).status_code == 302
    assert people(engine) == [("root@example.com", "root", "admin")]


def test_with_an_administrator_nobody_signs_up_without_an_invitation(closed: Visitor, engine: Engine) -> None:
    make_person(engine, "root", "admin")
    page = closed.get("/register")
    assert page.status_code == 200 and "Accounts here are made by invitation." in page.text
    assert "<form" not in page.text
    token = re.search(r'name="csrf_token" value="([^"]+)"', closed.get("/login").text)
    assert token
    given = {"csrf_token": token[1], "email": "eve@example.com", "username": "eve", "password": PASSWORD}
    for code in ({}, {"code": "AAAA-AAAA-AAAA"}):
        assert closed.client.post("/register", data=given | code).status_code == 403
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(AuthAccount)) == 1
    closed.get(invite(engine))
    assert closed.send("/invite", **BOB).status_code == 302


@pytest.mark.databases("sqlite")
def test_the_sign_in_form_promises_no_account(closed: Visitor, visitor: Visitor) -> None:
    assert "Accounts here are made by invitation." in closed.get("/login").text
    assert "No account yet?" not in closed.get("/login").text
    assert "No account yet?" in visitor.get("/login").text
