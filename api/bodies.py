"""The body of a program's request: read whole, unzipped, and bounded in size, memory and time.

gunicorn gives a thread to a request for as long as it lasts, so whoever sends a byte a minute would keep one for good.
Here a body has to arrive within a time, only so many are read at once, and all bodies of the process together may hold
only so many bytes.
"""

import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RD, socket
from typing import IO, Any

from flask import request
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    HTTPException,
    RequestEntityTooLarge,
    RequestTimeout,
    ServiceUnavailable,
    UnsupportedMediaType,
)

LARGEST = 16 * 1024 * 1024  # of one body, zipped and unzipped
LARGEST_TOGETHER = 64 * 1024 * 1024  # of all bodies that are being worked on in this process
MOST_READ_AT_ONCE = 8  # half of the server's threads: the others stay free for people
PATIENCE_SECONDS = 0.25  # how long a body waits for its turn to be read
SECONDS = 30.0  # within which a body has to arrive
STEP = 64 * 1024
GZIP = 31  # zlib's number for the gzip format
BUSY_SECONDS = 1


class TooLate(RequestTimeout):
    description = f"The body did not arrive within {SECONDS:.0f} seconds. Send smaller batches."


class Clock:
    """Ends the reading of bodies that do not arrive in time: one thread for all, which sleeps while there are none.

    A time limit of the socket would begin anew with every byte.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._until: dict[int, tuple[float, socket]] = {}
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._asleep = False  # until somebody comes; with a time to wake at, later bodies are due later

    @contextmanager
    def watching(self, connection: socket | None) -> Iterator[None]:
        """While the block runs, and no longer than the time, `connection` may be read; None is not watched."""
        if connection is None:
            yield
            return
        key = id(connection)
        with self._lock:
            self._until[key] = (time.monotonic() + self.seconds, connection)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="bodies", daemon=True)
                self._thread.start()
            elif self._asleep:
                self._lock.notify()
        try:
            yield
        finally:
            with self._lock:
                ended = self._until.pop(key, None) is None
            if ended:
                raise TooLate

    def _run(self) -> None:
        with self._lock:
            while True:
                now = time.monotonic()
                for key, (until, connection) in list(self._until.items()):
                    if until <= now:
                        del self._until[key]
                        _stop_reading(connection)
                first = min((until for until, _ in self._until.values()), default=None)
                self._asleep = first is None
                self._lock.wait(None if first is None else max(0.0, first - now))


def _stop_reading(connection: socket) -> None:
    """Whoever waits for the next byte is told that there are no more; an answer can still be sent."""
    with suppress(OSError):  # gone already
        connection.shutdown(SHUT_RD)


class Room:
    """How many bytes all bodies together may hold."""

    def __init__(self, most: int = LARGEST_TOGETHER) -> None:
        self._free = most
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Raises ServiceUnavailable where there is not so much left."""
        with self._lock:
            if size > self._free:
                raise ServiceUnavailable(
                    "Too much is being received at once. Send it again in a moment.", retry_after=BUSY_SECONDS
                )
            self._free -= size

    def give_back(self, size: int) -> None:
        with self._lock:
            self._free += size


CLOCK, ROOM = Clock(), Room()
_TURNS = threading.BoundedSemaphore(MOST_READ_AT_ONCE)


@contextmanager
def received_body() -> Iterator[bytes]:
    """The body of this request, unzipped. Its memory counts as taken until the block ends.

    Raises BadRequest, RequestEntityTooLarge, UnsupportedMediaType, RequestTimeout or ServiceUnavailable.
    """
    unzip = _unzip(request.headers.get("Content-Encoding", ""))
    if (request.content_length or 0) > LARGEST:
        raise _too_large("The body")
    taken = _Taken()
    try:
        with _turn(), CLOCK.watching(_connection()):
            body = _read(unzip, taken)
        yield body
    finally:
        ROOM.give_back(taken.size)


class _Taken:
    """How much one request took of the room."""

    size = 0

    def more(self, size: int) -> None:
        ROOM.take(size)
        self.size += size


@contextmanager
def _turn() -> Iterator[None]:
    if not _TURNS.acquire(timeout=PATIENCE_SECONDS):
        raise ServiceUnavailable(
            "Too many bodies are arriving at once. Send it again in a moment.", retry_after=BUSY_SECONDS
        )
    try:
        yield
    finally:
        _TURNS.release()


def _connection() -> socket | None:
    found: Any = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    return found if hasattr(found, "shutdown") else None


def _read(unzip: bool, taken: _Taken) -> bytes:
    parts, size = [], 0
    for chunk in _unzipped(_chunks()) if unzip else _chunks():
        size += len(chunk)
        if size > LARGEST:
            raise _too_large("The unzipped body" if unzip else "The body")
        taken.more(len(chunk))
        parts.append(chunk)
    return b"".join(parts)


def _chunks() -> Iterator[bytes]:
    """The body as it arrives, with or without a length told. Raises ClientDisconnected where it breaks off."""
    request.max_content_length = LARGEST + 1
    told, size = request.content_length, 0
    while chunk := _next(request.stream):
        size += len(chunk)
        yield chunk
    if told is not None and size < told:
        raise ClientDisconnected(f"The body breaks off after {size:,} of {told:,} bytes.")


def _next(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(STEP)
    except HTTPException:
        raise
    except Exception:  # the server's own errors of a malformed chunk have no class in common
        raise ClientDisconnected("The body breaks off or is not sent as HTTP demands.") from None


def _unzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Piece by piece, so that a small body cannot become a large one before anybody looks."""
    unzip = zlib.decompressobj(GZIP)
    begun = False
    try:
        for chunk in chunks:
            while chunk:
                if unzip.eof:  # gzip files may follow each other
                    unzip = zlib.decompressobj(GZIP)
                begun = True
                yield unzip.decompress(chunk, STEP)
                chunk = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
    except zlib.error as error:
        raise BadRequest(f"The gzip data is damaged ({error}).") from None
    while begun and not unzip.eof and (rest := unzip.decompress(b"", STEP)):
        yield rest
    if begun and not unzip.eof:
        raise BadRequest("The gzip data breaks off.")


def _unzip(coding: str) -> bool:
    words = coding.strip().lower()
    if words in ("", "identity"):
        return False
    if words in ("gzip", "x-gzip"):
        return True
    refused = UnsupportedMediaType(f"Content-Encoding {words[:40]!r} is not known here; send gzip or none.")
    raise refused


def _too_large(what: str) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"{what} has more than {LARGEST // 2**20} MiB. Send smaller batches.")
