"""Base, naming and the column types that mean the same on SQLite and PostgreSQL."""

import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, LargeBinary, MetaData, Numeric, String, Text, Uuid
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import CreateIndex, PrimaryKeyConstraint
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every mapped class descends from here; `Base.metadata` is the schema."""

    metadata = MetaData(naming_convention=NAMING)


def uuid7() -> uuid.UUID:
    """A time-ordered identifier (RFC 9562): neighbours in time are neighbours in the index."""
    stamp = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10)) & ((1 << 74) - 1)
    return uuid.UUID(int=stamp << 80 | 0x7 << 76 | (tail >> 62) << 64 | 0b10 << 62 | (tail & ((1 << 62) - 1)))


class Instant(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps fixed-width text, so that text order is time order.

    Raises ValueError for a datetime without a zone: it would silently become another moment.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(26))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; pass an aware datetime.")
        moment = value.astimezone(UTC)
        if dialect.name != "sqlite":
            return moment
        # Not strftime: on Linux it writes the year 999 with three digits, and text order would no longer be time order.
        return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        moment: datetime = value.astimezone(UTC)
        return moment


class Exact(TypeDecorator[Decimal]):
    """A decimal with a fixed number of places, quantised on the way in and out (SQLite has no decimals).

    Raises ValueError for what the column cannot keep: not a finite number, more digits than it has room for, or on
    SQLite, which stores a binary fraction, more digits than that holds (about 15).
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.step = Decimal(1).scaleb(-scale)
        self.limit = Decimal(1).scaleb(precision - scale)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        given = Decimal(str(value))
        if not given.is_finite() or abs(given) >= self.limit:
            raise ValueError(
                f"{value!r} does not fit: pass a finite number between -{self.limit:f} and {self.limit:f}."
            )
        exact = given.quantize(self.step)
        if dialect.name == "sqlite" and Decimal(str(float(exact))).quantize(self.step) != exact:
            raise ValueError(
                f"{value!r} has more digits than SQLite keeps; round it to 15 digits or use PostgreSQL."
            )
        return exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(str(value)).quantize(self.step)


class HexId(TypeDecorator[str]):
    """An identifier of `length` bytes: lower-case hexadecimal text in Python, bytes in the database, half as long.

    Raises ValueError for text that is no such identifier.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    @property
    def python_type(self) -> type[str]:
        return str

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], bytes | None]:
        """The drivers take bytes as they are; there is nothing to wrap them in."""
        return self._bytes

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], str | None]:
        return lambda value: None if value is None else bytes(value).hex()

    def _bytes(self, value: str | None) -> bytes | None:
        if value is None:
            return None
        if len(value) != 2 * self.length:
            raise ValueError(f"{value!r} does not fit: pass {2 * self.length} hexadecimal digits.")
        return bytes.fromhex(value)


Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Address = String(45).with_variant(INET(), "postgresql")
Key = Uuid
__all__ = [
    "Address",
    "Base",
    "Document",
    "Exact",
    "HexId",
    "IN_KEY",
    "Instant",
    "Key",
    "Text",
    "by_month",
    "new_id",
    "now",
    "uuid7",
]


class now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The database's clock, in the very text form that `Instant` writes."""

    type = Instant()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_sqlite(element: now, compiler: Any, **kw: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


@compiles(now)
def _now(element: now, compiler: Any, **kw: Any) -> str:
    return "now()"


class new_id(FunctionElement[uuid.UUID]):  # noqa: N801 - reads as the SQL function it is
    """A random identifier made by the database, for rows that other tools insert."""

    type = Uuid()
    inherit_cache = True


@compiles(new_id, "sqlite")
def _new_id_sqlite(element: new_id, compiler: Any, **kw: Any) -> str:
    return "(lower(hex(randomblob(16))))"


@compiles(new_id)
def _new_id(element: new_id, compiler: Any, **kw: Any) -> str:
    return "gen_random_uuid()"


@compiles(CreateIndex, "sqlite")
def _index_without_nulls_last(element: CreateIndex, compiler: Any, **kw: Any) -> str:
    """SQLite refuses NULLS LAST in an index; its plain DESC already puts nulls last."""
    return str(compiler.visit_create_index(element, **kw)).replace(" NULLS LAST", "")


# --- cut by month ---------------------------------------------------------------------------------

IN_KEY = "time in the key"


def by_month(time: str) -> dict[str, Any]:
    """For `__table_args__`: PostgreSQL cuts the table by month of this column (see `db.partitions`).

    There the column joins the primary key, since nothing else could be unique over partitions, and is never null.
    """
    return {"postgresql_partition_by": f"RANGE ({time})", "info": {IN_KEY: time}}


@compiles(PrimaryKeyConstraint, "postgresql")
def _key_with_time(element: PrimaryKeyConstraint, compiler: Any, **kw: Any) -> str:
    written = str(compiler.visit_primary_key_constraint(element, **kw))
    time = element.table.info.get(IN_KEY)
    return written if time is None or time in element.columns else f"{written.removesuffix(')')}, {time})"
