"""A provider's usage export in from files: its lines are added up by day, model and currency.

All files of one command are one report. A line that cannot be read would make a sum too low and a difference where
there is none, so nothing is stored unless every line was read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.orm import Session

from db.actor import OPERATOR
from db.engine import session
from db.models import ProviderUsage
from db.services import audit
from db.services.otlp import Invalid, Refusal
from db.services.otlp_files import opened
from db.services.table_files import Lines, Sheet, sheet
from db.services.table_import import NAMESPACE
from db.services.table_values import FORMATS, Columns

COLUMNS = ("day", "model", "input_tokens", "output_tokens", "cost", "currency")
NEEDED = ("day", "model")
SUMMED = ("input_tokens", "output_tokens", "cost")
MOST_SUMS = 500_000
MOST_KEPT = 1000  # refusals told one by one; the others are counted
BATCH = 500
LONGEST_PROVIDER = 100
Progress = Callable[[int, int, int], None]  # bytes read, bytes in all, lines so far
Key = tuple[date, str, str | None]  # day, model, currency


@dataclass(frozen=True)
class Wanted:
    """What a person asks: whose report it is, which field is which column (`:dmy`, `:mdy`, `:comma` after it), the
    currency where no field says it, and whether what the provider said before of these days is replaced."""

    provider: str
    maps: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    replace: bool = False
    dry_run: bool = False


@dataclass
class UsageReport:
    """What an import did; `lines` were read, and each refused one is told with its reason."""

    lines: int = 0
    stored: int = 0
    already: int = 0
    replaced: int = 0
    refusals: int = 0
    refused: list[Refusal] = field(default_factory=list)
    dry_run: bool = False

    def refuse(self, path: Path, line: int, reason: object) -> None:
        self.refusals += 1
        if len(self.refused) < MOST_KEPT:
            self.refused.append(Refusal(str(path), line, str(reason)))

    def __str__(self) -> str:
        done = "would store" if self.dry_run else "stored"
        rows = f"{done} {self.stored:,} sums by day and model of {self.lines:,} lines"
        rest = f"already there {self.already:,} · replaced {self.replaced:,} · refused {self.refusals:,}"
        return f"{rows} · {rest}" + (" · nothing was stored" if self.refusals else "")


@dataclass
class Sum:
    """What the lines of one day, model and currency add up to; None where no line says it."""

    path: Path
    line: int
    totals: dict[str, Any] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        for name in SUMMED:
            if row.get(name) is not None:
                self.totals[name] = self.totals.get(name, 0) + row[name]


def import_usage(
    engine: Engine, paths: Iterable[Path], wanted: Wanted, progress: Progress | None = None
) -> UsageReport:
    """Read every file, then store all sums or nothing. Raises Invalid when what is asked cannot be done with any file.

    Raises DatabaseUnavailable when the database goes away; then nothing was stored.
    """
    _refuse_unknown(wanted)
    report, sums = UsageReport(dry_run=wanted.dry_run), dict[Key, Sum]()
    columns = Columns(ProviderUsage.__table__, engine.dialect)  # type: ignore[arg-type]
    for path in paths:
        _read(path, columns, wanted, sums, report, progress or (lambda done, total, lines: None))
    if report.refusals:
        return report
    with session(engine, OPERATOR, write=not wanted.dry_run) as unit:
        _settle(unit, sums, wanted, report)
    return report


def _refuse_unknown(wanted: Wanted) -> None:
    if not wanted.provider.strip() or len(wanted.provider) > LONGEST_PROVIDER:
        raise Invalid(
            f"say whose report it is, in at most {LONGEST_PROVIDER} characters, as in --provider openai"
        )
    for name in wanted.maps:
        if name not in COLUMNS:
            raise Invalid(f"there is no column {name!r} to map; these are: {', '.join(COLUMNS)}")


# --- reading ---------------------------------------------------------------------------------------


def _read(
    path: Path,
    columns: Columns,
    wanted: Wanted,
    sums: dict[Key, Sum],
    report: UsageReport,
    progress: Progress,
) -> None:
    try:
        with opened(path) as (stream, raw, size):
            lines = Lines(stream)
            found = sheet(lines)
            columns.fields, columns.formats = _mapping(found, wanted)
            for line, row in _rows(found, columns, wanted):
                report.lines += 1
                if isinstance(row, Invalid):
                    report.refuse(path, line, row)
                else:
                    _sum(path, line, row, sums)
                if report.lines % BATCH == 0:
                    progress(raw.tell(), size, report.lines)
    except Invalid as error:
        report.refuse(path, 0, error)


def _mapping(found: Sheet, wanted: Wanted) -> tuple[dict[str, str], dict[str, str]]:
    """Column to field, and how the field is written. Raises Invalid when the file cannot hold a report."""
    fields, formats = {name: name for name in found.fields if name in COLUMNS}, dict[str, str]()
    for column, told in wanted.maps.items():
        name, _, written = told.rpartition(":")
        is_format = bool(name) and written in FORMATS and told not in found.fields
        fields[column] = name if is_format else told
        if is_format:
            formats[column] = written
    missing = [column for column in NEEDED if column not in fields]
    if missing:
        raise Invalid(f"no field is named {missing[0]}; say which one it is with --map {missing[0]}=FIELD")
    if not any(column in fields for column in SUMMED):
        raise Invalid(
            "it names neither tokens nor cost; say which field is which, as in --map input_tokens=FIELD"
        )
    found.require(fields.values())
    return fields, formats


def _rows(found: Sheet, columns: Columns, wanted: Wanted) -> Iterator[tuple[int, dict[str, Any] | Invalid]]:
    for line, row in found.mappings():
        if isinstance(row, Invalid):
            yield line, row
        elif any(map(str.strip, row.values())):
            values: dict[str, Any] = {column: row[name] for column, name in columns.fields.items()}
            values["day"] = _day(values["day"], columns.formats.get("day", ""))
            try:
                yield line, _checked(columns.row(values), wanted)
            except Invalid as error:
                yield line, error


def _day(text: str, written: str) -> Any:
    """A moment is of its day in UTC; whatever else it is, the column's own reading says."""
    if written or "T" not in text:
        return text
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    except (ValueError, OverflowError):
        return text


def _checked(row: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    if all(row.get(name) is None for name in SUMMED):
        raise Invalid("it states neither tokens nor cost; complete the line, or take it out")
    currency = row.get("currency") or wanted.currency
    return row | {"currency": currency.strip().upper() if currency else None}


def _sum(path: Path, line: int, row: Mapping[str, Any], sums: dict[Key, Sum]) -> None:
    key = (row["day"], str(row["model"]).strip(), row["currency"])
    if key not in sums and len(sums) >= MOST_SUMS:
        raise Invalid(f"more than {MOST_SUMS:,} days and models; import it in parts")
    sums.setdefault(key, Sum(path, line)).add(row)


# --- storing ---------------------------------------------------------------------------------------


def _settle(unit: Session, sums: Mapping[Key, Sum], wanted: Wanted, report: UsageReport) -> None:
    rows = {_id(wanted.provider, key): _row(wanted.provider, key, each) for key, each in sums.items()}
    if wanted.replace:
        report.replaced = _clear(unit, wanted, {key[0] for key in sums})
    known = {} if wanted.replace else _known(unit, list(rows))
    new = [row for name, row in rows.items() if name not in known]
    for key, each in sums.items():
        name = _id(wanted.provider, key)
        if name in known and known[name] != tuple(rows[name][column] for column in SUMMED):
            report.refuse(each.path, each.line, _differs(key, wanted.provider))
    report.already = len(known) if not report.refusals else 0
    if report.refusals:
        return
    report.stored = len(new)
    if wanted.dry_run:
        return
    for first in range(0, len(new), BATCH):
        unit.execute(insert(ProviderUsage), new[first : first + BATCH])
    if new:
        told = {"provider": wanted.provider, "files": sorted({each.path.name for each in sums.values()})}
        audit.record(unit, audit.Act("IMPORT", "provider_usage", new=told))


def _id(provider: str, key: Key) -> UUID:
    return uuid5(NAMESPACE, f"provider_usage {provider} {key[0].isoformat()} {key[1]} {key[2] or ''}")


def _row(provider: str, key: Key, each: Sum) -> dict[str, Any]:
    day, model, currency = key
    totals = {name: each.totals.get(name) for name in SUMMED}
    named = {"id": _id(provider, key), "provider": provider, "day": day, "model": model, "currency": currency}
    return named | totals | {"source": each.path.name}


def _known(unit: Session, ids: list[UUID]) -> dict[UUID, tuple[int | None, int | None, Decimal | None]]:
    columns = [getattr(ProviderUsage, name) for name in SUMMED]
    found: dict[UUID, Any] = {}
    for first in range(0, len(ids), BATCH):
        some = ProviderUsage.id.in_(ids[first : first + BATCH])
        found |= {
            row[0]: tuple(row[1:]) for row in unit.execute(select(ProviderUsage.id, *columns).where(some))
        }
    return found


def _clear(unit: Session, wanted: Wanted, days: set[date]) -> int:
    """Take away what the provider said before of these days; returns how many sums that were."""
    gone = 0
    for day in sorted(days):
        theirs = (ProviderUsage.provider == wanted.provider, ProviderUsage.day == day)
        if wanted.dry_run:
            gone += len(unit.scalars(select(ProviderUsage.id).where(*theirs)).all())
        else:
            statement = delete(ProviderUsage).where(*theirs).execution_options(synchronize_session=False)
            done: Any = unit.execute(statement)
            gone += done.rowcount
    return gone


def _differs(key: Key, provider: str) -> str:
    return (
        f"{provider} reported something else of {key[0]} and {key[1]} before; if this report is the newer one, add "
        "--replace, and name all its files in one command"
    )
