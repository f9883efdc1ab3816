"""Who may sign in, and as what: an administrator who can is always left, also when two take one away at once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import OperationalError

from db.models import AuthAccount, Profile, UserSession
from db.queries.people import known_people
from db.services import accounts, credentials
from db.services.account_fields import Complaint, FieldErrors
from db.services.user_sessions import Origin, begin_session
from tests.sessions import session

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Leave = Callable[..., object]


def made(engine: Engine, name: str, role: str = "user") -> UUID:
    with session(engine, write=True) as unit:
        return accounts.register_account(
            unit,
            email=f"{name}@example.com",
            username=name,
            full_name=None,
            password_hash="$argon2id$not-a-real-one",
            role=role,
        ).id


def signed_in(engine: Engine, profile_id: UUID, at: datetime = NOW) -> None:
    with session(engine, write=True) as unit:
        begin_session(unit, profile_id, Origin(), at, timedelta(hours=1))


def live_sessions(engine: Engine) -> list[UUID]:
    with session(engine) as unit:
        return list(unit.scalars(select(UserSession.user_id).where(UserSession.is_active)))


def admins(engine: Engine) -> int:
    """How many administrators can sign in."""
    with session(engine) as unit:
        mine = (
            select(func.count())
            .select_from(Profile)
            .join(AuthAccount, AuthAccount.id == Profile.auth_user_id)
        )
        return unit.scalar(mine.where(Profile.role == "admin", AuthAccount.is_active)) or 0


def demote(unit: object, profile_id: UUID) -> int:
    return credentials.change_role(unit, profile_id, "observer")  # type: ignore[arg-type]


LEAVING = {"role": demote, "account": credentials.close_sign_in}


@pytest.mark.parametrize("field", LEAVING)
def test_the_last_administrator_stays(engine: Engine, field: str) -> None:
    alice = made(engine, "alice", "admin")
    made(engine, "bob")
    signed_in(engine, alice)
    with pytest.raises(FieldErrors) as refused, session(engine, write=True) as unit:
        LEAVING[field](unit, alice)
    assert refused.value.errors == {field: Complaint.LAST_ADMIN}
    assert (admins(engine), live_sessions(engine)) == (1, [alice])


@pytest.mark.parametrize("field", LEAVING)
def test_a_closed_administrator_does_not_count_as_one_left(engine: Engine, field: str) -> None:
    alice, bob = made(engine, "alice", "admin"), made(engine, "bob", "admin")
    with session(engine, write=True) as unit:
        credentials.close_sign_in(unit, bob)
    with pytest.raises(FieldErrors), session(engine, write=True) as unit:
        LEAVING[field](unit, alice)
    with session(engine, write=True) as unit:
        credentials.open_sign_in(unit, bob)
    with session(engine, write=True) as unit:
        LEAVING[field](unit, alice)
    assert admins(engine) == 1


@pytest.mark.parametrize("first", LEAVING)
@pytest.mark.parametrize("second", LEAVING)
def test_two_who_each_take_one_away_at_once_leave_one(engine: Engine, first: str, second: str) -> None:
    people = made(engine, "alice", "admin"), made(engine, "bob", "admin")
    start, refused = threading.Barrier(2), []

    def take(leave: Leave, profile_id: UUID) -> None:
        start.wait()
        try:
            with session(engine, write=True) as unit:
                leave(unit, profile_id)
        except FieldErrors as error:
            refused.append(error)

    work = zip((LEAVING[first], LEAVING[second]), people, strict=True)
    threads = [threading.Thread(target=take, args=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (admins(engine), len(refused)) == (1, 1)


@pytest.mark.databases("postgresql")  # one writer at a time is SQLite's own rule
def test_who_takes_one_away_waits_for_whoever_takes_the_other(engine: Engine) -> None:
    alice, bob = made(engine, "alice", "admin"), made(engine, "bob", "admin")
    with session(engine, write=True) as first:
        credentials.close_sign_in(first, alice)
        with pytest.raises(Exception) as waited, session(engine, write=True) as second:
            second.execute(text("SET LOCAL lock_timeout = '50ms'"))
            demote(second, bob)
        assert isinstance(waited.value.__cause__, OperationalError)
        assert "lock timeout" in str(waited.value.__cause__)
    assert admins(engine) == 1


def test_closing_ends_the_sessions_and_opening_brings_none_back(engine: Engine) -> None:
    alice, bob = made(engine, "alice"), made(engine, "bob")
    for each in (alice, alice, bob):
        signed_in(engine, each)
    with session(engine, write=True) as unit:
        assert credentials.close_sign_in(unit, alice) == 2
    assert live_sessions(engine) == [bob]
    with session(engine, write=True) as unit:
        credentials.open_sign_in(unit, alice)
    assert live_sessions(engine) == [bob]
    with session(engine) as unit:
        found = accounts.find_by_email(unit, "alice@example.com")
    assert found is not None
    assert (found.is_active, found.credential_version) == (True, 2)


def test_nobody_is_found_by_what_is_no_address_of_theirs(engine: Engine) -> None:
    made(engine, "alice")
    with session(engine) as unit:
        found = accounts.find_by_email(unit, " ALICE@example.com ")
        assert found is not None and found.username == "alice"
        for wrong in ("alice", "", "bob@example.com", "alice@example.com\0", "\ud800", "x" * 1_000_000):
            assert accounts.find_by_email(unit, wrong) is None


def test_a_profile_that_is_gone_is_told(engine: Engine) -> None:
    for act in (credentials.close_sign_in, credentials.open_sign_in, demote):
        with pytest.raises(LookupError), session(engine, write=True) as unit:
            act(unit, UUID(int=7))


def test_everybody_is_listed_with_their_last_sign_in(engine: Engine) -> None:
    bob, alice = made(engine, "Bob"), made(engine, "alice", "admin")
    for hours in (0, 2, 1):
        signed_in(engine, alice, NOW + timedelta(hours=hours))
    with session(engine, write=True) as unit:
        credentials.close_sign_in(unit, bob)
    with session(engine) as unit:
        first, second = known_people(unit)
    assert (first.email, first.role, first.is_active) == ("alice@example.com", "admin", True)
    assert first.last_sign_in == NOW + timedelta(hours=2)
    assert (second.username, second.is_active, second.last_sign_in) == ("Bob", False, None)
