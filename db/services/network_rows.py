"""Rows of a network's files: delimited text or JSON, gzipped or not, each with the line it stands on. No database.

Delimited text is read line by line whatever its length; a JSON document may have up to 64 MiB. What is wrong with one
row is told with its line and the others go on.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import orjson

from db.services.otlp import MOST_BYTES, Invalid, Refusal
from db.services.otlp_files import DAMAGE, opened
from db.services.table_files import Lines, records, sheet, sniff

NOT_FINITE = re.compile(r"-?(NaN|Infinity)")  # what some programs write as JSON, and JSON does not have
Progress = Callable[[int, int, int], None]  # bytes read, bytes in all, rows so far


class Refused(Invalid):
    """A row that was not taken; `why` is one word for counting."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


Row = tuple[int, Mapping[str, Any] | Refused]


@dataclass
class Table:
    """The rows of one file as they stand, each with its line (JSON: its number in the list)."""

    path: Path
    header: tuple[str, ...]
    rows: Iterator[Row]
    numbered: bool = False
    notes: Callable[[], list[str]] = list
    require: Callable[[Sequence[str]], None] = lambda names: None

    def refusal(self, line: int, reason: object) -> Refusal:
        if self.numbered:
            return Refusal(str(self.path), 0, f"item {line}: {reason}")
        return Refusal(str(self.path), line, str(reason))


@contextmanager
def table(path: Path, part: str, names: Sequence[str], progress: Progress) -> Iterator[Table]:
    """The file's rows; `part` is "nodes" or "edges" where a JSON document holds both.

    names: the columns of delimited text without a header line. Raises Invalid when the file cannot be read at all.
    """
    try:
        with opened(path) as (stream, raw, size):
            try:
                head = stream.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")  # type: ignore[attr-defined]
            except DAMAGE as error:
                raise Invalid(f"the gzip data is damaged or cut off ({error}); copy the file again") from None
            if head[:1] in (b"[", b"{"):
                yield _json(path, part, stream)
            else:
                found = _delimited(path, Lines(stream), tuple(names))
                found.rows = _told(found.rows, lambda rows: progress(raw.tell(), size, rows))
                yield found
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from None


def _told(rows: Iterator[Row], tell: Callable[[int], None]) -> Iterator[Row]:
    for count, row in enumerate(rows, 1):
        yield row
        if count % 2000 == 0:
            tell(count)


def _delimited(path: Path, lines: Lines, names: tuple[str, ...]) -> Table:
    if not names:
        found = sheet(lines)
        rows = ((line, _row(row)) for line, row in found.mappings())
        return Table(path, tuple(found.fields), rows, notes=lines.notes, require=found.require)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise Invalid("is empty; there is nothing to import")
    bare = records(lines, sniff(first), iter((first,)))
    return Table(path, names, ((line, _cells(row, names)) for line, row in bare), notes=lines.notes)


def _row(row: Mapping[str, Any] | Invalid) -> Mapping[str, Any] | Refused:
    return Refused("unreadable", str(row)) if isinstance(row, Invalid) else row


def _cells(row: list[str] | Invalid, names: tuple[str, ...]) -> Mapping[str, Any] | Refused:
    """A row of a file without header: it may have more columns than were named, and those are left out."""
    return (
        Refused("unreadable", str(row)) if isinstance(row, Invalid) else dict(zip(names, row, strict=False))
    )


def _json(path: Path, part: str, stream: BufferedIOBase) -> Table:
    """A list of edges or {nodes: [...], edges|links: [...]}; {data: [...]} as well, as tracing products answer."""
    try:
        data = stream.read(MOST_BYTES + 1)
    except DAMAGE as error:
        raise Invalid(f"the gzip data is damaged or cut off ({error}); copy the file again") from None
    if len(data) > MOST_BYTES:
        raise Invalid("a JSON document of more than 64 MiB; export the network as CSV")
    try:
        document = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        bare = NOT_FINITE.match(error.doc, error.pos)
        remedy = f"write null where it says {bare.group()}" if bare else "export it again"
        raise Invalid(f"not valid JSON ({error.msg} at character {error.pos + 1:,}); {remedy}") from None
    items = _items(document, part)
    header = dict.fromkeys(str(key) for item in items[:1000] if isinstance(item, dict) for key in item)
    return Table(path, tuple(header), _objects(items), numbered=True)


def _items(document: Any, part: str) -> list[Any]:
    if isinstance(document, list):
        return document if part == "edges" else []
    names = ("nodes",) if part == "nodes" else ("edges", "links", "data")
    found = next((document[name] for name in names if isinstance(document.get(name), list)), None)
    if found is None and part == "edges" and not isinstance(document.get("nodes"), list):
        raise Invalid("there is no list of edges in it; expected [...] or {nodes: [...], edges: [...]}")
    return found or []


def _objects(items: Sequence[Any]) -> Iterator[Row]:
    for number, item in enumerate(items, 1):
        if isinstance(item, dict):
            yield number, item
        else:
            yield number, Refused("unreadable", f"a JSON {type(item).__name__} where an object belongs")
