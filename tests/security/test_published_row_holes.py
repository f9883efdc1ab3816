"""Published holes of products like this one, each closed here under its own name: whose rows, and what of them."""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from auth.permissions import ROLES
from db.actor import Actor
from db.engine import Session
from db.engine import session as guarded
from db.guard import Denied
from db.models import ApiKey, Deal, DealActivity, Invoice, SupportTicket, UserSession
from db.services import credentials
from tests.module_rows import person
from tests.reader import Reader, module_body, module_row, readings, words
from tests.security.conftest import Becomes, Rows
from tests.sessions import session


def try_to(engine: Engine, actor: Actor, act: Callable[[Session], Any]) -> bool:
    """Whether `act` is let through, in the name of `actor`."""
    try:
        with guarded(engine, actor, write=True) as unit:
            act(unit)
            unit.flush()
    except Denied:
        return False
    return True


@pytest.fixture
def held(engine: Engine) -> Callable[[Any, UUID], Any]:
    """The row, got by somebody who may see it: whoever tries does not even have to find it first."""

    def find(model: Any, key: UUID) -> Any:
        with session(engine) as unit:
            row = unit.get_one(model, key)
            unit.expunge(row)
            return row

    return find


def drop(row: Any) -> Callable[[Session], Any]:
    return lambda unit: unit.delete(row)


def change(row: Any, **values: Any) -> Callable[[Session], Any]:
    def changed(unit: Session) -> None:
        unit.add(row)
        for name, value in values.items():
            setattr(row, name, value)

    return changed


# --- whose rows ------------------------------------------------------------------------------------------------


def test_cve_2024_1313_and_2026_28380_only_the_owner_deletes(
    alice: Reader, becomes: Becomes, others: Rows, login: Any, held: Any, engine: Engine
) -> None:
    asked = [
        (Deal, "deals"),
        (Invoice, "invoices"),
        (ApiKey, "keys"),
        (UserSession, "sessions"),
        (SupportTicket, "tickets"),
    ]
    for role in ("user", "strategist", "observer", "architect"):
        actor = becomes(role)
        for model, name in asked:
            assert not try_to(login(role), actor, drop(held(model, others.ids[name]))), (role, name)
    with session(engine) as unit:
        for model, name in asked:
            assert unit.get(model, others.ids[name]) is not None, name
    bob = Actor.person(others.bob, "user")
    for model, name in asked[:3]:
        assert try_to(login("user"), bob, drop(held(model, others.ids[name]))), name


def test_warehouse_idor_deleting_others_api_tokens(
    alice: Reader, becomes: Becomes, others: Rows, login: Any, held: Any
) -> None:
    key = others.ids["keys"]
    for role in sorted(ROLES, reverse=True):  # who administers comes last: what they end is ended
        actor = becomes(role)
        assert not try_to(login(role), actor, drop(held(ApiKey, key))), role
        assert not try_to(login(role), actor, change(held(ApiKey, key), key_name="mine")), role
        assert not try_to(login(role), actor, change(held(ApiKey, key), user_id=actor.profile_id)), role
        may_end = try_to(login(role), actor, change(held(ApiKey, key), is_active=False))
        assert may_end is (role == "admin")
    assert try_to(login("user"), Actor.person(others.bob, "user"), drop(held(ApiKey, key)))


@pytest.mark.databases("sqlite")
def test_warehouse_idor_ending_others_sessions(alice: Reader, others: Rows, engine: Engine) -> None:
    ended = {"kind": "end-session", "key": str(others.ids["sessions"])}
    token = alice.client.get_cookie("_csrf_token")
    body = {
        "output": "profile-sessions.children",
        "outputs": {"id": "profile-sessions", "property": "children"},
        "inputs": [[{"id": ended, "property": "n_clicks", "value": 1}]],
        "state": [{"id": "url", "property": "search", "value": ""}],
        "changedPropIds": [json.dumps(ended, separators=(",", ":")) + ".n_clicks"],
    }
    headers = {"X-CSRFToken": token.value if token else ""}
    assert alice.client.post("/_dash-update-component", json=body, headers=headers).status_code in (200, 204)
    with session(engine) as unit:
        assert unit.get_one(UserSession, others.ids["sessions"]).is_active


def test_cve_2026_21721_a_verb_is_allowed_on_an_object_not_by_itself(
    alice: Reader, becomes: Becomes, others: Rows, login: Any, held: Any, engine: Engine
) -> None:
    me = becomes("user")
    with session(engine, write=True) as unit:
        mine = SupportTicket(user_id=me.profile_id, subject="Mine", status="open")
        given = SupportTicket(user_id=others.bob, assigned_to=me.profile_id, subject="To do", status="open")
        unit.add_all([mine, given])
        unit.flush()
        own, assigned = mine.id, given.id
    app = login("user")
    assert try_to(app, me, change(held(SupportTicket, own), subject="Mine, better"))
    assert not try_to(app, me, change(held(SupportTicket, others.ids["tickets"]), subject="Stolen"))
    assert try_to(app, me, change(held(SupportTicket, assigned), status="in_progress"))
    assert not try_to(app, me, change(held(SupportTicket, assigned), subject="Not mine to say"))
    assert not try_to(app, me, change(held(SupportTicket, own), priority="critical"))


def test_cve_2024_4263_who_may_edit_may_not_therefore_delete(
    alice: Reader, becomes: Becomes, login: Any, held: Any, engine: Engine
) -> None:
    for role in ("user", "strategist"):
        me = becomes(role)
        with session(engine, write=True) as unit:
            deal = Deal(user_id=me.profile_id, client_name="Mine", status="negotiation", value="1")
            ticket = SupportTicket(user_id=me.profile_id, subject="Mine", status="open")
            unit.add_all([deal, ticket])
            unit.flush()
            keys = deal.id, ticket.id
        assert try_to(login(role), me, change(held(Deal, keys[0]), client_name="Edited"))
        assert try_to(login(role), me, change(held(SupportTicket, keys[1]), subject="Edited"))
        assert not try_to(login(role), me, drop(held(Deal, keys[0])))
        assert not try_to(login(role), me, drop(held(SupportTicket, keys[1])))


def test_cve_2026_23982_a_row_is_guarded_when_it_changes_as_when_it_is_made(
    alice: Reader, becomes: Becomes, others: Rows, login: Any, held: Any, engine: Engine
) -> None:
    me, app = becomes("user"), login("user")
    made = {"client_name": "x", "status": "lead", "value": "1"}
    assert not try_to(app, me, lambda unit: unit.add(Deal(user_id=others.bob, **made)))
    assert try_to(app, me, lambda unit: unit.add(Deal(user_id=me.profile_id, **made)))
    with session(engine) as unit:
        mine = unit.scalars(select(Deal.id).where(Deal.user_id == me.profile_id)).one()
    assert not try_to(app, me, change(held(Deal, mine), user_id=others.bob))
    assert not try_to(app, me, lambda unit: setattr(unit.get_one(Deal, mine), "user_id", others.bob))
    with session(engine) as unit:
        assert unit.get_one(Deal, mine).user_id == me.profile_id


def test_cve_2026_34722_a_nested_reference_is_no_way_round(
    alice: Reader, becomes: Becomes, others: Rows, login: Any
) -> None:
    me = becomes("user")
    told = {"deal_id": others.ids["deals"], "user_id": me.profile_id, "activity_type": "note"}
    assert not try_to(login("user"), me, lambda unit: unit.add(DealActivity(description="mine", **told)))
    for role in ("user", "strategist", "observer", "architect"):
        becomes(role)
        for page, listing, key in (
            ("crm", "people", others.bob),
            ("crm", "keys", others.ids["keys"]),
            ("support", "sessions", others.ids["sessions"]),
            ("security", "people", others.bob),
            ("crm", "nothing", others.ids["deals"]),
        ):
            assert "There is no such row" in words(module_row(alice, page, listing, key)), (
                role,
                page,
                listing,
            )


def test_cve_2023_36826_the_address_of_a_row_is_no_right_to_it(
    alice: Reader, becomes: Becomes, others: Rows
) -> None:
    pages = {
        "crm": ("deals",),
        "support": ("tickets", "messages"),
        "finance": ("invoices", "transactions"),
        "api-access": ("keys", "calls"),
        "security": ("sessions",),
    }
    sees = {"strategist": {"deals", "invoices", "transactions"}, "observer": {"calls", "sessions"}}
    for role in ("user", "strategist", "observer", "architect"):
        becomes(role)
        for page, listing in ((page, each) for page, lists in pages.items() for each in lists):
            shown = "There is no such row" not in words(module_row(alice, page, listing, others.ids[listing]))
            assert shown is (listing in sees.get(role, set())), (role, listing)


@pytest.mark.databases("sqlite")
def test_cve_2026_32230_every_way_to_a_number_goes_through_one_rule(
    alice: Reader, becomes: Becomes, others: Rows
) -> None:
    """Card, list, list of all metrics and proof: none of them copies a filter, so none can forget it."""
    for role, seen in (("user", "0"), ("strategist", "1")):
        becomes(role)
        drawn = module_body(alice, "crm")
        listed = re.search(r"(\d+) row", words(drawn["list"]))
        proof = alice.post(
            "proof-body.children", {"proof-request.data": {"key": "crm.deals", "window": "all"}}
        )
        counts = [
            readings(drawn["top"])["crm.deals"],
            listed[1] if listed else "0",
            readings(alice.body("metrics", "?range=all&domain=crm"))["crm.deals"],
            readings(proof.get_json()["response"]["proof-body"]["children"])["crm.deals"],
        ]
        assert counts == [seen] * 4, role
        assert ("Kiln of Bob" in proof.text + str(drawn)) is (seen == "1")


def test_cve_2026_44553_another_role_holds_at_once(alice: Reader, becomes: Becomes, engine: Engine) -> None:
    """The role is read with every request, and a change ends the sign-ins made with the old one."""
    becomes("admin")
    assert alice.get("/security").status_code == 200
    with session(engine, write=True) as unit:
        person(unit, "keeper").role = "admin"
        unit.flush()
        credentials.change_role(unit, person(unit, "alice").id, "user")
    assert alice.get("/security").status_code == 302
    output = "..security-top.children...security-list.children...security-menus.children.."
    token = alice.client.get_cookie("_csrf_token")
    headers = {"X-CSRFToken": token.value if token else ""}
    body = {"output": output, "inputs": []}
    assert alice.client.post("/_dash-update-component", json=body, headers=headers).status_code == 401


def test_cve_2026_44564_who_only_reads_cannot_write(
    alice: Reader, becomes: Becomes, others: Rows, login: Any, held: Any
) -> None:
    observer = becomes("observer")
    for model, name, values in (
        (UserSession, "sessions", {"is_active": False}),
        (Deal, "deals", {"client_name": "x"}),
        (SupportTicket, "tickets", {"status": "closed"}),
        (Invoice, "invoices", {"status": "sent"}),
    ):
        assert not try_to(login("observer"), observer, change(held(model, others.ids[name]), **values)), name
