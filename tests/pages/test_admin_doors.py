"""Who administers: nobody but administrators, and nobody whose password was given too long ago."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from auth import administration
from db.models import AuditEntry, Profile
from db.models.links import AccountLink
from tests import administrator as admin
from tests.administrator import (
    IDLE,
    LINK,
    act,
    add_factor,
    buttons,
    invite,
    logged,
    page_list,
    sessions_of,
    sign_in,
    submit,
    toast,
)
from tests.auth.second import set_sessions_back
from tests.people import account_of, profile_of
from tests.reader import Reader, elements, words
from tests.sessions import session

LATE = timedelta(minutes=10, seconds=1)


def test_sensitive_acts_ask_for_the_password_again_and_do_nothing_before(
    root: Reader, engine: Engine, bob: UUID, app: Dash
) -> None:
    add_factor(engine, bob)
    phone = sign_in(engine, bob)
    link = LINK.search(words(invite(root, "nova@example.com")))
    assert link
    with session(engine) as unit:
        key = str(unit.scalars(select(AccountLink.id)).one())
    set_sessions_back(engine, app.server, LATE)
    before = logged(engine)
    acts = ("role", "close", "open", "sessions", f"session:{phone}", "link", "factor")
    answers = [(f"/admin/people/{bob}", act(root, name, bob, "architect")) for name in acts]
    answers += [
        ("/admin/roles", admin.press(root, admin.REQUIRE, "on:user", "/admin/roles")),
        ("/admin/invitations", admin.press(root, admin.WITHDRAW, key, "/admin/invitations")),
        (
            "/admin/invitations",
            submit(root, {"admin-invite-email.value": "x@example.com", "admin-invite-role.value": "user"}),
        ),
    ]
    for path, answer in answers:
        assert "Nothing was changed. Give your password" in toast(answer), path
        assert not answer.get_json().get("response"), "every output stays as it is"
        led = [each["props"].get("href") for each in elements(answer.get_json()["sideUpdate"])]
        assert f"/confirm?next={path}?lang%3Den" in led
    assert logged(engine) == before and sessions_of(engine, bob) == 1
    assert profile_of(engine, bob).role == "user" and account_of(engine, bob).is_active
    assert "Bob Souza" in words(page_list(root)), "looking asks for nothing"


PAGES = {
    "/admin": "..admin-top.children...admin-list.children...admin-menus.children..",
    "/admin/people/{bob}": admin.PERSON,
    "/admin/roles": admin.ROLES,
    "/admin/invitations": "admin-invitations",
    "/admin/access": "..admin-access.children...admin-access-menus.children..",
}


@pytest.mark.parametrize("role", ["user", "architect", "observer", "strategist"])
def test_langfuse_2025_59305_signed_in_is_not_authorised_on_admin_jobs(
    client: FlaskClient, engine: Engine, bob: UUID, role: str
) -> None:
    """Being signed in opened the administration's background jobs there; here every door of it asks for the role."""
    eve = admin.as_role(Reader(client, "eve"), engine, role, "eve")
    phone = sign_in(engine, bob)
    with session(engine, write=True) as unit:
        unit.add(
            AccountLink(
                purpose="invite",
                email="nova@example.com",
                role="user",
                token_hash="h",
                expires_at=datetime.now(UTC) + IDLE,
            )
        )
        unit.flush()
        key = str(unit.scalars(select(AccountLink.id)).one())
    assert "Administration" not in words(eve.layout("/admin")), "no entry in the menu"
    before = logged(engine)
    search = f"?lang=en&as={bob}&table=profiles"
    for path, output in PAGES.items():
        page = admin.layout(eve, path.format(bob=bob))
        assert "Not for your role" in words(page) and not buttons(page), path
        answer = admin.look(eve, output, path.format(bob=bob), search)
        assert answer.status_code == 403, path
        told = answer.text
        for secret in ("bob@example.com", "Bob Souza", "198.51.100.7", "nova@example.com", str(bob)):
            assert secret not in told, path
    acts = ("role", "close", "open", "sessions", f"session:{phone}", "link", "factor", "anything")
    refused = [act(eve, name, bob, "admin") for name in acts]
    refused += [act(eve, "role", admin.profile_of(engine, "eve"), "admin")]
    refused += [
        admin.press(eve, admin.REQUIRE, "on:user", "/admin/roles"),
        admin.press(eve, admin.WITHDRAW, key, "/admin/invitations"),
        submit(eve, {"admin-invite-email.value": "x@example.com", "admin-invite-role.value": "admin"}),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert logged(engine) == before and sessions_of(engine, bob) == 1
    assert (profile_of(engine, bob).role, profile_of(engine, admin.profile_of(engine, "eve")).role) == (
        "user",
        role,
    )


def test_every_callback_of_administration_is_among_those_tried() -> None:
    """The test above knows them all: as many callbacks as the pages of administration hold."""
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / "pages"
    held = sum(len(re.findall(r"(?m)^@callback\(", path.read_text())) for path in folder.glob("*admin*.py"))
    assert held == len(PAGES) + 4, "acts on a person, requirements, invite, withdraw"


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("role", ["user", "architect", "observer", "strategist"])
def test_every_service_of_administration_asks_for_the_role_itself(
    app: Dash, engine: Engine, bob: UUID, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from werkzeug.exceptions import Forbidden

    from auth import exploring
    from auth.people import SignedIn
    from db.queries.everybody import Wanted
    from db.services.accounts import find_person

    with session(engine, write=True) as unit:
        unit.get_one(Profile, bob).role = role
    with session(engine) as unit:
        person = find_person(unit, account_of(engine, bob).id)
    assert person is not None
    monkeypatch.setattr("auth.people.current_person", lambda: SignedIn(person, uuid4(), datetime.now(UTC)))
    now, own = datetime.now(UTC), engine
    doors = {
        "people_page": lambda: administration.people_page(Wanted()),
        "find_somebody": lambda: administration.find_somebody(bob),
        "open_invitations": lambda: administration.open_invitations(now),
        "requirements": lambda: administration.requirements(),
        "change_role": lambda: administration.change_role(own, bob, "admin"),
        "end_sessions": lambda: administration.end_sessions(own, bob),
        "close_sign_in": lambda: administration.close_sign_in(bob),
        "open_sign_in": lambda: administration.open_sign_in(bob),
        "reset_link": lambda: administration.reset_link(bob),
        "reset_factor": lambda: administration.reset_factor(bob),
        "invite": lambda: administration.invite("x@example.com", "admin"),
        "withdraw_invite": lambda: administration.withdraw_invite(bob),
        "require_factor": lambda: administration.require_factor("user", True),
    }
    public = {
        name
        for name, each in vars(administration).items()
        if callable(each)
        and getattr(each, "__module__", "") == "auth.administration"
        and not name.startswith("_")
    }
    assert public == {*doors, "Link", "require_admin"}
    looks = {
        "whom": lambda: exploring.whom("stranger"),
        "look": lambda: exploring.look(own, lambda _: own, None, "profiles"),  # type: ignore[arg-type]
    }
    with app.server.test_request_context("/admin"):
        for call in (*doors.values(), *looks.values()):
            with pytest.raises(Forbidden):
                call()
    with session(engine) as unit:
        assert unit.scalars(select(AuditEntry).where(AuditEntry.action == "SELECT")).all() == []


def test_warehouse_members_cannot_invite_owners_by_the_door(client: FlaskClient, engine: Engine) -> None:
    """Finding of PyPI's audit: members invited owners, because the check of who manages was missing."""
    olga = admin.as_role(Reader(client, "olga"), engine, "observer", "olga")
    given = {"admin-invite-email.value": "friend@example.com", "admin-invite-role.value": "admin"}
    assert submit(olga, given).status_code == 403
    with session(engine) as unit:
        assert unit.scalars(select(AccountLink)).all() == []
