"""Marks on the time line in from files. What one file says is stored together, or replaced together."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.orm import Session

from db.actor import OPERATOR
from db.engine import session
from db.models import Annotation
from db.services import audit
from db.services.annotation_files import marks_of
from db.services.otlp_files import opened
from db.services.otlp_values import Invalid
from db.services.table_import import TableReport

AT_ONCE = 500


@dataclass
class MarksReport(TableReport):
    """What an import of marks did; `replaced` are those of the same files that went."""

    replaced: int = 0

    def __str__(self) -> str:
        return (
            f"stored {self.stored:,} marks · already there {self.already:,} · replaced {self.replaced:,}"
            f" · refused {self.refusals:,}"
        )


def import_marks(engine: Engine, paths: Iterable[Path], *, replace: bool = False) -> MarksReport:
    """Import every file; with `replace` what came by a file of the same name goes first."""
    report = MarksReport()
    for path in paths:
        try:
            with opened(path) as (stream, _, _):
                found, notes = marks_of(path, stream)
        except Invalid as error:
            report.refuse(path, 0, error)
            continue
        for note in notes:
            report.note(note)
        marks = []
        for place, mark in found:
            if isinstance(mark, Invalid):
                report.refuse(path, place, mark)
            else:
                marks.append(mark)
        with session(engine, OPERATOR, write=True) as unit:
            _store(unit, path, marks, report, replace)
    return report


def _store(
    unit: Session, path: Path, marks: list[dict[str, Any]], report: MarksReport, replace: bool
) -> None:
    if replace:
        old = Annotation.origin.startswith(f"{path.name}:", autoescape=True)
        gone = list(unit.scalars(select(Annotation.id).where(old)))
        unit.execute(delete(Annotation).where(old))
        report.replaced += len(gone)
    new = {mark["id"]: mark for mark in marks}
    ids = list(new)
    for begin in range(0, len(ids), AT_ONCE):
        there = unit.scalars(select(Annotation.id).where(Annotation.id.in_(ids[begin : begin + AT_ONCE])))
        for known in list(there):
            del new[known]
    if new:
        unit.execute(insert(Annotation), list(new.values()))
        audit.record(unit, audit.Act("IMPORT", "annotations", new={"file": path.name}))
    report.stored += len(new)
    report.already += len(marks) - len(new)
