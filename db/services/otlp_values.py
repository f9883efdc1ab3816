"""What every OTLP signal is made of: attributes, ids, times, and the limits they keep. No database, no envelope.

Follows the OpenTelemetry protocol: JSON with hexadecimal ids and integers as numbers or strings, or protobuf.
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from db.queries.ingest import DATABASE, FORM, IDENTITY, NESTING, NOBODY, RESERVED, SIZE, TIME

__all__ = [
    "DATABASE",
    "FORM",
    "IDENTITY",
    "Invalid",
    "LATEST_NS",
    "LONGEST_AGENT",
    "LONGEST_NAME",
    "LONGEST_VALUE",
    "MOST_ATTRIBUTES",
    "MOST_BYTES",
    "MOST_NESTING",
    "NESTING",
    "NOBODY",
    "RESERVED",
    "Refusal",
    "SIZE",
    "TIME",
    "as_dict",
    "as_list",
    "attributes",
    "clean",
    "count",
    "enum",
    "few",
    "hex_id",
    "integer",
    "loads",
    "not_finite",
    "number",
    "plain",
    "protobuf_attributes",
    "shown",
    "signed",
    "too_deep",
    "value_of",
]

MOST_BYTES = 64 * 1024 * 1024  # of one document, line or message
MOST_ATTRIBUTES = 1024
MOST_NESTING = 16
LONGEST_NAME = 1024
LONGEST_AGENT = 255
LONGEST_VALUE = 1024 * 1024
LATEST_NS = 2**63 - 1
OF_JSON = (list, dict, str, int, float)  # what JSON gives, and no protobuf message
WHOLE = re.compile(r"-?[0-9]+")
IDS = {digits: re.compile(f"(?!0+$)[0-9a-fA-F]{{{digits}}}") for digits in (16, 32)}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a span, a line or a file was not taken, and the remedy. `line` is 0 for the whole file."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class Invalid(ValueError):
    """What was sent is not valid; the message says what and the remedy.

    Attributes:
        kind: one of db.queries.ingest.REASONS.
        count: how many items it speaks of.
    """

    def __init__(self, message: str, kind: str = FORM, count: int = 1) -> None:
        super().__init__(message)
        self.kind, self.count = kind, count

    def about(self, what: str, count: int = 1) -> "Invalid":
        """The same, said of something by name."""
        return Invalid(f"{what}: {self}", self.kind, count)


def loads(data: bytes) -> Any:
    """JSON. Raises Invalid."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Invalid(
            f"not valid JSON ({error.msg} at character {error.pos + 1:,} of {len(data):,}); "
            "the line may be cut off, export it again"
        ) from None


def protobuf_attributes(pairs: Sequence[Any]) -> dict[str, Any]:
    _refuse_many(len(pairs))
    return {_key(pair.key): _protobuf_value(pair.value, 0) for pair in pairs}


def _protobuf_value(value: Any, depth: int) -> Any:
    if depth > MOST_NESTING:
        raise too_deep()
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    held = getattr(value, kind)
    if kind == "array_value":
        return [_protobuf_value(each, depth + 1) for each in few(held.values, "array values")]
    if kind == "kvlist_value":
        _refuse_many(len(held.values))
        return {_key(pair.key): _protobuf_value(pair.value, depth + 1) for pair in held.values}
    return base64.b64encode(held).decode() if kind == "bytes_value" else plain(held)


def too_deep() -> Invalid:
    return Invalid(f"attributes are nested deeper than {MOST_NESTING} levels; flatten them", NESTING)


def attributes(pairs: Any) -> dict[str, Any]:
    listed = as_list(pairs)
    _refuse_many(len(listed))
    return {_key(as_dict(pair).get("key")): _value(as_dict(pair).get("value"), 0) for pair in listed}


def _refuse_many(count: int) -> None:
    if count > MOST_ATTRIBUTES:
        raise Invalid(
            f"{count:,} attributes, the limit is {MOST_ATTRIBUTES:,}; "
            "set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT at the sender",
            SIZE,
        )


def few(values: Any, what: str) -> Sequence[Any]:
    if values is None:
        return ()
    listed = as_list(values) if isinstance(values, OF_JSON) else values
    if len(listed) > MOST_ATTRIBUTES:
        raise Invalid(f"{len(listed):,} {what}, the limit is {MOST_ATTRIBUTES:,}; send fewer", SIZE)
    return listed


def _key(key: Any) -> str:
    name = clean(key)
    if name == "__proto__":
        raise Invalid(
            "an attribute is called __proto__, which is not allowed; rename it at the sender", RESERVED
        )
    if len(name) > LONGEST_NAME:
        raise Invalid(
            f"an attribute key has {len(name):,} characters, the limit is {LONGEST_NAME:,}; shorten it", SIZE
        )
    return name


def _value(value: Any, depth: int) -> Any:
    """The one kind of value a JSON AnyValue holds; None for one that is empty or of a kind that is not known yet."""
    if depth > MOST_NESTING:
        raise too_deep()
    if not isinstance(value, dict):
        return None
    for kind, held in value.items():
        if kind in ("stringValue", "boolValue", "bytesValue"):
            return plain(held)
        if kind == "intValue":
            return signed(held)
        if kind == "doubleValue":
            return plain(number(held))
        if kind == "arrayValue":
            return [_value(each, depth + 1) for each in few(as_dict(held).get("values"), "array values")]
        if kind == "kvlistValue":
            pairs = as_list(as_dict(held).get("values"))
            _refuse_many(len(pairs))
            return {
                _key(as_dict(pair).get("key")): _value(as_dict(pair).get("value"), depth + 1)
                for pair in pairs
            }
    return None


def value_of(value: Any) -> Any:
    """What a JSON AnyValue holds, such as a log record's body."""
    return _value(value, 0)


def plain(value: Any) -> Any:
    """What JSON columns can hold: no NUL, no NaN; numbers stay numbers."""
    if isinstance(value, str):
        if len(value) > LONGEST_VALUE:
            raise Invalid(
                f"an attribute value has {len(value):,} characters, the limit is {LONGEST_VALUE:,}; "
                "set OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT at the sender",
                SIZE,
            )
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return not_finite(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise Invalid(f"an attribute holds a JSON {type(value).__name__} where a plain value belongs")


def not_finite(value: float) -> str:
    """NaN and the infinities as OTLP/JSON spells them."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def clean(value: Any) -> str:
    """Text without NUL, which PostgreSQL cannot store; anything that is no text is empty."""
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else ""


def signed(value: Any) -> int:
    """A whole number of 64 bits with its sign, as JSON's number or text."""
    whole = value if isinstance(value, int) else int(value) if _is_whole(value) else None
    if whole is None:
        raise Invalid(f"intValue {shown(value)} is no whole number")
    if not -(2**63) <= whole < 2**63:
        raise Invalid(f"intValue {shown(value)} does not fit 64 bits")
    return whole


def _is_whole(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, str) and len(value) < 40 and WHOLE.fullmatch(value) is not None


def number(value: Any) -> float:
    """A double as JSON's number or text; NaN and the infinities come as text."""
    try:
        return float(value if isinstance(value, int | float | str) else "none")
    except (ValueError, OverflowError):
        raise Invalid(f"a number is {shown(value)}") from None


def integer(value: Any, field: str) -> int:
    """Nanoseconds since 1970, as JSON's number or text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _no_time(value, field)
    digits = str(value)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19 or int(digits) > LATEST_NS:
        raise _no_time(value, field)
    return int(digits)


def _no_time(value: Any, field: str) -> Invalid:
    return Invalid(f"{field} is {shown(value)}; it must be nanoseconds since 1970, a whole number", TIME)


def count(value: Any, field: str) -> int:
    """A whole number from 0 up to 64 bits, as JSON's number or text."""
    whole = int(value) if not isinstance(value, bool) and (isinstance(value, int) or _is_whole(value)) else -1
    if not 0 <= whole < 2**64:
        raise Invalid(f"{field} is {shown(value)}; it must be a whole number from 0 up")
    return whole


def hex_id(value: Any, digits: int, field: str) -> str:
    """An id in lower-case hexadecimal."""
    given = value if isinstance(value, str) else ""
    if not IDS[digits].fullmatch(given):
        if len(given) in (12, 24) and _is_base64(given):
            raise Invalid(
                f"{field} looks like base64; OTLP/JSON writes ids as {digits} hexadecimal digits", IDENTITY
            )
        raise Invalid(f"{field} {shown(value)} must be {digits} hexadecimal digits, not all zero", IDENTITY)
    return given.lower()


def _is_base64(given: str) -> bool:
    try:
        base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def enum(value: Any, names: Mapping[str, int], field: str) -> int:
    """The number of an enumeration's value, given as number, digits or name."""
    if isinstance(value, str):
        named = names.get(value)
        value = (
            int(value) if named is None and value.isascii() and value.isdigit() and len(value) < 9 else named
        )
    if not isinstance(value, int) or isinstance(value, bool) or value not in names.values():
        raise Invalid(f"{field} is {shown(value)}; use one of {', '.join(map(str, names.values()))}")
    return value


def shown(value: Any) -> str:
    """A few characters of what was sent, for a message; never a whole structure."""
    if isinstance(value, str):
        return repr(clean(value[:40]))
    if value is None or isinstance(value, int | float):
        return repr(value)[:40]
    return f"a JSON {type(value).__name__}"


def as_dict(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f"a JSON {type(value).__name__} where an object belongs")
    return value


def as_list(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(f"a JSON {type(value).__name__} where a list belongs")
    return value
