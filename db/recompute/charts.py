"""Charts that count rows by what stands in a column, or by the day of a moment, once more: row by row in Python."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from db.models import (
    Achievement,
    AiModel,
    ApiLog,
    Call,
    Deal,
    Invoice,
    LeaderboardEntry,
    SecurityEvent,
    SocialPost,
    SupportTicket,
    SystemMetric,
    UserStats,
)
from db.recompute.base import Chart, Rows, Spans, covers, recomputes
from db.recompute.beyond import API, MEASUREMENTS, SPANS
from db.recompute.tasks import own_parts
from db.window import Window

LARGEST = 10
REFUSED = "ingest.refused_items"


@dataclass(frozen=True)
class Bars:
    """What a chart counts.

    Attributes:
        moment: by what a row lies in a window; None where it speaks of now.
        columns: what else is read.
        label: what a row is counted under, in words or as a day.
        counts: which rows are counted.
        by: the column of the chart that says it.
        most: how many of the largest it shows.
    """

    moment: Any
    columns: tuple[Any, ...]
    label: Callable[[Any], Any]
    counts: Callable[[Any], bool] = lambda row: True
    by: str = "label"
    most: int | None = None


def day(moment: datetime | None) -> str | None:
    """In UTC."""
    return None if moment is None else moment.astimezone(UTC).date().isoformat()


def _words(moment: Any, column: Any) -> Bars:
    return Bars(moment, (column,), lambda row: row[1])


def _days(moment: Any, *, known: bool = False) -> Bars:
    return Bars(moment, (), lambda row: day(row[0]), lambda row: not known or row[0] is not None, by="at")


def _tenth(row: Any) -> str | None:
    accuracy = row[1]
    if accuracy is None:
        return None
    place = min(9, int(accuracy * 10))
    return f"{place * 10}–{place * 10 + 10} %"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


BUSINESS: dict[str, Bars] = {
    "crm.deals_by_status": _words(Deal.created_at, Deal.status),
    "crm.deals_by_day": _days(Deal.created_at),
    "finance.invoices_by_day": _days(Invoice.created_at),
    "finance.invoices_by_status": _words(Invoice.created_at, Invoice.status),
    "finance.invoices_by_currency": _words(Invoice.created_at, Invoice.currency),
    "support.tickets_by_priority": _words(SupportTicket.created_at, SupportTicket.priority),
    "support.tickets_by_status": _words(SupportTicket.created_at, SupportTicket.status),
    "support.tickets_by_day": _days(SupportTicket.created_at, known=True),
    "social.posts_by_platform": _words(SocialPost.posted_at, SocialPost.platform),
    "social.posts_by_type": Bars(
        SocialPost.posted_at, (SocialPost.meta,), lambda row: _text((row[1] or {}).get("type"))
    ),
    "social.posts_by_day": _days(SocialPost.posted_at, known=True),
    "gamification.people_by_level": Bars(None, (UserStats.level,), lambda row: _text(row[1])),
    "gamification.achievements_by_rarity": Bars(
        None, (Achievement.rarity, Achievement.is_active), lambda row: row[1], lambda row: row[2] is True
    ),
    "gamification.rankings_by_period": _words(LeaderboardEntry.recorded_at, LeaderboardEntry.period),
    "security.events_by_type": _words(SecurityEvent.created_at, SecurityEvent.event_type),
    "security.events_by_source": Bars(
        SecurityEvent.created_at,
        (SecurityEvent.ip_address,),
        lambda row: _text(row[1]),
        lambda row: row[1] is not None,
        most=LARGEST,
    ),
    "security.events_by_day": _days(SecurityEvent.created_at),
    "ai.models_by_status": Bars(None, (AiModel.status,), lambda row: row[1]),
    "ai.models_by_accuracy": Bars(None, (AiModel.accuracy,), _tenth),
}
CALLS: dict[str, Bars] = {
    "api.calls_by_status": Bars(ApiLog.created_at, (ApiLog.status_code,), lambda row: _text(row[1])),
    "api.calls_by_day": _days(ApiLog.created_at),
    "api.calls_by_endpoint": Bars(ApiLog.created_at, (ApiLog.endpoint,), lambda row: row[1], most=LARGEST),
}


@recomputes(*BUSINESS)
def bars(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    for key, made in BUSINESS.items():
        yield from _counted(rows, windows, key, made)


@recomputes(*CALLS, reads=(API,))
def calls(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    for key, made in CALLS.items():
        yield from _counted(rows, windows, key, made)


def _counted(rows: Rows, windows: Sequence[Window], key: str, made: Bars) -> Iterator[Chart]:
    counts: dict[Window, Counter[Any]] = {window: Counter() for window in windows}
    # What speaks of now has no moment: the first of its own columns stands in for one.
    first = made.columns[0] if made.moment is None else made.moment
    for row in rows.each(first, *(column.label(f"c{place}") for place, column in enumerate(made.columns))):
        if made.counts(row):
            for window in windows:
                if made.moment is None or covers(window, row[0]):
                    counts[window][made.label(row)] += 1
    for window in windows:
        yield Chart(key, window, (made.by,), counted_rows(counts[window]), most=made.most)


def counted_rows(counts: Mapping[Any, int]) -> dict[tuple[Any, ...], dict[str, int]]:
    """Counts under their label as a chart's rows."""
    return {(label,): {"count": many} for label, many in counts.items()}


@recomputes("ingest.refused_by_reason", reads=(MEASUREMENTS,))
def refused(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    counts: dict[Window, Counter[Any]] = {window: Counter() for window in windows}
    columns = (
        SystemMetric.recorded_at,
        SystemMetric.metric_type,
        SystemMetric.metric_value,
        SystemMetric.meta,
    )
    for at, kind, value, meta in rows.each(*columns):
        for window in windows if kind == REFUSED else ():
            if covers(window, at):
                counts[window][(meta or {}).get("reason")] += int(value or 0)
    for window in windows:
        yield Chart("ingest.refused_by_reason", window, ("label",), counted_rows(counts[window]))


@recomputes("fleet.calls_by_connection", reads=(SPANS,))
def connections(rows: Rows, windows: Sequence[Window]) -> Iterator[Chart]:
    own, lying = own_parts(rows), Spans(windows)
    counts: dict[Window, Counter[str]] = {window: Counter() for window in windows}
    for start, caller, callee in rows.each(Call.start_ns, Call.caller_id, Call.callee_id):
        for window in lying.of(start) if caller not in own and callee not in own else ():
            counts[window][f"{caller} → {callee}"] += 1
    for window in windows:
        yield Chart("fleet.calls_by_connection", window, ("label",), counted_rows(counts[window]))
