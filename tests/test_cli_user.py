"""`quantum user` as the operator uses it, on both databases: what it says, and what is then so."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from auth.passwords import verify
from cli import main
from db.models import AuthAccount, UserSession
from db.services import accounts
from db.services.user_sessions import Origin, begin_session
from tests.db.test_credentials import made
from tests.sessions import session

PHRASE = "correct horse battery"
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Say:
    """Run `quantum user ARGUMENTS`: exit code, what it printed, and its complaint."""
    monkeypatch.setenv("QUANTUM_DATABASE_URL", migrated_url)
    monkeypatch.setenv("QUANTUM_DATA_DIR", str(tmp_path / "var"))

    def run(*arguments: str, feed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(feed))
        code = main(["user", *arguments])
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def people(engine: Engine) -> None:
    made(engine, "alice", "admin")
    made(engine, "bob")


def sign_in(engine: Engine, name: str, times: int = 1) -> None:
    from datetime import UTC, datetime, timedelta

    with session(engine, write=True) as unit:
        person = accounts.find_by_email(unit, f"{name}@example.com")
        assert person is not None
        for _ in range(times):
            origin = Origin("192.0.2.7", "agent", {"browser": "Firefox", "system": "Linux"})
            begin_session(unit, person.profile_id, origin, datetime.now(UTC), timedelta(hours=1))


def live(engine: Engine) -> int:
    with session(engine) as unit:
        return len(unit.scalars(select(UserSession).where(UserSession.is_active)).all())


def test_the_list_is_a_plain_table(say: Say, engine: Engine) -> None:
    assert say("list") == (0, "There are no accounts yet.\n", "")
    made(engine, "alice", "admin")
    made(engine, "bob")
    sign_in(engine, "bob")
    code, printed, _ = say("list")
    head, alice, bob = printed.splitlines()
    assert code == 0
    assert head.split() == ["EMAIL", "USERNAME", "ROLE", "ACTIVE", "CREATED", "LAST", "SIGN-IN"]
    assert alice.split()[:4] == ["alice@example.com", "alice", "admin", "yes"] and alice.endswith("UTC  —")
    assert bob.split()[:4] == ["bob@example.com", "bob", "user", "yes"] and bob.count("UTC") == 2


@pytest.mark.usefixtures("people")
def test_a_role_is_given_and_ends_the_sessions(say: Say, engine: Engine) -> None:
    sign_in(engine, "bob", 2)
    assert say("role", "--email", "BOB@example.com", "--role", "observer") == (
        0,
        "bob@example.com has the role observer. 2 sessions ended.\n",
        "",
    )
    assert live(engine) == 0
    code, _, said = say("role", "--email", "bob@example.com", "--role", "king")
    assert code == 1 and said.startswith("Error: role: Choose one of the roles")


@pytest.mark.usefixtures("people")
def test_a_password_is_given_and_ends_the_sessions(say: Say, engine: Engine) -> None:
    sign_in(engine, "bob")
    code, printed, _ = say("password", "--email", "bob@example.com", "--password-stdin", feed=f"{PHRASE}\n")
    assert (code, printed) == (0, "bob@example.com has another password. 1 session ended.\n")
    with session(engine) as unit:
        hashed = unit.scalars(select(AuthAccount.password_hash).where(AuthAccount.email.like("bob%"))).one()
    assert verify(hashed, PHRASE) and live(engine) == 0
    for feed, why in (
        ("short\n", "at least 8"),
        ("", "at least 8"),
        ("bob@example.com\n", "not your e-mail"),
    ):
        code, _, said = say("password", "--email", "bob@example.com", "--password-stdin", feed=feed)
        assert code == 1 and said.startswith("Error: password: ") and why in said
        assert len(said.splitlines()) == 1


@pytest.mark.usefixtures("people")
def test_an_account_is_closed_and_opened(say: Say, engine: Engine) -> None:
    sign_in(engine, "bob")
    assert say("close", "--email", "bob@example.com")[1] == (
        "bob@example.com cannot sign in any more. 1 session ended.\n"
    )
    assert live(engine) == 0 and say("list")[1].splitlines()[2].split()[3] == "no"
    assert say("open", "--email", "bob@example.com")[:2] == (0, "bob@example.com can sign in.\n")
    assert say("list")[1].splitlines()[2].split()[3] == "yes"


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("arguments", "field"), [(("role", "--role", "user"), "role"), (("close",), "account")]
)
def test_the_last_administrator_stays(say: Say, arguments: tuple[str, ...], field: str) -> None:
    code, printed, said = say(*arguments, "--email", "alice@example.com")
    assert (code, printed) == (1, "")
    assert (
        said
        == f"Error: {field}: This is the last administrator who can sign in. Make somebody else one first.\n"
    )


@pytest.mark.usefixtures("people")
def test_sessions_are_listed_and_ended(say: Say, engine: Engine) -> None:
    assert say("sessions", "--email", "bob@example.com")[1] == "bob@example.com is signed in nowhere.\n"
    sign_in(engine, "bob")
    sign_in(engine, "alice")
    head, row = say("sessions", "--email", "bob@example.com")[1].splitlines()
    assert head.split() == ["BEGUN", "LAST", "REQUEST", "ADDRESS", "DEVICE"]
    assert row.endswith("192.0.2.7  Firefox · Linux")
    assert say("sessions", "--email", "bob@example.com", "--end")[1] == "bob@example.com: 1 session ended.\n"
    assert live(engine) == 1


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    "arguments",
    [("role", "--role", "admin"), ("password", "--password-stdin"), ("close",), ("open",), ("sessions",)],
)
def test_an_unknown_address_is_said(say: Say, arguments: tuple[str, ...]) -> None:
    code, printed, said = say(*arguments, "--email", "carol@example.com", feed=f"{PHRASE}\n")
    assert (code, printed) == (1, "")
    assert said == (
        "Error: email: there is no account with the address 'carol@example.com'. `quantum user list` shows all.\n"
    )
