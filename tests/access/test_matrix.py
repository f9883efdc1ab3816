"""Every table, verb and column for everybody, on every layer, beside what the oracle says.

A cell is one thing tried by somebody with one row. It is tried through the application's sessions on both databases,
and as plain SQL on PostgreSQL's logins.
"""

from collections import Counter

import pytest

from tests.access import orm, raw
from tests.access.attempts import TABLES, Attempt, all_attempts, crossed, of_new_rows, on_rows, worth_trying
from tests.access.conftest import Place
from tests.access.world import CAST

COUNTED: Counter[str] = Counter()


def told(found: list[tuple[Attempt, str]]) -> list[str]:
    return [f"{attempt} (came out: {outcome})" for attempt, outcome in found]


@pytest.mark.parametrize("table", TABLES)
def test_sessions_let_everybody_do_what_they_may_and_nothing_else(place: Place, table: str) -> None:
    found: list[tuple[Attempt, str]] = []
    for name in CAST:
        asker = place.world.asker(name)
        attempts = list(worth_trying(all_attempts(place.world, table, asker)))
        COUNTED[f"{place.kind}, sessions"] += len(attempts)
        found += orm.wrong(place.engine(asker.login), iter(attempts))
    assert told(found) == []


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("table", TABLES)
def test_plain_sql_lets_everybody_do_what_they_may_and_nothing_else(place: Place, table: str) -> None:
    found: list[tuple[Attempt, str]] = []
    for name in CAST:
        asker = place.world.asker(name)
        attempts = list(all_attempts(place.world, table, asker))
        COUNTED[f"{place.kind}, plain SQL"] += len(attempts)
        with raw.transaction(place.connection(asker.login), asker) as cursor:
            found += raw.wrong(cursor, iter(attempts))
    assert told(found) == []


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("table", TABLES)
def test_a_login_is_worth_nothing_without_its_people_nor_they_without_it(place: Place, table: str) -> None:
    found: list[tuple[Attempt, str]] = []
    for asker in crossed(place.world, table):
        attempts = [*on_rows(place.world, table, asker), *of_new_rows(place.world, table, asker)]
        COUNTED[f"{place.kind}, plain SQL on each other's logins"] += len(attempts)
        with raw.transaction(place.connection(asker.login), asker) as cursor:
            found += raw.wrong(cursor, iter(attempts))
    assert told(found) == []


def test_the_number_of_cells_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("\nCells of the access matrix: " + "; ".join(f"{key} {n:,}" for key, n in COUNTED.items()))
    assert all(n > 1000 for n in COUNTED.values())
