"""The second factor: nobody is in before the code, each code works once, and whoever guesses waits."""

import hashlib
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select, update

from auth import attempts, pending, totp
from db.engine import Session
from db.models import AuthAccount, RecoveryCode, SecondFactor, SecurityEvent, SignInLimit, UserSession
from db.services import second_factors
from tests.auth.conftest import PASSWORD, Visitor
from tests.auth.second import code, codes_shown, enrol, forget_steps, secret_shown
from tests.sessions import session

ELSEWHERE = "198.51.100.7"
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B: 12345678901234567890


@pytest.fixture
def alice(other: Visitor) -> Visitor:
    """Alice, who signed up at 127.0.0.1 and stays there."""
    other.register("alice")
    return other


@pytest.fixture
def secret(alice: Visitor, engine: Engine) -> str:
    """The secret of Alice's app; no code of it was used lately."""
    found, _ = enrol(alice)
    forget_steps(engine)
    return found


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/who").status_code == 200


def count(engine: Engine, table: type) -> int:
    with session(engine) as unit:
        return unit.scalar(select(func.count()).select_from(table)) or 0


def reasons(engine: Engine) -> list[str]:
    with session(engine) as unit:
        wanted = select(SecurityEvent).where(SecurityEvent.event_type == "login_failed")
        return [
            row.meta["reason"] for row in unit.scalars(wanted.order_by(SecurityEvent.created_at)) if row.meta
        ]


def with_unit(engine: Engine, act: Callable[[Session], Any]) -> Any:
    with session(engine, write=True) as unit:
        return act(unit)


# --- codes of the app ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, shown: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert totp.step_of(RFC_SECRET, shown, now) == seconds // 30


def test_one_step_before_and_after_are_taken_and_no_more() -> None:
    shown, step = "081804", 1111111109 // 30
    moments = [datetime.fromtimestamp((step + away) * 30, UTC) for away in (-2, -1, 0, 1, 2)]
    assert [totp.step_of(RFC_SECRET, shown, now) for now in moments] == [None, step, step, step, None]


@pytest.mark.parametrize(
    "typed", ["", "28708", "2870822", "28708a", "٢٨٧٠٨٢", "287.82", "-87082", "287082" * 9999]
)
def test_what_is_no_code_fits_nothing(typed: str) -> None:
    assert totp.step_of(RFC_SECRET, typed, datetime.fromtimestamp(59, UTC)) is None


def test_the_picture_is_plain_svg_with_the_accounts_address() -> None:
    address = totp.app_address(RFC_SECRET, "alice@example.com")
    assert address.startswith("otpauth://totp/ALSHAM%20QUANTUM:alice%40example.com?secret=" + RFC_SECRET)
    drawn = totp.picture(address)
    assert drawn.startswith("<svg") and "script" not in drawn and "style=" not in drawn, (
        "the policy forbids these"
    )
    assert drawn != totp.picture(totp.app_address(RFC_SECRET, "bob@example.com"))


# --- setting it up ---------------------------------------------------------------------------------------------


def test_a_factor_that_was_never_confirmed_asks_for_nothing(
    alice: Visitor, visitor: Visitor, engine: Engine, server: Flask
) -> None:
    shown = secret_shown(alice.get("/second-factor").text)
    assert secret_shown(alice.get("/second-factor").text) == shown, "a reload shows what was scanned"
    assert visitor.login("alice").location == "/" and is_in(visitor)
    wrong = alice.send("/second-factor", code=code(shown, 5))
    assert wrong.status_code == 400 and secret_shown(wrong.text) == shown
    assert codes_shown(wrong.text) == [] and count(engine, RecoveryCode) == 0
    assert Visitor(server.test_client()).login("alice").location == "/"


def test_a_secret_shown_long_ago_is_not_taken_up_again(alice: Visitor, engine: Engine) -> None:
    old = secret_shown(alice.get("/second-factor").text)
    earlier = datetime.now(UTC) - second_factors.SET_UP_WITHIN
    with_unit(engine, lambda unit: unit.execute(update(SecondFactor).values(created_at=earlier)))
    assert alice.send("/second-factor", code=code(old)).status_code == 400
    assert secret_shown(alice.get("/second-factor").text) != old


def test_one_valid_code_turns_it_on_and_shows_ten_codes_once(alice: Visitor, engine: Engine) -> None:
    found, codes = enrol(alice)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"(?:[2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}", each) for each in codes), (
        "80 bits each"
    )
    again = alice.get("/second-factor")
    assert (again.status_code, again.location) == (302, "/profile")
    with session(engine) as unit:
        hashes = set(unit.scalars(select(RecoveryCode.code_hash)))
        row = unit.scalars(select(SecondFactor)).one()
    assert hashes == {hashlib.sha256(each.replace("-", "").encode()).hexdigest() for each in codes}
    assert row.secret == found and row.confirmed_at is not None and row.last_step is not None


def test_the_secret_is_not_shown_again_and_not_in_the_cookie(alice: Visitor) -> None:
    found, codes = enrol(alice)
    for path in ("/second-factor", "/second-factor/codes", "/second-factor/off", "/who"):
        page = alice.get(path, follow_redirects=True).text
        assert found not in page.replace(" ", "") and not codes_shown(page)
    with alice.client.session_transaction() as kept:
        assert found not in str(dict(kept))


def test_each_has_a_secret_of_their_own(alice: Visitor, visitor: Visitor, engine: Engine) -> None:
    visitor.register("bob")
    assert enrol(alice)[0] != enrol(visitor)[0]
    assert count(engine, SecondFactor) == 2 and count(engine, RecoveryCode) == 20


# --- signing in ------------------------------------------------------------------------------------------------


def test_after_the_password_nobody_is_in(secret: str, visitor: Visitor, engine: Engine) -> None:
    before = count(engine, UserSession)
    answer = visitor.login("alice", next="/agents?range=7d")
    assert answer.status_code == 302 and answer.location.startswith("/login/code?next=")
    assert not is_in(visitor) and count(engine, UserSession) == before
    with visitor.client.session_transaction() as kept:
        assert "_user_id" not in kept
    assert "_csrf_token" not in str(visitor.get("/login/code").headers)


def test_the_code_lets_in_and_leads_on(secret: str, visitor: Visitor, engine: Engine) -> None:
    before = count(engine, UserSession)
    door = visitor.login("alice", next="/agents?range=7d").location
    answer = visitor.send(str(door), code=code(secret), next="/agents?range=7d")
    assert (answer.status_code, answer.location) == (302, "/agents?range=7d")
    assert is_in(visitor) and count(engine, UserSession) == before + 1
    with visitor.client.session_transaction() as kept:
        assert pending.KEY not in kept


def test_the_form_works_without_script_and_helps_the_phone(secret: str, visitor: Visitor) -> None:
    door = str(visitor.login("alice", next="/agents").location)
    page = visitor.get(door).text
    box = re.search(r'<input [^>]*id="code"[^>]*>', page, re.S)
    assert box and 'autocomplete="one-time-code"' in box[0] and 'inputmode="numeric"' in box[0]
    assert "<script" not in page and 'href="/login/recovery?next=/agents"' in page
    assert "Digite seu código" in visitor.get("/login/code?lang=pt-BR").text


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil", "/login/code", "/confirm"]
)
def test_the_code_leads_nowhere_else(secret: str, visitor: Visitor, wanted: str) -> None:
    assert visitor.login("alice", next=wanted).location == "/login/code"
    assert visitor.send(f"/login/code?next={wanted}", code=code(secret), next=wanted).location == "/"


def test_a_wrong_password_with_a_factor_answers_as_any(secret: str, visitor: Visitor) -> None:
    visitor.client.environ_base["REMOTE_ADDR"] = ELSEWHERE
    page = {name: visitor.login(name, "wrong horse 1") for name in ("alice", "nobody")}
    assert {answer.status_code for answer in page.values()} == {400}
    assert len({re.sub('value="[^"]*"', "", answer.text) for answer in page.values()}) == 1


def test_signing_in_as_another_does_not_begin_before_the_code(
    secret: str, visitor: Visitor, engine: Engine
) -> None:
    visitor.register("bob")
    visitor.get("/")
    token = visitor.client.get_cookie("_csrf_token")
    assert token is not None
    given = {"csrf_token": token.value, "login": "alice", "password": PASSWORD}
    assert visitor.client.post("/login", data=given).location == "/login/code"
    assert visitor.get("/").text == "<p>bob</p>"
    assert visitor.send("/login/code", code=code(secret)).status_code == 302
    assert visitor.get("/").text == "<p>alice</p>"


# --- each code once --------------------------------------------------------------------------------------------


SPELLINGS = (
    "{}",
    " {}",
    "{} ",
    "\t{}",
    "{}\n",
    "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}",
    "\u00a0{}",
    "\u2003{}\u2003",
)


@pytest.mark.parametrize("spelling", SPELLINGS, ids=repr)
def test_warehouse_totp_is_not_replayed_with_whitespace(
    secret: str, visitor: Visitor, other: Visitor, server: Flask, spelling: str
) -> None:
    """The finding of PyPI's audit: a code that was used is taken again with a blank beside it."""
    used = code(secret)
    visitor.login("alice")
    assert visitor.send("/login/code", code=used).status_code == 302
    thief = Visitor(server.test_client())
    thief.login("alice")
    assert thief.send("/login/code", code=spelling.format(used)).status_code == 400
    assert not is_in(thief)


@pytest.mark.parametrize("spelling", SPELLINGS, ids=repr)
def test_blanks_in_a_fresh_code_do_not_matter(secret: str, visitor: Visitor, spelling: str) -> None:
    visitor.login("alice")
    assert visitor.send("/login/code", code=spelling.format(code(secret))).status_code == 302


def test_the_code_that_set_it_up_does_not_sign_in(alice: Visitor, visitor: Visitor) -> None:
    found, _ = enrol(alice)
    visitor.login("alice")
    assert visitor.send("/login/code", code=code(found)).status_code == 400
    assert visitor.send("/login/code", code=code(found, 1)).status_code == 302


def test_a_code_before_one_that_was_used_is_refused(secret: str, visitor: Visitor, server: Flask) -> None:
    visitor.login("alice")
    assert visitor.send("/login/code", code=code(secret, 1)).status_code == 302
    thief = Visitor(server.test_client())
    thief.login("alice")
    assert thief.send("/login/code", code=code(secret)).status_code == 400


def at_once(server: Flask, path: str, typed: str, times: int = 4) -> list[int]:
    """The answers to the same code from several browsers at the same instant, each past the password."""
    browsers = [Visitor(server.test_client()) for _ in range(times)]
    tokens = []
    for each in browsers:
        each.login("alice")
        tokens.append(each.get(path).text.split('name="csrf_token" value="')[1].split('"')[0])
    ready, answers = threading.Barrier(times), []

    def send(browser: Visitor, token: str) -> None:
        ready.wait()
        answer = browser.client.post(path, data={"csrf_token": token, "code": typed})
        answers.append(answer.status_code)

    threads = [threading.Thread(target=send, args=pair) for pair in zip(browsers, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(is_in, browsers)) == answers.count(302)
    return sorted(answers)


def test_of_several_requests_with_one_code_only_one_wins(secret: str, server: Flask) -> None:
    assert at_once(server, "/login/code", code(secret)) == [302, 400, 400, 400]


def test_of_several_requests_with_one_recovery_code_only_one_wins(alice: Visitor, server: Flask) -> None:
    _, codes = enrol(alice)
    assert at_once(server, "/login/recovery", codes[0]) == [302, 400, 400, 400]


# --- recovery codes --------------------------------------------------------------------------------------------


def test_a_recovery_code_works_once_however_it_is_typed(
    alice: Visitor, visitor: Visitor, engine: Engine
) -> None:
    _, codes = enrol(alice)
    visitor.login("alice")
    assert visitor.send("/login/recovery", code=f" {codes[3].lower().replace('-', ' ')} ").status_code == 302
    assert is_in(visitor)
    visitor.get("/")
    visitor.logout()
    visitor.login("alice")
    assert visitor.send("/login/recovery", code=codes[3]).status_code == 400
    assert visitor.send("/login/recovery", code=codes[4]).status_code == 302
    with session(engine) as unit:
        left = unit.scalar(select(func.count()).where(RecoveryCode.used_at.is_(None)))
    assert left == 8


def test_somebody_elses_recovery_code_opens_nothing(alice: Visitor, visitor: Visitor, server: Flask) -> None:
    enrol(alice)
    visitor.register("bob")
    _, codes = enrol(visitor)
    thief = Visitor(server.test_client())
    thief.login("alice")
    assert thief.send("/login/recovery", code=codes[0]).status_code == 400


def test_new_recovery_codes_end_the_old_ones(alice: Visitor, visitor: Visitor, engine: Engine) -> None:
    _, old = enrol(alice)
    assert codes_shown(alice.get("/second-factor/codes").text) == [], "asking changes nothing"
    new = codes_shown(alice.send("/second-factor/codes").text)
    assert len(new) == 10 and not set(new) & set(old) and count(engine, RecoveryCode) == 10
    visitor.login("alice")
    assert visitor.send("/login/recovery", code=old[0]).status_code == 400
    assert visitor.send("/login/recovery", code=new[0]).status_code == 302


def test_without_a_factor_there_are_no_recovery_codes(alice: Visitor, engine: Engine) -> None:
    assert alice.get("/second-factor/codes").location == "/second-factor"
    alice.get("/")
    token = alice.client.get_cookie("_csrf_token")
    assert token is not None
    answer = alice.client.post("/second-factor/codes", data={"csrf_token": token.value})
    assert answer.location == "/second-factor" and count(engine, RecoveryCode) == 0


# --- between password and code ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login/code", "/login/recovery"])
def test_without_the_password_the_code_is_not_asked(secret: str, visitor: Visitor, path: str) -> None:
    answer = visitor.get(f"{path}?next=/agents")
    assert answer.location == "/login?next=/agents"
    token = visitor.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = visitor.client.post(path, data={"csrf_token": token, "code": code(secret)})
    assert answer.location == "/login" and not is_in(visitor)


def test_after_five_minutes_the_password_is_asked_again(secret: str, visitor: Visitor) -> None:
    visitor.login("alice")
    with visitor.client.session_transaction() as kept:
        account, version, begun = kept[pending.KEY]
        kept[pending.KEY] = [account, version, begun - 301]
        token = kept["csrf_token"]
    assert token
    answer = visitor.get("/login/code")
    assert answer.status_code == 400 and 'name="password"' in answer.text and "five minutes" in answer.text
    assert visitor.get("/login/code").location == "/login", "said once"


def test_a_right_code_after_five_minutes_is_refused_and_not_used_up(
    secret: str, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.login("alice")
    token = visitor.get("/login/code").text.split('name="csrf_token" value="')[1].split('"')[0]
    typed = code(secret)
    monkeypatch.setattr(pending, "LASTS", timedelta())
    late = visitor.client.post("/login/code", data={"csrf_token": token, "code": typed})
    assert late.status_code == 400 and not is_in(visitor)
    monkeypatch.undo()
    visitor.login("alice")
    assert visitor.send("/login/code", code=typed).status_code == 302


@pytest.mark.parametrize(
    "change", [{"credential_version": 2}, {"is_active": False}], ids=["version", "closed"]
)
def test_what_ends_sign_ins_ends_a_pending_one(
    secret: str, visitor: Visitor, engine: Engine, change: dict[str, Any]
) -> None:
    visitor.login("alice")
    token = visitor.get("/login/code").text.split('name="csrf_token" value="')[1].split('"')[0]
    with_unit(engine, lambda unit: unit.execute(update(AuthAccount).values(**change)))
    answer = visitor.client.post("/login/code", data={"csrf_token": token, "code": code(secret)})
    assert answer.status_code == 400 and not is_in(visitor)


@pytest.mark.databases("sqlite")
def test_a_forged_pending_state_is_none(secret: str, visitor: Visitor, server: Flask, engine: Engine) -> None:
    with session(engine) as unit:
        account_id = unit.scalars(select(AuthAccount.id)).one()
    real, server.secret_key = server.secret_key, "another secret than the server's own"
    with visitor.client.session_transaction() as kept:
        kept[pending.KEY] = [str(account_id), 1, int(datetime.now(UTC).timestamp())]
    server.secret_key = real
    assert visitor.get("/login/code").location == "/login"


def test_an_administrators_reset_in_between_does_not_let_in_without_a_code(
    secret: str, visitor: Visitor, engine: Engine
) -> None:
    visitor.login("alice")
    with session(engine) as unit:
        account_id = unit.scalars(select(AuthAccount.id)).one()
    assert with_unit(engine, lambda unit: second_factors.turn_off(unit, account_id))
    for typed in ("", code(secret)):
        assert visitor.send("/login/code", code=typed).status_code == 400
    assert visitor.login("alice").location == "/"


# --- guessing --------------------------------------------------------------------------------------------------


@pytest.fixture
def guesser(visitor: Visitor, secret: str) -> Visitor:
    """Somebody elsewhere who knows Alice's password."""
    visitor.client.environ_base["REMOTE_ADDR"] = ELSEWHERE
    assert visitor.login("alice").location == "/login/code"
    return visitor


def let_time_pass(engine: Engine, by: timedelta) -> None:
    with session(engine, write=True) as unit:
        for row in unit.scalars(select(SignInLimit)):
            row.free_at -= by


def test_wrong_codes_make_one_wait_and_are_written(guesser: Visitor, secret: str, engine: Engine) -> None:
    wrong = code(secret, 50)
    assert [guesser.send("/login/code", code=wrong).status_code for _ in range(6)] == [400] * 5 + [429]
    waiting = guesser.send("/login/code", code=code(secret))
    assert waiting.status_code == 429 and int(waiting.headers["Retry-After"]) <= 15
    assert 'name="code"' in waiting.text and not is_in(guesser)
    assert reasons(engine) == ["code"] * 5
    with session(engine) as unit:
        brute = unit.scalars(select(SecurityEvent).where(SecurityEvent.event_type == "brute_force")).all()
    assert [each.meta for each in brute] == [{"limit": "account"}]
    let_time_pass(engine, timedelta(seconds=16))
    assert guesser.send("/login/code", code=code(secret)).status_code == 302, "never a lock"


def test_wrong_recovery_codes_count_the_same(guesser: Visitor, engine: Engine) -> None:
    statuses = [guesser.send("/login/recovery", code="AAAA-AAAA-AAAA-AAAA").status_code for _ in range(6)]
    assert statuses == [400] * 5 + [429] and reasons(engine) == ["code"] * 5


def test_the_right_password_buys_no_further_codes(guesser: Visitor, secret: str) -> None:
    wrong, statuses = code(secret, 50), []
    for _ in range(5):
        statuses.append(guesser.send("/login/code", code=wrong).status_code)
        statuses.append(guesser.login("alice").status_code)
    assert statuses == [400, 302] * 4 + [400, 429]


def test_the_right_password_alone_costs_its_owner_nothing(
    guesser: Visitor, secret: str, engine: Engine
) -> None:
    assert [guesser.login("alice").status_code for _ in range(12)] == [302] * 12
    with session(engine) as unit:
        assert set(unit.scalars(select(SignInLimit.failures))) == {0}
    assert reasons(engine) == []


def test_wrong_codes_count_for_the_address_too(
    guesser: Visitor, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "FREE_PER_ADDRESS", 3)
    statuses = [guesser.send("/login/code", code=code(secret, 50)).status_code for _ in range(3)]
    assert statuses == [400] * 3
    assert guesser.login("nobody").status_code == 429


def test_a_right_code_forgives(guesser: Visitor, secret: str, engine: Engine) -> None:
    for _ in range(4):
        guesser.send("/login/code", code=code(secret, 50))
    assert guesser.send("/login/code", code=code(secret)).status_code == 302
    with session(engine) as unit:
        assert sorted(unit.scalars(select(SignInLimit.failures)))[:-1] == [0] * (
            count(engine, SignInLimit) - 1
        )


def test_codes_at_once_try_no_more_than_one_after_the_other(secret: str, server: Flask) -> None:
    assert at_once(server, "/login/code", code(secret, 50), times=8) == [400] * 5 + [429] * 3


# --- turning it off --------------------------------------------------------------------------------------------


def test_turning_it_off_takes_password_and_code(
    alice: Visitor, secret: str, visitor: Visitor, engine: Engine
) -> None:
    for password, typed in ((PASSWORD, ""), (PASSWORD, code(secret, 50)), ("wrong horse 1", code(secret))):
        assert alice.send("/second-factor/off", password=password, code=typed).status_code == 400
        assert count(engine, SecondFactor) == 1
    assert reasons(engine) == ["confirm"] * 3
    done = alice.send("/second-factor/off", password=PASSWORD, code=code(secret))
    assert (done.status_code, done.location) == (302, "/profile"), "a wrong password used the code not up"
    assert count(engine, SecondFactor) == count(engine, RecoveryCode) == 0
    assert visitor.login("alice").location == "/" and is_in(visitor)


def test_a_recovery_code_turns_it_off_too(alice: Visitor, engine: Engine) -> None:
    _, codes = enrol(alice)
    assert alice.send("/second-factor/off", password=PASSWORD, code=codes[0]).location == "/profile"
    assert count(engine, SecondFactor) == 0


def test_guessing_there_makes_one_wait(alice: Visitor, secret: str, engine: Engine) -> None:
    wrong = [
        alice.send("/second-factor/off", password="wrong horse 1", code="").status_code for _ in range(6)
    ]
    assert wrong == [400] * 5 + [429]
    assert alice.send("/second-factor/off", password=PASSWORD, code=code(secret)).status_code == 429
    assert count(engine, SecondFactor) == 1


def test_nobody_turns_off_somebody_elses(
    alice: Visitor, secret: str, visitor: Visitor, engine: Engine
) -> None:
    visitor.register("bob")
    assert visitor.get("/second-factor/off").location == "/profile", "Bob has none"
    enrol(visitor)
    assert visitor.send("/second-factor/off", password=PASSWORD, code=code(secret)).status_code == 400
    assert count(engine, SecondFactor) == 2
