"""Tokens by spans against providers' reports once more, by whole days in UTC that are over, and the costs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from db.models import ProviderUsage, Span
from db.recompute.base import SAMPLED, Again, Rows, recomputes
from db.recompute.beyond import SPANS
from db.recompute.tasks import own_parts
from db.window import Window

KINDS = ("input", "output")
PARTS = ("ours", "theirs", "difference", "share")
NANOSECONDS = 1_000_000_000
Place = tuple[date, str]


@dataclass
class Tokens:
    """What one side tells of a day and a model; None is what it does not tell."""

    input: int | None = None
    output: int | None = None

    def add(self, given: int | None, answered: int | None) -> None:
        for kind, tokens in zip(KINDS, (given, answered), strict=True):
            if tokens is not None:
                setattr(self, kind, (getattr(self, kind) or 0) + tokens)

    @property
    def is_told(self) -> bool:
        return self.input is not None or self.output is not None


Side = Mapping[Place, Tokens]
SILENT = Tokens()


@recomputes(
    *(f"usage.{kind}_{part}{of}" for kind in KINDS for part in PARTS for of in ("", "_of_day")),
    "usage.only_ours",
    "usage.only_theirs",
    reads=(SPANS,),
)
def tokens(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    ours, theirs = _by_spans(rows), _by_reports(rows)
    places = sorted(place for place in {*ours, *theirs} if _told(ours, place) or _told(theirs, place))
    for window in windows:
        among = [place for place in places if _is_of(window, place[0])]
        for kind in KINDS:
            yield from _of_pairs(window, kind, ours, theirs, among)
            for place in _sampled(places, ours, theirs):
                is_here = place in among
                told = _kind_of(ours, theirs, place, kind) if is_here else (None, None)
                for part, value in _parts(*told).items():
                    subject = (place[0].isoformat(), place[1])
                    key = f"usage.{kind}_{part}_of_day"
                    yield Again(key, window, value, int(value is not None), subject)
        for key, one, other in (("only_ours", ours, theirs), ("only_theirs", theirs, ours)):
            alone = sum(_told(one, place) and not _told(other, place) for place in among)
            yield Again(f"usage.{key}", window, alone)


def _by_spans(rows: Rows) -> Side:
    own, told = own_parts(rows), defaultdict[Place, Tokens](Tokens)
    columns = (
        Span.start_ns,
        Span.agent_id,
        Span.category,
        Span.model,
        Span.input_tokens,
        Span.output_tokens,
    )
    for span in rows.each(*columns):
        if span.category == "model" and span.agent_id not in own:
            day = datetime.fromtimestamp(span.start_ns // NANOSECONDS, UTC).date()
            told[day, (span.model or "").lower()].add(span.input_tokens, span.output_tokens)
    return told


def _by_reports(rows: Rows) -> Side:
    told = defaultdict[Place, Tokens](Tokens)
    usage = ProviderUsage
    for row in rows.each(usage.day, usage.model, usage.input_tokens, usage.output_tokens):
        told[row.day, row.model.lower()].add(row.input_tokens, row.output_tokens)
    return told


def _told(side: Side, place: Place) -> bool:
    return side.get(place, SILENT).is_told


def _is_of(window: Window, day: date) -> bool:
    """Whether the day is over at the window's instant and the window touches it."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = begin + timedelta(days=1)
    if end > window.at:
        return False
    return window.start is None or window.end is None or (begin < window.end and window.start < end)


def _sampled(places: Sequence[Place], ours: Side, theirs: Side) -> list[Place]:
    """The newest, and where there are any one that only one side tells."""
    alone = [place for place in places if _told(ours, place) is not _told(theirs, place)]
    return list(dict.fromkeys([*places[-SAMPLED:], *alone[-1:]]))


def _kind_of(ours: Side, theirs: Side, place: Place, kind: str) -> tuple[int | None, int | None]:
    return getattr(ours.get(place, SILENT), kind), getattr(theirs.get(place, SILENT), kind)


def _parts(ours: int | None, theirs: int | None) -> dict[str, float | int | None]:
    found: dict[str, float | int | None] = {"ours": ours, "theirs": theirs, "difference": None, "share": None}
    if ours is not None and theirs is not None:
        found["difference"] = ours - theirs
        found["share"] = 100 * (ours - theirs) / theirs if theirs else None
    return found


def _of_pairs(window: Window, kind: str, ours: Side, theirs: Side, among: Sequence[Place]) -> Iterator[Again]:
    """Over the days and models that both sides tell."""
    pairs = []
    for place in among:
        one, other = _kind_of(ours, theirs, place, kind)
        if one is not None and other is not None:
            pairs.append((one, other))
    n = len(pairs)
    told = (sum(one for one, _ in pairs), sum(other for _, other in pairs)) if n else (None, None)
    for part, value in _parts(*told).items():
        yield Again(f"usage.{kind}_{part}", window, value, n)


@recomputes("usage.cost_theirs")
def costs(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    usage: Any = ProviderUsage
    charged = [
        (row.day, row.currency or "", row.cost)
        for row in rows.each(usage.day, usage.currency, usage.cost)
        if row.cost is not None
    ]
    for window in windows:
        for currency in sorted({each[1] for each in charged}):
            found = [cost for day, said, cost in charged if said == currency and _is_of(window, day)]
            value = sum(found, Decimal(0)) if found else None
            yield Again("usage.cost_theirs", window, value, len(found), (currency,))
