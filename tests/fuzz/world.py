"""The application with hostile rows in every table; after each case its database is as it was before."""

import gzip
import logging
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import brotli
from argon2 import PasswordHasher
from sqlalchemy import event, make_url, update
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from app import create_app
from auth import passwords
from db.base import Base
from db.engine import make_engine
from db.models import Profile
from db.schema import upgrade
from pages._view import ENGINE
from settings import load
from tests.fuzz import stored
from tests.fuzz.nasty import MARK, in_query
from tests.module_rows import promote
from tests.sessions import session

PASSWORD = "violet harbour 47"
ADMIN, USER, STRANGER = "admin", "user", "stranger"
# What an attempt may write although it was refused: that it was made. The form of the second factor shows a secret that
# counts for nothing until a code of it was typed, and is thrown away after half an hour.
JOURNALS = frozenset(
    {"security_events", "sign_in_limits", "user_sessions", "audit_log", "one_time_codes", "second_factors"}
)
IN_STEP = ("auth_account", "profiles", "user_stats")
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Call:
    """One request: `path` and `query` as they stand on the wire, `body` as octets, `headers` as a server gives them."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    kind: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    who: str = ADMIN


@dataclass(frozen=True)
class Answer:
    """What came back, what the log said meanwhile, and which tables are not as they were."""

    call: Call
    status: int
    headers: Any
    body: bytes
    errors: tuple[str, ...]
    changed: frozenset[str]
    counts: dict[str, int]

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def kind(self) -> str:
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip()


class _Heard(logging.Handler):
    """Every error that any logger tells."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.name}: {logging.Formatter().format(record)}")


class World:
    """An application on SQLite, an administrator, a user and a stranger."""

    def __init__(self, folder: Path) -> None:
        self.settings = load(
            {
                "QUANTUM_ENV": "test",
                "QUANTUM_DATABASE_URL": f"sqlite:///{folder / 'fuzz.db'}",
                "QUANTUM_DATA_DIR": str(folder / "var"),
                "QUANTUM_PROXIES": "1",
            }
        )
        upgrade(self.settings.database_url)
        self.engine = make_engine(self.settings.database_url)
        stored.fill(self.engine, folder)
        self.app = create_app(self.settings)
        self.cookies: dict[str, str] = {STRANGER: ""}
        self.tokens: dict[str, str] = {}
        self._heard = _Heard()
        event.listen(self.app.server.config[ENGINE], "before_cursor_execute", self._note_parameters)
        self._people()
        self._path = str(make_url(self.settings.database_url).database)
        self._watch = sqlite3.connect(self._path, check_same_thread=False)
        self._before = sqlite3.connect(":memory:", check_same_thread=False)
        self._watch.backup(self._before)
        self._version, self._prints, self._counts = self._seen(), self._fingerprints(), self._rows()

    def _people(self) -> None:
        for who in (ADMIN, USER):
            self._sign_up(who)
        with session(self.engine, write=True) as unit:
            promote(unit, ADMIN, "admin")
            hostile = {"full_name": stored.HOSTILE[0], "bio": stored.HOSTILE[0], "company": f"<{MARK}>"}
            unit.execute(update(Profile).where(Profile.username.in_([ADMIN, USER])).values(**hostile))
        for who in (ADMIN, USER):
            self._keep(who, self.send(Call("GET", "/", who=who)))
            self.tokens[who] = SimpleCookie(self.cookies[who])["_csrf_token"].value
        page = self.send(Call("GET", "/login", who=STRANGER))
        self._keep(STRANGER, page)
        self.tokens[STRANGER] = _token(page)

    def _sign_up(self, who: str) -> None:
        self.cookies[who] = ""
        form = self.send(Call("GET", "/register", who=who))
        self._keep(who, form)
        given = [("csrf_token", _token(form)), ("email", f"{who}@example.com"), ("username", who)]
        given += [("full_name", ""), ("password", PASSWORD)]
        body = in_query(given).encode()
        done = self.send(
            Call("POST", "/register", body=body, kind="application/x-www-form-urlencoded", who=who)
        )
        if done.status != 302:
            raise AssertionError(done.text)
        self._keep(who, done)

    def _keep(self, who: str, answer: Answer) -> None:
        jar = SimpleCookie(self.cookies[who])
        for line in answer.headers.getlist("Set-Cookie"):
            jar.load(line)
        self.cookies[who] = "; ".join(f"{name}={each.value}" for name, each in jar.items())

    def send(self, call: Call) -> Answer:
        """The answer to one request; the database keeps what came of it."""
        heard = self._heard.said = []
        with _listening(self._heard):
            chunks, status, headers = run_wsgi_app(
                self.app.server.wsgi_app, self._environ(call), buffered=True
            )
        response = Response(chunks, status, headers)
        body = _unpacked(response.get_data(), str(headers.get("Content-Encoding", "")))
        return Answer(call, response.status_code, headers, body, tuple(heard), frozenset(), {})

    def try_out(self, call: Call) -> Answer:
        """The answer to one request, after which the database is as before."""
        answer = self.send(call)
        changed: frozenset[str] = frozenset()
        counts = self._counts
        if self._seen() != self._version:
            prints, counts = self._fingerprints(), self._rows()
            changed = frozenset(name for name in prints if prints[name] != self._prints[name])
            self._restore()
        return Answer(call, answer.status, answer.headers, answer.body, answer.errors, changed, counts)

    def _note_parameters(self, _: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        """SQLite takes what PostgreSQL refuses: null characters, numbers beyond 64 bits."""
        for each in parameters if isinstance(parameters, tuple | list) else ():
            if (isinstance(each, str) and "\0" in each) or (isinstance(each, int) and abs(each) >= 2**63):
                self._heard.said.append(f"PostgreSQL would refuse {each!r} in {statement[:300]}")

    def _environ(self, call: Call) -> dict[str, Any]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": call.method,
            "PATH_INFO": call.path,
            "QUERY_STRING": call.query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SCRIPT_NAME": "",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_COOKIE": self.cookies[call.who],
            "CONTENT_LENGTH": str(len(call.body)),
            "CONTENT_TYPE": call.kind,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(call.body),
            "wsgi.errors": StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in call.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ

    def _seen(self) -> int:
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def _fingerprints(self) -> dict[str, int]:
        return {
            name: hash(tuple(self._watch.execute(f'SELECT * FROM "{name}"'))) for name in Base.metadata.tables
        }

    def _rows(self) -> dict[str, int]:
        ask = self._watch.execute
        return {
            name: int(ask(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in Base.metadata.tables
        }

    def _restore(self) -> None:
        target = sqlite3.connect(self._path)
        self._before.backup(target)
        target.close()
        self._version = self._seen()

    def close(self) -> None:
        self._watch.close()
        self._before.close()
        self.engine.dispose()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A world; passwords are hashed at a cost that lets thousands be tried."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with mock.patch.object(passwords, "HASHER", quick):
        passwords.nobody.cache_clear()
        made = World(folder)
        try:
            yield made
        finally:
            made.close()
            passwords.nobody.cache_clear()


@contextmanager
def _listening(heard: logging.Handler) -> Iterator[None]:
    aside = [
        each for each in map(logging.getLogger, list(logging.root.manager.loggerDict)) if not each.propagate
    ]
    for logger in (logging.root, *aside):
        logger.addHandler(heard)
    try:
        yield
    finally:
        for logger in (logging.root, *aside):
            logger.removeHandler(heard)


def _unpacked(body: bytes, how: str) -> bytes:
    """The answer's own octets, however they were packed for the way."""
    unpack: dict[str, Callable[[bytes], bytes]] = {
        "br": brotli.decompress,
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
    }
    return unpack[how](body) if how and body else body


def _token(page: Answer) -> str:
    found = TOKEN.search(page.text)
    if found is None:
        raise AssertionError(f"no form at {page.call.path}: {page.status}")
    return found[1]
