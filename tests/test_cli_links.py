"""Links made at the console: one line to pass on, and a sentence for whatever is wrong."""

import re
import subprocess

import pytest

from tests.test_cli import Run, ready, run

__all__ = ["ready", "run"]
pytestmark = pytest.mark.databases("sqlite")
ALICE = ("user", "create", "--email", "alice@example.com", "--username", "alice", "--password-stdin")


def told(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_link_for_a_password_is_printed(ready: Run) -> None:
    ready(*ALICE, feed="violet harbour 47\n")
    said = told(ready("user", "reset-link", "--email", "alice@example.com"))
    first, second = said.splitlines()
    assert re.fullmatch(r"http://127\.0\.0\.1:8050/reset/[\w-]{43}", first)
    assert re.fullmatch(
        r"Give it to alice@example\.com only\. It works once, until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", second
    )


def test_an_invitation_is_printed_with_the_address_people_use(ready: Run) -> None:
    environment = {"QUANTUM_PUBLIC_URL": "https://quantum.example.com"}
    given = ("user", "invite", "--email", "bob@example.com", "--role", "observer")
    said = told(ready(*given, **environment))
    assert re.match(r"https://quantum\.example\.com/invite/[\w-]{43}\n", said)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("reset-link", "--email", "nobody@example.com"), "There is no account nobody@example.com."),
        (("invite", "--email", "nobody"), "email: Enter a complete e-mail address"),
        (("invite", "--email", "bob@example.com", "--role", "owner"), "role: Choose one of the roles"),
    ],
)
def test_what_is_wrong_is_a_sentence(ready: Run, command: tuple[str, ...], said: str) -> None:
    done = ready("user", *command)
    assert done.returncode == 1 and said in done.stderr


def test_elsewhere_than_here_one_says_where_links_lead(ready: Run) -> None:
    done = ready("user", "invite", "--email", "bob@example.com", QUANTUM_ENV="demo")
    assert done.returncode == 1 and "QUANTUM_PUBLIC_URL is not set" in done.stderr
