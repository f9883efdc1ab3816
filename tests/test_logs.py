"""The log says what happened, one line each; nobody writes a line of their own into it."""

import io
import logging
from collections.abc import Iterator

import pytest
from dash import Dash
from flask.testing import FlaskClient

import logs

pytestmark = pytest.mark.databases("sqlite")
FORGED = "2026-03-01 12:00:00 INFO admin signed in"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What goes to the log, as the plainest handler writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def log(app: Dash) -> logging.Logger:
    """A logger of a process in which the application was made."""
    return logging.getLogger("tests.logs")


HOSTILE = [
    f"alice\n{FORGED}",
    f"alice\r\n{FORGED}",
    f"alice\r{FORGED}",
    f"alice\x0b{FORGED}",
    f"alice\x0c{FORGED}",
    f"alice\x85{FORGED}",
    f"alice\u2028{FORGED}",
    f"alice\u2029{FORGED}",
    "\x1b[2J\x1b[1;31mred",
    "a\x00b\x07\x08\x7f",
    "\u202egnp.exe",
    "half \ud800",
]


def is_plain(line: str) -> bool:
    return line.isprintable() and not set(line) & set("\u2028\u2029\u202e")


@pytest.mark.parametrize("said", HOSTILE)
def test_cve_2021_42250_log_lines_cannot_be_forged(
    log: logging.Logger, written: io.StringIO, said: str
) -> None:
    log.warning("sign-in of %s refused", said)
    log.warning(f"sign-in of {said} refused")
    log.warning("sign-in of %(name)s refused", {"name": said})
    log.error("%s", ValueError(said))
    lines = written.getvalue().split("\n")
    assert lines.pop() == "" and len(lines) == 4
    assert all(is_plain(line) for line in lines)


@pytest.mark.parametrize("said", HOSTILE)
def test_an_errors_own_words_stay_behind_the_margin(
    log: logging.Logger, written: io.StringIO, said: str
) -> None:
    try:
        raise ValueError(said)
    except ValueError:
        log.exception("it failed")
    first, *told = written.getvalue().rstrip("\n").split("\n")
    assert first == "ERROR it failed"
    assert told and all(line.startswith(logs.MARGIN) and is_plain(line) for line in told)


def test_an_address_that_fails_cannot_forge_one(
    client: FlaskClient, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError(f"no\n{FORGED}")

    monkeypatch.setattr("auth.guard.current_person", broken)
    assert client.get("/x%0A2026-03-01%20INFO%20admin%1B%5B2J").status_code == 500
    lines = written.getvalue().rstrip("\n").split("\n")
    assert any("Exception on /x\\n2026-03-01 INFO admin\\x1b[2J [GET]" in line for line in lines)
    assert not [line for line in lines if not line.startswith(("ERROR ", logs.MARGIN)) or not is_plain(line)]


def test_ordinary_words_stay_as_they_are() -> None:
    for said in ("plain", "São Paulo", "東京 🛰", "back\\slash", ""):
        assert logs.one_line(said) == said
