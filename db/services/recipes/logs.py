"""Logs of web servers and sshd → API logs and security events."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from db.services.otlp import Invalid
from db.services.recipes.base import Found, Occurrence, Options, Reading, Record, recipe
from db.services.table_files import Lines, shown
from db.services.table_values import Unstated

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, start=1)}
COMBINED = re.compile(
    r"(?P<client>\S+) \S+ .*? \[(?P<day>\d{2})/(?P<month>\w{3})/(?P<year>\d{4}):(?P<clock>\d{2}:\d{2}:\d{2}) "
    r'(?P<sign>[+-])(?P<hours>\d{2})(?P<minutes>\d{2})\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?:\d+|-)'
    r'(?: "(?:[^"\\]|\\.)*" "(?P<agent>(?:[^"\\]|\\.)*)"?)?\s*'
)
REQUEST = re.compile(r"(?P<method>[A-Za-z]+) (?P<target>\S+)(?: HTTP/[\d.]+)?")
SYSLOG = re.compile(
    r"(?P<month>\w{3}) +(?P<day>\d{1,2}) (?P<clock>\d{2}:\d{2}:\d{2}) (?P<host>\S+) "
    r"(?P<program>[^:\[\s]+)(?:\[(?P<process>\d+)\])?: ?(?P<message>.*)"
)
REPEATED = re.compile(r"message repeated (?P<times>\d+) times: \[ ?(?P<message>.*)\]")
FAILED = re.compile(
    r"Failed (?P<method>password|keyboard-interactive\S*) for (?P<invalid>invalid user )?"
    r"(?P<user>.*) from (?P<source>\S+) port (?P<port>\d+)\b.*"
)
BREAK_IN = "POSSIBLE BREAK-IN ATTEMPT"
BRACKETED = re.compile(r"\[([0-9a-fA-F.:]+)\]")

Line = Callable[[str], Record | Invalid | None]


def _each(lines: Lines, read: Line) -> Iterator[Found]:
    """One row per line that is not blank; lines that cannot be read are refused."""
    while True:
        try:
            text = next(lines).rstrip("\r\n")
        except StopIteration:
            return
        except Invalid as error:
            yield lines.number, error
            continue
        finally:
            lines.begin()
        if text.strip():
            try:
                yield lines.number, read(text)
            except Invalid as error:
                yield lines.number, error


@recipe(
    "access-log",
    "api_logs",
    notes=(
        "left out, because api_logs has no column for them: bytes sent, referrer, protocol, user name and query string",
        "an access log holds no duration; response_time_ms stays empty",
    ),
)
def access_log(lines: Lines, options: Options) -> Reading:
    """Access log of a web server in the combined (or common) format, one row per request.

    client → ip_address; time → created_at; request → method and endpoint (its path without the query string, which
    may hold what nobody should keep); status → status_code; user agent → user_agent. A line is known by its text, and
    by how often it came up before.
    """
    occurrence = Occurrence()
    fields = {"ip_address": "client", "status_code": "status", "endpoint": "request"}
    return Reading(_each(lines, lambda text: _request(text, occurrence)), fields=fields)


def _request(text: str, occurrence: Occurrence) -> Record:
    found = COMBINED.fullmatch(text)
    if found is None:
        raise Invalid(f"{shown(text)} is no line of an access log in the combined format")
    asked = REQUEST.fullmatch(found["request"])
    if asked is None:
        raise Invalid(
            f"the request {shown(found['request'])} is not METHOD PATH PROTOCOL, so it has no method"
        )
    values = {
        "created_at": _stamp(found),
        "ip_address": found["client"],
        "method": asked["method"],
        "endpoint": asked["target"].partition("?")[0] or "/",
        "status_code": found["status"],
        "user_agent": None if found["agent"] in (None, "-") else found["agent"],
    }
    return Record(values, f"access-log {occurrence.of(text)} {text}")


def _stamp(found: re.Match[str]) -> datetime:
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    if offset >= timedelta(hours=24):
        raise Invalid(f"the offset {found['sign']}{found['hours']}{found['minutes']} is no time zone")
    zone = timezone(-offset if found["sign"] == "-" else offset)
    try:
        return _moment(int(found["year"]), found).replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise Invalid("the time lies outside the years 1 to 9999") from None


def _moment(year: int, found: re.Match[str]) -> datetime:
    """The time without zone, of a line that says month by name, day and clock."""
    month = MONTHS.get(found["month"].title())
    try:
        if month is None:
            raise ValueError(f"{found['month']} is no English short name of a month")
        hour, minute, second = map(int, found["clock"].split(":"))
        return datetime(year, month, int(found["day"]), hour, minute, second)  # noqa: DTZ001 - the caller gives the zone
    except ValueError as error:
        raise Invalid(f"no such time in the year {year}: {error}") from None


@recipe(
    "sshd-log",
    "security_events",
    needs_year=True,
    notes=(
        "failed passwords and warnings of a break-in are events; other lines are without a row",
        "the log states no severity: it is stored as low and marked as not stated",
    ),
)
def sshd_log(lines: Lines, options: Options) -> Reading:
    """Log of an SSH server (syslog format), one row per line that tells an event.

    "Failed password for USER from SOURCE" (or keyboard-interactive; not publickey, because clients offer their keys in
    turn) → event_type login_failed; "POSSIBLE BREAK-IN ATTEMPT" → suspicious_activity.
    message → description; source → ip_address; time → created_at, with the year of --year, one more after each turn of
    the year; user, method, port, host, process and how often the message was repeated → metadata; severity low, named
    in metadata.unstated. A repeated message is one row, as it is one line. A line is known by its year and text, and by
    how often it came up before.
    """
    assert options.year is not None
    year = _Year(options.year)
    occurrence = Occurrence()
    fields = {"ip_address": "source", "created_at": "time", "description": "message"}
    return Reading(_each(lines, lambda text: _event(text, year, occurrence)), fields=fields)


class _Year:
    """The year of a log whose times carry none: it turns when December is followed by January."""

    def __init__(self, first: int) -> None:
        self.now = first
        self._month = 0

    def of(self, month: int) -> int:
        if self._month == 12 and month == 1:
            self.now += 1
        self._month = month
        return self.now


def _event(text: str, year: _Year, occurrence: Occurrence) -> Record | None:
    found = SYSLOG.fullmatch(text)
    if found is None:
        raise Invalid(
            f"{shown(text)} is no line of syslog, such as: Mar 27 13:06:56 host sshd[1291]: message"
        )
    now = year.of(MONTHS.get(found["month"].title(), 0))
    if found["program"] != "sshd":
        return None
    repeated = REPEATED.fullmatch(found["message"])
    message = repeated["message"] if repeated else found["message"]
    told = _told(message)
    if told is None:
        return None
    event, source, evidence = told
    evidence |= {"host": found["host"], "process": int(found["process"]) if found["process"] else None}
    values = {
        "event_type": event,
        "severity": Unstated("low"),
        "description": found["message"],
        "ip_address": source,
        "created_at": _moment(now, found).isoformat(),
        "metadata": evidence | {"repeated": int(repeated["times"]) if repeated else 1},
    }
    return Record(values, f"sshd-log {now} {occurrence.of(f'{now} {text}')} {text}")


def _told(message: str) -> tuple[str, str | None, dict[str, Any]] | None:
    """The event a message tells, its source and the evidence; None when it tells none."""
    if failed := FAILED.fullmatch(message):
        evidence = {
            "user": failed["user"],
            "method": failed["method"],
            "port": int(failed["port"]),
            "unknown_user": failed["invalid"] is not None,
        }
        return "login_failed", failed["source"], evidence
    if BREAK_IN in message:
        source = BRACKETED.search(message)
        return "suspicious_activity", source[1] if source else None, {}
    return None
