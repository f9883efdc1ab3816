"""Files of marks on the time line → marks, no database. Three kinds are known:

- JSON with lists of objects that hold `inject_time`, `inject_timestamp`, `inject_pod`, `inject_type`: injected faults;
- JSON with lists of [begin, end] by the name of a series' file: labelled windows;
- CSV, or a JSON list of objects: `begin`, and where there are some `end`, `kind`, `label`, `metric`, `source`, `note`.
"""

from collections.abc import Iterator, Mapping, Sequence
from io import BufferedIOBase, BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from db.services.measurement_files import file_name, moment_of
from db.services.otlp_envelope import content_id
from db.services.otlp_files import DAMAGE, damaged
from db.services.otlp_values import LONGEST_NAME, Invalid, loads
from db.services.table_files import Lines, null_or, sheet, shown

MOST = 16 << 20  # bytes of one file
NOTE, ANOMALY, FAULT = "note", "anomaly", "fault"
INJECTED = ("inject_timestamp", "inject_pod", "inject_type")
PLAIN = ("begin", "end", "kind", "label", "metric", "source", "note")
Mark = dict[str, Any]


def marks_of(path: Path, stream: BufferedIOBase) -> tuple[list[tuple[int, Mark | Invalid]], list[str]]:
    """Marks by their line, or in a JSON document by their place, and what a person should know about them."""
    try:
        data = stream.read(MOST + 1)
    except DAMAGE as error:
        raise damaged(error) from None
    if len(data) > MOST:
        raise Invalid("more than 16 MiB; split the file")
    reader = _Marks(path.name)
    is_document = data.lstrip()[:1] in (b"{", b"[")
    found = reader.document(loads(data)) if is_document else reader.lines(Lines(BytesIO(data)))
    return list(found), reader.notes()


class _Marks:
    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.zoneless = self.apart = 0

    def notes(self) -> list[str]:
        told = []
        if self.zoneless:
            told.append(f"{self.zoneless:,} times without an offset were read as UTC")
        if self.apart:
            told.append(
                f"of {self.apart:,} faults the two times differ; inject_timestamp was taken, which is UTC"
            )
        return [f"{self.origin}: {each}" for each in told]

    def lines(self, lines: Lines) -> Iterator[tuple[int, Mark | Invalid]]:
        found = sheet(lines)
        found.require(("begin",))
        for line, row in found.mappings():
            if isinstance(row, Invalid):
                yield line, row
            elif any(map(str.strip, row.values())):
                yield line, self._checked(row, line)

    def document(self, document: Any) -> Iterator[tuple[int, Mark | Invalid]]:
        if isinstance(document, list):
            told = [("", each) for each in document]
        elif isinstance(document, dict) and all(isinstance(each, list) for each in document.values()):
            told = [(name, each) for name, listed in document.items() for each in listed]
        else:
            raise Invalid("no file of marks: neither a list of them, nor lists by hour or by series")
        for place, (name, each) in enumerate(told, 1):
            yield place, self._checked(_plain(name, each), place)

    def _checked(self, given: Mapping[str, Any] | None, place: int) -> Mark | Invalid:
        try:
            if given is None:
                raise Invalid("no mark: an object with `begin`, or [begin, end], is one")
            return self._mark(given, place)
        except Invalid as error:
            return error

    def _mark(self, given: Mapping[str, Any], place: int) -> Mark:
        said = {name: _text(given.get(name), name) for name in PLAIN}
        begin, end = self._moment(said["begin"] or ""), self._moment(said["end"]) if said["end"] else None
        if end is not None and end < begin:
            raise Invalid(f"it ends ({shown(said['end'])}) before it begins ({shown(said['begin'])})")
        kind = said["kind"] or NOTE
        self.apart += "also_at" in given
        mark = {
            "starts_at": begin,
            "ends_at": None if end == begin else end,
            "kind": kind,
            "label": said["label"] or kind,
            "metric_type": said["metric"],
            "source": said["source"],
            "note": said["note"],
        }
        identity = [str(value) if value is not None else None for value in mark.values()]
        return {"id": content_id("mark", *identity), **mark, "origin": f"{self.origin}:{place}"}

    def _moment(self, text: str) -> Any:
        moment, says_offset = moment_of(text)
        self.zoneless += not says_offset
        return moment


def _text(given: Any, name: str) -> str | None:
    if given is None or isinstance(given, bool | dict | list):
        return None
    text = null_or(str(given))
    if text is not None and len(text) > LONGEST_NAME:
        raise Invalid(f"its {name} has more than {LONGEST_NAME:,} characters; shorten it")
    if text is not None and "\0" in text:
        raise Invalid(f"its {name} holds a NUL character, which text does not")
    return text.strip() if text else None


def _plain(name: str, each: Any) -> Mapping[str, Any] | None:
    """A mark of a JSON document by the names of the plain form."""
    if isinstance(each, dict) and all(key in each for key in INJECTED):
        return _fault(each)
    if isinstance(each, dict):
        return each if "begin" in each else None
    if isinstance(each, Sequence) and not isinstance(each, str) and len(each) == 2:
        series = file_name(Path(PurePosixPath(name).name)) if name else None
        return {
            "begin": each[0],
            "end": each[1],
            "kind": ANOMALY,
            "label": "labelled anomaly",
            "metric": series,
        }
    return None


def _fault(each: Mapping[str, Any]) -> Mapping[str, Any]:
    """An injected fault. Seconds since 1970 are UTC; where the other time says another moment, the mark's note does."""
    told = {
        "begin": each["inject_timestamp"],
        "kind": FAULT,
        "label": each["inject_type"],
        "source": each["inject_pod"],
    }
    also = each.get("inject_time")
    try:
        is_same = also is None or moment_of(str(also))[0] == moment_of(str(told["begin"]))[0]
    except Invalid:
        is_same = False
    return told if is_same else told | {"also_at": also, "note": f"its inject_time says {also}"}
