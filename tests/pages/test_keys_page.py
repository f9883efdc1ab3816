"""/profile/keys: people make, see and end their own keys; nobody's key exceeds them, nobody ends another's."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, update
from werkzeug.test import TestResponse

from db.models import ApiKey, AuditEntry, Profile, UserSession
from tests import module_rows
from tests.keys import bearer, issue
from tests.people import make_person
from tests.reader import Reader, words
from tests.sessions import session


def output(alice: Reader, start: str) -> str:
    """The name of the callback whose outputs begin so: Dash adds a hash to one that others write, too."""
    entries = alice.get("/_dash-dependencies").get_json()
    return next(str(each["output"]) for each in entries if str(each["output"]).startswith(start))


def make(alice: Reader, **given: Any) -> TestResponse:
    state = {
        "name": "till",
        "scopes": [],
        "modules": [],
        "agents": None,
        "expires": "30",
        "limit": "",
    } | given
    inputs = {f"keys-{name}.value": value for name, value in state.items()}
    inputs |= {"keys-form.n_submit": 1, "url.search": "?lang=en"}
    return alice.post(output(alice, "..keys-form.children"), inputs, ["keys-form.n_submit"], "/profile/keys")


def shown(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.text
    return words(answer.get_json()["response"]["keys-form"]["children"])


def keys(engine: Engine) -> list[ApiKey]:
    with session(engine) as unit:
        return list(unit.scalars(select(ApiKey).order_by(ApiKey.created_at)))


def becomes(engine: Engine, role: str) -> None:
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", role)


def alice_id(engine: Engine) -> UUID:
    with session(engine) as unit:
        return unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()


def end(alice: Reader, key: UUID) -> TestResponse:
    """Press the button of a key, as the browser says so."""
    pressed = {"id": {"kind": "end-key", "key": str(key)}, "property": "n_clicks", "value": 1}
    entry = output(alice, "keys-list.children")
    token = alice.client.get_cookie("_csrf_token")
    body = {
        "output": entry,
        "outputs": {"id": "keys-list", "property": entry.partition(".")[2]},
        "inputs": [[pressed]],
        "state": [{"id": "url", "property": "search", "value": "?lang=en"}],
        "changedPropIds": [json.dumps(pressed["id"], separators=(",", ":"), sort_keys=True) + ".n_clicks"],
    }
    headers = {"X-CSRFToken": token.value if token else "", "Referer": "http://localhost/profile/keys"}
    return alice.client.post("/_dash-update-component", json=body, headers=headers)


def test_a_person_makes_a_key_that_works_and_is_shown_once(alice: Reader, engine: Engine) -> None:
    becomes(engine, "architect")
    said = shown(make(alice, scopes=["ingest"], agents="shop/till, shop/door", limit="5000"))
    (kept,) = keys(engine)
    token = next(word for word in said.replace('"', " ").split() if word.startswith("qk_"))
    assert kept.permissions == ["agent:shop/door", "agent:shop/till", "ingest"] and kept.rate_limit == 5000
    assert kept.user_id == alice_id(engine) and kept.key_prefix in token
    assert f'OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20{token}"' in said
    assert "curl -i http://localhost/v1/traces" in said and "It is shown now and never again" in said
    assert kept.expires_at is not None and kept.expires_at < datetime.now(UTC) + timedelta(days=31)
    assert alice.client.get("/v1/nothing", headers=bearer(token)).status_code == 404
    page = alice.post("keys-body.children", {"url.search": "?lang=en"}, referer="/profile/keys")
    assert kept.key_prefix in page.text and token not in page.text
    with session(engine) as unit:
        entry = unit.scalars(select(AuditEntry).where(AuditEntry.table_name == "api_keys")).one()
    assert entry.action == "INSERT" and entry.user_id == kept.user_id
    assert token.split("_", 2)[2] not in str(entry.new_data) and "key_hash" not in dict(entry.new_data or {})


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"name": " ", "scopes": ["fleet:read"]}, "Give the key a name"),
        ({"scopes": []}, "Choose at least one of the scopes"),
        ({"scopes": ["everything"]}, "Choose at least one of the scopes"),
        ({"scopes": ["ingest"]}, "A key cannot do what your role does not include"),
        ({"modules": ["people:read"]}, "A key cannot do what your role does not include"),
        ({"agents": "shop"}, "A key cannot do what your role does not include"),
        ({"scopes": ["fleet:read"], "limit": "many"}, "Write a whole number"),
        ({"scopes": ["fleet:read"], "limit": "0"}, "Write a whole number"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    alice: Reader, engine: Engine, given: dict[str, Any], complaint: str
) -> None:
    assert complaint in shown(make(alice, **given))
    assert keys(engine) == []


@pytest.mark.databases("sqlite")
def test_an_end_that_is_not_offered_is_the_shortest(alice: Reader, engine: Engine) -> None:
    shown(make(alice, scopes=["fleet:read"], expires="9999999"))
    (kept,) = keys(engine)
    assert kept.expires_at is not None and kept.expires_at < datetime.now(UTC) + timedelta(days=8)


def test_a_person_ends_their_own_key_and_nobody_else_s(alice: Reader, engine: Engine) -> None:
    bob = make_person(engine, "bob")
    issue(engine, bob, "fleet:read", name="of bob")
    mine = issue(engine, alice_id(engine), "fleet:read", name="mine")
    ids = {key.key_name: key.id for key in keys(engine)}
    answer = end(alice, ids["of bob"])
    assert answer.status_code == 200 and "not yours to end" in answer.text
    assert all(key.is_active for key in keys(engine)), "CWE-639: others' tokens ended by their id"
    assert "opens nothing from now on" in end(alice, ids["mine"]).text
    assert {key.key_name: key.is_active for key in keys(engine)} == {"of bob": True, "mine": False}
    assert alice.get("/v1/nothing", headers=bearer(mine)).status_code == 401, "whoever else is signed in"


def test_an_administrator_ends_anybody_s_and_makes_nobody_s(alice: Reader, engine: Engine) -> None:
    becomes(engine, "admin")
    bob = make_person(engine, "bob")
    issue(engine, bob, "fleet:read", name="of bob")
    drawn = alice.post("keys-body.children", {"url.search": "?lang=en"}, referer="/profile/keys").text
    assert "Keys of others" in drawn and "of bob" in drawn
    assert "opens nothing from now on" in end(alice, keys(engine)[0].id).text
    assert not keys(engine)[0].is_active
    shown(make(alice, scopes=["fleet:read"]))
    assert {key.user_id for key in keys(engine)} == {bob, alice_id(engine)}


@pytest.mark.databases("sqlite")
def test_the_password_is_asked_for_again_after_ten_minutes(alice: Reader, engine: Engine) -> None:
    issue(engine, alice_id(engine), "fleet:read")
    with session(engine, write=True) as unit:
        unit.execute(update(UserSession).values(confirmed_at=datetime.now(UTC) - timedelta(minutes=11)))
    for answer in (make(alice, scopes=["fleet:read"]), end(alice, keys(engine)[0].id)):
        assert "Give your password again" in answer.text
    (kept,) = keys(engine)
    assert kept.is_active


@pytest.mark.databases("sqlite")
def test_others_do_not_see_a_person_s_keys(alice: Reader, engine: Engine) -> None:
    issue(engine, make_person(engine, "bob"), "fleet:read", name="of bob")
    drawn = alice.post("keys-body.children", {"url.search": "?lang=en"}, referer="/profile/keys").text
    assert "of bob" not in drawn and "You have no key" in drawn
