"""Files of traces in: JSON, JSON lines or protobuf, gzipped or not, read with flat memory.

Whatever is wrong with one line or one span is told by file and line; the rest is stored.
"""

import gc
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedIOBase, BufferedReader
from pathlib import Path

from sqlalchemy import Engine

from db.actor import SYSTEM
from db.engine import session
from db.services import audit
from db.services.ingest import Stored, parents_missing, store
from db.services.network import settle_network
from db.services.otlp import MOST_BYTES, Decoded, Invalid, Refusal, SpanRecord, decode_json, decode_protobuf

BATCH = 2000
GZIP = b"\x1f\x8b"
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
PROTOBUF_ENDINGS = (".pb", ".binpb", ".protobuf", ".bin")
Progress = Callable[[int, int, int], None]  # bytes read, bytes in all, spans so far


@dataclass
class Report:
    """What an import did: spans stored, already there, agents new, parents missing, and each refusal."""

    spans: int = 0
    already: int = 0
    agents: int = 0
    parents_missing: int = 0
    refused: list[Refusal] = field(default_factory=list)


def import_files(engine: Engine, paths: Iterable[Path], progress: Progress | None = None) -> Report:
    """Import every file; what was valid is kept whatever happens to the rest.

    Raises DatabaseUnavailable when the database goes away; batches already committed stay.
    """
    report = Report()
    try:
        with _settled_memory():
            for path in paths:
                _import_file(engine, path, report, progress or (lambda done, total, spans: None))
    finally:
        with session(engine, SYSTEM, write=True) as unit:
            settle_network(unit)
    return report


@contextmanager
def _settled_memory() -> Iterator[None]:
    """What is alive now outlives the import: the collector of cycles need not walk through it again and again."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _import_file(engine: Engine, path: Path, report: Report, progress: Progress) -> None:
    before = report.spans
    batch: list[tuple[int, SpanRecord]] = []
    source = source_name(path)

    def flush() -> None:
        if batch:
            with session(engine, SYSTEM, write=True) as unit:
                done = store(unit, [record for _, record in batch], source)
                if done.spans and report.spans == before:
                    audit.record(
                        unit, audit.Act("IMPORT", "spans", new={"file": path.name, "source": source})
                    )
            _count(report, done, path, batch)
            batch.clear()

    try:
        with opened(path) as (stream, raw, size):
            for line, found in _decoded(stream, path):
                if isinstance(found, Invalid):
                    report.refused.append(Refusal(str(path), line, str(found)))
                    continue
                batch.append((line, found))
                if len(batch) >= BATCH:
                    flush()
                    progress(raw.tell(), size, report.spans + report.already)
    except Invalid as error:
        report.refused.append(Refusal(str(path), 0, str(error)))
    flush()
    if report.spans > before:
        with session(engine, SYSTEM) as unit:
            report.parents_missing += parents_missing(unit, source)


def _count(report: Report, done: Stored, path: Path, batch: list[tuple[int, SpanRecord]]) -> None:
    report.spans += done.spans
    report.already += done.already
    report.agents += done.agents
    lines = {record.span_id: line for line, record in batch}
    for invalid in done.refused:
        span = str(invalid).removeprefix("span ").split(":", 1)[0]
        report.refused.append(Refusal(str(path), lines.get(span, 0), str(invalid)))


def source_name(path: Path) -> str:
    """The file's name without its endings: what the map calls the group of agents first seen in it."""
    name = path.name
    for ending in (".gz", ".jsonl", ".json", ".pb", ".binpb", ".otlp"):
        name = name.removesuffix(ending)
    return name or path.name


@contextmanager
def opened(path: Path) -> Iterator[tuple[BufferedIOBase, BufferedReader, int]]:
    """The file's content (unzipped), the file itself (for progress) and its size. Raises Invalid."""
    try:
        if path.is_dir():
            raise Invalid(f"is a folder; name the files in it, such as {path}/*.jsonl.gz")
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP
            raw.seek(0)
            unzipped = BufferedReader(gzip.GzipFile(fileobj=raw))
            yield unzipped if packed else raw, raw, path.stat().st_size
    except FileNotFoundError:
        raise Invalid("there is no such file; check the path") from None
    except PermissionError:
        raise Invalid("this user may not read it; grant read access (chmod +r) or copy it") from None
    except OSError as error:
        raise Invalid(f"cannot be read ({error.strerror or error}); copy the file again") from None


def _decoded(stream: BufferedIOBase, path: Path) -> Iterator[tuple[int, SpanRecord | Invalid]]:
    """Spans of the file, each with the line it stands on (1 where the file is one document)."""
    for line, request in _requests(stream, path):
        if isinstance(request, Invalid):
            yield line, request
        else:
            for found in request:
                yield line, found


def _requests(stream: BufferedIOBase, path: Path) -> Iterator[tuple[int, Decoded | Invalid]]:
    try:
        head = stream.peek(64).lstrip()  # type: ignore[attr-defined]
    except DAMAGE as error:
        yield 0, damaged(error)
        return
    if not head:
        yield 0, Invalid("is empty; there is nothing to import")
    elif path.name.removesuffix(".gz").endswith(PROTOBUF_ENDINGS) or head[:1] not in (b"{", b"["):
        yield _whole(1, stream, b"", decode_protobuf)
    else:
        yield from _json(stream)


def _json(stream: BufferedIOBase) -> Iterator[tuple[int, Decoded | Invalid]]:
    """JSON lines, or one document over many lines: the first two lines tell which."""
    lines = _lines(stream)
    number, first = next(lines)
    request = _request(first)
    if isinstance(request, Invalid) and isinstance(first, bytes):
        following = next(lines, None)
        if following is not None:
            second = following[1]
            if (
                isinstance(second, bytes)
                and isinstance(_request(second), Invalid)
                and not _opens(first, second)
            ):
                yield _whole(number, stream, first + second, decode_json)
                return
            yield number, request
            number, request = following[0], _request(second)
    yield number, request
    for number, line in lines:
        yield number, _request(line)


def _opens(first: bytes, second: bytes) -> bool:
    """True when each line begins an object of its own, as JSON lines do even when they are broken."""
    return len(first.strip()) > 2 and first[:1] == second[:1] == b"{"


def _request(line: bytes | Invalid) -> Decoded | Invalid:
    if isinstance(line, Invalid):
        return line
    try:
        return decode_json(line)
    except Invalid as error:
        return error


def _whole(
    number: int, stream: BufferedIOBase, begun: bytes, decode: Callable[[bytes], Decoded]
) -> tuple[int, Decoded | Invalid]:
    try:
        data = begun + stream.read(MOST_BYTES + 1 - len(begun))
        if len(data) > MOST_BYTES:
            return 0, Invalid(
                "one document of more than 64 MiB; export it as JSON lines, or in smaller files"
            )
        return number, decode(data)
    except Invalid as error:
        return number, error
    except DAMAGE as error:
        return number, damaged(error)


def _lines(stream: BufferedIOBase) -> Iterator[tuple[int, bytes | Invalid]]:
    """Numbered lines that are not blank; one beyond the limit, or a stream that breaks off, is an Invalid."""
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(MOST_BYTES + 1)
            too_long = len(line) > MOST_BYTES
            while too_long and line and not line.endswith(b"\n"):
                line = stream.readline(MOST_BYTES)
        except DAMAGE as error:
            yield number, damaged(error)
            return
        if too_long:
            yield number, Invalid("a line of more than 64 MiB; export it in smaller batches")
        elif not line:
            return
        elif line.strip():
            yield number, line


def damaged(error: Exception) -> Invalid:
    """What is said of a gzip file that breaks off or does not unzip."""
    return Invalid(f"the gzip data is damaged or cut off here ({error}); copy the file again")
