"""Limits of signing in: guessing slows down, for accounts that exist and those that do not, and nobody is locked."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, select, text, update
from werkzeug.test import TestResponse

from auth import attempts, passwords, subjects
from db.engine import make_engine
from db.models import AuthAccount, Profile, SecurityEvent, SignInLimit
from db.services import sign_in_limits
from db.services.sign_in_limits import FREE_PER_ACCOUNT, Limit, TooManyAttempts, count_attempt, wait_after
from settings import Settings
from tests.auth.conftest import PASSWORD, Visitor, make_server
from tests.sessions import session

WRONG = "wrong horse 1"
ELSEWHERE, THIRD = "198.51.100.7", "203.0.113.5"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def alice(other: Visitor) -> Visitor:
    """Alice, who signed up at 127.0.0.1 and stays there."""
    other.register("alice")
    return other


@pytest.fixture
def stranger(visitor: Visitor) -> Visitor:
    """Somebody at another address."""
    visitor.client.environ_base["REMOTE_ADDR"] = ELSEWHERE
    return visitor


def fail(visitor: Visitor, times: int = FREE_PER_ACCOUNT, login: str = "alice") -> list[int]:
    return [visitor.login(login, WRONG).status_code for _ in range(times)]


def events(engine: Engine, kind: str) -> list[SecurityEvent]:
    with session(engine) as unit:
        wanted = select(SecurityEvent).where(SecurityEvent.event_type == kind)
        return list(unit.scalars(wanted.order_by(SecurityEvent.created_at)))


def limits(engine: Engine) -> list[SignInLimit]:
    with session(engine) as unit:
        return list(unit.scalars(select(SignInLimit)))


def let_time_pass(engine: Engine, by: timedelta) -> None:
    with session(engine, write=True) as unit:
        for row in unit.scalars(select(SignInLimit)):
            row.free_at -= by


def told(answer: TestResponse) -> str:
    found = re.search(r'id="summary".*?<p class="mb-0">([^<]+)</p>', answer.text, re.S)
    assert found
    return found[1]


# --- what one meets --------------------------------------------------------------------------------------------


def test_after_a_few_failures_one_waits_and_is_told_how_long(stranger: Visitor, alice: Visitor) -> None:
    assert fail(stranger) == [400] * 5
    answer = stranger.login("alice")
    assert answer.status_code == 429
    assert 10 <= int(answer.headers["Retry-After"]) <= 15
    assert re.fullmatch(
        r"Too many attempts failed\. Wait 1\d seconds, then try again; nothing is locked\.", told(answer)
    )
    assert 'value="alice"' in answer.text and 'name="password"' in answer.text, "the form is there"


@pytest.mark.databases("sqlite")
def test_it_is_told_in_ones_language_and_in_minutes(stranger: Visitor, engine: Engine) -> None:
    stranger.get("/login?lang=pt-BR")
    fail(stranger, login="nobody")
    let_time_pass(engine, -timedelta(minutes=3))
    answer = stranger.login("nobody")
    assert (
        told(answer) == "Muitas tentativas falharam. Espere 4 minutos e tente de novo; nada está bloqueado."
    )
    assert int(answer.headers["Retry-After"]) > 180


def test_the_wait_passes_and_success_begins_anew(stranger: Visitor, alice: Visitor, engine: Engine) -> None:
    fail(stranger)
    assert stranger.login("alice").status_code == 429
    let_time_pass(engine, timedelta(seconds=16))
    assert stranger.login("alice").status_code == 302
    stranger.get("/")
    stranger.logout()
    assert fail(stranger) == [400] * 5
    assert stranger.login("alice").status_code == 429


def test_each_further_failure_doubles_the_wait(stranger: Visitor, engine: Engine) -> None:
    fail(stranger, login="nobody")
    waits = []
    for _ in range(3):
        waits.append(int(stranger.login("nobody").headers["Retry-After"]))
        let_time_pass(engine, timedelta(seconds=waits[-1]))
        assert fail(stranger, 1, "nobody") == [400]
    assert [round(wait / 15) for wait in waits] == [1, 2, 4]


def test_trying_while_waiting_makes_it_no_longer(stranger: Visitor, engine: Engine) -> None:
    fail(stranger, login="nobody")
    before = sorted((row.subject, row.failures, row.free_at) for row in limits(engine))
    assert fail(stranger, 4, "nobody") == [429] * 4
    assert sorted((row.subject, row.failures, row.free_at) for row in limits(engine)) == before


def test_name_and_address_are_the_same_account(stranger: Visitor, alice: Visitor) -> None:
    assert fail(stranger, 3, "alice") + fail(stranger, 2, "Alice@Example.com") == [400] * 5
    assert stranger.login("alice").status_code == 429
    assert fail(stranger, 1, "bob") == [400], "others do not wait"


@pytest.mark.databases("sqlite")
def test_an_unknown_name_is_one_however_it_is_spelled(stranger: Visitor) -> None:
    assert fail(stranger, 3, "nobody") + fail(stranger, 3, " NoBody ") == [400] * 5 + [429]


def test_a_right_password_is_not_looked_at_while_one_waits(
    stranger: Visitor, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(stranger)
    monkeypatch.setattr(passwords, "verify", lambda *_: pytest.fail("looked at"))
    assert stranger.login("alice").status_code == 429


def test_strangers_elsewhere_do_not_keep_the_owner_waiting(
    stranger: Visitor, alice: Visitor, engine: Engine
) -> None:
    alice.get("/")
    alice.logout()
    fail(stranger)
    assert stranger.login("alice").status_code == 429
    assert fail(alice, 4) == [400] * 4
    assert alice.login("alice").status_code == 302, "she signed in from here before"
    assert stranger.login("alice").status_code == 302, "and her success begins the account anew"


def test_the_owners_address_has_its_own_limit(alice: Visitor, server: Flask) -> None:
    housemate = Visitor(server.test_client())
    assert fail(housemate) == [400] * 5
    assert housemate.login("alice").status_code == 429


# --- by address ------------------------------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three failures from one address are free."""
    monkeypatch.setattr(attempts, "FREE_PER_ADDRESS", 3)


def test_an_address_that_tries_many_names_waits(
    few: None, stranger: Visitor, alice: Visitor, engine: Engine
) -> None:
    assert [fail(stranger, 1, f"name{number}")[0] for number in range(4)] == [400, 400, 400, 429]
    assert stranger.login("alice").status_code == 429
    stranger.client.environ_base["REMOTE_ADDR"] = THIRD
    assert fail(stranger, 1, "name4") == [400], "another address does not wait"
    assert [each.meta for each in events(engine, "brute_force")] == [{"limit": "address"}]


def test_an_account_of_ones_own_buys_no_further_guesses(few: None, stranger: Visitor, alice: Visitor) -> None:
    stranger.register("mallory")
    stranger.get("/")
    stranger.logout()
    statuses = []
    for number in range(3):
        statuses += fail(stranger, 1, f"name{number}")
        statuses.append(stranger.login("mallory").status_code)
        if statuses[-1] == 302:
            stranger.get("/")
            stranger.logout()
    assert statuses == [400, 302, 400, 302, 400, 429]


def test_a_success_makes_the_address_wait_no_longer_than_before(
    few: None, stranger: Visitor, alice: Visitor, engine: Engine
) -> None:
    assert [fail(stranger, 1, f"name{number}") for number in range(3)] == [[400]] * 3
    let_time_pass(engine, timedelta(seconds=16))
    assert stranger.login("alice").status_code == 302
    stranger.get("/")
    stranger.logout()
    assert fail(stranger, 1, "name9") == [400]
    assert fail(stranger, 1, "name9") == [429]


def test_one_household_of_ipv6_is_one_address(few: None, visitor: Visitor) -> None:
    statuses = []
    for number in range(4):
        visitor.client.environ_base["REMOTE_ADDR"] = f"2001:db8:1:2:{number}::1"
        statuses += fail(visitor, 1, f"name{number}")
    visitor.client.environ_base["REMOTE_ADDR"] = "2001:db8:1:3::1"
    assert [*statuses, *fail(visitor, 1, "name9")] == [400, 400, 400, 429, 400]


# --- the same for known and unknown ----------------------------------------------------------------------------


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that the block sends to the database."""
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2])

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_known_and_unknown_cannot_be_told_apart(
    stranger: Visitor, alice: Visitor, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[bool] = []
    real = passwords.verify
    monkeypatch.setattr(
        passwords, "verify", lambda *given: hashed.append(given[0] is not None) or real(*given)
    )
    page = {name: stranger.login(name, WRONG) for name in ("alice", "nobody")}
    assert hashed == [True, False]
    with statements(engine) as known:
        page["alice"] = stranger.login("alice", WRONG)
    with statements(engine) as unknown:
        page["nobody"] = stranger.login("nobody", WRONG)
    assert known == unknown and any("security_events" in each for each in known)
    texts = {re.sub('value="[^"]*"', "", answer.text) for answer in page.values()}
    assert len(texts) == 1
    seen = {name: fail(stranger, 5, name) for name in ("alice", "nobody")}
    assert seen["alice"] == seen["nobody"] == [400, 400, 400, 429, 429]


@pytest.mark.databases("sqlite")
def test_the_first_unknown_name_costs_no_more_than_later_ones(settings: Settings, engine: Engine) -> None:
    passwords.nobody.cache_clear()
    make_server(settings, engine)
    assert passwords.nobody.cache_info().currsize == 1


def test_a_closed_account_answers_as_any(stranger: Visitor, alice: Visitor, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.execute(update(AuthAccount).values(is_active=False))
    assert [stranger.login("alice").status_code for _ in range(6)] == [400] * 5 + [429]
    assert {each.meta["reason"] for each in events(engine, "login_failed")} == {"closed"}


# --- what is written -------------------------------------------------------------------------------------------


def test_failures_are_written_and_reaching_the_limit_once(
    stranger: Visitor, alice: Visitor, engine: Engine
) -> None:
    with session(engine) as unit:
        who = unit.scalars(select(Profile.id)).one()
    stranger.client.environ_base["HTTP_USER_AGENT"] = "curl/8.5.0"
    assert fail(stranger, 8) == [400] * 5 + [429] * 3
    let_time_pass(engine, timedelta(minutes=1))
    assert fail(stranger, 1) == [400]
    failed, brute = events(engine, "login_failed"), events(engine, "brute_force")
    assert (len(failed), len(brute)) == (6, 1), "none for those who were told to wait"
    for each in (*failed, *brute):
        assert (each.user_id, str(each.ip_address), each.user_agent) == (who, ELSEWHERE, "curl/8.5.0")
        assert each.resolved is False
    assert {(each.severity, each.meta["reason"]) for each in failed} == {("low", "password")}
    assert (brute[0].severity, brute[0].meta) == ("high", {"limit": "account"})
    assert "5 failed sign-ins in a row for one account" in brute[0].description


def test_what_was_typed_is_nowhere(stranger: Visitor, engine: Engine) -> None:
    fail(stranger, 5, "my secret 99")
    rows = [*limits(engine), *events(engine, "login_failed"), *events(engine, "brute_force")]
    stored = " ".join(str(value) for row in rows for value in vars(row).values())
    assert len(rows) == 8 and "secret" not in stored and WRONG not in stored
    assert {each.user_id for each in events(engine, "login_failed")} == {None}


def test_success_writes_no_event(alice: Visitor, stranger: Visitor, engine: Engine) -> None:
    assert stranger.login("alice").status_code == 302
    assert events(engine, "login_failed") == events(engine, "brute_force") == []
    assert {row.failures for row in limits(engine)} == {0}


# --- counted in the database -----------------------------------------------------------------------------------


def at_once(work: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_attempts_at_once_on_several_servers_are_counted_exactly(migrated_url: str) -> None:
    taken: list[str] = []

    def attempt(engine: Engine, address: str) -> None:
        try:
            with session(engine, write=True) as unit:
                count_attempt(unit, Limit("account", 5), Limit(address, 50), NOW)
            taken.append("taken")
        except TooManyAttempts:
            taken.append("waits")
        except Exception as error:
            taken.append(repr(error))

    servers = [make_engine(migrated_url) for _ in range(4)]
    # Names on both sides of "account", so that waiting in any but one order would be a deadlock.
    at_once(
        [lambda n=n: attempt(servers[n % 4], f"{'az'[n % 2]}{n % 3}") for n in range(16)]  # type: ignore[misc]
    )
    with session(servers[0]) as unit:
        counted = unit.get_one(SignInLimit, "account")
    for engine in servers:
        engine.dispose()
    assert sorted(taken) == ["taken"] * 5 + ["waits"] * 11
    assert counted.failures == 5


@pytest.mark.databases("postgresql")
def test_attempts_never_wait_for_each_other(engine: Engine) -> None:
    """One holds "a" and wants "z"; the other wants both and must not take "z" first."""
    done: list[str] = []

    def both() -> None:
        with session(engine, write=True) as unit:
            count_attempt(unit, Limit("z", 5), Limit("a", 5), NOW)
        done.append("both")

    other = threading.Thread(target=both)
    with session(engine, write=True) as unit:
        sign_in_limits._locked(unit, ["a"], NOW)
        other.start()
        for _ in range(100):
            with session(engine) as watching:
                if watching.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                    break
            time.sleep(0.05)
        else:
            pytest.fail("the other did not come to wait")
        sign_in_limits._locked(unit, ["z"], NOW)
    other.join()
    assert done == ["both"]


def test_guesses_at_once_try_no_more_passwords_than_one_after_the_other(
    server: Flask, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    real = passwords.verify
    monkeypatch.setattr(passwords, "verify", lambda *given: looked.append(1) or real(*given))
    statuses: list[int] = []

    def guess() -> None:
        visitor = Visitor(server.test_client())
        visitor.client.environ_base["REMOTE_ADDR"] = ELSEWHERE
        statuses.append(visitor.login("alice", WRONG).status_code)

    at_once([guess] * 9)
    assert sorted(statuses) == [400] * 5 + [429] * 4 and len(looked) == 5


def test_one_reaching_the_limit_is_forgiven_when_right(stranger: Visitor, alice: Visitor) -> None:
    assert fail(stranger, 4) == [400] * 4
    assert stranger.login("alice").status_code == 302


# --- how long --------------------------------------------------------------------------------------------------


def test_no_wait_is_longer_than_a_quarter_of_an_hour() -> None:
    minutes = [wait_after(failures, 5).total_seconds() / 60 for failures in (0, 4, 5, 6, 10, 11, 12, 10**9)]
    assert minutes == [0, 0, 0.25, 0.5, 8, 15, 15, 15]


def test_four_hours_of_rest_make_it_forgotten(stranger: Visitor, engine: Engine) -> None:
    fail(stranger, login="nobody")
    let_time_pass(engine, timedelta(hours=4, minutes=1))
    assert fail(stranger, 5, "nobody") == [400] * 5
    assert fail(stranger, 1, "nobody") == [429]


def test_what_is_forgotten_is_deleted_and_the_rest_kept(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        for subject, hours in (("old", 5), ("new", 3)):
            unit.add(SignInLimit(subject=subject, failures=9, free_at=NOW - timedelta(hours=hours)))
        unit.flush()
        assert sign_in_limits.forget(unit, NOW) == 1
        assert sign_in_limits.forget(unit, NOW) == 0
    assert [row.subject for row in limits(engine)] == ["new"]


@pytest.mark.databases("sqlite")
def test_another_secret_counts_apart(settings: Settings, server: Flask) -> None:
    with server.app_context():
        mine = subjects.subject("name", "alice")
        server.secret_key = "another secret"
        assert subjects.subject("name", "alice") != mine
    assert settings.secret_key and re.fullmatch("[0-9a-f]{64}", mine)
    assert PASSWORD not in mine
