"""`quantum serve` as a process of its own, for tests that kill it and for programs that report to it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine

from tests.databases import logins

ROOT = Path(__file__).resolve().parent.parent
SLOWEST_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(url: str, folder: Path) -> dict[str, str]:
    """What the server has to be told of a database, with a login of its own for each of its parts."""
    own = logins(url)
    return {
        "QUANTUM_ENV": "test",
        "QUANTUM_DATABASE_URL": own["app"],
        "QUANTUM_DATABASE_OWNER_URL": own["owner"],
        "QUANTUM_DATABASE_SYSTEM_URL": own["system"],
        "QUANTUM_DATABASE_STAFF_URL": own["staff"],
        "QUANTUM_DATA_DIR": str(folder),
        "QUANTUM_SECRET_KEY": "of a server that only tests ask, 0123456789abcdef",
    }


def clean(told: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QUANTUM_", "OTEL_"))}
    return kept | dict(told)


class Served:
    """A server that can be started, killed and started again at the same address, in a process group of its own."""

    def __init__(self, told: Mapping[str, str], log: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._told = clean({**told, "QUANTUM_PORT": str(self.port)})
        self._log = log

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "cli.py"), "serve"],
                env=self._told,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.await_answer()

    def await_answer(self) -> None:
        """Wait until it is well."""
        deadline = time.monotonic() + SLOWEST_SECONDS
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5).close()
                return
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.05)
        raise AssertionError(f"the server does not answer: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """End all of its processes at once, as a power cut of this program alone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end in order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        if how is signal.SIGKILL:
            os.killpg(self.process.pid, how)
        else:
            self.process.terminate()
        try:
            self.process.wait(timeout=SLOWEST_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise


@contextmanager
def served(url: str, folder: Path, **more: str) -> Iterator[Served]:
    """A server on the database at `url`, ended afterwards however the block ends."""
    server = Served(environment(url, folder) | more, folder / "server.log")
    try:
        server.start()
        yield server
        server.stop()
    finally:
        server.kill()


def make_key(
    engine: Engine, scopes: Sequence[str] = ("ingest",), name: str = "reporter", rate_limit: int = 10**7
) -> tuple[UUID, str]:
    """A person who may report and a key of theirs that no limit stops; `engine` is the database's administrator's."""
    from db.services import api_keys
    from tests.people import make_person
    from tests.sessions import session

    person = make_person(engine, name, role="admin")
    with session(engine, write=True) as unit:
        return api_keys.make_key(unit, person, name, scopes, rate_limit=rate_limit)
