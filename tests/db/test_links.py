"""Links open one door once: for one caller, for a while, and only as long as whoever made them may make them."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, update

from db.actor import SYSTEM
from db.engine import session as unit_of_work
from db.models import AuthAccount, Profile, UserSession, UserStats
from db.models.links import AccountLink
from db.services import links
from db.services.accounts import FieldErrors
from db.services.credentials import change_password, change_role
from db.services.links import HANDED_LASTS, INVITE, INVITE_LASTS, RESET, Issued, NotAllowed
from db.services.user_sessions import Origin, begin_session
from tests.people import account_of, make_person, profile_of
from tests.sessions import session

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
NEWCOMER = {"username": "bob", "full_name": ""}


def reset_for(engine: Engine, who: UUID, by: UUID | None = None, now: datetime = NOW) -> Issued:
    with unit_of_work(engine, SYSTEM, write=True) as unit:
        return links.issue_reset(unit, who, by, now)


def invite(
    engine: Engine,
    by: UUID | None = None,
    role: str = "user",
    email: str = "bob@example.com",
    now: datetime = NOW,
) -> Issued:
    with unit_of_work(engine, SYSTEM, write=True) as unit:
        return links.issue_invite(unit, email, role, by, now)


def redeem(engine: Engine, made: Issued, password_hash: str = "new", now: datetime = SOON) -> bool:
    with unit_of_work(engine, SYSTEM, write=True) as unit:
        return links.redeem_reset(unit, links.digest(made.token), password_hash, now) is not None


def accept(engine: Engine, made: Issued, name: str = "bob", now: datetime = SOON) -> Profile | None:
    with unit_of_work(engine, SYSTEM, write=True) as unit:
        fields = NEWCOMER | {"username": name}
        return links.redeem_invite(unit, links.digest(made.token), fields, "hash", now)


def rows(engine: Engine) -> list[AccountLink]:
    with session(engine) as unit:
        return list(unit.scalars(select(AccountLink).order_by(AccountLink.created_at, AccountLink.id)))


def close(engine: Engine, profile_id: UUID) -> None:
    account_id = account_of(engine, profile_id).id
    with session(engine, write=True) as unit:
        unit.execute(update(AuthAccount).where(AuthAccount.id == account_id).values(is_active=False))


def race(callers: int, call: Callable[[int], object]) -> list[object]:
    """What `callers` threads get that all begin at one moment."""
    start, results = threading.Barrier(callers), []

    def run(number: int) -> None:
        start.wait()
        results.append(call(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# --- the token -------------------------------------------------------------------------------------------------


@pytest.mark.databases("sqlite")
def test_a_token_is_random_long_and_stored_as_a_hash(engine: Engine) -> None:
    who = make_person(engine)
    made = [reset_for(engine, who) for _ in range(20)]
    assert len({each.token for each in made}) == 20
    for each in made:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", each.token), "256 bits"
        assert each.path == f"/reset/{each.token}" and each.token not in repr(each)
    stored = [value for row in rows(engine) for value in vars(row).values()]
    assert not [each for each in made if each.token in map(str, stored)]


# --- a new password --------------------------------------------------------------------------------------------


def test_a_link_changes_the_password_once_and_ends_every_session(engine: Engine) -> None:
    who = make_person(engine)
    with session(engine, write=True) as unit:
        begin_session(unit, who, Origin(), datetime.now(UTC), timedelta(hours=1))
    made = reset_for(engine, who)
    assert redeem(engine, made)
    assert (account_of(engine, who).password_hash, account_of(engine, who).credential_version) == ("new", 2)
    with session(engine) as unit:
        assert not unit.scalar(select(func.count()).where(UserSession.is_active.is_(True)))
    assert not redeem(engine, made, "again")
    assert account_of(engine, who).password_hash == "new"


@pytest.mark.parametrize(
    ("after", "good"),
    [(timedelta(0), True), (HANDED_LASTS - timedelta(seconds=1), True), (HANDED_LASTS, False)],
)
def test_a_link_grows_old(engine: Engine, after: timedelta, good: bool) -> None:
    made = reset_for(engine, make_person(engine))
    assert redeem(engine, made, now=NOW + after) is good


def test_a_new_link_ends_those_before_of_that_account_only(engine: Engine) -> None:
    alice, bob = make_person(engine), make_person(engine, "bob")
    old, others, new = reset_for(engine, alice), reset_for(engine, bob), reset_for(engine, alice)
    assert not redeem(engine, old)
    assert redeem(engine, new) and redeem(engine, others)


def test_every_change_of_password_ends_all_links(engine: Engine) -> None:
    who = make_person(engine)
    made = reset_for(engine, who)
    with session(engine, write=True) as unit:
        change_password(unit, who, "chosen elsewhere")
    assert not redeem(engine, made)
    assert account_of(engine, who).password_hash == "chosen elsewhere"


def test_of_many_at_once_one_sets_the_password(engine: Engine) -> None:
    who = make_person(engine)
    made = reset_for(engine, who)
    results = race(8, lambda number: (redeem(engine, made, f"hash {number}"), number))
    winners = [number for won, number in results if won]  # type: ignore[misc]
    assert len(winners) == 1
    assert account_of(engine, who).password_hash == f"hash {winners[0]}"
    assert account_of(engine, who).credential_version == 2


def test_of_two_links_made_at_once_one_is_good(engine: Engine) -> None:
    who = make_person(engine)
    made = race(6, lambda _: reset_for(engine, who))
    assert sum(redeem(engine, each) for each in made if isinstance(each, Issued)) == 1


def test_changing_and_redeeming_at_once_wait_in_no_circle(engine: Engine) -> None:
    who = make_person(engine)
    made = reset_for(engine, who)

    def change(number: int) -> bool:
        if number % 2:
            return redeem(engine, made, f"link {number}")
        with unit_of_work(engine, SYSTEM, write=True) as unit:
            change_password(unit, who, f"change {number}")
        return False

    results = race(8, change)
    assert len(results) == 8, "nobody was stopped by the other"
    assert sum(map(bool, results)) <= 1


@pytest.mark.parametrize("purpose", [RESET, INVITE])
@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\ud800", "\x00", "%", "' OR 1=1 --"])
def test_no_other_token_opens_anything(engine: Engine, token: str, purpose: str) -> None:
    reset_for(engine, make_person(engine))
    invite(engine)
    with session(engine) as unit:
        assert links.find_open(unit, purpose, links.digest(token), SOON) is None


@pytest.mark.databases("sqlite")
def test_a_link_made_for_one_door_opens_no_other(engine: Engine) -> None:
    made, invited = reset_for(engine, make_person(engine)), invite(engine)
    assert accept(engine, made) is None
    assert not redeem(engine, invited)


def test_cve_2025_58065_reset_only_where_passwords_are_used(engine: Engine) -> None:
    """A closed account has no password to sign in with, so no link gives it one, whether made before or after."""
    who = make_person(engine)
    made = reset_for(engine, who)
    close(engine, who)
    assert not redeem(engine, made)
    with pytest.raises(NotAllowed):
        reset_for(engine, who)
    assert account_of(engine, who).password_hash == "x"


# --- who may make them -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["user", "architect", "observer", "strategist"])
def test_warehouse_members_cannot_invite_owners(engine: Engine, role: str) -> None:
    member = make_person(engine, "mallory", role)
    for wanted in ("admin", "user", role):
        with pytest.raises(NotAllowed):
            invite(engine, member, wanted)
    with pytest.raises(NotAllowed):
        reset_for(engine, make_person(engine, "root", "admin"), member)
    assert rows(engine) == []


def test_the_role_that_counts_is_the_one_stored_now(engine: Engine) -> None:
    admin = make_person(engine, "root", "admin")
    make_person(engine, "second", "admin")
    assert invite(engine, admin, "admin")
    with session(engine, write=True) as unit:
        change_role(unit, admin, "user")
    with pytest.raises(NotAllowed):
        invite(engine, admin, "admin")


def test_a_closed_administrator_makes_none(engine: Engine) -> None:
    admin = make_person(engine, "root", "admin")
    close(engine, admin)
    with pytest.raises(NotAllowed):
        invite(engine, admin)


def test_links_of_somebody_who_is_no_administrator_any_more_open_nothing(engine: Engine) -> None:
    """Whoever is about to lose the role must not keep a way back."""
    admin, alice = make_person(engine, "root", "admin"), make_person(engine)
    make_person(engine, "second", "admin")
    back, password = invite(engine, admin, "admin"), reset_for(engine, alice, admin)
    with session(engine, write=True) as unit:
        change_role(unit, admin, "user")
    assert accept(engine, back) is None
    assert not redeem(engine, password)


# --- invitations -----------------------------------------------------------------------------------------------


def test_an_invitation_makes_account_profile_and_stats_with_its_own_address_and_role(engine: Engine) -> None:
    made = invite(engine, make_person(engine, "root", "admin"), "observer", "Bob@Example.com")
    assert made.path == f"/invite/{made.token}" and made.expires_at - NOW == INVITE_LASTS
    profile = accept(engine, made)
    assert profile is not None and (profile.username, profile.role) == ("bob", "observer")
    assert account_of(engine, profile.id).email == "Bob@example.com"
    with session(engine) as unit:
        assert unit.get(UserStats, profile.id) is not None


def test_cve_2022_23485_an_invite_is_used_once(engine: Engine) -> None:
    made = invite(engine)
    assert accept(engine, made, "bob")
    assert accept(engine, made, "eve") is None
    with session(engine) as unit:
        assert list(unit.scalars(select(Profile.username))) == ["bob"]


def test_of_many_who_accept_at_once_one_gets_the_account(engine: Engine) -> None:
    made = invite(engine)
    got = race(8, lambda number: accept(engine, made, f"racer{number}"))
    assert len([each for each in got if each]) == 1
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(AuthAccount)) == 1


def test_a_refused_name_leaves_the_invitation_good(engine: Engine) -> None:
    make_person(engine, "bobby")
    made = invite(engine)
    with pytest.raises(FieldErrors) as refused:
        accept(engine, made, "Bobby")
    assert set(refused.value.errors) == {"username"}
    assert accept(engine, made, "bob")


def test_a_new_invitation_of_an_address_ends_the_one_before(engine: Engine) -> None:
    old, new = invite(engine, role="admin"), invite(engine, email="BOB@example.com")
    assert accept(engine, old) is None
    profile = accept(engine, new)
    assert profile is not None and profile_of(engine, profile.id).role == "user"


@pytest.mark.databases("sqlite")
def test_whoever_has_an_account_is_not_invited(engine: Engine) -> None:
    make_person(engine)
    with pytest.raises(FieldErrors) as refused:
        invite(engine, email="ALICE@example.com")
    assert set(refused.value.errors) == {"email"}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("email", "role", "wrong"), [("nobody", "user", "email"), ("a@example.com", "owner", "role")]
)
def test_an_address_or_role_that_is_none_is_refused(
    engine: Engine, email: str, role: str, wrong: str
) -> None:
    with pytest.raises(FieldErrors) as refused:
        invite(engine, role=role, email=email)
    assert set(refused.value.errors) == {wrong}


def test_an_invitation_grows_old(engine: Engine) -> None:
    made = invite(engine)
    assert accept(engine, made, now=NOW + INVITE_LASTS) is None


# --- rest ------------------------------------------------------------------------------------------------------


def test_links_long_expired_are_forgotten_and_others_stay(engine: Engine) -> None:
    who = make_person(engine)
    reset_for(engine, who)
    late = NOW + HANDED_LASTS + links.KEPT
    reset_for(engine, who, now=late)
    with session(engine, write=True) as unit:
        assert links.forget(unit, late) == 0
        assert links.forget(unit, late + timedelta(seconds=1)) == 1
    assert [row.created_at for row in rows(engine)] == [late]
