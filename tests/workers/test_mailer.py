"""Mail goes out through a real server, in the person's language; what cannot go out waits, and no log tells whose."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, update

from db.actor import SYSTEM
from db.engine import session as unit_of_work
from db.models import AgentLog, AuthAccount, Profile
from db.models.links import AccountLink, OutgoingMail
from db.services import links, outgoing_mail
from db.services.links import digest
from settings import Mail
from tests import smtp
from tests.people import account_of, make_person
from tests.sessions import session
from workers.mailer import Mailer, connect

BASE = "https://quantum.example.com"


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


def mailer(engine: Engine, mail: Mail | None, clock: Clock) -> Mailer:
    return Mailer(engine, mail, BASE, trust=smtp.trust(), now=clock)


def ask(engine: Engine, clock: Clock, who: UUID | None, kind: str = "reset", language: str = "en") -> None:
    account_id = account_of(engine, who).id if who else None
    with unit_of_work(engine, SYSTEM, write=True) as unit:
        outgoing_mail.queue(unit, kind, account_id, language, clock())


def waiting(engine: Engine) -> list[OutgoingMail]:
    with session(engine) as unit:
        return list(unit.scalars(select(OutgoingMail)))


def token_in(text: str) -> str:
    return text.split("/reset/")[1].split("?")[0]


def test_a_letter_arrives_with_a_link_that_is_good_for_an_hour(engine: Engine, clock: Clock) -> None:
    who = make_person(engine)
    ask(engine, clock, who)
    with smtp.server() as box:
        assert mailer(engine, box.mail(), clock).empty() == 1
        assert mailer(engine, box.mail(), clock).empty() == 0, "once"
    (message,) = box.messages
    assert box.recipients == ["alice@example.com"]
    assert (message["To"], message["From"]) == ("alice@example.com", smtp.SENDER)
    assert (message["Subject"], message["Auto-Submitted"]) == ("Choose a new password", "auto-generated")
    text = smtp.text_of(message)
    assert text.startswith("Hello Alice Souza,\n") and "If you did not ask for this, do nothing" in text
    assert f"{BASE}/reset/{token_in(text)}?lang=en" in text
    assert f'href="{BASE}/reset/{token_in(text)}?lang=en"' in smtp.text_of(message, "html")
    with session(engine) as unit:
        row = unit.scalars(select(AccountLink)).one()
    assert row.token_hash == digest(token_in(text)) and row.expires_at - clock() == timedelta(hours=1)
    assert waiting(engine) == []


def test_a_letter_speaks_the_language_of_the_person_else_of_whoever_asked(
    engine: Engine, clock: Clock
) -> None:
    alice, bob = make_person(engine), make_person(engine, "bob")
    with session(engine, write=True) as unit:
        unit.execute(update(Profile).where(Profile.id == alice).values(preferences={"language": "pt-BR"}))
    ask(engine, clock, alice, language="en")
    ask(engine, clock, bob, language="pt-BR")
    ask(engine, clock, bob, "password_changed", language="xx")
    with smtp.server() as box:
        assert mailer(engine, box.mail(), clock).empty() == 3
    told = {(message["To"], message["Subject"]) for message in box.messages}
    assert told == {
        ("alice@example.com", "Escolha uma nova senha"),
        ("bob@example.com", "Escolha uma nova senha"),
        ("bob@example.com", "Your password was changed"),
    }


def test_nobody_and_the_closed_get_no_letter_and_no_link(engine: Engine, clock: Clock) -> None:
    gone = make_person(engine)
    ask(engine, clock, None)
    ask(engine, clock, gone)
    with session(engine, write=True) as unit:
        unit.execute(update(AuthAccount).values(is_active=False))
    with smtp.server() as box:
        assert mailer(engine, box.mail(), clock).empty() == 0
    assert box.messages == [] and waiting(engine) == []
    with session(engine) as unit:
        assert unit.scalars(select(AccountLink)).all() == []


def test_nobodys_mailbox_is_filled_by_strangers(engine: Engine, clock: Clock) -> None:
    who = make_person(engine)
    with smtp.server() as box:
        for _ in range(7):
            ask(engine, clock, who)
        assert mailer(engine, box.mail(), clock).empty() == 5
        last = token_in(smtp.text_of(box.messages[-1]))
        with session(engine) as unit:
            assert links.find_open(unit, links.RESET, digest(last), clock()), (
                "the newest letter's link is good"
            )
        clock.at += timedelta(hours=1, seconds=1)
        ask(engine, clock, who)
        assert mailer(engine, box.mail(), clock).empty() == 1


def test_a_name_that_is_markup_or_lines_stays_text(engine: Engine, clock: Clock) -> None:
    who = make_person(engine)
    with session(engine, write=True) as unit:
        name = '<img src=x onerror="alert(1)">\r\nBcc: eve@example.com'
        unit.execute(update(Profile).where(Profile.id == who).values(full_name=name))
    ask(engine, clock, who)
    with smtp.server() as box:
        assert mailer(engine, box.mail(), clock).empty() == 1
    assert "<img" not in smtp.text_of(box.messages[0], "html") and box.messages[0]["Bcc"] is None
    assert box.recipients == ["alice@example.com"]


def said_by_us(caplog: pytest.LogCaptureFixture) -> str:
    """Our own log; the test's server keeps one, too."""
    return "\n".join(each.getMessage() for each in caplog.records if each.name.startswith("quantum"))


# --- what goes wrong -------------------------------------------------------------------------------------------


def test_what_cannot_be_sent_is_tried_again_with_growing_delays_and_given_up(
    engine: Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    who = make_person(engine)
    ask(engine, clock, who)
    delays = []
    with smtp.server() as box, caplog.at_level(logging.DEBUG):
        box.answer = "451 alice@example.com is not at home"
        for _ in range(5):
            assert mailer(engine, box.mail(), clock).empty() == 0
            (row,) = waiting(engine)
            assert row.error == "SMTPDataError 451"
            delays.append((row.due_at - clock()).total_seconds() / 60)
            assert mailer(engine, box.mail(), clock).empty() == 0 and len(waiting(engine)) == 1, "not before"
            clock.at = row.due_at
        mailer(engine, box.mail(), clock).empty()
    assert delays == [1, 2, 4, 8, 15]
    assert waiting(engine) == []
    with session(engine) as unit:
        (line,) = unit.scalars(select(AgentLog))
    assert (line.log_level, line.meta) == ("error", {"error": "SMTPDataError 451"})
    said = said_by_us(caplog) + line.message
    assert "(try 6): SMTPDataError 451" in said
    assert "alice" not in said and "at home" not in said and "/reset/" not in said


def test_a_later_try_brings_a_link_that_works(engine: Engine, clock: Clock) -> None:
    who = make_person(engine)
    ask(engine, clock, who)
    with smtp.server() as box:
        box.answer = "451 not now"
        mailer(engine, box.mail(), clock).empty()
        box.answer = "250 taken"
        clock.at += timedelta(minutes=1)
        assert mailer(engine, box.mail(), clock).empty() == 1
    with session(engine) as unit:
        token = token_in(smtp.text_of(box.messages[0]))
        assert links.find_open(unit, links.RESET, digest(token), clock())


def test_a_server_that_is_away_is_no_trouble(engine: Engine, clock: Clock) -> None:
    ask(engine, clock, make_person(engine))
    with smtp.server() as box:
        pass
    assert mailer(engine, box.mail(), clock).empty() == 0
    assert [row.error for row in waiting(engine)] == ["ConnectionRefusedError"]


def test_one_process_at_a_time_sends_a_letter(engine: Engine, clock: Clock) -> None:
    ask(engine, clock, make_person(engine))
    with unit_of_work(engine, SYSTEM, write=True) as unit:
        assert outgoing_mail.take(unit, clock()) is not None
    with unit_of_work(engine, SYSTEM, write=True) as unit:
        assert outgoing_mail.take(unit, clock()) is None
    clock.at += outgoing_mail.LEASE
    with unit_of_work(engine, SYSTEM, write=True) as unit:
        assert outgoing_mail.take(unit, clock()) is not None, "the other process died"


@pytest.mark.databases("sqlite")
def test_a_flood_fills_no_disk(engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_mail, "MOST_WAITING", 3)
    for _ in range(5):
        ask(engine, clock, None)
    assert len(waiting(engine)) == 3


# --- the connection --------------------------------------------------------------------------------------------


@contextmanager
def one_letter(engine: Engine, clock: Clock, security: str, *, asks: bool = True) -> Iterator[smtp.Postbox]:
    ask(engine, clock, make_person(engine))
    with smtp.server(security, asks_password=asks) as box:
        yield box


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_it_signs_in_and_encrypts_as_told(engine: Engine, clock: Clock, security: str) -> None:
    with one_letter(engine, clock, security) as box:
        mail = box.mail(security, smtp.USER, smtp.PASSWORD)
        assert mailer(engine, mail, clock).empty() == 1
    assert box.encrypted == [security != "none"]


@pytest.mark.databases("sqlite")
def test_a_wrong_password_is_told_to_nobody(
    engine: Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with one_letter(engine, clock, "starttls") as box, caplog.at_level(logging.DEBUG):
        mail = box.mail("starttls", smtp.USER, "not the password")
        assert mailer(engine, mail, clock).empty() == 0
    assert [row.error for row in waiting(engine)] == ["SMTPAuthenticationError 535"]
    assert "not the password" not in said_by_us(caplog) + repr(mail)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_ends_it(engine: Engine, clock: Clock, security: str) -> None:
    with one_letter(engine, clock, security, asks=False) as box:
        assert Mailer(engine, box.mail(security), BASE, now=clock).empty() == 0
    assert box.messages == []
    assert [row.error for row in waiting(engine)] == ["SSLCertVerificationError"]


@pytest.mark.databases("sqlite")
def test_without_the_starttls_that_was_asked_for_nothing_is_sent(engine: Engine, clock: Clock) -> None:
    with one_letter(engine, clock, "none") as box:
        assert mailer(engine, box.mail("starttls", smtp.USER, smtp.PASSWORD), clock).empty() == 0
    assert [row.error for row in waiting(engine)] == ["SMTPNotSupportedError"]


@pytest.mark.databases("sqlite")
def test_without_a_server_nothing_is_started(engine: Engine, clock: Clock) -> None:
    quiet = mailer(engine, None, clock)
    quiet.start()
    assert quiet._thread is None
    quiet.stop()


@pytest.mark.databases("sqlite")
def test_the_thread_sends_what_waits_and_ends(
    engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.mailer.TICK_SECONDS", 0.01)
    ask(engine, clock, make_person(engine))
    with smtp.server() as box:
        running = mailer(engine, box.mail(), clock)
        running.start()
        thread = running._thread
        assert thread is not None
        for _ in range(1000):
            if box.messages:
                break
            thread.join(0.01)
        running.stop()
        assert not thread.is_alive() and len(box.messages) == 1


@pytest.mark.databases("sqlite")
def test_a_connection_is_given_up_after_a_while(clock: Clock) -> None:
    with smtp.server() as box, connect(box.mail()) as server:
        assert server.timeout == 15
