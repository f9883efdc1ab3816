"""Clients that send batches while the server is killed, and what the database has to hold afterwards.

A client goes on to its next batch only when the last one was acknowledged, and sends it again until then, as an
exporter does. Every batch is one trace of one length, so that a lost, doubled or torn one shows by its count.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, func, select, text

from db.engine import make_engine
from db.models import Call, Span
from tests.otlp import BEGIN, attribute
from tests.served import Served, environment, make_key

CLIENTS, SPANS = 4, 120
CALLS = SPANS - 1  # every span but the root is a request from the front to the back
LONGEST_RUN = 0.7  # seconds before the kill
PATIENCE = 60.0


@dataclass
class Tally:
    """What happened, over all rounds."""

    rounds: int = 0
    acknowledged: int = 0
    in_flight: int = 0
    survived: int = 0
    resent: int = 0
    lost: int = 0
    doubled: int = 0
    half: int = 0

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {self.acknowledged * SPANS:,} spans acknowledged in {self.acknowledged:,} batches; "
            f"{self.in_flight} batches in flight when the server was killed, of which {self.survived} proved stored; "
            f"{self.resent} sent again; lost {self.lost}, doubled {self.doubled}, half {self.half}"
        )

    @property
    def holds(self) -> bool:
        return self.acknowledged > 0 and not (self.lost or self.doubled or self.half)


@dataclass
class Client:
    """One exporter: its batches one after the other, over a connection that it keeps."""

    number: int
    server: Served
    token: str
    acknowledged: list[str] = field(default_factory=list)
    underway: str | None = None
    resent: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    _sent: int = 0

    def run(self) -> None:
        """Send until told to end or until the connection breaks; the batch that broke stays underway."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        try:
            while not self.ended.is_set():
                self.send(connection)
        except (OSError, HTTPException):
            pass  # the server is gone: what is underway is sent again when it is back
        finally:
            connection.close()

    def send(self, connection: HTTPConnection) -> None:
        """The next batch, or again the one that is not acknowledged yet."""
        if self.underway is None:
            self._sent += 1
            self.underway = f"{self.number:08x}{self._sent:024x}"
        else:
            self.resent += 1
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/traces", batch(self.underway), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            self.acknowledged.append(self.underway)
            self.underway = None
        else:
            self.refused.append((answer.status, answer.headers.get("Retry-After", "")))
            self.ended.wait(0.05)


def batch(trace: str) -> bytes:
    """A request of SPANS spans, all of one trace: a front that asks a back many times."""
    spans = [_span(trace, number) for number in range(1, SPANS + 1)]
    front, back = _resource("crash-front", spans[:1]), _resource("crash-back", spans[1:])
    return orjson.dumps({"resourceSpans": [front, back]})


def _resource(service: str, spans: list[dict[str, Any]]) -> dict[str, Any]:
    said = [attribute("service.name", service)]
    return {"resource": {"attributes": said}, "scopeSpans": [{"spans": spans}]}


def _span(trace: str, number: int) -> dict[str, Any]:
    begin = BEGIN + number * 1_000_000
    above = {"parentSpanId": f"{1:016x}"} if number > 1 else {}
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        **above,
        "name": "ask",
        "startTimeUnixNano": str(begin),
        "endTimeUnixNano": str(begin + 500_000),
        "attributes": [attribute("note", "x" * 60)],
    }


class Crash:
    """Rounds of serve, send, kill and look, on one database; `url` is its administrator's address."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.engine = make_engine(url)
        _, token = make_key(self.engine)
        self.server = Served(environment(url, folder), folder / "server.log")
        self.clients = [Client(number, self.server, token) for number in range(1, CLIENTS + 1)]
        self.tally = Tally()
        self._chance = random.Random(seed)

    def round(self) -> None:
        """Serve, let the clients send for a moment, kill, look at what is stored."""
        self.server.start()
        threads = self._begin()
        self._await_progress()
        time.sleep(self._chance.uniform(0, LONGEST_RUN))
        self.server.kill()
        self._end(threads)
        self.tally.rounds += 1
        self.look(killed=True)

    def finish(self) -> Tally:
        """Serve once more until every client's last batch is acknowledged, and look for the last time."""
        self.server.start()
        for client in self.clients:
            client.ended.clear()
            connection = HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
            deadline = time.monotonic() + PATIENCE
            while client.underway is not None and time.monotonic() < deadline:
                client.send(connection)
            connection.close()
        self.server.stop()
        self.look(killed=False)
        return self.tally

    def close(self) -> None:
        self.server.kill()
        self.engine.dispose()

    def _begin(self) -> list[threading.Thread]:
        threads = []
        for client in self.clients:
            client.ended.clear()
            threads.append(threading.Thread(target=client.run, daemon=True))
            threads[-1].start()
        return threads

    def _await_progress(self) -> None:
        """Every client got an answer: the server works on all of them."""
        before = [len(client.acknowledged) for client in self.clients]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            now = [len(client.acknowledged) for client in self.clients]
            if all(later > earlier for later, earlier in zip(now, before, strict=True)):
                return
            time.sleep(0.005)
        raise AssertionError(f"no client is acknowledged: {[client.refused[-3:] for client in self.clients]}")

    def _end(self, threads: Iterable[threading.Thread]) -> None:
        for client in self.clients:
            client.ended.set()
        for thread in threads:
            thread.join(PATIENCE)

    def look(self, *, killed: bool) -> None:
        """Compare what is stored with what was acknowledged and with what may or may not be there yet."""
        await_silence(self.engine)
        spans, calls, twice = stored(self.engine)
        acknowledged = {trace for client in self.clients for trace in client.acknowledged}
        underway = {client.underway for client in self.clients if client.underway}
        known = acknowledged | underway
        whole = {trace for trace in known if spans[trace] == SPANS and calls[trace] == CALLS}
        none = {trace for trace in known if not spans[trace] and not calls[trace]}
        tally = self.tally
        tally.acknowledged = len(acknowledged)
        tally.resent = sum(client.resent for client in self.clients)
        tally.lost = len(acknowledged & none)
        more = {trace for trace in known if spans[trace] > SPANS or calls[trace] > CALLS}
        tally.doubled = twice + len(more)
        tally.half = len(known - whole - none - more) + len(spans.keys() - known)
        if killed:
            tally.in_flight += len(underway)
            tally.survived += len(underway & whole)


def stored(engine: Engine) -> tuple[Counter[str], Counter[str], int]:
    """Spans and calls by trace, and how many spans stand there twice."""
    with engine.connect() as connection:
        by_trace = (
            select(Span.trace_id, func.count()).where(Span.service.like("crash-%")).group_by(Span.trace_id)
        )
        spans = Counter({str(trace): count for trace, count in connection.execute(by_trace)})
        asked = (
            select(Call.trace_id, func.count()).where(Call.callee_id == "crash-back").group_by(Call.trace_id)
        )
        calls = Counter({str(trace): count for trace, count in connection.execute(asked)})
        one = (
            select(Span.trace_id, Span.span_id).group_by(Span.trace_id, Span.span_id).having(func.count() > 1)
        )
        twice = connection.scalar(select(func.count()).select_from(one.subquery())) or 0
        if engine.dialect.name == "sqlite":
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    return spans, calls, twice


def await_silence(engine: Engine) -> None:
    """PostgreSQL's processes notice a while later that their client was killed, and may still commit until then."""
    if engine.dialect.name != "postgresql":
        return
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend' AND application_name <> 'looking'"
    )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            connection.execute(text("SET application_name = 'looking'"))
            if not connection.scalar(others):
                return
        time.sleep(0.02)
    raise AssertionError("somebody is still connected to the database")
