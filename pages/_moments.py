"""Moments as people type them, in their zone: an hour that a zone skips is none, one it has twice must say which."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from db.metric import Window


def typed(text: str | None, zone: str) -> datetime | None:
    """A moment such as 2026-11-27 22:30, in `zone` unless it says its own offset; None where nobody knows which."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        there = moment.replace(tzinfo=ZoneInfo(zone))
        again = there.astimezone(UTC).astimezone(ZoneInfo(zone))
        if again.replace(tzinfo=None) != moment or there.utcoffset() != there.replace(fold=1).utcoffset():
            return None
        moment = there
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def written(moment: datetime, zone: str) -> str:
    """As `typed` reads it, to the minute; with its offset where the hour comes twice."""
    there = moment.astimezone(ZoneInfo(zone))
    plain = there.strftime("%Y-%m-%d %H:%M")
    return (
        plain
        if typed(plain, zone) == moment.replace(second=0, microsecond=0)
        else there.isoformat(" ", "minutes")
    )


def this_month(at: datetime, zone: str) -> Window:
    """The calendar month of `at` in `zone`, up to its end."""
    here = at.astimezone(ZoneInfo(zone))
    first = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    ends = [each.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for each in (first, following)]
    return Window.parse("/".join(ends), at)
