"""Lines and records of a delimited text file, read with flat memory whatever its size. No database.

Whatever is wrong with one line is an `Invalid` in its place; reading goes on with the next.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import chain
from typing import Any

from db.services.otlp import Invalid
from db.services.otlp_files import DAMAGE, damaged

MOST_COLUMNS = 1000
MOST_FIELD = 1 << 20  # characters
MOST_LINE = 4 << 20  # bytes, of a line and of a record that spans many
DELIMITERS = ",;\t|"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"
# How files begin that are no text, and what to do with them.
NOT_TEXT = {
    re.compile(
        rb"PK\x03\x04|\xd0\xcf\x11\xe0"
    ): "a spreadsheet or a zip archive; save the sheet as CSV UTF-8",
    re.compile(
        rb"BZh\d1AY&SY|\xfd7zXZ\0|\x28\xb5\x2f\xfd"
    ): "packed in another way than gzip; unpack it first",
    re.compile(rb"PAR1"): "Parquet; export it as CSV",
}
NULLS = frozenset(("", "?", "\\N", "NA"))

Row = tuple[int, list[str] | Invalid]


class Lines:
    """The text lines of an open file, ends included. Raises Invalid for a line that cannot be taken and then goes on.

    A line that is not UTF-8 is read as Windows-1252; how many were is told in `notes`.
    """

    def __init__(self, stream: BufferedIOBase) -> None:
        self.number = 0
        self.foreign = 0
        self._first_foreign = 0
        self._stream = stream
        self._taken = 0
        self._over = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._over:
            raise StopIteration
        try:
            data = self._stream.readline(MOST_LINE + 1)
        except DAMAGE as error:
            self._over = True
            self.number += 1
            raise damaged(error) from None
        if not data:
            raise StopIteration
        self.number += 1
        return self._checked(data)

    def begin(self) -> int:
        """A new record begins: its first line's number. What one record may hold is counted from here."""
        self._taken = 0
        return self.number + 1

    def notes(self) -> list[str]:
        """What a person should know about how the lines were read."""
        if not self.foreign:
            return []
        return [
            f"{self.foreign:,} lines (the first is line {self._first_foreign:,}) are not UTF-8 and were read as "
            "Windows-1252; if letters look wrong, save the file as UTF-8"
        ]

    def _checked(self, data: bytes) -> str:
        self._taken += len(data)
        if self.number == 1:
            self._refuse_no_text(data)
        if self._taken > MOST_LINE:
            self._skip_rest(data)
            raise Invalid(
                "a line of more than 4 MiB; if a quote is not closed, close it, else split or shorten the line"
            )
        if b"\0" in data:
            raise Invalid("a NUL byte, which text does not hold; export the line again as text")
        return self._decoded(data.removeprefix(UTF8_MARK) if self.number == 1 else data)

    def _refuse_no_text(self, data: bytes) -> None:
        """Of the first line: wide characters, with their mark or without, and files that are no text at all."""
        kind = next((kind for begin, kind in NOT_TEXT.items() if begin.match(data)), None)
        if kind is None and (data.startswith(UTF16) or data.count(0) * 3 > len(data)):
            kind = "UTF-16 or UTF-32; save it as UTF-8 (in a spreadsheet: CSV UTF-8)"
        if kind:
            self._over = True
            raise Invalid(f"the file is {kind}")

    def _skip_rest(self, data: bytes) -> None:
        try:
            while data and not data.endswith(b"\n"):
                data = self._stream.readline(MOST_LINE)
        except DAMAGE:
            self._over = True

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            self.foreign += 1
            self._first_foreign = self._first_foreign or self.number
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            return data.decode("latin-1")


@dataclass(frozen=True)
class Sheet:
    """A delimited file: its field names and its rows, each with the line it begins on."""

    fields: list[str]
    rows: Iterator[Row]

    def require(self, names: Iterable[str]) -> None:
        """Raises Invalid when a field is not there, or is there twice so that nobody knows which is meant."""
        missing = [name for name in names if name not in self.fields]
        if missing:
            raise Invalid(
                f"the file has no field {', '.join(map(repr, missing))}; its first line names {named(self.fields)}"
            )
        double = [name for name in names if self.fields.count(name) > 1]
        if double:
            raise Invalid(
                f"the field {double[0]!r} is there twice; rename one of them in the file's first line"
            )

    def mappings(self) -> Iterator[tuple[int, dict[str, str] | Invalid]]:
        """Rows by field."""
        for line, row in self.rows:
            yield line, row if isinstance(row, Invalid) else dict(zip(self.fields, row, strict=True))


def sheet(lines: Lines) -> Sheet:
    """Read the header and find the delimiter. Raises Invalid when there is no header to read."""
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise Invalid("is empty; there is nothing to import")
    if first.lstrip().startswith(("{", "[{")) or first.strip() == "[":
        raise Invalid(
            "is JSON; export it as delimited text (CSV), with the names of the fields in the first line"
        )
    if first.startswith("sep=") and len(first.rstrip("\r\n")) == 5:  # a spreadsheet's own hint, no data
        rows = records(lines, first[4])
    else:
        rows = records(lines, sniff(first), (first,))
    _, header = next(rows, (0, Invalid("there is no line of field names")))
    if isinstance(header, Invalid):
        raise header
    if len(header) > MOST_COLUMNS:
        raise Invalid(
            f"{len(header):,} fields in the first line, at most {MOST_COLUMNS:,} are read; keep only those you need"
        )
    fields = [name.strip() for name in header]
    return Sheet(fields, _even(rows, len(fields)))


def sniff(header: str) -> str:
    """The delimiter that occurs most often outside quotes; the comma when none does."""
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def records(lines: Lines, delimiter: str, begun: Iterable[str] = ()) -> Iterator[Row]:
    """Records that are not blank, each with its first line; one that cannot be read is an Invalid.

    begun: a line already taken from `lines`, if any.
    """
    csv.field_size_limit(MOST_FIELD)
    begun = tuple(begun)
    reader = csv.reader(chain(begun, lines), delimiter=delimiter, strict=True)
    start = lines.begin() - len(begun)
    found: list[str] | Invalid
    while True:
        try:
            found = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            found = Invalid(_unreadable(str(error), start, lines.number))
        except Invalid as error:
            start, found = lines.number, error
        if found:
            yield start, found
        start = lines.begin()


def _unreadable(error: str, start: int, end: int) -> str:
    span = f" (lines {start:,} to {end:,} were read as one)" if end > start else ""
    if "field limit" in error:
        return f"a field of more than a million characters{span}; if a quote is not closed, close it"
    if "unexpected end of data" in error:
        return f"a quote that is opened here is never closed{span}; close it"
    if "new-line character" in error:
        return "a carriage return (CR) inside the line; save the file with line ends LF or CR LF"
    return f"not valid CSV ({error}){span}; a quote inside a quoted field is written twice"


def _even(rows: Iterator[Row], width: int) -> Iterator[Row]:
    for line, row in rows:
        if not isinstance(row, Invalid) and len(row) != width:
            yield (
                line,
                Invalid(
                    f"{len(row):,} fields where the first line names {width:,}; "
                    "put fields that hold the delimiter in quotes, or complete the line"
                ),
            )
        else:
            yield line, row


def named(names: Sequence[str], most: int = 20) -> str:
    """Names for a message: shortened, and not more than `most`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(shown(name, 40) for name in names[:most]) + more


def shown(value: Any, most: int = 60) -> str:
    """A value for a message: on one line, shortened, in quotes."""
    text = str(value)
    return repr(text if len(text) <= most else text[: most - 1] + "…")


def null_or(text: str) -> str | None:
    """The text as recorded; None for what means missing: nothing, ?, \\N or NA."""
    return None if text.strip() in NULLS else text


def recorded(text: str) -> str | int | None:
    """A field for a document: whole numbers as such when that loses no character, else the text as it stands."""
    if null_or(text) is None:
        return None
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 16 and str(int(text)) == text:
        return int(text)
    return text
