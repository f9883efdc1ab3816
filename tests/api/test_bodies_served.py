"""Bodies as a real server gets them: without a length, broken off, never ending."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api.bodies import MOST_READ_AT_ONCE
from db.engine import make_engine
from db.models import Span
from db.schema import upgrade
from tests.api.reporter import JSON, key_of
from tests.otlp import request, span
from tests.sessions import session

ROOT = Path(__file__).resolve().parents[2]
SLOWEST_SECONDS = 30
# The server as it is, but that a body has to arrive within a second.
SERVE = "import api.bodies; api.bodies.CLOCK.seconds = 1.0; from cli import main; main(['serve'])"


class Served:
    """A server process, its database and a key."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'quantum.db'}"
        upgrade(self.url)
        self.engine = make_engine(self.url)
        self.token = key_of(self.engine)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        clean = {name: value for name, value in os.environ.items() if not name.startswith("QUANTUM_")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            cwd=ROOT,
            env=clean
            | {"QUANTUM_DATA_DIR": str(folder), "QUANTUM_PORT": str(self.port), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait(self) -> None:
        for _ in range(10 * SLOWEST_SECONDS):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not answer")

    def open(self, *headers: str) -> socket.socket:
        """A connection on which the head of a request was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=SLOWEST_SECONDS)
        head = [
            "POST /v1/traces HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.token}",
            *headers,
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        return connection

    def spans(self) -> int:
        with session(self.engine) as unit:
            return unit.scalar(select(func.count()).where(Span.service == "shop")) or 0

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.engine.dispose()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("served"))
    try:
        server.wait()
        yield server
    finally:
        server.end()


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    """Status and everything after it, until the server closes or the answer is whole."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            break
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    while len(body) < length and (more := connection.recv(65536)):
        body += more
    return int(head.split(b" ")[1]), head + b"\n" + body


def chunks(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"


def body_of(*numbers: int, trace: int = 1) -> bytes:
    return json.dumps(request(*[span(number, trace=trace) for number in numbers])).encode()


def test_chunks_without_a_length_twice_on_one_connection(served: Served) -> None:
    before = served.spans()
    connection = served.open(f"Content-Type: {JSON}", "Transfer-Encoding: chunked", "Content-Encoding: gzip")
    connection.sendall(chunks(gzip.compress(body_of(*range(1, 300))), 7))
    assert answer_of(connection)[0] == 200
    head = f"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.token}\r\n"
    connection.sendall(f"{head}Content-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for piece in (chunks(body_of(*range(1, 301)), 4096)[at : at + 1000] for at in range(0, 10**6, 1000)):
        connection.sendall(piece)
    assert answer_of(connection)[0] == 200
    assert served.spans() - before == 300
    connection.close()


@pytest.mark.parametrize("coding", ["Transfer-Encoding: chunked", "Content-Length: 100000"])
def test_a_body_that_breaks_off_stores_nothing(served: Served, coding: str) -> None:
    before = served.spans()
    connection = served.open(f"Content-Type: {JSON}", coding)
    whole = body_of(1, 2, trace=3)
    connection.sendall(f"{len(whole):x}\r\n".encode() + whole + b"\r\n" if "chunked" in coding else whole)
    connection.shutdown(socket.SHUT_WR)
    assert answer_of(connection)[0] == 400
    assert served.spans() == before
    connection.close()


def test_a_chunk_that_is_none_is_400(served: Served) -> None:
    connection = served.open(f"Content-Type: {JSON}", "Transfer-Encoding: chunked")
    connection.sendall(b"zz\r\n{}\r\n0\r\n\r\n")
    assert answer_of(connection)[0] == 400
    connection.close()


def test_a_length_beyond_the_limit_is_refused_before_a_byte_is_read(served: Served) -> None:
    connection = served.open(f"Content-Type: {JSON}", "Content-Length: 100000000000")
    status, told = answer_of(connection)
    assert status == 413 and b"Send smaller batches" in told
    connection.close()


@pytest.mark.parametrize("coding", ["Transfer-Encoding: chunked", "Content-Length: 1000"])
def test_a_body_that_never_ends_is_given_up(served: Served, coding: str) -> None:
    connection = served.open(f"Content-Type: {JSON}", coding)
    connection.sendall(b"5\r\n{    \r\n" if "chunked" in coding else b"{")
    status, told = answer_of(connection)
    assert status == 408 and b"did not arrive within" in told
    connection.close()


def test_bodies_that_wait_keep_nobody_from_the_pages(served: Served) -> None:
    stalled = [
        served.open(f"Content-Type: {JSON}", "Content-Length: 1000") for _ in range(2 * MOST_READ_AT_ONCE)
    ]
    urllib.request.urlopen(f"http://127.0.0.1:{served.port}/health", timeout=SLOWEST_SECONDS).close()
    statuses = [answer_of(connection)[0] for connection in stalled]
    for connection in stalled:
        connection.close()
    assert set(statuses) == {408, 503}
    assert statuses.count(408) >= MOST_READ_AT_ONCE
    again = served.open(f"Content-Type: {JSON}", "Content-Length: 2")
    again.sendall(b"{}")
    assert answer_of(again)[0] == 200, "the door is open again"
    again.close()
