"""What the tests stand on: real databases, the application, a browser, and honesty about what was not tested.

- `database_url`: a new, empty database. `migrated_url`, `engine`, `db_session`: one with the schema.
  Each runs once on SQLite and once on PostgreSQL; `@pytest.mark.databases("sqlite")` narrows that where the
  database does not matter to the question. `databases` makes further ones, also for wider scopes.
- `settings`, `app`, `client`, `live_server`: the application on such a database.
- `page`, `new_page`: Chromium pages that fail the test on any console error and on any request that leaves
  this machine; `console_errors` is their list, for tests that expect some.
- `shared_data`: the folder with the real telemetry.
"""

import gc
import os
import re
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import chromium, postgres
from tests.databases import KINDS, Databases, logins
from tests.settling import watch

if TYPE_CHECKING:
    from dash import Dash
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from settings import Settings

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
SLOWEST_MS = 30_000  # how long a page may take on a busy machine before a test gives it up
# Thousands of tests leave much behind in one process, compiled statements above all, and looking through all of it
# every few thousand objects took a quarter of their time.
gc.set_threshold(10_000, 20, 20)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


# --- what was not tested is said, and in CI it is a failure ---------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    return _skip_is_failure(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    return _skip_is_failure(report)


def _skip_is_failure(report: Any) -> Any:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"not tested, which is a failure in CI: {_reason(report)}"
    return report


def _reason(report: Any) -> str:
    longrepr = report.longrepr
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reasons[_reason(report)] = reasons.get(_reason(report), 0) + 1
    if reasons:
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        for reason, count in reasons.items():
            terminalreporter.line(f"{count} x {reason}", red=True)


# --- one PostgreSQL for all workers ---------------------------------------------------------------


class PostgresForAll:
    """The server all tests share: the one named, the first process's, or one started on first use."""

    def __init__(self, worker_input: dict[str, Any] | None) -> None:
        self.url: str | None = os.environ.get("QUANTUM_TEST_DATABASE_URL")
        self.problem: str | None = None
        self._server: postgres.Server | None = None
        if worker_input is not None:
            self.url, self.problem = worker_input["postgres"]

    def start(self) -> None:
        if self.url or self.problem:
            return
        try:
            self._server = postgres.start()
            self.url = self._server.url
        except postgres.NoPostgres as error:
            self.problem = str(error)

    def require(self) -> str:
        self.start()
        if self.url is None:
            pytest.skip(f"PostgreSQL: {self.problem}")
        return self.url

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()


SHARED_SERVER = pytest.StashKey[PostgresForAll]()


def pytest_configure(config: pytest.Config) -> None:
    worker_input = getattr(config, "workerinput", None)
    server = config.stash[SHARED_SERVER] = PostgresForAll(worker_input)
    has_workers = worker_input is None and getattr(config.option, "dist", "no") != "no"
    if has_workers and not config.option.collectonly:
        server.start()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    server = node.config.stash[SHARED_SERVER]
    node.workerinput["postgres"] = (server.url, server.problem)


def pytest_unconfigure(config: pytest.Config) -> None:
    if SHARED_SERVER in config.stash:
        config.stash[SHARED_SERVER].stop()


# --- databases ------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = [str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize")]
    if "database_kind" in metafunc.fixturenames and not any("database_kind" in names for names in chosen):
        marker = metafunc.definition.get_closest_marker("databases")
        metafunc.parametrize("database_kind", marker.args if marker else KINDS, scope="session")


@pytest.fixture(scope="session")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Databases]:
    """Makes databases: `with databases.migrated("postgresql") as url:`."""
    server = request.config.stash[SHARED_SERVER]
    made = Databases(tmp_path_factory.mktemp("databases"), server.require)
    yield made
    made.close()


@pytest.fixture
def database_url(databases: Databases, database_kind: str) -> Iterator[str]:
    """The address of a new database without a single table."""
    with databases.empty(database_kind) as url:
        yield url


@pytest.fixture
def migrated_url(databases: Databases, database_kind: str) -> Iterator[str]:
    """The address of a new database with the whole schema."""
    with databases.migrated(database_kind) as url:
        yield url


@pytest.fixture
def engine(migrated_url: str) -> "Iterator[Engine]":
    from db.engine import make_engine

    made = make_engine(migrated_url)
    yield made
    made.dispose()


@pytest.fixture
def db_session(engine: "Engine") -> "Iterator[Session]":
    """A session on `engine` that no access rule looks at; what the test does not commit is rolled back."""
    from tests.sessions import Unbound

    with Unbound(engine) as session:
        yield session
        session.rollback()


# --- real telemetry -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder beside the repository (or QUANTUM_SHARED) that holds `data/`, `schema/` and `design/`."""
    folder = Path(os.environ.get("QUANTUM_SHARED") or ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        pytest.skip(
            f"real telemetry: no folder {folder / 'data'}; set QUANTUM_SHARED to the folder that has it"
        )
    return folder


# --- the application ------------------------------------------------------------------------------


@pytest.fixture
def settings(migrated_url: str, tmp_path: Path) -> "Settings":
    """Settings of environment `test` on a new database, with its logins; the secret is made for this test alone."""
    from settings import load

    own = logins(migrated_url)
    return load(
        {
            "QUANTUM_ENV": "test",
            "QUANTUM_DATABASE_URL": own["app"],
            "QUANTUM_DATABASE_OWNER_URL": own["owner"],
            "QUANTUM_DATABASE_SYSTEM_URL": own["system"],
            "QUANTUM_DATABASE_STAFF_URL": own["staff"],
            "QUANTUM_DATA_DIR": str(tmp_path / "var"),
        }
    )


@pytest.fixture
def app(settings: "Settings") -> "Dash":
    from app import create_app

    return create_app(settings)


@pytest.fixture
def client(app: "Dash") -> "FlaskClient":
    return app.server.test_client()


@pytest.fixture
def contexts() -> "list[BrowserContext]":
    """The browser's open contexts of this test."""
    return []


def _close(contexts: "list[BrowserContext]") -> None:
    while contexts:
        contexts.pop().close()


@pytest.fixture
def serve(contexts: "list[BrowserContext]") -> "Iterator[Callable[[Dash], str]]":
    """Serves an application on a free port of this machine and gives its address.

    Pages are closed before it ends: one still asking would complain of a server that is gone.
    """
    from werkzeug.serving import make_server

    running = []

    def start(app: "Dash") -> str:
        server = make_server("127.0.0.1", 0, app.server, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    _close(contexts)
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def live_server(app: "Dash", serve: "Callable[[Dash], str]") -> str:
    """The address of the running application."""
    return serve(app)


# --- the browser ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium, one per file: Playwright keeps an event loop in the tests' thread for as long as it runs."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SLOWEST_MS)
    try:
        program = chromium.find()
    except chromium.NoChromium as error:
        pytest.skip(f"the browser: {error}")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(program), args=list(chromium.FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def console_errors() -> list[str]:
    """What the pages of this test complained about. Clear it after a complaint the test asked for."""
    return []


@pytest.fixture
def new_page(
    browser: "Browser", console_errors: list[str], contexts: "list[BrowserContext]"
) -> "Iterator[Callable[..., Page]]":
    """Opens a page in a context of its own; takes the options of Playwright's `new_context`."""

    def open_page(**options: Any) -> "Page":
        options.setdefault("viewport", {"width": 1440, "height": 900})
        context = browser.new_context(locale=options.pop("locale", "en-US"), **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: _note_if_error(said, console_errors))
        page.on("pageerror", lambda error: console_errors.append(error.stack or str(error)))
        page.on("request", lambda asked: _note_if_it_leaves(asked.url, console_errors))
        watch(page)
        return page

    yield open_page
    _close(contexts)
    assert not console_errors, "the page complained:\n" + "\n".join(console_errors)


@pytest.fixture
def page(new_page: "Callable[..., Page]") -> "Page":
    """A page of 1440 x 900."""
    return new_page()


def _note_if_error(said: "ConsoleMessage", complaints: list[str]) -> None:
    if said.type == "error":
        complaints.append(f"{said.text} ({said.location.get('url', '')})")


def _note_if_it_leaves(url: str, complaints: list[str]) -> None:
    host = re.match(r"(?:https?|wss?)://(\[[^]]*\]|[^/:?#]*)", url)
    if host and host.group(1).strip("[]") not in LOOPBACK:
        complaints.append(f"a request left this machine: {url}")


# --- nothing leaves this machine ------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _only_this_machine() -> Iterator[None]:
    """Python code under test may connect to this machine only."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
            raise PermissionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
