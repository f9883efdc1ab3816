"""Rows of a table in from files: delimited text whose fields are columns, or a known file by its recipe.

What a file does not say stays null: no column's default speaks in its place. A row that is there already is never
changed, so a file can be imported again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from sqlalchemy import JSON, Column, Date, Engine, Integer, Table
from sqlalchemy.exc import DataError, IntegrityError

from db.actor import OPERATOR
from db.base import Base, Exact, Instant
from db.engine import Session, session
from db.metric import to_ns
from db.partitions import MONTHLY
from db.services import audit, months
from db.services.otlp import Invalid, Refusal
from db.services.otlp_files import opened
from db.services.recipes import RECIPES
from db.services.recipes.base import Occurrence, Options, Reading, Recipe, Record
from db.services.table_files import Lines, Sheet, named, null_or, sheet
from db.services.table_keys import Seen
from db.services.table_store import Candidate, fate
from db.services.table_values import FORMATS, Columns, uniques
from db.services.touched import touch_imported
from db.services.turns import await_rows

BATCH = 1000
MOST_ASKED = (
    4  # batches whose keys are looked up in a table that has no index for them; then all are read once
)
MOST_KEPT = 1000  # refusals told one by one; the others are counted
NAMESPACE = UUID("6f1d6f0a-3c1e-5b43-9f0e-2f6d4f7f5c11")
NOW = ("created_at", "updated_at")
Progress = Callable[[int, int, int], None]  # bytes read, bytes in all, rows so far

TABLES = (
    "achievements",
    "ai_models",
    "api_logs",
    "deal_activities",
    "deals",
    "invoices",
    "leaderboard",
    "predictions",
    "rate_limits",
    "security_events",
    "social_posts",
    "social_trends",
    "support_tickets",
    "ticket_messages",
    "training_data",
    "transactions",
)
# Why a table that exists is not filled from a file, and where its rows come from instead.
CLOSED = {
    "profiles": "people are made with: quantum user create",
    "auth_account": "people are made with: quantum user create",
    "user_sessions": "a session begins by signing in",
    "api_keys": "a key is shown once, to the person who makes it",
    "audit_log": "it records what this program did, and nothing else may write in it",
    "user_stats": "points come from recorded deeds",
    "agents": "agents come with: quantum import otlp, quantum import network",
    "agent_connections": "connections come with: quantum import otlp, quantum import network",
    "network_nodes": "nodes come with: quantum import network",
}


@dataclass
class TableReport:
    """What an import did.

    Attributes:
        stored: rows stored; in a dry run, rows that would have been.
        already: rows whose key was there; they were left as they are.
        skipped: lines that hold nothing for this table, such as log lines that are no event.
        refusals: lines or rows not taken; `refused` holds the first thousand with their reasons.
        notes: what a person should know about how the files were read.
    """

    stored: int = 0
    already: int = 0
    skipped: int = 0
    refusals: int = 0
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    dry_run: bool = False

    def __str__(self) -> str:
        done = "would store" if self.dry_run else "stored"
        return (
            f"{done} {self.stored:,} rows · already there {self.already:,} · refused {self.refusals:,}"
            f" · lines without a row {self.skipped:,}"
        )

    def refuse(self, path: Path, line: int, reason: object) -> None:
        self.refusals += 1
        if len(self.refused) < MOST_KEPT:
            self.refused.append(Refusal(str(path), line, str(reason)))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def import_table(
    engine: Engine,
    table: str,
    paths: Iterable[Path],
    options: Options | None = None,
    progress: Progress | None = None,
    report: TableReport | None = None,
) -> TableReport:
    """Import every file into `table`; what was valid is stored in batches whatever happens to the rest.

    report: filled while it goes, for a caller who wants to know what was done when the import is broken off.

    Raises Invalid when what is asked cannot be done with any file: the table, an option or the recipe is wrong.
    Raises DatabaseUnavailable when the database goes away; batches already committed stay.
    """
    work = _Work(engine, table, options or Options(), progress or (lambda done, total, rows: None))
    work.report = TableReport() if report is None else report
    work.report.dry_run = work.options.dry_run
    try:
        for path in paths:
            work.file(path)
    finally:
        work.seen.close()
    return work.report


class _Work:
    """One import: its table, its options and what it has done so far."""

    def __init__(self, engine: Engine, table: str, options: Options, progress: Progress) -> None:
        self.engine = engine
        self.table = _table(table)
        self.options = options
        self.progress = progress
        self.recipe = _recipe(table, options)
        _refuse_unknown(self.table, options)
        self.report = TableReport()
        self.moment = datetime.now(UTC)
        self.columns = Columns(self.table, engine.dialect, _zone(options.zone))
        self.silence = _silence(self.table, self.moment)
        self.seen = Seen(everything=options.dry_run)
        self.batches = 0
        self.noted: set[Path] = set()

    def file(self, path: Path) -> None:
        try:
            with opened(path) as (stream, raw, size):
                lines = Lines(stream)
                try:
                    self._rows(path, self._reading(lines), lambda rows: self.progress(raw.tell(), size, rows))
                except Invalid as error:
                    self.report.refuse(path, lines.number, error)
                for note in lines.notes():
                    self.report.note(f"{path.name}: {note}")
        except Invalid as error:
            self.report.refuse(path, 0, error)
        if self.columns.zoneless:
            self.report.note(
                f"times without an offset were read as {self.options.zone} (another: --zone NAME)"
            )

    def _reading(self, lines: Lines) -> Reading:
        if self.recipe is None:
            return plain(self.table, lines, self.options)
        reading = self.recipe.read(lines, self.options)
        for note in self.recipe.notes:
            self.report.note(note)
        return reading

    def _rows(self, path: Path, reading: Reading, tell: Callable[[int], None]) -> None:
        for note in reading.notes:
            self.report.note(note)
        self.columns.fields, self.columns.formats = reading.fields, reading.formats
        batch: list[Candidate] = []
        try:
            for count, (line, found) in enumerate(reading.rows, 1):
                if found is None:
                    self.report.skipped += 1
                elif isinstance(found, Invalid):
                    self.report.refuse(path, line, found)
                else:
                    self._take(path, line, found, batch)
                if len(batch) >= BATCH:
                    self._store(path, batch, reading.key)
                if count % BATCH == 0:
                    tell(self.report.stored + self.report.already)
        except Invalid:
            self._store(path, batch, reading.key)
            raise
        self._store(path, batch, reading.key)

    def _take(self, path: Path, line: int, record: Record, batch: list[Candidate]) -> None:
        identity = uuid5(NAMESPACE, f"{self.table.name} {record.identity}")
        try:
            batch.append(
                Candidate(line, self.columns.row(self.silence | {"id": identity} | _stated(record.values)))
            )
        except Invalid as error:
            self.report.refuse(path, line, error)

    def _store(self, path: Path, batch: list[Candidate], key: tuple[str, ...]) -> None:
        if not batch:
            return
        try:
            self._read_keys(key)
            self._settle(path, batch, key)
        except (IntegrityError, DataError):
            # Somebody wrote meanwhile, or a rule only the database knows: one row at a time tells which.
            for each in batch:
                try:
                    self._settle(path, [each], key)
                except (IntegrityError, DataError) as error:
                    reason = str(error.orig).strip().splitlines()[0]
                    self.report.refuse(path, each.line, f"the database refuses the row: {reason}")
        finally:
            batch.clear()

    def _read_keys(self, key: tuple[str, ...]) -> None:
        """Before a long import goes on: a key without index would make the database read the table for each batch."""
        self.batches += 1
        if self.batches <= MOST_ASKED or not key or key in self.seen.whole:
            return
        if not any(set(each) <= set(key) for each in (("id",), *uniques(self.table))):
            with session(self.engine, OPERATOR) as unit:
                self.seen.load(unit, self.table, key)

    def _settle(self, path: Path, batch: list[Candidate], key: tuple[str, ...]) -> None:
        with session(self.engine, OPERATOR, write=not self.options.dry_run) as unit:
            if self.table.name in MONTHLY and not self.options.dry_run:
                self._make_ready(unit, [each.row for each in batch])
            done = fate(unit, self.table, batch, key, self.seen)
            if done.new and not self.options.dry_run:
                unit.connection().execute(self.table.insert(), done.new)
                touch_imported(unit, self.table.name, done.new)
                if path not in self.noted:
                    audit.record(unit, audit.Act("IMPORT", self.table.name, new={"file": path.name}))
                    self.noted.add(path)
        self.report.stored += len(done.new)
        self.report.already += done.already
        for line, reason in done.refused:
            self.report.refuse(path, line, reason)
        self.seen.add(done.keys)

    def _make_ready(self, unit: Session, rows: list[dict[str, Any]]) -> None:
        """Months for rows of a table that is cut by them, and nobody else meanwhile who stores those that tell no time:
        for each import they have another."""
        time = MONTHLY[self.table.name]
        months.prepare(unit, (to_ns(row[time]) for row in rows), (self.table.name,))
        await_rows(unit, [row["id"] for row in rows if row[time] == self.moment])


def _silence(table: Table, moment: datetime) -> dict[str, Any]:
    """What a row holds where its file says nothing: null, but for bookkeeping and an empty document."""
    row: dict[str, Any] = {column.name: None for column in table.columns if column.nullable}
    if "metadata" in row:
        row["metadata"] = {}
    return row | {name: moment for name in NOW if name in row}


def _stated(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without an empty created_at or updated_at, for which the moment of import stands."""
    return {
        name: value
        for name, value in values.items()
        if name not in NOW or (null_or(value) if isinstance(value, str) else value) is not None
    }


# --- what may be asked -----------------------------------------------------------------------------


def _table(name: str) -> Table:
    if name in CLOSED:
        raise Invalid(f"{name} takes no rows from a file: {CLOSED[name]}")
    if name not in TABLES:
        raise Invalid(f"there is no table {name!r} to import into; these are: {', '.join(TABLES)}")
    return Base.metadata.tables[name]


def _recipe(table: str, options: Options) -> Recipe | None:
    if not options.recipe:
        return None
    recipe = RECIPES.get(options.recipe)
    if recipe is None:
        raise Invalid(f"there is no recipe {options.recipe!r}; these are: {', '.join(RECIPES)}")
    if recipe.table != table:
        raise Invalid(f"the recipe {recipe.name} fills {recipe.table}, not {table}")
    if options.maps or options.key:
        raise Invalid("a recipe knows its fields and its key; leave --map and --key out")
    if recipe.needs_year and options.year is None:
        raise Invalid("the file's times carry no year; say the year of its first line, as in --year 2017")
    return recipe


def asked_maps(pairs: Iterable[str]) -> dict[str, str]:
    """COLUMN=FIELD pairs as `Options.maps` takes them. Raises Invalid for what is no pair or names a column twice."""
    maps: dict[str, str] = {}
    for pair in pairs:
        column, _, name = pair.partition("=")
        if not column or not name:
            raise Invalid(f"--map {pair}: write COLUMN=FIELD, as in --map client_name=Customer")
        if column in maps:
            raise Invalid(f"--map names {column} twice; a column takes one field")
        maps[column] = name
    return maps


def _refuse_unknown(table: Table, options: Options) -> None:
    for name in (*options.maps, *options.key):
        if name not in table.columns:
            raise Invalid(f"{table.name} has no column {name!r}; it has: {', '.join(table.columns.keys())}")
    for name in options.key:
        if isinstance(table.c[name].type, JSON):
            raise Invalid(
                f"{name} holds documents and cannot be a key; choose a column of text, number or time"
            )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"there is no time zone {name!r}; say one such as UTC or America/Sao_Paulo") from None


# --- a plain file: its fields are columns ----------------------------------------------------------


def plain(table: Table, lines: Lines, options: Options) -> Reading:
    """Read a delimited file whose first line names its fields; a field goes to the column of the same name unless
    `options.maps` says otherwise. Raises Invalid when no row of the file could be stored."""
    found = sheet(lines)
    fields, formats = _mapping(table, found, options)
    found.require(fields.values())
    _refuse_incomplete(table, found, fields)
    key = _key(table, fields, options)
    ignored = [name for name in found.fields if name not in fields.values()]
    notes = [f"fields not imported (no column of {table.name} was named for them): {named(ignored)}"]
    return Reading(_records(found, fields, key), fields, formats, key, notes if ignored else [])


def _mapping(table: Table, found: Sheet, options: Options) -> tuple[dict[str, str], dict[str, str]]:
    fields = {name: name for name in found.fields if name in table.columns}
    formats = {}
    for column, wanted in options.maps.items():
        name, _, written = wanted.rpartition(":")
        if name and written in FORMATS and wanted not in found.fields:
            formats[column] = written
            _refuse_format(table.c[column], written)
        else:
            name = wanted
        fields[column] = name
    return fields, formats


def _refuse_format(column: Column[Any], written: str) -> None:
    fitting = (Exact, Integer) if written == "comma" else (Instant, Date)
    if not isinstance(column.type, fitting):
        raise Invalid(f":{written} reads {FORMATS[written]}; {column.name} is no such column, leave it out")


def _refuse_incomplete(table: Table, found: Sheet, fields: Mapping[str, str]) -> None:
    if not fields:
        raise Invalid(
            f"none of its fields is a column of {table.name}. The file has: {named(found.fields)}. The columns are: "
            f"{', '.join(table.columns.keys())}. Say which is which with --map COLUMN=FIELD"
        )
    missing = [column.name for column in table.columns if not _may_miss(column) and column.name not in fields]
    if missing:
        raise Invalid(
            f"{', '.join(missing)} must be stated and no field is named so; say which field it is with "
            f"--map {missing[0]}=FIELD. The file has: {named(found.fields)}"
        )


def _may_miss(column: Column[Any]) -> bool:
    return bool(column.nullable) or column.name == "id" or column.name in NOW


def _key(table: Table, fields: Mapping[str, str], options: Options) -> tuple[str, ...]:
    missing = [name for name in options.key if name not in fields]
    if missing:
        raise Invalid(f"the key {missing[0]!r} is not in the file; map a field to it or choose another --key")
    if options.key:
        return options.key
    if "id" in fields:
        return ("id",)
    return next((each for each in uniques(table) if fields.keys() >= set(each)), ())


def _records(
    found: Sheet, fields: Mapping[str, str], key: tuple[str, ...]
) -> Iterator[tuple[int, Record | Invalid | None]]:
    """Rows by column. A row is known by its key, or by all it says where it has none. A line of nothing but
    delimiters, as spreadsheets leave below a table, holds no row."""
    occurrence = Occurrence()
    for line, row in found.mappings():
        if isinstance(row, Invalid):
            yield line, row
            continue
        if not any(map(str.strip, row.values())):
            yield line, None
            continue
        values = {column: row[name] for column, name in fields.items()}
        known_by = {name: values[name] for name in key}
        if not key or any(null_or(value) is None for value in known_by.values()):
            known_by = values | {"": str(occurrence.of(str(values)))}
        yield line, Record(values, orjson.dumps(known_by, option=orjson.OPT_SORT_KEYS).decode())
