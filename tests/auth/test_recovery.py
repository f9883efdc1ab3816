"""A forgotten password: the same answer for every name, a link that works once and tells itself to nobody."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, event, select, update
from werkzeug.test import TestResponse

from auth import attempts, links, passwords
from db.models import AuthAccount, Profile, SignInLimit
from db.models.links import AccountLink, OutgoingMail
from db.services.links import issue_reset
from settings import Settings
from tests import smtp
from tests.auth.conftest import PASSWORD, Visitor, make_server
from tests.people import account_of, make_person
from tests.sessions import session
from workers.mailer import Mailer

NEW = "copper lantern 93"
BASE = "https://quantum.example.com"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An installation that sends mail."""
    mail = smtp.Postbox().mail()
    return replace(settings, mail=mail, public_url=BASE)


@pytest.fixture
def alice(engine: Engine) -> UUID:
    return make_person(engine, "alice", password=PASSWORD)


def waiting(engine: Engine) -> list[OutgoingMail]:
    with session(engine) as unit:
        return list(unit.scalars(select(OutgoingMail).order_by(OutgoingMail.created_at, OutgoingMail.id)))


def link_for(engine: Engine, who: UUID) -> str:
    with session(engine, write=True) as unit:
        return issue_reset(unit, who, None, datetime.now(UTC)).path


def ask(visitor: Visitor, login: str = "alice", **options: Any) -> TestResponse:
    return visitor.send("/forgot", login=login, **options)


def choose(visitor: Visitor, path: str, password: str = NEW) -> TestResponse:
    """Follow the link and send its form."""
    assert visitor.get(path).location == "/reset"
    return visitor.send("/reset", password=password)


def plain(answer: TestResponse) -> str:
    """A page without what differs by chance: tokens against forged requests."""
    return re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", answer.text)


def close(engine: Engine, name: str) -> None:
    with session(engine, write=True) as unit:
        mine = select(Profile.auth_user_id).where(Profile.username == name).scalar_subquery()
        unit.execute(update(AuthAccount).where(AuthAccount.id == mine).values(is_active=False))


# --- asking for a link -----------------------------------------------------------------------------------------


def statements(engine: Engine, work: Callable[[], object]) -> list[str]:
    """The SQL that `work` ran."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    work()
    event.remove(engine, "before_cursor_execute", note)
    return said


def test_the_answer_and_the_work_are_the_same_for_every_name(
    visitor: Visitor, engine: Engine, alice: UUID
) -> None:
    make_person(engine, "root", "admin")
    make_person(engine, "gone")
    close(engine, "gone")
    visitor.get("/forgot")
    answers, work = [], []
    for name in ("alice", "alice@example.com", "root", "gone", "nobody", "nobody@example.com"):
        work.append(statements(engine, lambda name=name: answers.append(ask(visitor, name))))  # type: ignore[misc]
    assert {(each.status_code, plain(each)) for each in answers} == {(200, plain(answers[0]))}
    assert [each == work[0] for each in work] == [True] * 6
    assert [each.account_id is None for each in waiting(engine)] == [False] * 4 + [True] * 2


def test_no_request_speaks_with_the_mail_server(
    visitor: Visitor, alice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtplib.SMTP", lambda *_, **__: pytest.fail("the request waited for mail"))
    assert ask(visitor).status_code == 200


def test_warehouse_password_reset_does_not_tell_privileged_accounts_apart(
    visitor: Visitor, other: Visitor, engine: Engine, alice: UUID
) -> None:
    """Neither asking, nor the form, nor its answer, nor the letter."""
    root = make_person(engine, "roots", "admin")
    asked = [plain(ask(visitor, name)) for name in ("alice", "roots")]
    assert asked[0] == asked[1]
    seen = []
    for browser, who in ((visitor, alice), (other, root)):
        path = link_for(engine, who)
        browser.get(path)
        form = plain(browser.get("/reset"))
        answer = browser.send("/reset", password=NEW)
        seen.append((form, answer.status_code, answer.location, plain(browser.get("/login"))))
    assert seen[0] == seen[1]
    letters = []
    with smtp.server() as box:
        Mailer(engine, box.mail(), BASE).empty()
        for message in box.messages:
            text = smtp.text_of(message).replace("Alice", "Name").replace("Roots", "Name")
            letters.append((message["Subject"], re.sub(r"/reset/\S+", "/reset/TOKEN", text)))
    assert letters and set(letters[::2]) == set(letters[1::2])


def test_one_who_asks_too_often_waits_whoever_they_name(
    visitor: Visitor, alice: UUID, engine: Engine
) -> None:
    told = {}
    for name in ("alice", "nobody"):
        assert [ask(visitor, name).status_code for _ in range(5)] == [200] * 5
        answer = ask(visitor, name)
        told[name] = (answer.status_code, "Too many requests." in answer.text, answer.headers["Retry-After"])
    assert told["alice"][:2] == told["nobody"][:2] == (429, True)
    assert len(waiting(engine)) == 10, "what is refused writes nothing"
    assert ask(visitor, "bob").status_code == 200


def test_the_limit_does_not_tell_which_name_belongs_to_which_address(visitor: Visitor, alice: UUID) -> None:
    for _ in range(5):
        ask(visitor, "alice@example.com")
    assert ask(visitor, "alice@example.com").status_code == 429
    assert ask(visitor, "alice").status_code == 200


def test_an_address_that_asks_for_many_names_waits(
    visitor: Visitor, other: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "FREE_LINKS_PER_ADDRESS", 3)
    assert [ask(visitor, f"name{number}").status_code for number in range(4)] == [200] * 3 + [429]
    other.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert ask(other, "name9").status_code == 200


@pytest.mark.databases("sqlite")
def test_asking_for_links_makes_no_sign_in_wait(visitor: Visitor, alice: UUID) -> None:
    for _ in range(6):
        ask(visitor)
    assert visitor.login("alice").status_code == 302


@pytest.mark.databases("sqlite")
def test_what_was_typed_is_stored_nowhere(visitor: Visitor, engine: Engine, alice: UUID) -> None:
    ask(visitor, "my secret password")
    with session(engine) as unit:
        rows = [*unit.scalars(select(OutgoingMail)), *unit.scalars(select(SignInLimit))]
    assert rows and "my secret password" not in "".join(str(vars(row)) for row in rows)


@pytest.mark.databases("sqlite")
def test_an_empty_name_is_asked_for_again(visitor: Visitor, engine: Engine) -> None:
    answer = ask(visitor, "  ")
    assert answer.status_code == 400 and "Enter your e-mail address or user name." in answer.text
    assert waiting(engine) == []


@pytest.mark.databases("sqlite")
def test_the_sign_in_form_leads_here_and_it_speaks_portuguese(visitor: Visitor) -> None:
    assert 'href="/forgot"' in visitor.get("/login").text
    assert "Esqueceu sua senha?" in visitor.get("/forgot?lang=pt-BR").text


@pytest.mark.databases("sqlite")
def test_a_stale_form_is_shown_again(visitor: Visitor) -> None:
    answer = visitor.client.post("/forgot", data={"login": "alice", "csrf_token": "old"})
    assert answer.status_code == 400 and "This form was open for too long." in answer.text
    assert 'value="alice"' in answer.text


@pytest.mark.databases("sqlite")
def test_without_mail_everybody_is_told_to_ask_an_administrator(settings: Settings, engine: Engine) -> None:
    visitor = Visitor(make_server(replace(settings, mail=None), engine).test_client())
    answer = visitor.get("/forgot")
    assert answer.status_code == 200 and "This installation sends no mail." in answer.text
    assert "<form" not in answer.text, "no dead form"
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get("/login").text)
    assert token
    sent = visitor.client.post("/forgot", data={"login": "alice", "csrf_token": token[1]})
    assert plain(sent) == plain(answer) and waiting(engine) == []


def named(host: str) -> dict[str, str]:
    """The headers of a request that calls the installation `host`, through somebody else's proxy."""
    return {"Host": host, "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}


def test_cve_2025_32962_an_unknown_host_gets_no_link(visitor: Visitor, engine: Engine, alice: UUID) -> None:
    for answer in (
        visitor.get("/forgot", headers=named("evil.example")),
        visitor.client.post("/forgot", data={"login": "alice"}, headers=named("evil.example")),
    ):
        assert answer.status_code == 400 and "QUANTUM_HOSTS" in answer.text
    assert waiting(engine) == []


def test_cve_2025_32962_links_ignore_the_host_header(settings: Settings, engine: Engine, alice: UUID) -> None:
    """By whichever of its names the installation was asked for, the letter leads to its public address."""
    two_names = replace(settings, hosts=settings.hosts | {"inside.example"})
    visitor = Visitor(make_server(two_names, engine).test_client())
    inside = named("inside.example")
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get("/forgot", headers=inside).text)
    assert token
    given = {"csrf_token": token[1], "login": "alice"}
    assert visitor.client.post("/forgot", data=given, headers=inside).status_code == 200
    with smtp.server() as box:
        assert Mailer(engine, box.mail(), BASE).empty() == 1
    for kind in ("plain", "html"):
        text = smtp.text_of(box.messages[0], kind)
        assert not re.search("evil|inside", text)
        assert re.search(r"https://quantum\.example\.com/reset/[\w-]{43}", text)


# --- the link --------------------------------------------------------------------------------------------------


def test_a_link_lets_one_choose_a_password_and_sign_in_with_it(
    visitor: Visitor, other: Visitor, engine: Engine, alice: UUID
) -> None:
    other.login("alice")
    other.get("/")
    answer = choose(visitor, link_for(engine, alice))
    assert (answer.status_code, answer.location) == (302, "/login")
    assert visitor.get("/who").status_code != 200, (
        "it does not sign in by itself: a second factor may be asked for"
    )
    assert other.get("/who").status_code != 200, "every session ended"
    assert "Your new password is stored. Sign in with it." in visitor.get("/login").text
    assert "Your new password is stored" not in visitor.get("/login").text, "it is said once"
    assert visitor.login("alice", PASSWORD).status_code == 400
    assert visitor.login("alice", NEW).status_code == 302
    assert [each.kind for each in waiting(engine)] == ["password_changed"]


@pytest.mark.databases("sqlite")
def test_looking_at_a_link_uses_nothing_up(
    visitor: Visitor, other: Visitor, server: Flask, engine: Engine, alice: UUID
) -> None:
    path = link_for(engine, alice)
    for _ in range(3):
        scanner = Visitor(server.test_client())
        scanner.client.get(path, follow_redirects=True)
        scanner.client.head(path, follow_redirects=True)
    assert choose(visitor, path).status_code == 302


@pytest.mark.databases("sqlite")
def test_the_token_leaves_the_address_and_tells_itself_to_nobody(
    visitor: Visitor, engine: Engine, alice: UUID
) -> None:
    path = link_for(engine, alice)
    token = path.rpartition("/")[2]
    first = visitor.get(f"{path}?lang=pt-BR")
    assert (first.status_code, first.location) == (302, "/reset?lang=pt-BR")
    assert first.headers["Referrer-Policy"] == "no-referrer" and first.headers["Cache-Control"] == "no-store"
    form = visitor.get(first.location)
    assert "Escolha uma nova senha" in form.text
    assert form.headers["Cache-Control"] == "no-store" and form.headers["Referrer-Policy"] == "same-origin"
    with visitor.client.session_transaction() as kept:
        assert token not in str(dict(kept))
    assert token not in form.text + str(form.headers) + first.text


@pytest.mark.databases("sqlite")
def test_the_form_can_be_sent_over_https_too(visitor: Visitor, engine: Engine, alice: UUID) -> None:
    """There the token against forged requests is not enough: the browser must say where the form was."""
    base = {"base_url": "https://localhost"}
    visitor.get(link_for(engine, alice), **base)
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get("/reset", **base).text)
    assert token
    given = {"csrf_token": token[1], "password": NEW}
    referrer = {"Referer": "https://localhost/reset"}  # what `same-origin` lets the browser send
    assert visitor.client.post("/reset", data=given, headers=referrer, **base).status_code == 302  # type: ignore[arg-type]


def refusals(visitor: Visitor, server: Flask, engine: Engine, alice: UUID) -> dict[str, TestResponse]:
    """What links say that are used, old, replaced, unknown, foreign, or none."""
    bob = make_person(engine, "bob")
    used, replaced = link_for(engine, bob), link_for(engine, alice)
    choose(Visitor(server.test_client()), used)
    old = link_for(engine, alice)
    with session(engine, write=True) as unit:
        unit.execute(
            update(AccountLink)
            .where(AccountLink.used_at.is_(None), AccountLink.voided_at.is_(None))
            .values(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        )
    paths = {"used": used, "replaced": replaced, "old": old, "unknown": "/reset/xyz", "odd": "/reset/%00%F0"}
    seen = {name: _follow(Visitor(server.test_client()), path) for name, path in paths.items()}
    return seen | {"none": Visitor(server.test_client()).get("/reset")}


def _follow(visitor: Visitor, path: str) -> TestResponse:
    answer: TestResponse = visitor.client.get(path, follow_redirects=True)
    return answer


def test_every_link_that_is_not_good_says_the_same(
    visitor: Visitor, server: Flask, engine: Engine, alice: UUID
) -> None:
    seen = refusals(visitor, server, engine, alice)
    assert {(each.status_code, plain(each)) for each in seen.values()} == {(404, plain(seen["none"]))}
    assert "This link does not work" in seen["used"].text and 'href="/forgot"' in seen["used"].text


def test_a_form_left_open_says_the_same_when_its_link_is_used_meanwhile(
    visitor: Visitor, other: Visitor, engine: Engine, alice: UUID
) -> None:
    path = link_for(engine, alice)
    visitor.get(path)
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get("/reset").text)
    assert token
    assert choose(other, path).status_code == 302
    late = visitor.client.post("/reset", data={"csrf_token": token[1], "password": "a third password"})
    assert late.status_code == 404 and "This link does not work" in late.text
    assert passwords.verify(account_of(engine, alice).password_hash, NEW)


@pytest.mark.databases("sqlite")
def test_what_the_browser_keeps_of_a_link_grows_old(
    visitor: Visitor, engine: Engine, alice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.get(link_for(engine, alice))
    assert visitor.get("/reset").status_code == 200
    monkeypatch.setattr(links, "HELD_SECONDS", 0)
    assert visitor.get("/reset").status_code == 404


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "Use at least 8 characters."),
        ("password1", "one of the first that attackers try"),
        ("alice@example.com", "Choose a password that is not your e-mail address or user name."),
    ],
)
def test_a_password_that_cannot_be_one_uses_nothing_up(
    visitor: Visitor, engine: Engine, alice: UUID, password: str, why: str
) -> None:
    path = link_for(engine, alice)
    answer = choose(visitor, path, password)
    assert answer.status_code == 400 and why in answer.text
    assert password not in answer.text.replace(why, "")
    assert choose(visitor, path).status_code == 302
