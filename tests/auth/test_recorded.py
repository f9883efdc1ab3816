"""What people do about their own sign-in is in the audit log: in their name, with where they were, without a secret."""

import json
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine

from auth.doors import SIGNED_IN, permitted
from auth.own_password import change_own_password
from db.actor import OPERATOR, SYSTEM
from db.engine import session as unit_of_work
from db.services.credentials import close_sign_in, open_sign_in
from db.services.role_requirements import require_second_factor
from tests.audit import entries
from tests.auth.conftest import PASSWORD, Visitor
from tests.auth.second import code, enrol
from tests.people import account_of, make_person

NEW = "copper lantern 93"


@pytest.fixture
def alice(engine: Engine) -> UUID:
    return make_person(engine, "alice", password=PASSWORD)


def said(engine: Engine, table: str) -> list[tuple[Any, ...]]:
    """Who did what to which record of the table, and what is told of it."""
    return [
        (each.user_id, each.action, each.record_id, each.old_data, each.new_data)
        for each in entries(engine)
        if each.table_name == table
    ]


def test_the_second_factor_and_its_codes_are_recorded_without_them(
    visitor: Visitor, engine: Engine, alice: UUID
) -> None:
    visitor.login("alice")
    secret, codes = enrol(visitor)
    account = str(account_of(engine, alice).id)
    assert visitor.send("/second-factor/codes").status_code == 200
    assert visitor.send("/second-factor/off", password=PASSWORD, code=code(secret, 1)).status_code == 302
    on, off = said(engine, "second_factors")
    assert (on[:3], off) == ((alice, "INSERT", account), (alice, "DELETE", account, None, None))
    assert sorted(on[4]) == ["confirmed_at", "left_out"] and on[4]["left_out"] == ["secret"]
    made = (alice, "INSERT", None, None, {"account_id": account, "codes": 10})
    assert said(engine, "recovery_codes") == [made, made]
    log = [each for each in entries(engine) if each.action != "LOGIN" and each.table_name != "profiles"]
    assert {str(each.ip_address) for each in log} == {"127.0.0.1"}
    told = json.dumps([each.new_data for each in log])
    assert not [each for each in (secret, *codes) if each in told]


def test_a_change_of_ones_own_password_is_recorded_in_ones_own_name(
    visitor: Visitor, server: Flask, engine: Engine, alice: UUID
) -> None:
    @server.post("/change")
    @permitted(SIGNED_IN)
    def change() -> str:
        return str(change_own_password(PASSWORD, NEW))

    visitor.login("alice")
    visitor.get("/")
    token = visitor.client.get_cookie("_csrf_token")
    assert token and visitor.client.post("/change", headers={"X-CSRFToken": token.value}).status_code == 200
    ((who, action, record, old, new),) = said(engine, "auth_account")
    assert (who, action, record) == (alice, "UPDATE", str(account_of(engine, alice).id))
    assert old == {"credential_version": 1}
    assert new == {"credential_version": 2, "left_out": ["password_hash"]}


def test_what_is_demanded_of_a_role_is_recorded_once_for_each_change(engine: Engine) -> None:
    admin = make_person(engine, "root", "admin")
    for required in (True, True, False):
        with unit_of_work(engine, SYSTEM, write=True) as unit:
            require_second_factor(unit, "observer", required, by=admin)
    no, yes = {"factor_required": False}, {"factor_required": True}
    assert said(engine, "role_requirements") == [
        (admin, "UPDATE", "observer", no, yes),
        (admin, "UPDATE", "observer", yes, no),
    ]


def test_closing_and_opening_a_sign_in_are_recorded(engine: Engine, alice: UUID) -> None:
    for change in (close_sign_in, open_sign_in, open_sign_in):
        with unit_of_work(engine, OPERATOR, write=True) as unit:
            change(unit, alice)
    closed, opened = said(engine, "auth_account")
    assert closed[4] == {"credential_version": 2, "is_active": False}
    assert opened[3:] == ({"is_active": False}, {"is_active": True})
