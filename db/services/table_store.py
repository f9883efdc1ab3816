"""Which rows of a batch are new, which are there already and which cannot be stored. It writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, select, tuple_
from sqlalchemy.orm import Session

from db.services.otlp import Invalid
from db.services.table_files import shown
from db.services.table_keys import Key, Seen, plain
from db.services.table_values import uniques


@dataclass(frozen=True)
class Candidate:
    """A row ready to be stored, and the line of the file it stands on."""

    line: int
    row: dict[str, Any]


@dataclass
class Fate:
    """What becomes of a batch: rows to store and their keys, how many are there, and lines refused with the reason."""

    new: list[dict[str, Any]] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    already: int = 0
    refused: list[tuple[int, Invalid]] = field(default_factory=list)


def fate(
    session: Session, table: Table, batch: Sequence[Candidate], key: tuple[str, ...], seen: Seen
) -> Fate:
    """Sort the batch: a row whose id or `key` is stored, or was before it in the batch, is there already.

    A row that takes another unique value of a different row, or points at a row that is not there, is refused.
    """
    identifying = [("id",), *([key] if key and key != ("id",) else [])]
    others = [each for each in uniques(table) if each not in identifying]
    taken = {
        (names, values)
        for names in (*identifying, *others)
        if names not in seen.whole
        for values in _stored(session, table, names, _values(batch, names))
    }
    missing = _missing(session, table, batch)
    done = Fate()
    for each in batch:
        keys = [found for names in identifying if (found := _key(each.row, names))]
        further = [found for names in others if (found := _key(each.row, names))]
        if any(found in taken or found in seen for found in keys):
            done.already += 1
            continue
        problem = _problem(each.row, further, taken, seen, missing)
        if problem:
            done.refused.append((each.line, problem))
            continue
        taken.update(keys, further)
        done.keys += (*keys, *further)
        done.new.append(each.row)
    return done


def _problem(
    row: dict[str, Any], keys: list[Key], taken: set[Key], seen: Seen, missing: dict[str, set[Any]]
) -> Invalid | None:
    for names, values in keys:
        if (names, values) in taken or (names, values) in seen:
            called = ", ".join(f"{name} {shown(value)}" for name, value in zip(names, values, strict=True))
            return Invalid(f"{called} is taken by a row with other values; mend or remove one of the two")
    for name, absent in missing.items():
        if row.get(name) in absent:
            return Invalid(
                f"{name} {shown(row[name])} names a row that is not there; import that first or leave it empty"
            )
    return None


def _key(row: dict[str, Any], names: tuple[str, ...]) -> Key | None:
    """The row's values for these columns; None when one of them is null, which equals nothing."""
    values = tuple(row.get(name) for name in names)
    return None if None in values else (names, values)


def _values(batch: Sequence[Candidate], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return list(dict.fromkeys(found[1] for each in batch if (found := _key(each.row, names))))


def _stored(
    session: Session, table: Table, names: tuple[str, ...], wanted: list[tuple[Any, ...]]
) -> set[tuple[Any, ...]]:
    columns = [table.c[name] for name in names]
    if not wanted:
        return set()
    single = len(columns) == 1
    condition = columns[0].in_([one for (one,) in wanted]) if single else tuple_(*columns).in_(wanted)
    found = session.execute(select(*columns).where(condition))
    return {plain(row) for row in found}


def _missing(session: Session, table: Table, batch: Sequence[Candidate]) -> dict[str, set[Any]]:
    """Values of each referring column to which no row answers."""
    found = {}
    for foreign in sorted(table.foreign_keys, key=lambda each: each.parent.name):
        name, target = foreign.parent.name, foreign.column
        wanted = _values(batch, (name,))
        there = _stored(session, target.table, (target.name,), wanted)
        found[name] = {value for (value,) in wanted} - {value for (value,) in there}
    return found
