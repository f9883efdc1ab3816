"""/security: events, the audit log, sessions and people, each for those who may see them."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from auth import permissions
from auth.permissions import Permission
from db.actor import Actor
from db.engine import session as in_name_of
from db.models import AuditEntry, Profile, SecurityEvent
from db.services.accounts import update_own_profile
from tests import module_rows, module_rows_b
from tests.reader import Reader, module_body, module_row, readings, words
from tests.sessions import session

PAGE = "security"


def promoted(alice: Reader, engine: Engine, role: str) -> Reader:
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", role)
    return alice


@pytest.fixture
def admin(alice: Reader, engine: Engine) -> Reader:
    return promoted(alice, engine, "admin")


@pytest.fixture
def event(engine: Engine) -> str:
    """Some events; the id of the first."""
    with session(engine, write=True) as unit:
        return str(module_rows_b.security(unit).id)


@pytest.fixture
def ada(engine: Engine, event: str) -> str:
    """The id of the person they are about."""
    with session(engine) as unit:
        return str(unit.scalars(select(Profile.id).where(Profile.username == "ada")).one())


@pytest.mark.databases("sqlite")
def test_an_empty_page_says_how_rows_get_in(admin: Reader) -> None:
    drawn = module_body(admin, PAGE)
    shown = readings(drawn["top"])
    assert shown["security.events"] == "0"
    assert shown["security.audit_entries"] == "2", "the administrator's own sign-up and sign-in"
    assert shown["security.active_sessions"] == "1", "the administrator's own"
    assert "import table security_events FILE.log --recipe sshd-log" in words(drawn["list"])
    said = words(module_body(admin, PAGE, "?range=all&lang=en&list=sessions")["list"])
    assert "alice" in said and "import table" not in said


def test_it_counts_and_lists_events(admin: Reader, event: str) -> None:
    drawn = module_body(admin, PAGE)
    shown = readings(drawn["top"])
    assert shown["security.failed_logins"] == "3" and shown["security.active_sessions"] == "2"
    said = words(drawn["list"])
    assert "login failed" in said and "2001:db8::1" in said and "critical" in said
    said = words(module_body(admin, PAGE, "?lang=en&resolved=true")["list"])
    assert "Refused for ada" in said and "Refused for root" not in said
    said = words(module_row(admin, PAGE, "events", event))
    assert "Refused for root" in said and "resolved_by" in said
    assert "10.0.0.1" in words(drawn["top"]), "the table under the chart of addresses"


def test_a_person_shows_sessions_events_and_deeds(admin: Reader, ada: str) -> None:
    said = words(module_row(admin, PAGE, "people", ada))
    for part in ("ada", "preferences", "10.0.0.7", "Many at once", "UPDATE"):
        assert part in said, part
    said = words(module_body(admin, PAGE, "?lang=en&list=people&role=admin")["list"])
    assert "alice" in said and "ada" not in said


@pytest.mark.databases("sqlite")
def test_an_observer_sees_sessions_but_nobodys_profile(alice: Reader, engine: Engine, ada: str) -> None:
    observer = promoted(alice, engine, "observer")
    assert "security.active_sessions" in readings(module_body(observer, PAGE)["top"])
    asked = module_body(observer, PAGE, "?range=all&lang=en&list=people")
    assert "Full name" not in words(asked["list"]) and "People" not in str(asked["menus"])
    assert "There is no such row" in words(module_row(observer, PAGE, "people", ada))


@pytest.mark.databases("sqlite")
def test_others_see_nothing_of_it(alice: Reader, event: str) -> None:
    drawn = module_body(alice, PAGE)
    assert "Your role shows the rows that belong to you." in words(drawn["top"])
    assert readings(drawn["top"])["security.events"] == "0"
    assert "There is no such row" in words(module_row(alice, PAGE, "events", event))


# --- the audit log ------------------------------------------------------------------------------------------------


def changed_company(engine: Engine, name: str) -> str:
    """Somebody saves their company; the id of the entry."""
    with session(engine) as unit:
        me = unit.scalars(select(Profile).where(Profile.username == name)).one()
    with in_name_of(engine, Actor.person(me.id, me.role), write=True) as unit:
        update_own_profile(unit, me.id, company="<b>Works</b>")
    with session(engine) as unit:
        newest = select(AuditEntry.id).order_by(AuditEntry.seq.desc()).limit(1)
        return str(unit.scalar(newest))


def test_an_entry_shows_before_and_after(admin: Reader, engine: Engine) -> None:
    drawn = module_row(admin, PAGE, "audit", changed_company(engine, "alice"))
    said = words(drawn)
    assert "What changed" in said and "Before" in said and "After" in said
    assert "company — <b>Works</b>" in said and "alice" in said
    assert "old_data" not in said


def test_the_log_is_filtered_by_action_table_and_person(
    admin: Reader, engine: Engine, client: FlaskClient
) -> None:
    Reader(client.application.test_client(), "bob")
    changed_company(engine, "bob")
    every = "?range=all&lang=en&list=audit"
    menus = str(module_body(admin, PAGE, every)["menus"])
    assert "'bob'" in menus and "'user_sessions'" in menus and "'LOGIN'" in menus
    for chosen, rows in (("person=bob", 3), ("person=bob&action=LOGIN", 1), ("table_name=profiles", 3)):
        said = words(module_body(admin, PAGE, f"{every}&{chosen}")["list"])
        assert f"{rows} row" in said, (chosen, said)


@pytest.mark.databases("sqlite")
def test_a_refused_page_and_its_callbacks_are_security_events(
    alice: Reader, engine: Engine, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(permissions.HELD_BY, Permission.SECURITY_READ, frozenset({"admin"}))
    assert alice.get(f"/{PAGE}").status_code == 403
    address = f"/{PAGE}/events/{event}"
    assert alice.post(f"{PAGE}-row.children", {"url.search": ""}, referer=address).status_code == 403
    with session(engine) as unit:
        found = unit.scalars(
            select(SecurityEvent).where(SecurityEvent.event_type == "unauthorized_access")
        ).all()
    assert found[-1].meta["permission"] == "security:read"
    assert {each.meta["path"] for each in found} == {f"/{PAGE}", address}


@pytest.mark.databases("sqlite")
def test_asking_for_a_hidden_row_is_an_event_and_a_made_up_one_is_not(
    alice: Reader, engine: Engine, ada: str
) -> None:
    observer = promoted(alice, engine, "observer")
    module_row(observer, PAGE, "people", ada)
    module_row(observer, PAGE, "people", "00000000-0000-0000-0000-000000000000")
    module_row(observer, PAGE, "people", "nonsense")
    with session(engine) as unit:
        wanted = select(SecurityEvent).where(SecurityEvent.event_type == "unauthorized_access")
        (found,) = unit.scalars(wanted).all()
    assert (found.meta["table"], found.meta["record"]) == ("profiles", ada)


# --- one's own ----------------------------------------------------------------------------------------------------


def test_one_sees_ones_own_entries_and_nobody_elses(
    alice: Reader, engine: Engine, client: FlaskClient
) -> None:
    Reader(client.application.test_client(), "bob")
    bobs = changed_company(engine, "bob")
    mine = changed_company(engine, "alice")
    said = words(alice.body("activity", "?lang=en"))
    assert "3 rows" in said and "UPDATE" in said and "LOGIN" in said
    assert "company — <b>Works</b>" in words(own_row(alice, mine))
    assert "There is no such row" in words(own_row(alice, bobs))
    with session(engine) as unit:
        wanted = select(SecurityEvent.meta).where(SecurityEvent.event_type == "unauthorized_access")
        (found,) = unit.scalars(wanted).all()
    assert found["record"] == bobs


def own_row(reader: Reader, key: str) -> Any:
    address = f"/activity/audit/{key}?lang=en"
    answer = reader.post("activity-row.children", {"url.search": "?lang=en"}, referer=address)
    return answer.get_json()["response"]["activity-row"]["children"]
