"""Files of traces, logs and metrics in: JSON, JSON lines or protobuf, gzipped or not, read with flat memory.

Whatever is wrong with one line or one item is told by file and line; the rest is stored. What is stored is the same as
if each line had been sent to the door of its signal.
"""

import gc
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from io import BufferedIOBase, BufferedReader
from pathlib import Path

from sqlalchemy import Engine

from db.actor import SYSTEM
from db.engine import Session, session
from db.services import audit, log_lines, measurements
from db.services.ingest import Stored, parents_missing, store
from db.services.log_lines import StoredLogs, store_logs
from db.services.measurements import StoredPoints, store_points
from db.services.network import settle_network
from db.services.otlp import SpanRecord
from db.services.otlp_logs import LogRecord
from db.services.otlp_metrics import Point
from db.services.otlp_requests import Decoded, Item, decode_any_json, decode_any_protobuf
from db.services.otlp_values import MOST_BYTES, Invalid, Refusal
from db.services.troubled_items import note_refused

BATCH = 2000
GZIP = b"\x1f\x8b"
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
PROTOBUF_ENDINGS = (".pb", ".binpb", ".protobuf", ".bin")
Progress = Callable[[int, int, int], None]  # bytes read, bytes in all, spans so far


@dataclass
class Report:
    """What an import did: items stored, already there, agents new, parents missing, and each refusal."""

    spans: int = 0
    logs: int = 0
    points: int = 0
    already: int = 0
    agents: int = 0
    parents_missing: int = 0
    refused: list[Refusal] = field(default_factory=list)

    @property
    def stored(self) -> int:
        return self.spans + self.logs + self.points


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
    before, spans = report.stored, report.spans
    batch: list[tuple[int, Item]] = []
    source, lost = source_name(path), Lost(path, report)

    def flush() -> None:
        if batch:
            with session(engine, SYSTEM, write=True) as unit:
                done = _store(unit, batch, source, lost)
                if done.stored and report.stored == before:
                    for table in done.tables():
                        audit.record(
                            unit, audit.Act("IMPORT", table, new={"file": path.name, "source": source})
                        )
            done.add_to(report)
            batch.clear()

    try:
        with opened(path) as (stream, raw, size):
            for line, found in _decoded(stream, path):
                if isinstance(found, Invalid):
                    lost.note(line, found)
                    continue
                batch.append((line, found))
                if len(batch) >= BATCH:
                    flush()
                    progress(raw.tell(), size, report.stored + report.already)
    except Invalid as error:
        report.refused.append(Refusal(str(path), 0, str(error)))
    flush()
    lost.keep(engine, source)
    if report.spans > spans:
        with session(engine, SYSTEM) as unit:
            report.parents_missing += parents_missing(unit, source)


class Lost:
    """What of one file is refused: told by line, and counted by reason."""

    def __init__(self, path: Path, report: Report) -> None:
        self.path, self.report = path, report
        self.kinds: dict[str, Invalid] = {}
        self.content = blake2b(digest_size=16)

    def note(self, line: int, error: Invalid) -> None:
        self.report.refused.append(Refusal(str(self.path), line, str(error)))
        if not line:
            return  # of the file as a whole, which is no item
        self.content.update(f"{line} {error}\n".encode())
        first = self.kinds.setdefault(error.kind, Invalid(str(error), error.kind, 0))
        first.count += error.count

    def keep(self, engine: Engine, source: str) -> None:
        """Store how many items were refused; the same file again counts nothing twice."""
        if self.kinds:
            with session(engine, SYSTEM, write=True) as unit:
                about = self.content.digest()
                note_refused(unit, "file", self.kinds.values(), source, about, datetime.now(UTC))


@dataclass
class _Done:
    """What became of one batch."""

    spans: Stored
    logs: StoredLogs
    points: StoredPoints

    @property
    def stored(self) -> int:
        return self.spans.spans + len(self.logs.new) + len(self.points.new)

    def tables(self) -> list[str]:
        filled = {
            "spans": self.spans.spans,
            "agent_logs": len(self.logs.new),
            "system_metrics": len(self.points.new),
        }
        return [table for table, count in filled.items() if count]

    def add_to(self, report: Report) -> None:
        report.spans += self.spans.spans
        report.logs += len(self.logs.new)
        report.points += len(self.points.new)
        report.already += self.spans.already + self.logs.already + self.points.already
        report.agents += self.spans.agents + self.logs.agents


def _store(unit: Session, batch: Sequence[tuple[int, Item]], source: str, lost: Lost) -> _Done:
    spans = [item for _, item in batch if isinstance(item, SpanRecord)]
    logs = [item for _, item in batch if isinstance(item, LogRecord)]
    points = [item for _, item in batch if isinstance(item, Point)]
    log_lines.make_ready(unit, logs)
    measurements.make_ready(unit, points)
    done = _Done(
        store(unit, spans, source) if spans else Stored(),
        store_logs(unit, logs, source) if logs else StoredLogs(),
        store_points(unit, points, source) if points else StoredPoints(),
    )
    _tell(done, batch, lost)
    return done


def _tell(done: _Done, batch: Sequence[tuple[int, Item]], lost: Lost) -> None:
    if done.spans.refused:
        lines = {item.span_id: line for line, item in batch if isinstance(item, SpanRecord)}
        for invalid in done.spans.refused:
            span = str(invalid).removeprefix("span ").split(":", 1)[0]
            lost.note(lines.get(span, 0), invalid)
    others: list[tuple[LogRecord | Point, Invalid]] = [*done.logs.refused, *done.points.refused]
    if others:
        places = {item.id: line for line, item in batch if isinstance(item, LogRecord | Point)}
        for refused, invalid in others:
            lost.note(places[refused.id], invalid)


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


def _decoded(stream: BufferedIOBase, path: Path) -> Iterator[tuple[int, Item | Invalid]]:
    """Items of the file, each with the line it stands on (1 where the file is one document)."""
    for line, request in _requests(stream, path):
        if isinstance(request, Invalid):
            yield line, request
            continue
        try:
            for found in request:
                yield line, found
        except Invalid as error:  # the rest of this line
            yield line, error


def _requests(stream: BufferedIOBase, path: Path) -> Iterator[tuple[int, Decoded | Invalid]]:
    try:
        head = stream.peek(64).lstrip()  # type: ignore[attr-defined]
    except DAMAGE as error:
        yield 0, damaged(error)
        return
    if not head:
        yield 0, Invalid("is empty; there is nothing to import")
    elif path.name.removesuffix(".gz").endswith(PROTOBUF_ENDINGS) or head[:1] not in (b"{", b"["):
        yield _whole(1, stream, b"", decode_any_protobuf)
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
                yield _whole(number, stream, first + second, decode_any_json)
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
        return decode_any_json(line)
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
