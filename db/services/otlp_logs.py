"""OTLP logs → log records: decoding and validation, no database. Each record stands for itself."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from db.services.otlp_envelope import Found, Identities, Names, Origin
from db.services.otlp_values import (
    LONGEST_NAME,
    LONGEST_VALUE,
    SIZE,
    Invalid,
    as_dict,
    attributes,
    clean,
    count,
    hex_id,
    integer,
    too_deep,
    value_of,
)

NAMES = Names("resourceLogs", "scopeLogs", "logRecords")
LEVELS = ("debug", "debug", "info", "warning", "error", "critical")  # trace, debug, info, warn, error, fatal
WORDS = {
    "trace": "debug",
    "debug": "debug",
    "info": "info",
    "information": "info",
    "notice": "info",
    "warn": "warning",
    "warning": "warning",
    "err": "error",
    "error": "error",
    "fatal": "critical",
    "critical": "critical",
    "alert": "critical",
    "emergency": "critical",
}
SEVERITY = "SEVERITY_NUMBER_"
STEPS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


class LogRecord(NamedTuple):
    """One valid log record as it arrived; ids in lower-case hexadecimal, times in nanoseconds since 1970 UTC, 0 where
    none was told. `body` is what stands in its place when the body is no text."""

    id: UUID
    time_ns: int
    observed_ns: int
    level: str
    severity_number: int
    severity_text: str
    message: str
    body: Any
    event: str
    trace_id: str | None
    span_id: str | None
    flags: int
    attributes: Mapping[str, Any]
    origin: Origin


def logs_of(items: Found) -> Iterator[LogRecord | Invalid]:
    """Log records of the items of one request."""
    identities = Identities()
    for found in items:
        yield found if isinstance(found, Invalid) else _checked(*found, identities)


def _checked(item: Any, origin: Origin, identities: Identities) -> LogRecord | Invalid:
    try:
        return _record(as_dict(item), origin, identities)
    except Invalid as error:
        return error.about("log record")
    except RecursionError:
        return too_deep().about("log record")


def _record(item: Mapping[str, Any], origin: Origin, identities: Identities) -> LogRecord:
    number, word = _severity(item.get("severityNumber")), clean(item.get("severityText"))
    body = value_of(item.get("body"))
    said = (
        integer(item.get("timeUnixNano") or 0, "timeUnixNano"),
        integer(item.get("observedTimeUnixNano") or 0, "observedTimeUnixNano"),
        level_of(number, word),
        number,
        _short(word, "severityText"),
        body if isinstance(body, str) else "" if body is None else _as_text(body),
        None if isinstance(body, str) else body,
        _short(clean(item.get("eventName")), "eventName"),
        _id(item.get("traceId"), 32, "traceId"),
        _id(item.get("spanId"), 16, "spanId"),
        count(item.get("flags") or 0, "flags"),
        attributes(item.get("attributes")),
    )
    return LogRecord(identities.of(origin.key, said), *said, origin)


def level_of(number: int, word: str) -> str:
    """The log level for a severity: by its number, else by its word, else info."""
    if 1 <= number <= 24:
        return LEVELS[(number - 1) // 4]
    return WORDS.get(word.strip().lower(), "info")


def _severity(given: Any) -> int:
    """A number, or a name such as SEVERITY_NUMBER_WARN2; 0 where nothing was said or the name is not known."""
    if isinstance(given, str) and given.startswith(SEVERITY):
        word = given.removeprefix(SEVERITY)
        step = word.rstrip("234")
        place = int(word[len(step) :] or 1) if len(word) - len(step) < 2 else 0
        return 4 * STEPS.index(step) + place if step in STEPS and place else 0
    return count(given or 0, "severityNumber")


def _id(given: Any, digits: int, field: str) -> str | None:
    nothing = not given.strip("0") if isinstance(given, str) else not given
    return None if nothing else hex_id(given, digits, field)


def _short(text: str, field: str) -> str:
    if len(text) > LONGEST_NAME:
        raise Invalid(
            f"{field} has {len(text):,} characters, the limit is {LONGEST_NAME:,}; shorten it", SIZE
        )
    return text


def _as_text(body: Any) -> str:
    text = orjson.dumps(body).decode()
    if len(text) > LONGEST_VALUE:
        raise Invalid(
            f"the body has {len(text):,} characters, the limit is {LONGEST_VALUE:,}; shorten it", SIZE
        )
    return text
