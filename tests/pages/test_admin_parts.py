"""Administration beside people: what roles may do, invitations, and who sees what."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from dash import Dash
from sqlalchemy import Engine, select

from app import create_app
from auth import administration
from db.models import RoleRequirement
from db.models.links import AccountLink
from db.services.account_fields import Complaint
from db.services.links import Issued
from settings import Settings
from tests import administrator as admin
from tests.administrator import (
    LINK,
    act,
    drawn,
    invite,
    logged,
    said,
    shown,
)
from tests.audit import entries
from tests.auth.conftest import Visitor
from tests.people import profile_of
from tests.reader import Reader, elements, words
from tests.sessions import session


def test_roles_say_what_they_may_do_and_how_many_hold_them(root: Reader, engine: Engine, bob: UUID) -> None:
    tree = drawn(admin.look(root, admin.ROLES, "/admin/roles", "?lang=en&role=strategist"))
    told = words(tree)
    held = {
        each["props"]["data-subject"]: each["props"]["data-value"]
        for each in elements(tree)
        if each["props"].get("data-metric") == "people.with_role"
    }
    assert held['["user"]'] == held['["admin"]'] == "1" and held['["observer"]'] == "0"
    for part in (
        "Rows of every table: strategist",
        "deals",
        "only while status is lead",
    ):
        assert part in told, part


def test_a_second_factor_is_demanded_of_a_role_and_no_longer(root: Reader, engine: Engine) -> None:
    def switch(key: str) -> str:
        return said(admin.press(root, admin.REQUIRE, key, "/admin/roles"))

    assert "The role observer now needs a second factor." in switch("on:observer")
    with session(engine) as unit:
        row = unit.scalars(select(RoleRequirement)).one()
        assert (row.role, row.factor_required, row.set_by) == (
            "observer",
            True,
            admin.profile_of(engine, "alice"),
        )
    assert "The role observer no longer needs a second factor." in switch("off:observer")
    for key in ("on:emperor", "on:", ":", "sideways:observer"):
        switch(key)
    with session(engine) as unit:
        assert not unit.scalars(select(RoleRequirement)).one().factor_required
    acts = [each for each in logged(engine) if each[1] == "role_requirements"]
    assert acts == [("UPDATE", "role_requirements", admin.profile_of(engine, "alice"), "observer")] * 2


def test_an_invitation_is_shown_once_listed_and_opens_an_account(
    root: Reader, engine: Engine, app: Dash
) -> None:
    tree = invite(root, " nova@example.com ")
    link = LINK.search(words(tree))
    assert link and "Invitation for nova@example.com" in words(tree) and "1 invitation" in words(tree)
    again = shown(root, "admin-invitations", "/admin/invitations")
    assert "nova@example.com" in again and not LINK.search(again)
    visitor = Visitor(app.server.test_client())
    path = link[0].removeprefix("http://localhost")
    assert visitor.get(path).status_code == 302
    given = {"username": "nova", "full_name": "", "password": "silver meadow 21", "role": "admin"}
    assert visitor.send("/invite", **given).status_code == 302
    assert profile_of(engine, admin.profile_of(engine, "nova")).role == "observer", "the invitation's role"
    assert "Nobody is invited now." in shown(root, "admin-invitations", "/admin/invitations")
    made = [each for each in logged(engine) if each[:2] == ("INSERT", "account_links")]
    assert [each[2] for each in made] == [admin.profile_of(engine, "alice")]


@pytest.mark.parametrize(
    ("email", "role", "wrong"),
    [
        ("x", "user", {"email": Complaint.EMAIL}),
        ("", "user", {"email": Complaint.EMAIL}),
        ("<script>@example.com", "user", {"email": Complaint.EMAIL}),
        ("a" * 250 + "@example.com", "user", {"email": Complaint.EMAIL}),
        ("alice@example.com", "user", {"email": Complaint.EMAIL_TAKEN}),
        ("new@example.com", "emperor", {"role": Complaint.ROLE}),
        ("x", "emperor", {"email": Complaint.EMAIL, "role": Complaint.ROLE}),
    ],
)
def test_what_an_invitation_cannot_have_is_refused_beside_its_field(
    root: Reader, engine: Engine, email: str, role: str, wrong: dict[str, str]
) -> None:
    tree = invite(root, email, role)
    errors = {
        each["props"]["id"].removeprefix("admin-invite-").removesuffix("-error"): words(each)
        for each in elements(tree)
        if str(each["props"].get("id", "")).endswith("-error") and words(each)
    }
    assert errors == {name: str(message) for name, message in wrong.items()}
    values = [each["props"].get("value") for each in elements(tree) if each["type"] == "Input"]
    assert values == [email], "what was typed stays"
    with session(engine) as unit:
        assert unit.scalars(select(AccountLink)).all() == []


def test_an_invitation_is_taken_back(root: Reader, engine: Engine, app: Dash) -> None:
    link = LINK.search(words(invite(root, "nova@example.com")))
    assert link
    with session(engine) as unit:
        key = str(unit.scalars(select(AccountLink.id)).one())
    for wrong in ("", "x", str(uuid4())):
        answer = said(admin.press(root, admin.WITHDRAW, wrong, "/admin/invitations"))
        assert "could not be used any more" in answer and "nova@example.com" in answer
    answer = said(admin.press(root, admin.WITHDRAW, key, "/admin/invitations"))
    assert "The invitation was taken back" in answer and "nova@example.com" not in answer
    visitor = Visitor(app.server.test_client())
    visitor.get(link[0].removeprefix("http://localhost"))
    assert visitor.get("/invite").status_code == 404
    again = said(admin.press(root, admin.WITHDRAW, key, "/admin/invitations"))
    assert "could not be used any more" in again
    me = admin.profile_of(engine, "alice")
    assert [each for each in logged(engine) if each[:2] == ("UPDATE", "account_links")] == [
        ("UPDATE", "account_links", me, key)
    ]


def test_a_reset_link_is_no_invitation_that_could_be_taken_back(
    root: Reader, engine: Engine, bob: UUID
) -> None:
    said(act(root, "link", bob))
    with session(engine) as unit:
        key = str(unit.scalars(select(AccountLink.id)).one())
    assert "could not be used" in said(admin.press(root, admin.WITHDRAW, key, "/admin/invitations"))
    with session(engine) as unit:
        assert unit.scalars(select(AccountLink.voided_at)).one() is None


def test_a_look_shows_their_rows_the_rules_and_the_query_and_is_recorded(
    root: Reader, engine: Engine, bob: UUID
) -> None:
    tree = admin.access(root, bob, "profiles")
    told = words(tree)
    for part in (
        "Sees 1 of 2 rows.",
        "profiles_select_self",
        "the person it is about",
        str(bob),
        "FROM profiles",
    ):
        assert part in told, part
    assert str(admin.profile_of(engine, "alice")) not in told.replace("quantum", "")
    (entry,) = [each for each in entries(engine) if each.action == "SELECT"]
    assert (entry.table_name, entry.user_id) == ("profiles", admin.profile_of(engine, "alice"))
    assert entry.new_data == {"seen_as": str(bob)}


def test_a_role_and_a_stranger_are_looked_at_too(root: Reader, bob: UUID) -> None:
    assert "Sees everything: 2 rows." in words(admin.access(root, "role:admin", "profiles"))
    assert "Sees 0 of 2 rows." in words(admin.access(root, "role:user", "profiles"))
    stranger = words(admin.access(root, "stranger", "profiles"))
    assert "Sees 0 of 2 rows." in stranger and "No rule lets them see a row of this table" in stranger
    assert "may become" in words(admin.access(root, "role:user", "user_sessions"))


@pytest.mark.databases("postgresql")
def test_the_database_is_asked_too(root: Reader, bob: UUID) -> None:
    assert "counts the same" in words(admin.access(root, bob, "profiles"))
    told = words(admin.access(root, bob, "auth_account"))
    assert "the database refuses the login" in told and "permission denied for table auth_account" in told


@pytest.mark.databases("postgresql")
def test_an_alarm_is_shown_where_the_two_fences_disagree(root: Reader, engine: Engine, bob: UUID) -> None:
    from sqlalchemy import text

    with session(engine, write=True) as unit:
        unit.execute(text("CREATE POLICY gone_wrong ON profiles FOR SELECT TO quantum_app USING (true)"))
    told = words(admin.access(root, bob, "profiles"))
    assert "Alarm: the application shows 1, the database alone would show 2." in told


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("whom", "table"),
    [
        ("nobody", "profiles"),
        ("role:emperor", "profiles"),
        (uuid4(), "profiles"),
        ("stranger", "sqlite_master"),
        ("stranger", "profiles;--"),
        ("stranger", "__class__"),
    ],
)
def test_what_there_is_not_is_not_looked_at(root: Reader, engine: Engine, whom: object, table: str) -> None:
    assert "Nothing to look at" in words(admin.access(root, whom, table))
    assert not [each for each in entries(engine) if each.action == "SELECT"]


@pytest.mark.databases("sqlite")
def test_every_table_is_shown_in_both_languages_as_everybody(root: Reader, engine: Engine, bob: UUID) -> None:
    from db.queries.access import tables

    for table in tables():
        for whom in (bob, "role:admin", "stranger"):
            told = words(admin.access(root, whom, table, "pt-BR"))
            assert "A consulta executada" in told and "This could not be shown" not in told, table


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("public", "env", "base"),
    [
        ("https://quantum.example.com", "test", "https://quantum.example.com/invite/"),
        (None, "test", "http://localhost/invite/"),
    ],
)
def test_a_link_leads_to_where_people_reach_the_installation(
    settings: Settings, engine: Engine, public: str | None, env: str, base: str
) -> None:
    app = create_app(replace(settings, public_url=public, env=env))
    root = admin.as_role(Reader(app.server.test_client()), engine, "admin")
    assert base in words(invite(root, "nova@example.com"))
    app.server.config["SESSION_COOKIE_SECURE"] = True  # as in production, where a proxy ends TLS
    with app.server.test_request_context("/"):
        made = Issued(uuid4(), "invite", "t", datetime.now(UTC))
        assert administration._told(made).address.startswith("https://")
