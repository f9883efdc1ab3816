"""What a recipe is: how one known file becomes rows of one table."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from db.services.otlp import Invalid
from db.services.table_files import Lines, Sheet, recorded, sheet

MOST_REMEMBERED = 200_000
MOST_GROUPED = 500_000


@dataclass(frozen=True)
class Options:
    """What a person asks of an import.

    Attributes:
        maps: column to field, where the names differ; `:dmy`, `:mdy` or `:comma` after it says how it is written.
        key: columns that name a row, so that it is stored once.
        recipe: name of a known file's recipe; "" for a plain file.
        dry_run: say what would be, store nothing.
        year: of the first line, for logs whose times carry none.
        zone: time zone of times without an offset.
    """

    maps: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    recipe: str = ""
    dry_run: bool = False
    year: int | None = None
    zone: str = "UTC"


@dataclass(frozen=True)
class Record:
    """One row as the file has it: text or values by column. Rows of the same `identity` are the same row."""

    values: Mapping[str, Any]
    identity: str


Found = tuple[int, Record | Invalid | None]  # the line; None is a line without a row in it


@dataclass(frozen=True)
class Reading:
    """A file being read.

    Attributes:
        rows: what was found, by line.
        fields: column to the file's own name for it, for messages.
        formats: column to how it is written (db.services.table_values.FORMATS).
        key: columns that name a row, besides its identity.
        notes: what a person should know about this file.
    """

    rows: Iterator[Any]
    fields: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recipe:
    """A known file.

    Attributes:
        name: as in --recipe NAME.
        table: the table its rows go to.
        read: begins to read a file. Raises Invalid when it is not the file the recipe knows.
        notes: what of the file is left out or stands for what, in sentences.
        needs_year: True when the file's times carry no year.
    """

    name: str
    table: str
    read: Callable[[Lines, Options], Reading]
    notes: tuple[str, ...] = ()
    needs_year: bool = False

    def __str__(self) -> str:
        """How it is asked for, and which fields become which columns."""
        year = " --year YEAR" if self.needs_year else ""
        meaning = [line.strip() for line in (self.read.__doc__ or "").splitlines() if line.strip()]
        asked = f"quantum import table {self.table} FILE --recipe {self.name}{year}"
        return "\n    ".join([asked, *meaning, *self.notes])


RECIPES: dict[str, Recipe] = {}


def recipe(
    name: str, table: str, *, notes: tuple[str, ...] = (), needs_year: bool = False
) -> Callable[[Callable[[Lines, Options], Reading]], Callable[[Lines, Options], Reading]]:
    """Register a reading function as the recipe `name`."""

    def register(read: Callable[[Lines, Options], Reading]) -> Callable[[Lines, Options], Reading]:
        if name in RECIPES:
            raise ValueError(f"the recipe {name} is there twice")
        RECIPES[name] = Recipe(name, table, read, notes, needs_year)
        return read

    return register


class Occurrence:
    """Counts how often a text came up before, so that equal lines of a log stay rows of their own.

    It remembers the last 200,000 texts: memory stays flat, and the same file gives the same counts again.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[int, int] = OrderedDict()

    def of(self, text: str) -> int:
        digest = hash(text)
        count = self._counts.pop(digest, -1) + 1
        self._counts[digest] = count
        if len(self._counts) > MOST_REMEMBERED:
            self._counts.popitem(last=False)
        return count


def known_sheet(lines: Lines, fields: tuple[str, ...]) -> Sheet:
    """A delimited file that has these fields. Raises Invalid when it has not."""
    found = sheet(lines)
    found.require(fields)
    return found


def kept(row: Mapping[str, str], used: tuple[str, ...]) -> dict[str, Any]:
    """What the file says in fields no column takes, as recorded."""
    return {name: recorded(value) for name, value in row.items() if name not in used}


def grouped(found: Sheet, by: str, what: str) -> dict[str, list[tuple[int, dict[str, str]]]]:
    """All rows of a file by one of its fields. Raises Invalid when a line cannot be read: nobody knows then whose
    rows are incomplete, and what is stored once is not mended by a later import."""
    groups: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for count, (line, row) in enumerate(found.mappings(), 1):
        if isinstance(row, Invalid):
            raise Invalid(f"{row}. Nothing of this file was stored: line {line:,} may belong to any {what}")
        if count > MOST_GROUPED:
            raise Invalid(
                f"more than {MOST_GROUPED:,} lines, which are put together in memory; split the file by {what}"
            )
        groups.setdefault(row[by], []).append((line, row))
    return groups
