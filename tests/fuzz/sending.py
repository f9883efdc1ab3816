"""Sends damaged bodies straight through the application: no crash, no answer of 500, and memory that stays flat."""

import gc
import io
import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from sqlalchemy import event
from werkzeug.test import run_wsgi_app

from tests.fuzz.damage import Body, Damage
from tests.fuzz.documents import SIGNALS

# 200 took it, perhaps in part; the others say why not.
ALLOWED = {200, 400, 411, 413, 415}
ANSWERS = {
    "/v1/traces": ExportTraceServiceResponse,
    "/v1/logs": ExportLogsServiceResponse,
    "/v1/metrics": ExportMetricsServiceResponse,
}
UNPAGED = 1024 * 1024
WARM = 0.2  # of the bodies pass before memory is looked at: caches fill, pools open


@dataclass
class Report:
    """What came of it; `grown` is how much more memory the process held at the end than after warming up."""

    sent: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    doors: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    warm: int = 0
    grown: int = 0

    def __str__(self) -> str:
        said = ", ".join(f"{count:,} x {status}" for status, count in sorted(self.answers.items()))
        doors = ", ".join(f"{count:,} to {path}" for path, count in sorted(self.doors.items()))
        return (
            f"bodies: {self.sent:,} sent ({doors}), answers {said}, {len(self.failures)} failures, "
            f"memory {self.warm / UNPAGED:.0f} MiB, {self.grown / UNPAGED:+.1f} MiB at the end"
        )


class Receiver:
    """The application on a database of its own, and a key that may report."""

    def __init__(self, wsgi: Any, token: str, paths: frozenset[str], posted: frozenset[str]) -> None:
        """`paths` are the doors bodies go to, `posted` all that take one."""
        self.wsgi, self.token, self.paths, self.posted = wsgi, token, paths, posted

    def ask(self, body: Body) -> tuple[int, str, bytes]:
        """Status, kind and body of the answer; what the application does not catch comes out as it is."""
        environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": body.path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "CONTENT_TYPE": body.kind,
            "CONTENT_LENGTH": str(len(body.octets)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body.octets),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if body.packing:
            environ["HTTP_CONTENT_ENCODING"] = body.packing
        parts, status, headers = run_wsgi_app(self.wsgi, environ, buffered=True)
        return int(status[:3]), headers.get("Content-Type", ""), b"".join(parts)


@contextmanager
def receiver(folder: Path) -> Iterator[Receiver]:
    """The application on a new SQLite file that does not wait for the disk, with its log of requests as when served."""
    from app import REQUEST_LOG, create_app
    from auth.keys import Scope
    from db.engine import make_engine
    from db.schema import upgrade
    from db.services.api_keys import make_key
    from pages._view import ENGINE
    from settings import load
    from tests.people import make_person
    from tests.sessions import session

    url = f"sqlite:///{folder / 'bodies.db'}"
    upgrade(url)
    environ = {"QUANTUM_ENV": "test", "QUANTUM_DATABASE_URL": url, "QUANTUM_DATA_DIR": str(folder / "var")}
    app = create_app(load(environ))
    engine = make_engine(url)
    person = make_person(engine, role="admin")
    with session(engine, write=True) as unit:
        _, token = make_key(unit, person, "fuzz", [Scope.INGEST], rate_limit=10**7)
    engine.dispose()
    event.listen(
        app.server.config[ENGINE],
        "connect",
        lambda connection, _: connection.execute("PRAGMA synchronous=OFF"),
    )
    rules = app.server.url_map.iter_rules()
    posted = frozenset(rule.rule for rule in rules if "POST" in (rule.methods or ()))
    paths = frozenset(signal.path for signal in SIGNALS) & posted
    calls = app.server.extensions[REQUEST_LOG]
    calls.start()
    try:
        yield Receiver(app.server.wsgi_app, token, paths, posted)
    finally:
        calls.stop()


def send(to: Receiver, bodies: int, seed: int, only: int | None = None) -> Report:
    """Send that many bodies, or the one of the number `only`."""
    damage, report = Damage(seed, to.paths), Report()
    numbers = range(bodies) if only is None else range(only, only + 1)
    with _silent():
        for number in numbers:
            if number == int(bodies * WARM):
                report.warm = _resident()
            _send(to, number, damage.body(number), report)
    report.grown = _resident() - report.warm if report.warm else 0
    return report


def _send(to: Receiver, number: int, body: Body, report: Report) -> None:
    report.sent += 1
    report.doors[body.path] += 1
    try:
        status, kind, said = to.ask(body)
    except Exception as error:
        report.failures.append(_told(number, body, f"raised {type(error).__name__}: {str(error)[:200]}"))
        return
    report.answers[status] += 1
    if status not in ALLOWED:
        report.failures.append(_told(number, body, f"answered {status}: {said[:200]!r}"))
    elif status == 200 and (wrong := _unreadable(body, kind, said)):
        report.failures.append(_told(number, body, wrong))


def _unreadable(body: Body, kind: str, said: bytes) -> str:
    """What is wrong with an answer of 200 for a client that asked in protobuf; "" for nothing."""
    if not kind.startswith("application/x-protobuf"):
        return "" if kind.startswith("application/json") else f"answered 200 as {kind}"
    try:
        ANSWERS[body.path]().ParseFromString(said)
    except DecodeError:
        return f"answered 200 with {said[:80]!r}, which is no message"
    return ""


def _told(number: int, body: Body, what: str) -> str:
    start = body.octets[:300]
    return f"number {number} ({body.path}, {body.kind!r}, {body.packing!r}, {body.how}) {what}\n    {start!r}"


def _resident() -> int:
    """Octets of memory this process holds."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@contextmanager
def _silent() -> Iterator[None]:
    """Refusals are many; what the log says of them is not read here."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
