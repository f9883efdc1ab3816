"""The rows behind every number, page by page: each row once, whatever they are ordered by."""

from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

import db.queries
from db.actor import SYSTEM
from db.engine import make_engine
from db.engine import session as guarded
from db.keyset import BadCursor
from db.metric import METRICS, SERIES, Metric, Series, Window
from db.models import SupportTicket
from db.proof import more
from tests.databases import Databases
from tests.filled import SUBJECTS, fill
from tests.module_rows import JUNE
from tests.sessions import session

assert db.queries.__all__
ALL = Window.parse("all")
DECLARED = {**METRICS, **SERIES}


@pytest.fixture(scope="module")
def filled(
    databases: Databases, database_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    with databases.migrated(database_kind) as url:
        engine = make_engine(url)
        fill(engine, tmp_path_factory.mktemp("filled"))
        yield engine
        engine.dispose()


def subject_of(made: Metric | Series) -> tuple[str, ...]:
    return SUBJECTS[made.subject] if made.subject else ()


def paged(unit: Session, key: str, size: int) -> list[tuple[object, ...]]:
    """All rows, page after page, as their places say they are."""
    found: list[tuple[object, ...]] = []
    cursor = None
    while True:
        page = more(unit, key, ALL, subject_of(DECLARED[key]), cursor, size)
        assert page.first == len(found) + 1 <= 1000 and len(page.rows) <= size
        found += [tuple(str(row[name]) for name in page.columns) for row in page.rows]
        cursor = page.following
        if cursor is None:
            return found


def test_paging_gives_every_row_of_every_number_once(filled: Engine) -> None:
    several = 0
    with guarded(filled, SYSTEM) as unit:
        for key, made in DECLARED.items():
            if made.evidence is None:
                continue
            statement = made.evidence(ALL, *subject_of(made))
            whole = [tuple(map(str, row)) for row in unit.execute(statement).all()]
            for size in (1, 3):
                rows = paged(unit, key, size)
                assert Counter(rows) == Counter(whole), key
            several += len(whole) > 3
    assert several > 40, "the database holds too little for this to tell anything"


def test_rows_alike_in_all_that_the_reader_sees_are_counted_apart(filled: Engine) -> None:
    """Six tickets of one moment lie on three pages."""
    with session(filled, write=True) as unit:
        unit.execute(delete(SupportTicket).where(SupportTicket.subject.startswith("Same ")))
        unit.add_all([SupportTicket(subject=f"Same {n}", created_at=JUNE) for n in range(6)])
    with guarded(filled, SYSTEM) as unit:
        rows = paged(unit, "support.tickets", 2)
    assert len(rows) == len(set(rows)) and sum("Same" in row[1] for row in map(list, rows)) == 6


@pytest.mark.databases("sqlite")
def test_a_cursor_of_another_question_is_refused(filled: Engine) -> None:
    with guarded(filled, SYSTEM) as unit:
        cursor = more(unit, "spans.count", ALL, size=2).following
        assert cursor is not None
        for key, window in (("spans.errors", ALL), ("spans.count", Window.parse("2023-01-01/2024-01-01"))):
            with pytest.raises(BadCursor):
                more(unit, key, window, cursor=cursor)


@pytest.mark.databases("sqlite")
def test_a_version_is_of_the_definition_and_of_nothing_else() -> None:
    from db.definition import application_version, code_version
    from db.queries.spans import span_count, span_errors

    versions = {key: made.version for key, made in DECLARED.items()}
    assert len(set(versions.values())) == len(versions), "each its own"
    assert all(version.startswith(f"{application_version()}+") for version in versions.values())
    assert code_version.__wrapped__(span_count, ()) == versions["spans.count"], "and the same when made again"
    changed = DECLARED["spans.count"]
    assert code_version(span_errors, ()) != changed.version
