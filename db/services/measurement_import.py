"""Measurements in from files: what was valid is stored in batches whatever happens to the rest, nothing twice."""

from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import Engine

from db.actor import SYSTEM
from db.engine import session
from db.services import audit
from db.services.measurement_files import Points, Wanted
from db.services.measurements import store_points
from db.services.otlp_files import opened, source_name
from db.services.otlp_metrics import Point
from db.services.otlp_values import Invalid
from db.services.table_files import Lines, sheet
from db.services.table_import import TableReport

BATCH = 5000
Progress = Callable[[int, int, int], None]  # bytes read, bytes in all, measurements so far
Batch = list[tuple[int, Point]]


def import_measurements(
    engine: Engine,
    paths: Iterable[Path],
    wanted: Wanted | None = None,
    progress: Progress | None = None,
    report: TableReport | None = None,
) -> TableReport:
    """Import every file. Raises DatabaseUnavailable when the database goes away; batches already committed stay."""
    report = TableReport() if report is None else report
    for path in paths:
        try:
            with opened(path) as (stream, raw, size):
                lines = Lines(stream)
                points = Points(path, sheet(lines), wanted or Wanted())
                _file(
                    engine,
                    path,
                    points,
                    report,
                    lambda: (progress or _silent)(raw.tell(), size, report.stored),
                )
                for note in (*points.notes(), *(f"{path.name}: {each}" for each in lines.notes())):
                    report.note(note)
        except Invalid as error:
            report.refuse(path, 0, error)
    return report


def _silent(done: int, total: int, count: int) -> None:
    """For who does not ask how far it is."""


def _file(engine: Engine, path: Path, points: Points, report: TableReport, tell: Callable[[], None]) -> None:
    batch: Batch = []
    before = report.stored
    for line, found in points:
        if isinstance(found, Invalid):
            report.refuse(path, line, found)
            continue
        batch.append((line, found))
        if len(batch) >= BATCH:
            _store(engine, path, batch, report, report.stored == before)
            tell()
    _store(engine, path, batch, report, report.stored == before)
    report.skipped += points.skipped
    tell()


def _store(engine: Engine, path: Path, batch: Batch, report: TableReport, is_first: bool) -> None:
    if not batch:
        return
    with session(engine, SYSTEM, write=True) as unit:
        done = store_points(unit, [point for _, point in batch], source_name(path))
        if done.new and is_first:
            audit.record(unit, audit.Act("IMPORT", "system_metrics", new={"file": path.name}))
    lines = {point.id: line for line, point in batch}
    for point, error in done.refused:
        report.refuse(path, lines[point.id], error)
    report.stored += len(done.new)
    report.already += done.already
    batch.clear()
