"""A role that needs a second factor: who has none gets no further than setting one up."""

import re
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from auth import public
from auth.doors import PUBLIC, needed_by
from db.models import Profile, RoleRequirement
from db.services.account_fields import FieldErrors
from db.services.role_requirements import factor_required, require_second_factor
from tests.auth.conftest import PASSWORD, Visitor
from tests.auth.second import code, codes_shown, enrol, forget_steps, secret_shown
from tests.auth.test_stranger import address
from tests.module_rows import promote
from tests.reader import Reader
from tests.sessions import session


def require(engine: Engine, role: str = "user", on: bool = True) -> bool:
    with session(engine, write=True) as unit:
        return require_second_factor(unit, role, on)


@pytest.fixture
def alice(visitor: Visitor, engine: Engine) -> Visitor:
    """Alice, whose role needs the factor she does not have."""
    visitor.register("alice")
    assert require(engine)
    return visitor


def test_it_is_stored_with_who_and_when(visitor: Visitor, engine: Engine) -> None:
    visitor.register("root")
    with session(engine, write=True) as unit:
        who = unit.scalars(select(Profile.id)).one()
        assert not factor_required(unit, "admin")
        assert require_second_factor(unit, "admin", True, by=who)
        assert factor_required(unit, "admin") and not factor_required(unit, "user")
        assert not require_second_factor(unit, "admin", True), "so it was before"
    with session(engine) as unit:
        row = unit.scalars(select(RoleRequirement)).one()
        assert (row.role, row.factor_required, row.set_by) == ("admin", True, who) and row.set_at
    assert require(engine, "admin", False)
    with session(engine, write=True) as unit:
        assert not factor_required(unit, "admin")
        with pytest.raises(FieldErrors):
            require_second_factor(unit, "emperor", True)


def test_lifting_what_was_never_demanded_changes_nothing(engine: Engine) -> None:
    assert not require(engine, "observer", False)
    with session(engine) as unit:
        assert unit.scalars(select(RoleRequirement)).all() == []


def test_who_has_none_is_led_to_set_it_up_and_nowhere_else(alice: Visitor) -> None:
    answer = alice.get("/agents?range=7d&lang=pt-BR")
    assert answer.status_code == 302
    assert answer.location.startswith("/second-factor?next=/agents?range%3D7d")
    assert "Seu papel exige" in alice.get(answer.location).text
    token = alice.client.get_cookie("_csrf_token")
    headers = {"X-CSRFToken": token.value if token else ""}
    for path in ("/_dash-update-component", "/api/v1/things", "/assets/clientside.js"):
        refused = alice.client.post(path, json={}, headers=headers)
        assert refused.status_code == 403 and refused.json is not None
        assert set(refused.json) == {"error", "set_up"}
    for path in ("/second-factor/codes", "/second-factor/off"):
        assert alice.get(path).location.startswith("/second-factor?next=")


def test_after_setting_it_up_everything_is_open_and_one_goes_on(alice: Visitor, engine: Engine) -> None:
    door = str(alice.get("/who?x=1").location)
    secret = secret_shown(alice.get(door).text)
    done = alice.send(door, code=code(secret))
    assert len(codes_shown(done.text)) == 10 and 'href="/who?x=1"' in done.text
    assert alice.get("/who").status_code == 200
    alice.get("/")
    alice.logout()
    forget_steps(engine)
    assert alice.login("alice").location == "/login/code"
    assert alice.send("/login/code", code=code(secret)).location == "/"
    assert alice.get("/who").status_code == 200


def test_right_after_signing_in_one_is_led_there(alice: Visitor, other: Visitor) -> None:
    assert other.login("alice", next="/who").location == "/who"
    assert other.get("/who").location == "/second-factor?next=/who"


def test_leaving_is_always_possible(alice: Visitor) -> None:
    page = alice.get("/second-factor").text
    assert 'action="/logout"' in page and "Go back" not in page
    assert alice.logout().location == "/login"
    assert alice.get("/who").status_code == 302 and alice.get("/who").location.startswith("/login")


def test_it_holds_for_that_role_alone_and_ends_with_the_demand(
    alice: Visitor, other: Visitor, engine: Engine
) -> None:
    other.register("bob")
    with session(engine, write=True) as unit:
        promote(unit, "bob", "observer")
    assert other.get("/who").status_code == 200
    assert alice.get("/who").status_code == 302
    require(engine, "user", False)
    assert alice.get("/who").status_code == 200
    require(engine, "observer")
    assert other.get("/who").status_code == 302


def test_turning_it_off_leads_straight_to_setting_up_another(alice: Visitor, engine: Engine) -> None:
    secret, codes = enrol(alice)
    assert "after turning this one off" in alice.get("/second-factor/off").text
    assert alice.send("/second-factor/off", password=PASSWORD, code=codes[0]).location == "/profile"
    assert alice.get("/profile").location == "/second-factor?next=/profile"
    assert secret_shown(alice.get("/second-factor").text) != secret


@pytest.mark.databases("sqlite")
def test_every_route_and_callback_is_closed_to_who_owes_one(
    app: Dash, client: FlaskClient, engine: Engine
) -> None:
    reader = Reader(client)
    require(engine)

    def is_closed(answer: Any) -> bool:
        led = answer.status_code == 302 and str(answer.location).startswith("/second-factor?next=")
        if answer.request.path.startswith("/v1/") or answer.status_code == 401:
            return answer.status_code in (401, 403)  # it takes a key, or nobody
        return led or (answer.status_code == 403 and "set_up" in (answer.json or {}))

    opened = set()
    open_to_all = {name for name, view in app.server.view_functions.items() if needed_by(view) == PUBLIC}
    for rule in app.server.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if not is_closed(client.open(address(rule), method=method)):
                opened.add(rule.endpoint)
        if rule.endpoint not in open_to_all | public.SETTING_UP:
            for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
                assert is_closed(client.open(address(rule), method=method, json={})), rule.rule
    assert opened == open_to_all | public.SETTING_UP
    token = client.get_cookie("_csrf_token")
    assert token is not None
    for output in app.callback_map:
        answer = client.post(
            "/_dash-update-component",
            json={"output": output, "inputs": []},
            headers={"X-CSRFToken": token.value},
        )
        assert is_closed(answer), output
    assert re.search("door-key", reader.get("/second-factor").text)
