"""Files of measurements → points, no database. What a file holds is told by the names in its first line.

- a time and `value`: one series, called as the file or as --name says;
- a time, `metric` and `value`, and where there are some `unit` and `source`: a row per measurement;
- a time and other names: a column per metric, such as `CpuUsageRate(%)`, whose unit stands in brackets. `PodName`,
  `ServiceName`, `source`, `host` or `instance` name whose they are.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from db.services.otlp import UNKNOWN_SERVICE
from db.services.otlp_envelope import Origin, content_id
from db.services.otlp_metrics import Point, column_value
from db.services.otlp_requests import RESERVED_NAMES
from db.services.otlp_values import LONGEST_NAME, Invalid
from db.services.recipes.base import Occurrence
from db.services.table_files import Sheet, null_or, shown
from db.window import EARLIEST, LATEST, to_ns

TIMES = ("time", "timestamp", "recorded_at", "at", "datetime")
SOURCES = ("podname", "servicename", "source", "host", "instance")
VALUE, METRIC, UNIT = "value", "metric", "unit"
BESIDE = ("timestamp",)  # a second time, in seconds, of files that hold both
TITLE = re.compile(r"(?P<name>.+?)\s*\((?P<unit>[^()]*)\)")
NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|infinity)", re.ASCII | re.IGNORECASE)
# As clocks of Go print themselves: 2022-08-22 03:51:19.607158889 +0000 UTC m=+0.113112869
CLOCK = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d\d)(\d\d)(?: [A-Z]\w*)?(?: m=\S+)?", re.ASCII
)
EPOCH = re.compile(r"\d{1,10}(?:\.\d+)?", re.ASCII)
ENDINGS = (".gz", ".csv", ".tsv", ".txt")
BLANKS = frozenset(("nan", "-nan", "null", "none"))
BLANK = "The file has no value here."
APART = timedelta(minutes=1)  # two clocks of one row that differ by more do not mean the same moment


@dataclass(frozen=True)
class Wanted:
    """What a person asks: the series' name, unit and source where the file does not say them, and which metrics of
    it (`only`; all where it is empty)."""

    name: str = ""
    unit: str = ""
    source: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """One row's part that is about one metric."""

    metric: str
    unit: str
    source: str
    text: str


@dataclass
class Shape:
    """Which field of a file says what. `columns` are its metrics by field, with their unit."""

    time: str
    beside: str | None
    source: str | None
    columns: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    is_long: bool = False


class Points:
    """The points of one file, line by line; what a person should know about them is in `notes`."""

    def __init__(self, path: Path, found: Sheet, wanted: Wanted) -> None:
        self.wanted, self.path = wanted, path
        self.shape = shape_of(path, found, wanted)
        self._rows = found.mappings()
        self._seen = Occurrence()
        self.blank = self.zoneless = self.apart = self.skipped = 0

    def __iter__(self) -> Iterator[tuple[int, Point | Invalid]]:
        for line, row in self._rows:
            if isinstance(row, Invalid):
                yield line, row
            elif not any(map(str.strip, row.values())):
                self.skipped += 1
            else:
                yield from ((line, each) for each in self._row(line, row))

    def notes(self) -> list[str]:
        told = []
        if self.zoneless:
            told.append(f"{self.zoneless:,} times without an offset were read as UTC")
        if self.apart:
            told.append(
                f"of {self.apart:,} rows the two times are more than a minute apart; {self.shape.time!r} was taken, "
                f"{self.shape.beside!r} was not"
            )
        if self.blank:
            told.append(
                f"{self.blank:,} cells are blank or NaN: stored as measurements without a value, not as 0"
            )
        return [f"{self.path.name}: {each}" for each in told]

    def _row(self, line: int, row: Mapping[str, str]) -> Iterator[Point | Invalid]:
        try:
            moment = self._moment(row)
        except Invalid as error:
            yield error
            return
        for told in self._told(row):
            try:
                yield self._point(line, told, moment)
            except Invalid as error:
                yield error.about(f"{told.metric!r}")

    def _moment(self, row: Mapping[str, str]) -> datetime:
        moment, says_offset = moment_of(row[self.shape.time])
        self.zoneless += not says_offset
        beside = self.shape.beside
        if beside is not None and EPOCH.fullmatch(row[beside].strip()):
            self.apart += abs(moment - moment_of(row[beside])[0]) > APART
        return moment

    def _told(self, row: Mapping[str, str]) -> Iterator[Told]:
        shape, wanted = self.shape, self.wanted
        source = (row[shape.source].strip() if shape.source else "") or wanted.source
        if shape.is_long:
            unit = row.get(UNIT, "").strip() or wanted.unit
            if not wanted.only or row[METRIC].strip() in wanted.only:
                yield Told(row[METRIC].strip(), unit, source, row[VALUE])
            return
        for name, (metric, unit) in shape.columns.items():
            yield Told(metric, unit, source, row[name])

    def _point(self, line: int, told: Told, moment: datetime) -> Point:
        _refuse_name(told)
        text = told.text.strip()
        details: dict[str, Any] = {"line": line}
        value = None
        if null_or(text) is None or text.lower() in BLANKS:
            self.blank += 1
            details |= {"reason": BLANK} | ({"value": text} if text else {})
        elif not NUMBER.fullmatch(text):
            raise Invalid(
                f"{shown(told.text)} is no number; write it with a decimal point, or leave it blank"
            )
        else:
            value, about = column_value(float(text))
            details |= about
        time_ns = to_ns(moment)
        again = self._seen.of(f"{told.metric}\x1f{told.unit}\x1f{told.source}\x1f{time_ns}")
        identity = content_id("measured", told.metric, told.unit, told.source, time_ns, again)
        origin = Origin({}, told.source or UNKNOWN_SERVICE, None, b"")
        return Point(identity, told.metric, told.unit, value, time_ns, {}, details, origin)


def shape_of(path: Path, found: Sheet, wanted: Wanted) -> Shape:
    """Which field says what. Raises Invalid where nothing tells the time, or nothing is measured."""
    lower = {name.lower(): name for name in reversed(found.fields)}
    time = next((lower[name] for name in TIMES if name in lower), None)
    if time is None:
        raise Invalid(f"no field tells the time; name one of them {', '.join(TIMES)}")
    beside = next((lower[name] for name in BESIDE if name in lower and lower[name] != time), None)
    source = next((lower[name] for name in SOURCES if name in lower), None)
    found.require([each for each in (time, beside, source) if each])
    if METRIC in found.fields and VALUE in found.fields:
        found.require((METRIC, VALUE))
        return Shape(time, beside, source, is_long=True)
    rest = [name for name in found.fields if name and name not in (time, beside, source)]
    found.require(rest)
    columns = _columns(path, rest, wanted)
    if not columns:
        held = ", ".join(shown(name, 40) for name in rest[:20]) or "nothing but its time"
        raise Invalid(f"no metric of it is wanted; it holds {held}")
    return Shape(time, beside, source, columns)


def _columns(path: Path, names: Sequence[str], wanted: Wanted) -> dict[str, tuple[str, str]]:
    if names == [VALUE]:
        return {VALUE: (wanted.name or file_name(path), wanted.unit)}
    found = {}
    for name in names:
        said = TITLE.fullmatch(name)
        metric, unit = (said["name"], said["unit"].strip()) if said else (name, wanted.unit)
        if not wanted.only or metric in wanted.only:
            found[name] = (metric, unit)
    return found


def file_name(path: Path) -> str:
    """The file's name without its endings: what a series is called that has no other name. Those of the Numenta
    Anomaly Benchmark are called as its labels call them."""
    name = path.name
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name.removeprefix("nab-") or path.name


def moment_of(text: str) -> tuple[datetime, bool]:
    """A moment in UTC, and whether its offset was told: ISO 8601, a clock of Go, seconds since 1970. Raises Invalid."""
    told = text.strip()
    clock = CLOCK.fullmatch(told)
    try:
        if EPOCH.fullmatch(told):
            moment, says_offset = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(told)), True
        else:
            moment = datetime.fromisoformat(f"{clock[1]}{clock[2]}:{clock[3]}" if clock else told)
            says_offset = moment.tzinfo is not None
            moment = moment.astimezone(UTC) if says_offset else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{shown(text)} is no time; write it like 2022-08-22T03:52:00Z") from None
    if not EARLIEST <= moment < LATEST:
        raise Invalid(f"{shown(text)} lies outside the years 1970 to 2261; nothing can be stored there")
    return moment, says_offset


def _refuse_name(told: Told) -> None:
    if not told.metric:
        raise Invalid("the metric has no name")
    if max(map(len, (told.metric, told.unit, told.source))) > LONGEST_NAME:
        raise Invalid(f"name, unit or source has more than {LONGEST_NAME:,} characters; shorten it")
    if told.metric in RESERVED_NAMES:
        raise Invalid("this application measures itself under that name; choose another with --name")
