"""/security: events, the audit log, sessions and people, each for those who may see them."""

import pytest
from sqlalchemy import Engine, select

from db.models import Profile
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
    assert shown["security.events"] == shown["security.audit_entries"] == "0"
    assert shown["security.active_sessions"] == "1", "the administrator's own"
    assert "import table security_events FILE.log --recipe sshd-log" in words(drawn["list"])
    said = words(module_body(admin, PAGE, "?range=all&lang=en&list=audit")["list"])
    assert "Only the system writes entries" in said and "import table" not in said
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
def test_others_see_nothing(alice: Reader, event: str) -> None:
    assert "You may not see this" in words(module_body(alice, PAGE)["top"])
    assert "You may not see this" in words(module_row(alice, PAGE, "events", event))
