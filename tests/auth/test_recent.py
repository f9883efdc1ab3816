"""Sensitive acts ask for the password again after ten minutes, and nothing happens before it was given."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dash import Dash, Input, Output
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, update

from auth import recent
from auth.doors import SIGNED_IN, permitted
from auth.people import TOUCHED
from auth.recent import require_recent
from db.models import RecoveryCode, SecondFactor, SecurityEvent, UserSession
from tests.auth.conftest import PASSWORD, Visitor
from tests.auth.second import code, codes_shown, enrol, forget_steps, secret_shown, set_sessions_back
from tests.reader import Reader, words
from tests.sessions import session

LATE = timedelta(minutes=10, seconds=1)


@pytest.fixture
def alice(visitor: Visitor) -> Visitor:
    visitor.register("alice")
    return visitor


def confirmed(engine: Engine) -> list[datetime | None]:
    with session(engine) as unit:
        return list(unit.scalars(select(UserSession.confirmed_at).order_by(UserSession.created_at)))


def count(engine: Engine, table: type) -> int:
    with session(engine) as unit:
        return unit.scalar(select(func.count()).select_from(table)) or 0


def test_signing_in_gives_the_password(alice: Visitor, engine: Engine) -> None:
    given = confirmed(engine)[0]
    assert given is not None and datetime.now(UTC) - given < timedelta(minutes=1)
    assert alice.get("/second-factor").status_code == 200
    assert alice.get("/confirm?next=/agents").location == "/agents", "nothing to ask"


def test_it_is_asked_again_after_ten_minutes_and_not_before(
    alice: Visitor, engine: Engine, server: Flask
) -> None:
    set_sessions_back(engine, server, timedelta(minutes=9, seconds=30))
    assert alice.get("/second-factor").status_code == 200
    set_sessions_back(engine, server, timedelta(minutes=1))
    answer = alice.get("/second-factor?lang=en")
    assert answer.location == "/confirm?next=/second-factor?lang%3Den"
    back = alice.send(str(answer.location), password=PASSWORD)
    assert (back.status_code, back.location) == (302, "/second-factor?lang=en")
    assert alice.get("/second-factor").status_code == 200


def test_a_session_of_before_counts_as_never(alice: Visitor, engine: Engine, server: Flask) -> None:
    with session(engine, write=True) as unit:
        unit.execute(update(UserSession).values(confirmed_at=None))
    server.extensions[TOUCHED].clear()
    assert str(alice.get("/second-factor").location).startswith("/confirm")


def test_nothing_happens_meanwhile(alice: Visitor, engine: Engine, server: Flask) -> None:
    secret = secret_shown(alice.get("/second-factor").text)
    token = alice.get("/second-factor").text.split('name="csrf_token" value="')[1].split('"')[0]
    set_sessions_back(engine, server, LATE)
    answer = alice.client.post("/second-factor", data={"csrf_token": token, "code": code(secret)})
    assert answer.location == "/confirm?next=/second-factor"
    with session(engine) as unit:
        assert unit.scalars(select(SecondFactor.confirmed_at)).one() is None
    alice.send("/confirm", password=PASSWORD)
    _, old = enrol(alice)
    set_sessions_back(engine, server, LATE)
    token = alice.get("/confirm").text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = alice.client.post("/second-factor/codes", data={"csrf_token": token})
    assert answer.location == "/confirm?next=/second-factor/codes" and not codes_shown(answer.text)
    assert count(engine, RecoveryCode) == len(old)


def test_a_wrong_password_is_refused_written_and_makes_one_wait(
    alice: Visitor, engine: Engine, server: Flask
) -> None:
    set_sessions_back(engine, server, LATE)
    statuses = [alice.send("/confirm", password="wrong horse 1").status_code for _ in range(6)]
    assert statuses == [400] * 5 + [429]
    assert alice.send("/confirm", password=PASSWORD).status_code == 429
    assert str(alice.get("/second-factor").location).startswith("/confirm")
    with session(engine) as unit:
        events = list(unit.scalars(select(SecurityEvent).where(SecurityEvent.event_type == "login_failed")))
    assert [each.meta for each in events] == [{"reason": "confirm"}] * 5
    assert alice.get("/who").status_code == 200, "one stays signed in"


def test_with_a_factor_the_code_is_asked_too(alice: Visitor, engine: Engine, server: Flask) -> None:
    secret, codes = enrol(alice)
    forget_steps(engine)
    set_sessions_back(engine, server, LATE)
    assert 'autocomplete="one-time-code"' in alice.get("/confirm").text
    assert alice.send("/confirm", password=PASSWORD).status_code == 400
    assert alice.send("/confirm", password=PASSWORD, code=code(secret, 50)).status_code == 400
    assert alice.send("/confirm", password="wrong horse 1", code=code(secret)).status_code == 400
    done = alice.send("/confirm", password=PASSWORD, code=code(secret))
    assert done.status_code == 302, "a wrong password did not use the code up"
    set_sessions_back(engine, server, LATE)
    assert alice.send("/confirm", password=PASSWORD, code=code(secret)).status_code == 400, "used"
    assert alice.send("/confirm", password=PASSWORD, code=codes[0]).status_code == 302


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil", "javascript:alert(1)"]
)
def test_one_is_led_nowhere_else(alice: Visitor, engine: Engine, server: Flask, wanted: str) -> None:
    assert alice.get(f"/confirm?next={wanted}").location == "/"
    set_sessions_back(engine, server, LATE)
    assert alice.send(f"/confirm?next={wanted}", password=PASSWORD, next=wanted).location == "/"


def test_each_session_for_itself(alice: Visitor, other: Visitor, engine: Engine, server: Flask) -> None:
    other.login("alice")
    set_sessions_back(engine, server, LATE)
    assert alice.send("/confirm", password=PASSWORD).status_code == 302
    assert alice.get("/second-factor").status_code == 200
    assert str(other.get("/second-factor").location).startswith("/confirm")


def test_strangers_have_no_password_to_give_again(visitor: Visitor) -> None:
    assert visitor.get("/confirm").location == "/login?next=/confirm"


def test_machines_are_told_where(server: Flask) -> None:
    @server.post("/api/v1/sensitive")
    @permitted(SIGNED_IN)
    def sensitive() -> Any:
        require_recent(datetime.now(UTC) + LATE)
        return "done"

    alice = Visitor(server.test_client())
    alice.register("alice")
    alice.get("/")
    token = alice.client.get_cookie("_csrf_token")
    assert token is not None
    answer = alice.client.post("/api/v1/sensitive", headers={"X-CSRFToken": token.value})
    assert answer.status_code == 403
    assert answer.json == {"error": "Give your password again first.", "confirm": "/confirm?next=/"}


@pytest.mark.databases("sqlite")
def test_a_callback_does_nothing_and_says_where_to_give_the_password(
    app: Dash, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    @permitted(SIGNED_IN)
    def sensitive(_clicks: int | None) -> str:
        require_recent()
        done.append("done")
        return "done"

    app.callback(Output("there", "children"), Input("act", "n_clicks"))(sensitive)
    reader = Reader(client)

    def press() -> Any:
        token = client.get_cookie("_csrf_token")
        assert token is not None
        body = {
            "output": "there.children",
            "outputs": {"id": "there", "property": "children"},
            "inputs": [{"id": "act", "property": "n_clicks", "value": 1}],
            "changedPropIds": ["act.n_clicks"],
        }
        headers = {"X-CSRFToken": token.value, "Referer": "http://localhost/agents?range=7d&lang=en"}
        return client.post("/_dash-update-component", json=body, headers=headers).get_json()

    assert press()["response"]["there"]["children"] == "done"
    monkeypatch.setattr(recent, "LASTS", timedelta(0))
    answer = press()
    assert done == ["done"] and "there" not in answer.get("response", {})
    toast = answer["sideUpdate"]["toasts"]["children"]
    assert "Nothing was changed." in words(toast)
    links = [each["props"].get("href") for each in _elements(toast)]
    assert "/confirm?next=/agents?range%3D7d%26lang%3Den" in links
    assert reader.get("/").status_code == 200


def _elements(tree: Any) -> Any:
    from tests.reader import elements

    return elements(tree)
