"""Text of a file → values of a table's columns, with the table's own checks. No database.

Every refusal names the field, shows the value and says the remedy.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Dialect,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    Uuid,
)

from db.base import Exact, Instant
from db.services.otlp import Invalid
from db.services.table_files import null_or, shown

FORMATS = {
    "dmy": "day-month-year (29-02-2016 01:16)",
    "mdy": "month-day-year (2/29/2016 1:16)",
    "comma": "numbers with a decimal comma (1.234,56)",
}
YES = frozenset(("true", "t", "yes", "y", "1"))
NO = frozenset(("false", "f", "no", "n", "0"))
# PostgreSQL keeps an indexed text only below 2,704 bytes; the same on SQLite, so that a file fits both or neither.
MOST_INDEXED = 2600
DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
GROUPED_COMMA = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")
Check = Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True)
class Unstated:
    """Stands in a column that may not be null and of which the source says nothing; metadata.unstated names it."""

    value: Any


class Columns:
    """Converts the fields of one table's rows.

    Attributes:
        zone: in which times without an offset are read; `zoneless` counts them.
        fields: what the file calls a column, for messages; formats: see FORMATS, by column.
    """

    def __init__(self, table: Table, dialect: Dialect, zone: tzinfo = UTC) -> None:
        self.table = table
        self.zone = zone
        self.zoneless = 0
        self.fields: Mapping[str, str] = {}
        self.formats: Mapping[str, str] = {}
        self._dialect = dialect
        self._checks = checks_of(table)
        self._indexed = indexed_texts(table)

    def row(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """`values` as the columns take them; text is converted, anything else is taken as it is.

        Raises Invalid for the first value that does not fit.
        """
        silent = [name for name, value in values.items() if isinstance(value, Unstated)]
        converted = {
            name: value.value if isinstance(value, Unstated) else self._value(self.table.c[name], value)
            for name, value in values.items()
        }
        if silent:
            converted["metadata"] = {**converted["metadata"], "unstated": " ".join(silent)}
        for check in self._checks:
            problem = check(converted)
            if problem:
                raise Invalid(problem)
        return converted

    def _value(self, column: Column[Any], value: Any) -> Any:
        if isinstance(value, str):
            value = null_or(value)
        if value is None:
            if not column.nullable:
                raise Invalid(
                    f"{self._called(column)} is empty and must be stated; give it a value in the file"
                )
            return None
        try:
            return self._converted(column, value)
        except ValueError as error:  # Invalid is one
            raise Invalid(f"{self._called(column)} {shown(value)}: {error}") from None

    def _called(self, column: Column[Any]) -> str:
        field = self.fields.get(column.name, column.name)
        return column.name if field == column.name else f"{column.name} (field {shown(field, 40)})"

    def _converted(self, column: Column[Any], value: Any) -> Any:
        kind, written = column.type, self.formats.get(column.name, "")
        if isinstance(kind, Exact):
            return self._exact(kind, _number(value, written))
        if not isinstance(value, str):
            return value
        if isinstance(kind, Integer):
            return _whole(value, written, 63 if isinstance(kind, BigInteger) else 31)
        if isinstance(kind, Boolean):
            return _bool(value)
        if isinstance(kind, Instant):
            return self._instant(value.strip(), written)
        if isinstance(kind, Date):
            return _day(value.strip(), written)
        if isinstance(kind, Uuid):
            return _uuid(value)
        if isinstance(kind, JSON):
            return _document(value, column.name)
        if isinstance(kind, String) and kind.length == 45:  # db.base.Address
            return _address(value)
        return self._text(column, value)

    def _text(self, column: Column[Any], value: str) -> str:
        if column.name in self._indexed and len(value.encode()) > MOST_INDEXED:
            raise Invalid(
                f"{len(value):,} characters where at most {MOST_INDEXED:,} bytes are kept; shorten it"
            )
        return value

    def _exact(self, kind: Exact, number: Decimal) -> Decimal:
        if abs(number) < kind.limit and number != number.quantize(kind.step):
            raise Invalid(f"more than {-kind.step.adjusted()} decimal places; round it in the file")
        bound = kind.process_bind_param(number, self._dialect)
        assert bound is not None
        return bound

    def _instant(self, text: str, written: str) -> datetime:
        moment = _dated(text, written) if written else _iso(text)
        if moment.tzinfo is None:
            self.zoneless += 1
            moment = moment.replace(tzinfo=self.zone)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise Invalid("outside the years 1 to 9999 in UTC") from None


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if DAY_FIRST.fullmatch(text):
            raise Invalid(
                "which part is the day? Say :dmy or :mdy after the field, as in --map created_at=Date:dmy"
            ) from None
        raise Invalid("no time in ISO 8601, such as 2024-05-01T13:30:00Z") from None


def _dated(text: str, written: str) -> datetime:
    found = DAY_FIRST.fullmatch(text)
    if not found:
        raise Invalid(f"not {FORMATS[written]}; a year has four digits")
    one, two, year, hour, minute, second = (int(part or 0) for part in found.groups())
    day, month = (one, two) if written == "dmy" else (two, one)
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the caller gives the zone
    except ValueError as error:
        raise Invalid(f"not {FORMATS[written]}: {error}") from None


def _day(text: str, written: str) -> date:
    if written:
        return _dated(text, written).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(
            "no day in ISO 8601 (2024-05-01); if the file writes the day first, add :dmy to its --map"
        ) from None


def _number(value: Any, written: str) -> Decimal:
    text = str(value).strip()
    if written == "comma":
        if not GROUPED_COMMA.fullmatch(text):
            raise Invalid(f"not among {FORMATS['comma']}")
        text = text.replace(".", "").replace(",", ".")
    try:
        if not text.isascii() or "_" in text:
            raise InvalidOperation
        number = Decimal(text)
    except InvalidOperation:
        hint = " (with a decimal comma, add :comma to its --map)" if "," in text else ""
        raise Invalid(f"no number; write digits with a decimal point and nothing else{hint}") from None
    if not number.is_finite():
        raise Invalid("not a finite number; leave it empty where it is unknown")
    return number


def _whole(text: str, written: str, bits: int) -> int:
    number = _number(text, written)
    if abs(number) >= 2**bits:
        raise Invalid(f"must lie between -{2**bits:,} and {2**bits - 1:,}")
    if number != number.to_integral_value():
        raise Invalid("no whole number; round it in the file or choose another column")
    return int(number)


def _bool(text: str) -> bool:
    word = text.strip().lower()
    if word not in YES | NO:
        raise Invalid("neither true nor false; write true, false, yes, no, 1 or 0")
    return word in YES


def _uuid(text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError:
        raise Invalid("no UUID, such as 0190b6c4-7e1a-7c3e-9d2f-1a2b3c4d5e6f") from None


def _address(text: str) -> str:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        found = None
    if found is None or "%" in text:
        raise Invalid("no IPv4 or IPv6 address; a name must be resolved before the import")
    return str(found)


def _document(text: str, name: str) -> Any:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"no JSON ({error.msg} at character {error.pos + 1:,})") from None
    if "\\u0000" in text and b"\\u0000" in orjson.dumps(document):
        raise Invalid("JSON with a NUL character (\\u0000); take it out")
    if name == "metadata" and not isinstance(document, dict):
        raise Invalid('metadata must be a JSON object, such as {"source": "survey"}')
    return document


def indexed_texts(table: Table) -> set[str]:
    """Names of columns in an index or key: what they hold must stay short."""
    found = {column.name for index in table.indexes for column in index.columns}
    return found | {name for columns in uniques(table) for name in columns}


def uniques(table: Table) -> list[tuple[str, ...]]:
    """Column names of each unique constraint or index but the primary key, in the order of their names."""
    found: list[UniqueConstraint | Index] = [index for index in table.indexes if index.unique]
    found += [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    named = sorted(found, key=lambda each: str(each.name))
    return [tuple(column.name for column in each.columns) for each in named]


# --- the table's checks, as the model declares them ------------------------------------------------

ONE_OF = re.compile(r"(\w+) IN \((.*)\)", re.DOTALL)
COMPARED = re.compile(r"(\w+) (>=|<=|<>|>|<) (-?\d+(?:\.\d+)?)")
HOLDS: dict[str, Callable[[Any, Decimal], bool]] = {
    ">=": lambda value, bound: value >= bound,
    "<=": lambda value, bound: value <= bound,
    "<>": lambda value, bound: value != bound,
    ">": lambda value, bound: value > bound,
    "<": lambda value, bound: value < bound,
}
SAID = {">=": "at least", "<=": "at most", "<>": "not", ">": "above", "<": "below"}


def checks_of(table: Table) -> list[Check]:
    """The table's check constraints as functions of a row that return what is wrong, or None.

    Raises NotImplementedError for one that this module cannot read.
    """
    constraints = [each for each in table.constraints if isinstance(each, CheckConstraint)]
    return [_check(each) for each in sorted(constraints, key=lambda each: str(each.name))]


def _check(constraint: CheckConstraint) -> Check:
    text = str(constraint.sqltext)
    if listed := ONE_OF.fullmatch(text):
        return _one_of(listed.group(1), tuple(re.findall(r"'([^']*)'", listed.group(2))))
    compared = [COMPARED.fullmatch(part) for part in text.split(" AND ")]
    if all(compared):
        return _within([(part.group(1), part.group(2), Decimal(part.group(3))) for part in compared if part])
    if constraint.name in BETWEEN_COLUMNS:
        return BETWEEN_COLUMNS[str(constraint.name)]
    raise NotImplementedError(f"{constraint.name}: {text}")


def _one_of(name: str, allowed: tuple[str, ...]) -> Check:
    def check(row: Mapping[str, Any]) -> str | None:
        value = row.get(name)
        if value is None or value in allowed:
            return None
        return f"{name} {shown(value)} is not one of {', '.join(allowed)}; write one of these in the file"

    return check


def _within(bounds: list[tuple[str, str, Decimal]]) -> Check:
    said = " and ".join(f"{SAID[sign]} {bound}" for _, sign, bound in bounds)

    def check(row: Mapping[str, Any]) -> str | None:
        for name, sign, bound in bounds:
            value = row.get(name)
            if value is not None and not HOLDS[sign](value, bound):
                return f"{name} {shown(value)} is out of range; it must be {said}"
        return None

    return check


def _resolved_after_created(row: Mapping[str, Any]) -> str | None:
    created, resolved = row.get("created_at"), row.get("resolved_at")
    if created is None or resolved is None or resolved >= created:
        return None
    return (
        f"resolved_at {resolved:%Y-%m-%d %H:%M:%S} lies before created_at {created:%Y-%m-%d %H:%M:%S} (both UTC); "
        "state the moment of creation, or mend one of them"
    )


def _total_consistent(row: Mapping[str, Any]) -> str | None:
    amount, tax, total = row.get("amount"), row.get("tax"), row.get("total")
    if amount is None or tax is None or total is None or total == amount + tax:
        return None
    return f"total {total} is not amount {amount} plus tax {tax}; mend the one that is wrong"


BETWEEN_COLUMNS: dict[str, Check] = {
    "support_tickets_resolved_after_created": _resolved_after_created,
    "invoices_total_consistent": _total_consistent,
}
