"""The client of all servers: the same bodies over connections it keeps, and how long each took."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter, sleep, time_ns

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.fuzz.documents import SIGNALS, in_protobuf

PROTOBUF = "application/x-protobuf"
PATIENCE = 300.0
DROPPED = 0
TRACES = SIGNALS[0]


def bodies(file: Path) -> list[bytes]:
    """The requests of a file of JSON lines, in protobuf: what all servers take."""
    with gzip.open(file) as lines:
        return [in_protobuf(TRACES, orjson.loads(line)) for line in lines]


class Door:
    """One kept connection to /v1/traces."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {"Content-Type": PROTOBUF, **headers}

    def send(self, body: bytes) -> tuple[int, float]:
        """Status, and seconds from the first octet to the whole answer."""
        begin = perf_counter()
        self._connection.request("POST", "/v1/traces", body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, perf_counter() - begin

    def close(self) -> None:
        self._connection.close()


@dataclass
class Sent:
    """What became of the bodies: when the first left, how long each took, and answers other than 200."""

    began: float
    took: list[float] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, seconds: float) -> None:
        with self._lock:
            if status == 200:
                self.took.append(seconds)
            else:
                self.refused.append(status)


def send_all(port: int, headers: Mapping[str, str], what: Iterable[bytes], connections: int) -> Sent:
    """Each body once, over so many connections; what is refused for now is sent again, as an exporter does."""
    waiting: SimpleQueue[bytes] = SimpleQueue()
    for body in what:
        waiting.put(body)
    sent = Sent(perf_counter())

    def work() -> None:
        door = Door(port, headers)
        while True:
            try:
                body = waiting.get_nowait()
            except Empty:
                break
            try:
                status, seconds = door.send(body)
            except (OSError, HTTPException):  # the server dropped the connection
                status, seconds = DROPPED, 0.0
                door.close()
            sent.add(status, seconds)
            if status in (DROPPED, 429, 503):
                sleep(0.2)
                waiting.put(body)
        door.close()

    _together([work] * connections)
    return sent


def _together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def steadily(
    port: int, headers: Mapping[str, str], what: Iterator[bytes], every: float, sent: Sent
) -> Iterator[Sent]:
    """In the background, one body every so many seconds, until the block ends."""
    ended = threading.Event()

    def work() -> None:
        door, due = Door(port, headers), perf_counter()
        for body in what:
            due += every
            if ended.wait(max(0.0, due - perf_counter())):
                break
            sent.add(*door.send(body))
        door.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield sent
    finally:
        ended.set()
        thread.join(PATIENCE)


def percentile(values: list[float], share: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def renamed(found: list[bytes]) -> Iterator[bytes]:
    """The bodies again and again for ever, each time with traces of their own, and as if they happened now."""
    first = min(span.start_time_unix_nano for body in found for span in spans_of(body))
    turn = 0
    while True:
        turn += 1
        for body in found:
            message, later = ExportTraceServiceRequest.FromString(body), time_ns() - first
            for span in _spans(message):
                span.trace_id = turn.to_bytes(4, "big") + span.trace_id[4:]
                span.start_time_unix_nano += later
                span.end_time_unix_nano += later
            yield message.SerializeToString()


def spans_of(body: bytes) -> list[Span]:
    return list(_spans(ExportTraceServiceRequest.FromString(body)))


def _spans(message: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in message.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def apart(port: int, headers: Mapping[str, str], times: int) -> list[float]:
    """Seconds of small requests on one connection, whose head and body leave in two pieces as clients send them."""
    lines = [f"{name}: {value}\r\n" for name, value in {"Host": f"127.0.0.1:{port}", **headers}.items()]
    head = (
        f"POST /v1/traces HTTP/1.1\r\n{''.join(lines)}Content-Type: {PROTOBUF}\r\nContent-Length: 2\r\n\r\n"
    )
    took = []
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as they all do
        answers = connection.makefile("rb")
        for _ in range(times):
            begin = perf_counter()
            connection.sendall(head.encode())
            connection.sendall(b"\x0a\x00")
            length = 0
            while (line := answers.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answers.read(length)
            took.append(perf_counter() - begin)
    return took
