"""The column types mean the same on both databases."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, select, text
from sqlalchemy.exc import StatementError

from db.base import Document, Exact, HexId, Instant, Key, new_id, now, uuid7
from db.engine import make_engine

METADATA = MetaData()
ROWS = Table(
    "rows",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("moment", Instant),
    Column("stored", Instant, server_default=now()),
    Column("made", Key, server_default=new_id()),
    Column("money", Exact(15, 2)),
    Column("measure", Exact(24, 6)),
    Column("share", Exact(5, 4)),
    Column("document", Document),
    Column("name", HexId(8)),
)


@pytest.fixture
def rows(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


def put(engine: Engine, column: str, values: list[object]) -> list[object]:
    """Store the values in order and read them back in order."""
    with engine.begin() as connection:
        connection.execute(
            ROWS.insert(), [{"id": place, column: value} for place, value in enumerate(values)]
        )
    with engine.connect() as connection:
        return list(connection.scalars(select(ROWS.c[column]).order_by(ROWS.c.id)))


# --- HexId --------------------------------------------------------------------------------------------------

NAMES = ["00000000000000ff", "ff00000000000000", "0123456789abcdef", "a" * 16]


def test_identifiers_are_digits_here_and_bytes_there(rows: Engine) -> None:
    assert put(rows, "name", [*NAMES, None]) == [*NAMES, None]
    with rows.connect() as connection:
        kept = connection.execute(text("SELECT name FROM rows WHERE name IS NOT NULL ORDER BY id")).scalars()
        assert [bytes(each).hex() for each in kept] == NAMES


def test_identifiers_compare_and_sort_as_their_digits(rows: Engine) -> None:
    put(rows, "name", list(NAMES))
    column = ROWS.c.name
    with rows.connect() as connection:
        assert list(connection.scalars(select(column).order_by(column))) == sorted(NAMES)
        found = connection.scalars(select(column).where(column > NAMES[2]).order_by(column))
        assert list(found) == sorted(name for name in NAMES if name > NAMES[2])
        assert connection.scalar(select(ROWS.c.id).where(column.in_([NAMES[1].upper()]))) == 1


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("wrong", ["", "ff", "g" * 16, "a" * 15, "a" * 17, "a" * 32])
def test_what_is_no_identifier_is_refused(rows: Engine, wrong: str) -> None:
    with pytest.raises(StatementError):
        put(rows, "name", [wrong])


# --- Instant ------------------------------------------------------------------------------------------------

MOMENTS = [
    datetime(2026, 3, 1, 23, 30, 0, 1, timezone(timedelta(hours=-3))),
    datetime(2026, 3, 2, 2, 30, tzinfo=UTC),
    datetime(2026, 3, 2, 2, 29, 59, 999999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=UTC),
    datetime(2026, 3, 2, 8, 0, 0, 100000, timezone(timedelta(hours=5, minutes=30))),
    datetime(999, 1, 1, tzinfo=UTC),
]


def test_instants_come_back_as_the_same_moment_in_utc(rows: Engine) -> None:
    found = put(rows, "moment", list(MOMENTS))
    assert found == MOMENTS
    assert {moment.utcoffset() for moment in found if isinstance(moment, datetime)} == {timedelta(0)}


def test_instants_sort_and_compare_as_time(rows: Engine) -> None:
    put(rows, "moment", list(MOMENTS))
    with rows.connect() as connection:
        assert list(connection.scalars(select(ROWS.c.moment).order_by(ROWS.c.moment))) == sorted(MOMENTS)
        border = MOMENTS[1]
        earlier = list(connection.scalars(select(ROWS.c.moment).where(ROWS.c.moment < border)))
    assert set(earlier) == {moment for moment in MOMENTS if moment < border}


def test_an_instant_without_zone_is_refused(rows: Engine) -> None:
    with pytest.raises(StatementError, match="has no time zone; pass an aware datetime"):
        put(rows, "moment", [datetime(2026, 3, 1)])  # noqa: DTZ001 - the fault under test


def test_the_database_clock_tells_the_same_time(rows: Engine) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    put(rows, "moment", [None])
    with rows.connect() as connection:
        stored = connection.scalar(select(ROWS.c.stored))
    assert stored is not None
    assert before <= stored <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.databases("sqlite")
def test_the_database_clock_writes_the_form_that_is_bound(rows: Engine) -> None:
    put(rows, "moment", [datetime.now(UTC)])
    with rows.connect() as connection:
        bound, stored = connection.execute(text("SELECT moment, stored FROM rows")).one()
    form = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"
    assert re.fullmatch(form, bound)
    assert re.fullmatch(form, stored)


# --- identifiers --------------------------------------------------------------------------------------------


def test_identifiers_made_by_the_database_are_read_as_uuids(rows: Engine) -> None:
    put(rows, "moment", [None, None])
    with rows.connect() as connection:
        made = list(connection.scalars(select(ROWS.c.made)))
        assert all(isinstance(one, UUID) for one in made)
        assert len(set(made)) == 2
        assert connection.scalar(select(ROWS.c.made).where(ROWS.c.made == made[0])) == made[0]


def test_uuid7_is_ordered_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = iter(range(1_700_000_000_000_000_000, 1_700_000_100_000_000_000, 1_000_000_000))
    monkeypatch.setattr("db.base.time.time_ns", lambda: next(stamps))
    made = [uuid7() for _ in range(100)]
    assert made == sorted(made)
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert made[0].int >> 80 == 1_700_000_000_000


# --- Exact --------------------------------------------------------------------------------------------------


def test_200_decimals_come_back_exactly(rows: Engine) -> None:
    draw = random.Random(20261122)
    values = [Decimal(draw.randint(-(10**15) + 1, 10**15 - 1)).scaleb(-2) for _ in range(200)]
    assert put(rows, "money", list(values)) == values
    with rows.connect() as connection:
        for value in values[:20]:
            assert connection.scalar(select(ROWS.c.money).where(ROWS.c.money == value)) == value


def test_decimals_are_rounded_to_their_scale(rows: Engine) -> None:
    assert put(rows, "money", [Decimal("1.005"), 0.1 + 0.2, 7]) == [
        Decimal("1.00"),
        Decimal("0.30"),
        Decimal("7.00"),
    ]


@pytest.mark.parametrize("value", [Decimal("NaN"), float("inf"), Decimal("10"), Decimal("-10.5")])
def test_what_does_not_fit_is_refused(rows: Engine, value: object) -> None:
    with pytest.raises(StatementError, match="does not fit: pass a finite number between -10 and 10"):
        put(rows, "share", [value])
    with rows.connect() as connection:
        assert list(connection.execute(select(ROWS.c.id))) == []


def test_more_digits_than_the_database_keeps_are_never_lost_in_silence(rows: Engine) -> None:
    value = Decimal("123456789012345678.123456")
    if rows.dialect.name == "postgresql":
        assert put(rows, "measure", [value]) == [value]
    else:
        with pytest.raises(StatementError, match="more digits than SQLite keeps"):
            put(rows, "measure", [value])


# --- Document -----------------------------------------------------------------------------------------------


def test_documents_come_back_and_none_is_null(rows: Engine) -> None:
    values: list[object] = [{"a": [1, 2.5, None, "é", {"__proto__": 1}]}, [], {}, None]
    assert put(rows, "document", values) == values
    with rows.connect() as connection:
        assert connection.scalars(text("SELECT id FROM rows WHERE document IS NULL")).all() == [3]
