"""Windows that begin before raw rows are kept: what was deleted is not recomputed, and that is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.models import Kept
from db.models.uptime_kept import UptimeKept
from db.recompute.base import NEEDS, Domain, Rows
from db.window import NANOSECONDS, Window, from_ns

SPANS, LOGS, MEASUREMENTS, API, RESULTS = "spans", "logs", "measurements", "api", "results"
Since = Mapping[str, datetime]


def kept_since(rows: Rows) -> dict[str, datetime]:
    """By family, since when raw rows are kept; families of which none were deleted are not there."""
    found = {row.family: row.since for row in rows.each(UptimeKept.family, UptimeKept.since)}
    for family, seconds in rows.each(Kept.family, Kept.raw_from):
        if seconds > 0:
            found[family] = from_ns(seconds * NANOSECONDS)
    return found


@dataclass(frozen=True)
class Reach:
    """What of the windows a domain can recompute, and what it cannot because rows before `since` are gone."""

    covered: tuple[Window, ...]
    beyond: tuple[Window, ...]
    since: datetime | None


def reach_of(domain: Domain, windows: Sequence[Window], since: Since) -> Reach:
    needs = NEEDS[domain]
    moments = [since[family] for family in needs.families if family in since]
    if not moments:
        return Reach(tuple(windows), (), None)
    last = max(moments)
    covered = tuple(window for window in windows if _begin_of(window, needs.reach) >= last)
    beyond = tuple(window for window in windows if window not in covered)
    return Reach(covered, beyond, last)


def _begin_of(window: Window, reach: timedelta | None) -> datetime:
    """Of all time, and of what may lie anywhere, it is long ago."""
    if reach is not None:
        return window.at - reach
    return window.start or datetime.min.replace(tzinfo=UTC)
