"""What names a time series of measurements, and how several of them are named in an address and a proof."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from db.window import Window

MOST = 12  # series in one chart: as many as colours and dashes tell apart
MOST_POINTS = 600  # of one series in one chart
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)  # seconds
DAY = 86_400


@dataclass(frozen=True, order=True)
class SeriesKey:
    """One series: its metric, and where they are told its unit and whose it is."""

    metric: str
    unit: str | None = None
    source: str | None = None


def text_of(keys: Iterable[SeriesKey]) -> str:
    """The series as one text, the same whatever their order."""
    listed = sorted({(key.metric, key.unit or "", key.source or "") for key in keys})
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def keys_of(text: str) -> tuple[SeriesKey, ...]:
    """The series of a text; one that `text_of` did not write names a series that nobody has."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return (SeriesKey(text),)
    if not isinstance(found, list) or not 0 < len(found) <= MOST or not all(map(_is_key, found)):
        return (SeriesKey(text),)
    return tuple(SeriesKey(metric, unit or None, source or None) for metric, unit, source in found)


def _is_key(each: Any) -> bool:
    return isinstance(each, list) and len(each) == 3 and all(isinstance(part, str) for part in each)


def step_of(window: Window, most: int = MOST_POINTS) -> int:
    """Seconds of each stretch of a chart of this window, so that it has at most so many; all time goes by days."""
    if window.start is None or window.end is None:
        return DAY
    seconds = (window.end - window.start) / timedelta(seconds=1)
    found = next((step for step in STEPS if seconds / step <= most), None)
    return found or DAY * max(1, -int(-seconds // (DAY * most)))


def listed(keys: Sequence[SeriesKey]) -> list[tuple[tuple[str, str | None], list[str | None]]]:
    """Sources by metric and unit."""
    found: dict[tuple[str, str | None], list[str | None]] = {}
    for key in keys:
        found.setdefault((key.metric, key.unit), []).append(key.source)
    return list(found.items())
