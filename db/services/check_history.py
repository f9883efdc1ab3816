"""Histories of checks in from files: a row per check somebody else made, by the name of the service it was about.

What a file does not say stays null, and a row that is there already is left as it is.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from db.actor import OPERATOR
from db.base import uuid7
from db.engine import session
from db.models.uptime import Check, CheckResult
from db.services import audit
from db.services.checks import HTTP, LONGEST_NAME
from db.services.otlp import Invalid
from db.services.otlp_files import opened
from db.services.table_files import Lines, null_or, sheet, shown
from db.services.table_import import BATCH, NAMESPACE, TableReport

FIELDS = ("checked_at", "service", "status")
OPTIONAL = ("http_code", "response_ms", "commit")
STATUSES = {"up": True, "down": False}
IMPORTED = "imported"
Progress = Callable[[int, int, int], None]


def import_checks(engine: Engine, paths: Iterable[Path], progress: Progress | None = None) -> TableReport:
    """Import every file; what was valid is stored whatever happens to the rest."""
    report = TableReport()
    for path in paths:
        try:
            with opened(path) as (stream, raw, size):
                done = progress or (lambda done, total, rows: None)
                tell = partial(_tell, done, raw, size, report)
                _file(engine, path, Lines(stream), report, tell)
        except Invalid as error:
            report.refuse(path, 0, error)
    return report


def _tell(progress: Progress, raw: BufferedReader, size: int, report: TableReport) -> None:
    progress(raw.tell(), size, report.stored)


def _file(engine: Engine, path: Path, lines: Lines, report: TableReport, tell: Callable[[], None]) -> None:
    found = sheet(lines)
    found.require(FIELDS)
    batch: list[tuple[int, dict[str, Any]]] = []
    for line, row in found.mappings():
        if isinstance(row, Invalid):
            report.refuse(path, line, row)
            continue
        if not any(map(str.strip, row.values())):
            report.skipped += 1
            continue
        try:
            batch.append((line, _result(row, path)))
        except Invalid as error:
            report.refuse(path, line, error)
        if len(batch) >= BATCH:
            _store(engine, path, batch, report)
            tell()
    _store(engine, path, batch, report)
    tell()


def _result(row: Mapping[str, str], path: Path) -> dict[str, Any]:
    """One result, with the service's name; the same line twice is the same result. Raises Invalid."""
    name = " ".join(row["service"].split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(f"the service {shown(row['service'])} is no name of at most {LONGEST_NAME} characters")
    status = row["status"].strip().lower()
    if status not in STATUSES:
        raise Invalid(f"the status {shown(row['status'])} is neither up nor down")
    code = _code(row.get("http_code", ""))
    said = "\x1f".join(row.get(field, "").strip() for field in (*FIELDS, *OPTIONAL))
    mark = null_or(row.get("commit", ""))
    return {
        "service": name,
        "id": uuid5(NAMESPACE, f"checks {said}"),
        "at": _moment(row["checked_at"]),
        "is_up": STATUSES[status],
        "status": code,
        "milliseconds": _milliseconds(row.get("response_ms", ""), code),
        "error": None if STATUSES[status] else "no answer" if code is None else f"HTTP {code}",
        "source": path.name if mark is None else f"{path.name} {mark[:64]}",
    }


def _moment(text: str) -> datetime:
    """With its offset: of a clock without one nobody knows which hour of a day of two it means."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(f"{shown(text)} is no time in ISO 8601, such as 2026-08-11T11:06:25+00:00") from None
    if moment.tzinfo is None:
        raise Invalid(f"{shown(text)} says no offset from UTC; add it, as in 2026-08-11T11:06:25+00:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{shown(text)} lies outside the years 1 to 9999 in UTC") from None


def _code(text: str) -> int | None:
    """A status of HTTP; None for blank and for 0, by which monitors say that no answer came."""
    told = null_or(text)
    if told is None:
        return None
    if not (told.strip().isascii() and told.strip().isdigit()) or int(told) > 999:
        raise Invalid(f"the code {shown(text)} is no status of HTTP")
    return int(told) or None


def _milliseconds(text: str, code: int | None) -> float | None:
    """A time; None for blank and NaN, and where no answer came whose time it could be."""
    told = null_or(text)
    try:
        value = math.nan if told is None else float(told)
    except ValueError:
        raise Invalid(f"{shown(text)} is no number of milliseconds") from None
    if math.isnan(value) or code is None:
        return None
    if not 0 <= value < 1e9:
        raise Invalid(f"{shown(text)} is no time that an answer took")
    return value


def _store(engine: Engine, path: Path, batch: list[tuple[int, dict[str, Any]]], report: TableReport) -> None:
    if not batch:
        return
    with session(engine, OPERATOR, write=True) as unit:
        names = _named(unit, {row["service"] for _, row in batch})
        ids = [row["id"] for _, row in batch]
        there = set(unit.scalars(select(CheckResult.id).where(CheckResult.id.in_(ids))))
        new = []
        for line, row in batch:
            check = names.get(row.pop("service"))
            if check is None:
                report.refuse(
                    path, line, "a check of this name is asked by this application; rename the service"
                )
            elif row["id"] in there:
                report.already += 1
            else:
                there.add(row["id"])
                new.append(row | {"check_id": check})
        if new:
            unit.execute(insert(CheckResult), new)
            audit.record(unit, audit.Act("IMPORT", "check_results", new={"file": path.name}))
        report.stored += len(new)
    batch.clear()


def _named(unit: Session, names: set[str]) -> dict[str, UUID]:
    """The imported check of each name, made where there is none; names of others are left out."""
    found = unit.execute(select(Check.name, Check.id, Check.kind).where(Check.name.in_(names))).all()
    known = {name: key for name, key, kind in found if kind != HTTP}
    new = {name: uuid7() for name in sorted(names - {name for name, _, _ in found})}
    if new:
        rows = [{"id": key, "name": name, "kind": IMPORTED} for name, key in new.items()]
        unit.execute(insert(Check), rows)
    return known | new
