"""Sessions: a row per sign-in, which every request checks and nothing but its end, its age or disuse closes."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from auth.devices import device
from auth.origin import parsed_address
from auth.people import TOUCHED
from db.models import AuthAccount, Profile, UserSession
from db.services import credentials, user_sessions
from db.services.accounts import FieldErrors
from db.services.user_sessions import Origin
from settings import Settings, SettingsError, load
from tests.auth.conftest import PASSWORD, Visitor, make_server
from tests.sessions import session

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IDLE = timedelta(hours=12)


def rows(engine: Engine) -> list[UserSession]:
    with session(engine) as unit:
        return list(unit.scalars(select(UserSession).order_by(UserSession.created_at)))


def set_back(engine: Engine, server: Flask, **moments: Any) -> None:
    """Alter every session as time would, and forget when each was last touched."""
    with session(engine, write=True) as unit:
        unit.execute(update(UserSession).values(**moments))
    server.extensions[TOUCHED].clear()


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/who").status_code == 200


def now() -> datetime:
    return datetime.now(UTC)


# --- a row per sign-in -----------------------------------------------------------------------------------------


def test_a_sign_in_is_one_row_with_device_and_address(visitor: Visitor, engine: Engine) -> None:
    visitor.register("alice")
    visitor.logout()
    visitor.client.post("/login")
    page = visitor.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    given = {"csrf_token": token, "login": "alice", "password": PASSWORD}
    agent = {"User-Agent": FIREFOX, "X-Forwarded-For": "198.51.100.7"}
    assert visitor.client.post("/login", data=given, headers=agent).status_code == 302
    row = rows(engine)[-1]
    assert len(rows(engine)) == 2
    assert row.device_info == {"browser": "Firefox", "system": "Linux", "kind": "computer"}
    assert (str(row.ip_address), row.user_agent) == ("127.0.0.1", FIREFOX)
    assert row.created_at and row.expires_at and row.is_active
    assert row.expires_at - row.created_at == IDLE
    with session(engine) as unit:
        assert unit.scalars(select(Profile.id)).one() == row.user_id


def test_the_cookie_names_account_version_and_session(visitor: Visitor, engine: Engine) -> None:
    visitor.register("alice")
    with visitor.client.session_transaction() as kept:
        account, version, own = kept["_user_id"].split(":")
    assert UUID(own) == rows(engine)[0].id and version == "1"
    with session(engine) as unit:
        assert unit.scalars(select(AuthAccount.id)).one() == UUID(account)


def test_a_sign_in_over_another_ends_it_and_makes_a_new_one(visitor: Visitor, engine: Engine) -> None:
    visitor.register("alice")
    with visitor.client.session_transaction() as kept:
        before = dict(kept)
    page = visitor.get("/login", headers={"Cookie": ""})  # a form of a stranger does not fit this session
    assert page.status_code == 302
    token = visitor.get("/") and visitor.client.get_cookie("_csrf_token")
    assert token is not None
    given = {"csrf_token": token.value, "login": "alice", "password": PASSWORD}
    assert visitor.client.post("/login", data=given).status_code == 302
    old, new = rows(engine)
    assert (old.is_active, new.is_active) == (False, True)
    with visitor.client.session_transaction() as kept:
        assert kept["_user_id"] != before["_user_id"]
        kept.clear()
        kept.update(before)
    assert not is_in(visitor), "the cookie of before opens nothing"


def test_a_session_of_another_account_does_not_fit(visitor: Visitor, other: Visitor) -> None:
    visitor.register("alice")
    other.register("bob")
    with other.client.session_transaction() as kept:
        stolen = kept["_user_id"].split(":")[2]
    with visitor.client.session_transaction() as kept:
        account, version, _ = kept["_user_id"].split(":")
        kept["_user_id"] = f"{account}:{version}:{stolen}"
    assert not is_in(visitor)


@pytest.mark.databases("sqlite")
def test_a_cookie_without_a_session_is_a_strangers(visitor: Visitor) -> None:
    visitor.register("alice")
    with visitor.client.session_transaction() as kept:
        kept["_user_id"] = ":".join(kept["_user_id"].split(":")[:2])
    assert not is_in(visitor)


# --- its end ---------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_row_so_that_a_copied_cookie_opens_nothing(
    visitor: Visitor, other: Visitor, engine: Engine
) -> None:
    visitor.register("alice")
    visitor.get("/")
    with visitor.client.session_transaction() as kept:
        copied = dict(kept)
    with other.client.session_transaction() as kept:
        kept.update(copied)
    assert is_in(other)
    visitor.logout()
    assert [row.is_active for row in rows(engine)] == [False]
    assert not is_in(other)


def test_a_session_ends_when_unused(visitor: Visitor, server: Flask, engine: Engine) -> None:
    visitor.register("alice")
    set_back(engine, server, last_activity=now() - IDLE + timedelta(minutes=1))
    assert is_in(visitor)
    set_back(engine, server, last_activity=now() - IDLE - timedelta(seconds=1))
    assert not is_in(visitor)


def test_a_session_ends_when_expired_whatever_its_use(
    visitor: Visitor, server: Flask, engine: Engine
) -> None:
    visitor.register("alice")
    set_back(engine, server, expires_at=now() - timedelta(seconds=1))
    assert not is_in(visitor)


def test_use_puts_the_end_off_but_not_beyond_thirty_days(
    visitor: Visitor, server: Flask, engine: Engine
) -> None:
    visitor.register("alice")
    begun = now() - timedelta(days=30) + timedelta(hours=1)
    set_back(engine, server, created_at=begun, last_activity=now() - timedelta(hours=2))
    assert is_in(visitor)
    assert rows(engine)[0].expires_at == begun + timedelta(days=30)
    set_back(engine, server, created_at=now() - timedelta(days=30), expires_at=now() + timedelta(days=9))
    assert not is_in(visitor)


def test_how_long_one_may_be_away_is_a_setting(settings: Settings, engine: Engine) -> None:
    server = make_server(replace(settings, session_idle=timedelta(hours=1)), engine)
    visitor = Visitor(server.test_client())
    visitor.register("alice")
    set_back(engine, server, last_activity=now() - timedelta(minutes=61))
    assert not is_in(visitor)


@pytest.mark.parametrize("name", ["QUANTUM_SESSION_IDLE_HOURS", "QUANTUM_PROXIES"])
@pytest.mark.parametrize("value", ["-1", "1.5", "many", "99999999999999999999"])
def test_a_setting_that_is_no_such_number_is_named(name: str, value: str, tmp_path: Any) -> None:
    with pytest.raises(SettingsError, match=name):
        load({"QUANTUM_ENV": "test", "QUANTUM_DATA_DIR": str(tmp_path), name: value})


def test_a_new_password_ends_every_session(visitor: Visitor, other: Visitor, engine: Engine) -> None:
    visitor.register("alice")
    other.login("alice")
    with session(engine, write=True) as unit:
        who = unit.scalars(select(Profile.id)).one()
        assert credentials.change_password(unit, who, "another hash") == 2
    assert [row.is_active for row in rows(engine)] == [False, False]
    assert not is_in(visitor) and not is_in(other)
    with session(engine) as unit:
        account = unit.scalars(select(AuthAccount)).one()
    assert (account.password_hash, account.credential_version) == ("another hash", 2)


def test_a_new_role_ends_every_session_of_that_person_alone(
    visitor: Visitor, other: Visitor, engine: Engine
) -> None:
    visitor.register("alice")
    other.register("bob")
    with session(engine, write=True) as unit:
        alice = unit.scalars(select(Profile.id).where(Profile.username == "alice")).one()
        assert credentials.change_role(unit, alice, "observer") == 1
        assert credentials.change_role(unit, alice, "observer") == 0
        with pytest.raises(FieldErrors):
            credentials.change_role(unit, alice, "king")
        with pytest.raises(LookupError):
            credentials.change_role(unit, UUID(int=7), "admin")
    assert not is_in(visitor) and is_in(other)
    visitor.login("alice")
    assert visitor.get("/who").json == {"role": "observer", "preferences": {}}


def test_one_ends_ones_own_sessions_only(visitor: Visitor, other: Visitor, engine: Engine) -> None:
    visitor.register("alice")
    other.register("bob")
    with session(engine, write=True) as unit:
        people = dict(unit.execute(select(Profile.username, Profile.id)).all())
        owners = dict(unit.execute(select(UserSession.user_id, UserSession.id)).all())
        bobs = owners[people["bob"]]
        assert not user_sessions.end_session(unit, people["alice"], bobs)
        assert user_sessions.end_sessions(unit, people["alice"], but=owners[people["alice"]]) == 0
        assert user_sessions.end_session(unit, people["bob"], bobs)
        assert not user_sessions.end_session(unit, people["bob"], bobs), "it had ended"
    assert is_in(visitor) and not is_in(other)


# --- its last activity -----------------------------------------------------------------------------------------


def test_activity_is_noted_at_most_once_a_minute(visitor: Visitor, server: Flask, engine: Engine) -> None:
    visitor.register("alice")
    recent, old = now() - timedelta(seconds=50), now() - timedelta(seconds=61)
    set_back(engine, server, last_activity=recent)
    assert is_in(visitor) and rows(engine)[0].last_activity == recent
    set_back(engine, server, last_activity=old)
    assert is_in(visitor)
    noted = rows(engine)[0].last_activity
    assert noted and noted > now() - timedelta(seconds=50)


def test_an_ended_session_is_not_revived_by_a_late_note(visitor: Visitor, engine: Engine) -> None:
    visitor.register("alice")
    row = rows(engine)[0]
    assert row.created_at
    with session(engine, write=True) as unit:
        unit.execute(update(UserSession).values(is_active=False))
        later = now() + timedelta(minutes=5)
        assert not user_sessions.touch(unit, row.id, row.created_at, later, IDLE)


@pytest.mark.databases("sqlite")
def test_reading_goes_on_while_another_writes(visitor: Visitor, server: Flask, engine: Engine) -> None:
    visitor.register("alice")
    old = now() - timedelta(minutes=5)
    set_back(engine, server, last_activity=old)
    with Session(engine) as writer:
        writer.execute(select(1))  # begins as a writer, and holds the lock
        assert is_in(visitor)
        assert is_in(visitor), "and does not wait for it a second time"
    assert rows(engine)[0].last_activity == old


def test_many_requests_at_once_note_it_once(engine: Engine, visitor: Visitor) -> None:
    visitor.register("alice")
    row, old = rows(engine)[0], now() - timedelta(minutes=2)
    with session(engine, write=True) as unit:
        unit.execute(update(UserSession).values(last_activity=old))
    noted: list[bool] = []

    def note() -> None:
        with session(engine, write=True) as unit:
            noted.append(user_sessions.touch(unit, row.id, old, now(), IDLE))

    threads = [threading.Thread(target=note) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(noted) == [False] * 5 + [True]


# --- where it comes from ---------------------------------------------------------------------------------------


def test_the_address_behind_own_proxies_is_the_visitors(settings: Settings, engine: Engine) -> None:
    visitor = Visitor(make_server(replace(settings, proxies=1), engine).test_client())
    page = visitor.get("/login", headers={"X-Forwarded-For": "203.0.113.9"})
    assert page.status_code == 200
    visitor.client.environ_base["HTTP_X_FORWARDED_FOR"] = "6.6.6.6, 2001:db8::7"
    visitor.register("alice")
    assert str(rows(engine)[0].ip_address) == "2001:db8::7", "what the visitor wrote itself does not count"


@pytest.mark.parametrize("said", ["", "\x01\x7f\u2028", "x" * 5000])
def test_whatever_a_browser_calls_itself_is_kept_in_bounds(
    visitor: Visitor, engine: Engine, said: str
) -> None:
    visitor.client.environ_base["HTTP_USER_AGENT"] = said
    visitor.client.environ_base["REMOTE_ADDR"] = "no address"
    visitor.register("alice")
    row = rows(engine)[0]
    assert row.ip_address is None and row.device_info == {}
    assert row.user_agent is None or len(row.user_agent) == 500


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("unix:", "None"),
        ("192.0.2.1, 10.0.0.1", "None"),
        (None, "None"),
    ],
)
def test_an_address_has_one_spelling(said: str | None, meant: str) -> None:
    assert str(parsed_address(said)) == meant


WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (FIREFOX, "Firefox Linux computer"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
            "Chrome Windows computer",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge Windows computer",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/142.0 Safari/537.36 OPR/122.0",
            "Opera Windows computer",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.1 Safari/605.1.15",
            "Safari macOS computer",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari iOS phone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 CriOS/142.0 Mobile/15E148 Safari/604.1",
            "Chrome iPadOS tablet",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {WEBKIT} Chrome/142.0 Mobile Safari/537.36",
            "Chrome Android phone",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 15; SM-X910) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0 Safari/537.36",
            "Samsung Internet Android tablet",
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 16093) {WEBKIT} Chrome/142.0 Safari/537.36",
            "Chrome ChromeOS computer",
        ),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0 (compatible; Something)", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_device_is_named_by_what_it_says_and_no_more(said: str | None, meant: str) -> None:
    assert " ".join(device(said).values()) == meant


def test_a_person_known_from_an_address_is_known_from_that_one_only(visitor: Visitor, engine: Engine) -> None:
    visitor.register("alice")
    with session(engine, write=True) as unit:
        who = unit.scalars(select(Profile.id)).one()
        user_sessions.begin_session(unit, who, Origin(), now(), IDLE)
        known = user_sessions.has_signed_in_from
        assert known(unit, who, "127.0.0.1", now())
        assert not known(unit, who, "127.0.0.2", now())
        assert not known(unit, who, None, now()), "no address is no place"
        assert not known(unit, UUID(int=7), "127.0.0.1", now())
        assert not known(unit, who, "127.0.0.1", now() + timedelta(days=91))
        assert unit.scalar(select(func.count(UserSession.id))) == 2
