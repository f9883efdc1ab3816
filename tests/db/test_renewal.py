"""A database that a test gave back is as good as new for the next one."""

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text

from tests import renewal
from tests.databases import Databases
from tests.people import make_person

pytestmark = pytest.mark.databases("postgresql")


def look(url: str) -> renewal.Fresh:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        return renewal.look(connection)


def spoilt(url: str, statement: str) -> renewal.Fresh:
    """What the next test finds after one that registered somebody and ran the statement."""
    from db.engine import make_engine

    engine: Engine = make_engine(url)
    make_person(engine)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    return look(url)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "INSERT INTO rollup_touched (family, start) VALUES ('spans', 300)",
        "DELETE FROM alembic_version",
        "CREATE TABLE months.spans_2011_01 (LIKE public.spans)",
        "ALTER TABLE deals DISABLE ROW LEVEL SECURITY",
        "DROP POLICY IF EXISTS deals_read ON deals; CREATE TABLE left_over (id int)",
    ],
)
def test_nothing_of_one_test_is_there_for_the_next(databases: Databases, statement: str) -> None:
    with databases.migrated("postgresql") as url:
        new = look(url)
    with databases.migrated("postgresql") as url:
        assert spoilt(url, statement) != new
    with databases.migrated("postgresql") as url:
        assert look(url) == new
