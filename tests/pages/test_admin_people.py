"""Administration of people: found, changed, closed and opened, their sessions ended, links and factors renewed."""

from uuid import UUID, uuid4

import pytest
from dash import Dash
from sqlalchemy import Engine, select

from auth.passwords import hash_password
from db.models import AuthAccount, Profile, SecondFactor, UserSession
from db.models.links import AccountLink
from db.services.account_fields import Complaint
from db.services.closing import close_account
from tests import administrator as admin
from tests.administrator import (
    LINK,
    act,
    add_factor,
    buttons,
    drawn,
    logged,
    page_list,
    said,
    sessions_of,
    shown,
    sign_in,
)
from tests.audit import entries
from tests.auth.conftest import Visitor
from tests.people import account_of, make_person, profile_of
from tests.reader import Reader, elements, hrefs, readings, words
from tests.sessions import session


def test_everybody_is_listed_with_what_only_administrators_see(
    root: Reader, engine: Engine, bob: UUID
) -> None:
    add_factor(engine, bob)
    sign_in(engine, bob)
    tree = page_list(root)
    told = words(tree)
    for part in ("alice", "alice@example.com", "Bob Souza", "bob@example.com", "administrator", "2 people"):
        assert part in told, part
    assert f"/admin/people/{bob}" in " ".join(hrefs(tree))
    assert readings(tree) == {
        "people.count": "2",
        "people.admins_without_factor": "1",
        "security.active_sessions": "2",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=BOB@EXAMPLE", {"bob"}),
        ("search=çavuş", {"carla"}),
        ("search=%25", set()),
        ("search=_", set()),
        ("role=observer", {"carla"}),
        ("role=emperor", set()),
        ("door=closed", {"dora"}),
        ("door=open&role=user", {"bob"}),
        ("factor=on", {"bob"}),
        ("factor=off&role=admin", {"alice"}),
        ("search=bob%00&page=99999999999", {"bob"}),
        ("factor=sideways&door=ajar&sort=-nonsense&page=-1", {"alice", "bob", "carla", "dora"}),
    ],
)
def test_the_list_is_searched_and_filtered(
    root: Reader, engine: Engine, bob: UUID, query: str, found: set[str]
) -> None:
    add_factor(engine, bob)
    carla, dora = make_person(engine, "carla", "observer"), make_person(engine, "dora")
    with session(engine, write=True) as unit:
        unit.get_one(Profile, carla).full_name = "Carla ÇAVUŞ"
        unit.get_one(Profile, dora).full_name = None
        unit.get_one(AuthAccount, account_of(engine, dora).id).is_active = False
    ids = {str(admin.profile_of(engine, name)): name for name in ("alice", "bob", "carla", "dora")}
    links = [
        address.partition("?")[0].rpartition("/")[2]
        for address in hrefs(page_list(root, f"?lang=en&{query}"))
    ]
    assert {ids[each] for each in links if each in ids} == found


def test_the_list_is_sorted_and_paged_by_the_server(root: Reader, engine: Engine) -> None:
    for number in range(27):
        make_person(engine, f"p{number:02}", "observer" if number == 13 else "user")
    tree = page_list(root, "?lang=en&sort=-name&page=2")
    shown_names = [words(each) for each in elements(tree) if each["props"].get("className") == "cell-under"]
    assert shown_names == ["p01", "p00"], "and alice, who gave no full name"
    assert "28 people" in words(tree)
    by_role = words(page_list(root, "?lang=en&sort=role"))
    assert by_role.index("alice") < by_role.index("P13") < by_role.index("P00")


def test_the_last_sign_in_outlives_the_session(root: Reader, engine: Engine, bob: UUID) -> None:
    sign_in(engine, bob)
    said(act(root, "sessions", bob))
    with session(engine) as unit:
        assert unit.scalars(select(UserSession).where(UserSession.user_id == bob)).all() == []
    assert "ago" in words(page_list(root, "?lang=en&search=bob"))


def test_the_page_of_metrics_reads_the_number_of_the_system_for_administrators_only(
    root: Reader, engine: Engine, app: Dash
) -> None:
    assert readings(root.body("metrics", "?range=all&domain=people"))["people.admins_without_factor"] == "1"
    add_factor(engine, admin.profile_of(engine, "alice"))
    assert readings(root.body("metrics", "?range=all&domain=people"))["people.admins_without_factor"] == "0"
    bob = Reader(app.server.test_client(), "bob")
    assert "people.admins_without_factor" not in readings(bob.body("metrics", "?range=all&domain=people"))


@pytest.mark.databases("sqlite")
def test_a_number_of_the_system_is_proved_like_any_other(root: Reader, engine: Engine, app: Dash) -> None:
    data = {"key": "people.admins_without_factor", "value": "1", "window": "all", "subject": []}
    answer = root.post("proof-body.children", {"proof-request.data": data})
    told = words(answer.get_json()["response"]["proof-body"]["children"])
    assert "it is the value you clicked" in told and "second_factors" in told and "alice" in told
    bob = Reader(app.server.test_client(), "bob")
    answer = bob.post("proof-body.children", {"proof-request.data": data})
    told = words(answer.get_json()["response"]["proof-body"]["children"])
    assert "Your role does not include this measure." in told and "alice" not in told


def test_a_person_is_shown_with_sessions_and_acts(root: Reader, engine: Engine, bob: UUID) -> None:
    add_factor(engine, bob)
    phone = sign_in(engine, bob)
    tree = drawn(admin.look(root, admin.PERSON, f"/admin/people/{bob}"))
    told = words(tree)
    for part in ("Bob Souza", "bob@example.com", "Safari on iOS", "198.51.100.7", "On since"):
        assert part in told, part
    assert buttons(tree) == {"role", "close", "link", "factor", "sessions", f"session:{phone}"}


@pytest.mark.parametrize(
    "key", ["01920000-0000-7000-8000-000000000000", "x", "", "..", "%00", "1' OR '1'='1"]
)
def test_a_person_there_is_not_is_said_not_to_be(root: Reader, key: str) -> None:
    assert "There is no such person" in shown(root, admin.PERSON, f"/admin/people/{key}")
    for name in ("role", "close", "open", "link", "factor"):
        assert "There is no such person" in said(act(root, name, key))
    assert "There is no such person" in said(act(root, "sessions", key))


def test_a_role_is_changed_in_the_administrators_own_name(root: Reader, engine: Engine, app: Dash) -> None:
    client = app.server.test_client()
    reader = Reader(client, "bob")
    bob = admin.profile_of(engine, "bob")
    assert reader.get("/").status_code == 200
    told = said(act(root, "role", bob, "architect"))
    assert "The role is now architect. 1 session ended." in told
    assert profile_of(engine, bob).role == "architect" and sessions_of(engine, bob) == 0
    assert reader.get("/").status_code == 302, "their browser is shown the door"
    (change,) = [
        each for each in entries(engine) if each.table_name == "profiles" and each.action == "UPDATE"
    ]
    assert (change.user_id, change.record_id) == (admin.profile_of(engine, "alice"), str(bob))
    assert (change.old_data, change.new_data) == ({"role": "user"}, {"role": "architect"})


@pytest.mark.parametrize("role", ["emperor", "", "Admin", "user; DROP TABLE profiles", "x" * 4000])
def test_a_role_that_is_none_is_refused_beside_its_field(
    root: Reader, engine: Engine, bob: UUID, role: str
) -> None:
    tree = drawn(act(root, "role", bob, role))
    errors = {
        each["props"]["id"]: words(each)
        for each in elements(tree)
        if each["props"].get("id") == "admin-role-error"
    }
    assert errors == {"admin-role-error": str(Complaint.ROLE)}
    assert "Nothing was changed. See the field marked below." in words(tree)
    assert profile_of(engine, bob).role == "user"


def test_the_last_administrator_keeps_the_role_and_is_told_why(
    root: Reader, engine: Engine, bob: UUID
) -> None:
    me = admin.profile_of(engine, "alice")
    assert str(Complaint.LAST_ADMIN) in said(act(root, "role", me, "user"))
    assert profile_of(engine, me).role == "admin" and root.get("/").status_code == 200
    assert "cannot close your own sign-in here" in said(act(root, "close", me))
    assert account_of(engine, me).is_active
    said(act(root, "role", bob, "admin"))
    assert "The role is now user." in said(act(root, "role", me, "user")), "with another one left it may go"
    assert root.get("/").status_code == 302


def test_sign_in_is_closed_and_opened(root: Reader, engine: Engine, bob: UUID) -> None:
    sign_in(engine, bob)
    assert "Sign-in is closed. 1 session ended." in said(act(root, "close", bob))
    assert not account_of(engine, bob).is_active and sessions_of(engine, bob) == 0
    tree = drawn(admin.look(root, admin.PERSON, f"/admin/people/{bob}"))
    assert "open" in buttons(tree) and not {"close", "link"} & buttons(tree)
    assert "A closed account has no password to renew." in said(act(root, "link", bob))
    assert "The person can sign in again." in said(act(root, "open", bob))
    assert account_of(engine, bob).is_active
    me, account = admin.profile_of(engine, "alice"), str(account_of(engine, bob).id)
    acts = [each for each in logged(engine) if each[1] == "auth_account"]
    assert acts == [("UPDATE", "auth_account", me, account)] * 2


def test_an_account_its_person_closed_stays_closed(root: Reader, engine: Engine, bob: UUID) -> None:
    with session(engine, write=True) as unit:
        close_account(unit, bob, hash_password("nobody knows this"))
    tree = drawn(admin.look(root, admin.PERSON, f"/admin/people/{bob}"))
    assert "closed this account" in words(tree) and "@invalid" not in words(tree) and not buttons(tree)
    assert str(Complaint.GONE) in said(act(root, "open", bob))
    assert not account_of(engine, bob).is_active
    assert "closed by themselves" in words(page_list(root))


def test_sessions_are_ended_one_by_one_or_all_and_recorded(root: Reader, engine: Engine, bob: UUID) -> None:
    phone, _, _ = sign_in(engine, bob), sign_in(engine, bob), sign_in(engine, bob)
    carol = make_person(engine, "carol")
    theirs = sign_in(engine, carol)
    assert "1 session ended." in said(act(root, f"session:{phone}", bob))
    assert "No session was open." in said(act(root, f"session:{phone}", bob))
    for key in ("session:", "session:x", f"session:{theirs}", f"session:{uuid4()}"):
        assert "No session was open." in said(act(root, key, bob)), key
    assert (sessions_of(engine, bob), sessions_of(engine, carol)) == (2, 1)
    assert "2 sessions ended." in said(act(root, "sessions", bob))
    assert (sessions_of(engine, bob), sessions_of(engine, carol)) == (0, 1)
    gone = [each for each in logged(engine) if each[:2] == ("DELETE", "user_sessions")]
    assert len(gone) == 3 and gone[0] == (
        "DELETE",
        "user_sessions",
        admin.profile_of(engine, "alice"),
        str(phone),
    )


def test_a_reset_link_is_shown_once_and_works_once(
    root: Reader, engine: Engine, bob: UUID, app: Dash
) -> None:
    tree = drawn(act(root, "link", bob))
    link = LINK.search(words(tree))
    assert link and "It works once, until" in words(tree)
    copies = [each["props"].get("data-copy") for each in elements(tree) if each["props"].get("data-copy")]
    assert copies == [link[0]]
    assert not LINK.search(shown(root, admin.PERSON, f"/admin/people/{bob}")), "never again"
    visitor = Visitor(app.server.test_client())
    path = link[0].removeprefix("http://localhost")
    assert visitor.get(path).status_code == 302
    assert visitor.send("/reset", password="silver meadow 21").status_code == 302
    assert visitor.login("bob", "silver meadow 21").status_code == 302
    with session(engine) as unit:
        assert unit.scalars(select(AccountLink.created_by)).one() == admin.profile_of(engine, "alice")
    told = str([(each.old_data, each.new_data) for each in entries(engine)])
    assert path.rpartition("/")[2] not in told


def test_a_second_factor_is_reset_and_recorded(root: Reader, engine: Engine, bob: UUID) -> None:
    add_factor(engine, bob)
    assert "The second factor is off" in said(act(root, "factor", bob))
    assert "No second factor was on." in said(act(root, "factor", bob))
    with session(engine) as unit:
        assert unit.scalars(select(SecondFactor)).all() == []
    account = str(account_of(engine, bob).id)
    assert ("DELETE", "second_factors", admin.profile_of(engine, "alice"), account) in logged(engine)


@pytest.mark.databases("sqlite")
def test_a_button_that_is_none_does_nothing(root: Reader, engine: Engine, bob: UUID) -> None:
    before = logged(engine)
    for key in ("", "delete", "__class__", "roles"):
        assert act(root, key, bob).status_code == 204
    assert act(root, "close", bob, headers={}).status_code == 400, "without the token against forged requests"
    assert logged(engine) == before
