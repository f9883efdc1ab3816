"""Partitions lie behind their tables: whoever turns to one directly is refused, whatever they may read through it."""

from datetime import date

import pytest
from psycopg import errors

from db.base import Base
from db.partitions import MONTHLY
from db.services.months import make
from tests.access import raw
from tests.access.conftest import Place

pytestmark = pytest.mark.databases("postgresql")
LOGINS = {"app": "user", "staff": "admin", "system": "system"}
WAYS = {
    "read": "SELECT count(*) FROM {}",
    "add": "INSERT INTO {} DEFAULT VALUES",
    "change": "UPDATE {0} SET {2} = {2}",
    "delete": "DELETE FROM {}",
    "copy": "COPY {} TO STDOUT",
    "empty": "TRUNCATE {}",
    "detach": "ALTER TABLE {0} DETACH PARTITION {1}",
    "drop": "DROP TABLE {}",
}


@pytest.mark.parametrize("login", LOGINS)
def test_a_person_who_turns_to_a_partition_is_refused(place: Place, login: str) -> None:
    asker = place.world.asker(LOGINS[login])
    for table in MONTHLY:
        with raw.transaction(place.connection(login), asker.on(login)) as cursor:
            (count,) = cursor.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() or (0,)
            assert count > 0, "through the table, as its rules say"
        for part in (f"months.{table}_rest", f"months.{table}_2022_08"):
            make(place.engine("system"), table, date(2022, 8, 1))
            for way, said in WAYS.items():
                named = (table, part) if way == "detach" else (part, table)
                told = said.format(*named, MONTHLY[table])
                with (
                    raw.transaction(place.connection(login), asker.on(login)) as cursor,
                    pytest.raises(errors.InsufficientPrivilege),
                ):
                    cursor.execute(told.encode())


def test_not_even_their_owner_reads_a_partition_past_the_rules(place: Place) -> None:
    """With one ordinary login for everything, the application's login owns them."""
    for table in MONTHLY:
        with raw.transaction(place.connection("owner"), place.world.asker("admin")) as cursor:
            for part in (table, f"months.{table}_rest"):
                assert cursor.execute(f"SELECT count(*) FROM {part}".encode()).fetchone() == (0,)
        with place.connection("admin").cursor() as cursor:
            (count,) = cursor.execute(f"SELECT count(*) FROM months.{table}_rest".encode()).fetchone() or (0,)
        place.connection("admin").rollback()
        assert count > 0


def test_nobody_who_does_not_say_who_asks_reads_through_the_table(place: Place) -> None:
    for login in LOGINS:
        with place.connection(login).cursor() as cursor:
            for table in MONTHLY:
                assert cursor.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)
        place.connection(login).rollback()


@pytest.mark.parametrize("login", ["app", "staff"])
@pytest.mark.parametrize(
    "said",
    [
        "SELECT make_month('spans', '2021-01-01', 0)",
        "SELECT drop_month('spans', 0)",
        "SELECT survey_months('spans')",
    ],
)
def test_months_are_the_systems_alone(place: Place, login: str, said: str) -> None:
    for kind in ("system", "admin"):
        with (
            raw.transaction(place.connection(login), place.world.asker(kind)) as cursor,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            cursor.execute(said.encode())
    with (
        raw.transaction(place.connection("system"), place.world.asker("operator")) as cursor,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        cursor.execute(said.encode())


def test_every_table_that_is_cut_by_month_says_so() -> None:
    cut = {
        name
        for name, table in Base.metadata.tables.items()
        if table.dialect_options["postgresql"]["partition_by"]
    }
    assert cut == set(MONTHLY)
