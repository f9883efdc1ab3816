"""Sums over a window out of roll-ups and raw rows, right at every instant.

    window = whole weeks and quarters of days (of spans) + whole days + whole hours + whole five minutes
             + raw rows at its two ends
             - the five minutes that were touched since + the raw rows of these five minutes

Where it takes fewer of them, a window of the last days is longer stretches that reach beyond its ends, less what lies
beyond.

Everything here adds up, so what was touched needs no other plan: what the roll-ups say of it is taken away and what is
stored is counted instead. One statement does it all, so that one state of the database is read. How many rows that is
depends on the window and on what came in during the last minutes, never on how much is stored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)

from db.histogram import BY_HISTOGRAM, EXACT, Entries, middle_of, place_in_histogram
from db.metric import NANOSECONDS, Statement, Window, from_ns, place_of, to_ns
from db.models.rollup import DAY, FIVE_MINUTES, HOUR, LEVELS, LEVELS_OF_SPANS, SPANS, WEEK, Kept, Touched
from db.moments import moment_at

MOST_EXACT = 50_000  # a percentile over more rows is read from histograms
MS = 1_000_000  # nanoseconds in a millisecond
NEVER = 2**63 - 1
# A column's name, what it is of a roll-up and what it is of a raw row.
Pairs = Mapping[str, tuple[Any, Any]]
Parts = CompoundSelect[*tuple[Any, ...]]
Stretch = tuple[int, int | None, int | None]
FINE = timedelta(days=5)  # for so long and a day more five minutes and hours are kept, whatever is set


def whole(total: ColumnElement[Any]) -> ColumnElement[int]:
    """A sum of whole numbers as one, 0 over no rows (PostgreSQL sums bigint to numeric)."""
    return cast(func.coalesce(total, 0), BigInteger)


@dataclass(frozen=True)
class Plan:
    """How a window is put together: stretches of whole roll-ups (resolution, from, until; seconds) and the edges, which
    are read raw (from, until; nanoseconds). Without a first and last five minutes it is all time. What is in `less` is
    taken away from the stretches."""

    stretches: tuple[Stretch, ...]
    edges: tuple[tuple[int, int], ...]
    first: int | None
    last: int | None
    less: tuple[Stretch, ...] = ()

    @classmethod
    def of(cls, window: Window, coarsest: int = DAY) -> "Plan":
        """The plan of a window; of no longer stretches than the coarsest, where something is told by them."""
        if window.start is None or window.end is None:
            return cls.of_all(coarsest)
        return cls.between(to_ns(window.start), to_ns(window.end), coarsest)

    @classmethod
    def of_sums(cls, window: Window, coarsest: int = DAY) -> "Plan":
        """The plan of what adds up and can be taken away again; of the last days with the fewest pieces."""
        plan = cls.of(window, coarsest)
        if plan.first is None or plan.last is None or window.start is None or window.end is None:
            return plan
        if not plan.stretches or window.at - window.start > FINE:
            return plan
        more, less = _with_less(plan.first, plan.last, coarsest, is_now=window.end >= window.at)
        return replace(plan, stretches=more, less=less)

    @classmethod
    def by(cls, window: Window, step: int) -> "Plan":
        """The plan of sums per stretch of so many seconds, a multiple of five minutes."""
        return cls.of(window, next(each for each in (DAY, HOUR, FIVE_MINUTES) if step % each == 0))

    @classmethod
    def of_all(cls, coarsest: int = DAY) -> "Plan":
        return cls(((coarsest, None, None),), (), None, None)

    @classmethod
    def between(cls, start: int, end: int, coarsest: int = DAY) -> "Plan":
        """The plan of [start, end) in nanoseconds."""
        width = FIVE_MINUTES * NANOSECONDS
        first, last = -(-start // width) * FIVE_MINUTES, end // width * FIVE_MINUTES
        if first >= last:
            return cls((), ((start, end),), first, first)
        ends = ((start, first * NANOSECONDS), (last * NANOSECONDS, end))
        return cls(
            _stretches(first, last, coarsest), tuple(each for each in ends if each[0] < each[1]), first, last
        )

    def holds(self, model: Any) -> ColumnElement[bool]:
        """True for the roll-ups of which the window consists."""
        return or_(false(), *(_in_stretch(model, *each) for each in self.stretches))

    def lacks(self, model: Any) -> ColumnElement[bool]:
        """True for the roll-ups that are to be taken away from these."""
        return or_(false(), *(_in_stretch(model, *each) for each in self.less))

    def at_edge(self, moment: Any, *, is_instant: bool = False) -> ColumnElement[bool]:
        """True for raw rows at the window's ends; of all time, for moments nobody knows."""
        if self.first is None:
            return moment.is_(None) if is_instant else false()
        edges = [[from_ns(end) for end in edge] if is_instant else edge for edge in self.edges]
        return or_(false(), *(and_(moment >= start, moment < end) for start, end in edges))


def _levels(coarsest: int) -> Sequence[tuple[int, int]]:
    """Of weeks there are only those of spans, and quarters then too."""
    return LEVELS_OF_SPANS if coarsest == WEEK else (*LEVELS, (DAY, WEEK))


def _with_less(
    first: int, last: int, coarsest: int, *, is_now: bool
) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """[first, last) as the fewest whole pieces, and those to take away from them: nothing is stored after now."""
    more: list[tuple[int, int, int]] = []
    less: list[tuple[int, int, int]] = []
    for fine, coarse in _levels(coarsest):
        low, up = first // coarse * coarse, -(-first // coarse) * coarse
        down, high = last // coarse * coarse, -(-last // coarse) * coarse
        if fine == coarsest or up >= down:
            break
        reaches_back, reaches_on = first - low < up - first, is_now or high - last < last - down
        (less if reaches_back else more).append((fine, low, first) if reaches_back else (fine, first, up))
        (less if reaches_on else more).append((fine, last, high) if reaches_on else (fine, down, last))
        first, last = low if reaches_back else up, high if reaches_on else down
    else:
        fine = WEEK
    more.append((fine, first, last))
    return tuple(each for each in more if each[1] < each[2]), tuple(
        each for each in less if each[1] < each[2]
    )


def _stretches(first: int, last: int, coarsest: int) -> tuple[Stretch, ...]:
    """[first, last) in the coarsest whole pieces."""
    found: list[Stretch] = []
    for fine, coarse in _levels(coarsest):
        if fine == coarsest:
            return (*found, (fine, first, last))
        up, down = -(-first // coarse) * coarse, last // coarse * coarse
        if up >= down:
            return (*found, (fine, first, last))
        found += [(fine, *each) for each in ((first, up), (down, last)) if each[0] < each[1]]
        first, last = up, down
    return (*found, (WEEK, first, last))


def _in_stretch(model: Any, resolution: int, start: int | None, end: int | None) -> ColumnElement[bool]:
    if start is None or end is None:
        found: ColumnElement[bool] = model.resolution == resolution
        return found
    return and_(model.resolution == resolution, model.start >= start, model.start < end)


@dataclass(frozen=True)
class Source:
    """What is summed: a table of roll-ups and the raw rows it follows from, each with its conditions.

    Attributes:
        model, raw: the mapped classes.
        moment: the raw rows' time in nanoseconds, or as a moment: then `is_instant`.
        of_model, of_raw: which of them count.
        family: whose notes tell what was touched since.
    """

    model: Any
    raw: Any
    moment: Any
    of_model: tuple[ColumnElement[bool], ...] = ()
    of_raw: tuple[ColumnElement[bool], ...] = ()
    family: str = SPANS
    is_instant: bool = False

    @property
    def coarsest(self) -> int:
        """The longest stretches there are of it."""
        return WEEK if self.family == SPANS else DAY

    def covers(self, window: Window) -> ColumnElement[bool]:
        """True for raw rows in the window."""
        return window.covers(self.moment) if self.is_instant else window.covers_ns(self.moment)

    def within(self, touched: CTE) -> ColumnElement[bool]:
        """True for raw rows in the five minutes beside them."""
        begin, end = touched.c.start, touched.c.start + FIVE_MINUTES
        if self.is_instant:
            return and_(self.moment >= moment_at(begin), self.moment < moment_at(end))
        return and_(self.moment >= begin * NANOSECONDS, self.moment < end * NANOSECONDS)

    def at_edge(self, plan: Plan) -> ColumnElement[bool]:
        """True for raw rows that lie in no whole five minutes of the plan."""
        return plan.at_edge(self.moment, is_instant=self.is_instant)

    def has_edge(self, plan: Plan) -> bool:
        """Whether there may be any such row."""
        return bool(plan.edges) or (plan.first is None and self.is_instant)


class Rolled:
    """The rows over which one window's numbers are sums. Made for one statement: its parts share what was touched."""

    def __init__(self, window: Window, source: Source, *, plan: Plan | None = None) -> None:
        self.window, self.source = window, source
        self.plan = plan or Plan.of_sums(window, source.coarsest)
        self.touched = touched_between(self.plan.first, self.plan.last, source.family)

    def sums(self, keys: Pairs, counts: Pairs) -> Parts:
        """Rows of the keys and counts; their sums by key are the window's. Some sums may be 0, of what is no more."""
        model = self.source.model
        return self._parts(keys, counts, lambda statement: statement.select_from(model))

    def places(
        self,
        keys: Pairs,
        value: Any,
        document: Any = None,
        place: Any = None,
        when: ColumnElement[bool] | None = None,
    ) -> Parts:
        """Rows of the keys, `place` and `count` out of the histograms and of the raw `value`s.

        when: whether they are asked for at all. SQLite looks at no row then; said only of what is made of them, it
        would make that first.
        """
        entries = Entries(self.source.model.histogram if document is None else document)
        raw_place = place_in_histogram(value) if place is None else place
        return self._parts(
            {**keys, "place": (entries.place, raw_place)},
            {"count": (entries.count, literal(1, BigInteger()))},
            lambda statement: entries.beside(statement.select_from(self.source.model)),
            () if when is None else (when,),
        )

    def _held(
        self, stretches: Sequence[Stretch], condition: ColumnElement[bool]
    ) -> list[ColumnElement[bool]]:
        """True for the roll-ups of these stretches, for each way to find them.

        Where an index begins with what a series is called, SQLite finds one stretch by it but not one or another.
        """
        if not stretches:
            return []
        if not self.source.is_instant:
            return [condition]
        return [_in_stretch(self.source.model, *each) for each in stretches]

    def _parts(
        self,
        keys: Pairs,
        counts: Pairs,
        beside: Callable[[Any], Any],
        when: Sequence[ColumnElement[bool]] = (),
    ) -> Parts:
        source, plan = self.source, self.plan
        of_key = [told.label(name) for name, (told, _) in keys.items()]
        raw = [of.label(name) for name, (_, of) in [*keys.items(), *counts.items()]]
        edge = select(*raw).select_from(source.raw).where(*when, source.at_edge(plan), *source.of_raw)
        if not plan.stretches:
            return union_all(edge)
        more = [told.label(name) for name, (told, _) in counts.items()]
        less = [(-told).label(name) for name, (told, _) in counts.items()]
        model = source.model
        old = and_(model.resolution == FIVE_MINUTES, model.start.in_(select(self.touched.c.start)))
        fresh = select(*raw).select_from(self.touched).join(source.raw, source.within(self.touched))
        parts = [
            *(
                beside(select(*of_key, *sums)).where(*when, held, *source.of_model)
                for sums, stretches, condition in (
                    (more, plan.stretches, plan.holds(model)),
                    (less, plan.less, plan.lacks(model)),
                )
                for held in self._held(stretches, condition)
            ),
            beside(select(*of_key, *less)).where(*when, old, *source.of_model),
            fresh.where(*when, *source.of_raw),
        ]
        return union_all(*parts, *([edge] if source.has_edge(plan) else []))


def touched_between(first: int | None, last: int | None, family: str = SPANS) -> CTE:
    """Starts of the five minutes of [first, last) that are to be rolled up again; of all time without bounds.

    The same for the same bounds, so that a statement with several sums names it once.
    """
    return _touched_between(first, last, family)


@lru_cache(64)
def _touched_between(first: int | None, last: int | None, family: str) -> CTE:
    bounds = [] if first is None or last is None else [Touched.start >= first, Touched.start < last]
    kept = select(Kept.raw_from).where(Kept.family == family).scalar_subquery()
    # Of what is older, single rows are no longer all there.
    bounds.append(Touched.start >= func.coalesce(kept, Touched.start))
    name = "touched" if family == SPANS else f"touched_{family}"
    return select(Touched.start).where(Touched.family == family, *bounds).distinct().cte(name)


# --- percentiles: by nearest rank over raw rows, or by histograms --------------------------------------------


class Reach:
    """Whether percentiles of the window are read from raw rows: there are few of them, and none of them is gone.

    Decided by all rows of the fleet in the window, so that the same number is the same on every page.
    """

    def __init__(self, rolled: Rolled, counted: Any, name: str, most: int) -> None:
        """`counted` is the roll-ups' column of how many raw rows they stand for; `most` of them are few."""
        parts = rolled.sums({}, {"n": (counted, literal(1, BigInteger()))}).subquery("counted")
        total = select(whole(func.sum(parts.c.n)).label("n")).cte(f"{name}_in_all")
        source, window = rolled.source, rolled.window
        stored = (
            select(func.count())
            .select_from(source.raw)
            .where(source.covers(window), *source.of_raw)
            .scalar_subquery()
        )
        is_few = total.c.n <= most
        is_exact = case((is_few, case((total.c.n == stored, 1), else_=0)), else_=0)
        self.row = select(total.c.n, is_exact.label("exact")).cte(f"{name}_exact")
        self._is_instant = source.is_instant

    @property
    def n(self) -> ColumnElement[int]:
        return select(self.row.c.n).scalar_subquery()

    @property
    def is_exact(self) -> ColumnElement[bool]:
        return select(self.row.c.exact).scalar_subquery() == 1

    @property
    def resolution(self) -> ColumnElement[int]:
        return case((self.is_exact, EXACT), else_=BY_HISTOGRAM)

    def within(self, moment: Any) -> ColumnElement[bool]:
        """True for raw rows, if they are to be read at all: as a bound of the time, so that else not one is.

        Of moments as a condition that no row is asked about, for there may be rows without one.
        """
        if self._is_instant:
            return self.is_exact
        least = select(case((self.row.c.exact == 1, 0), else_=NEVER)).select_from(self.row).scalar_subquery()
        found: ColumnElement[bool] = moment >= least
        return found


def by_places(
    parts: Parts,
    keys: Sequence[str],
    percents: Sequence[int],
    middle: Callable[[Any], ColumnElement[float]] = middle_of,
) -> Statement:
    """Per key: `n`, and percentiles `p50`, `p95` … in nanoseconds out of rows of `place` and `count`; `middle` tells
    the value that stands for a place."""
    row = parts.subquery("in_places")
    by = [row.c[key] for key in keys]
    count = whole(func.sum(row.c["count"]))
    merged = (
        select(*by, row.c.place, count.label("count"))
        .where(row.c.place.is_not(None))
        .group_by(*by, row.c.place)
        .having(count > 0)
        .subquery("merged")
    )
    of = [merged.c[key] for key in keys]
    upto = func.sum(merged.c["count"]).over(partition_by=of or None, order_by=merged.c.place)
    in_all = func.sum(merged.c["count"]).over(partition_by=of or None)
    ranked = select(
        *of,
        merged.c.place,
        cast(upto, BigInteger).label("upto"),
        cast(in_all, BigInteger).label("n"),
    ).subquery("ranked_places")
    found = [
        middle(func.min(ranked.c.place).filter(ranked.c.upto >= place_of(ranked.c.n, percent))).label(
            f"p{percent}"
        )
        for percent in percents
    ]
    keyed = [ranked.c[key] for key in keys]
    return select(*keyed, func.max(ranked.c.n).label("n"), *found).group_by(*keyed)


def by_rank(values: Any, keys: Sequence[str], percents: Sequence[int]) -> Statement:
    """Per key: `n`, and percentiles by nearest rank of rows of `x`, which may be null: then it has no rank."""
    row = values.subquery("measured")
    by = [row.c[key] for key in keys]
    ranked = (
        select(
            *by,
            row.c.x,
            func.row_number().over(partition_by=by or None, order_by=row.c.x).label("place"),
            func.count().over(partition_by=by or None).label("n"),
        )
        .where(row.c.x.is_not(None))
        .subquery("ranked")
    )
    found = [
        (func.max(ranked.c.x).filter(ranked.c.place == place_of(ranked.c.n, percent)) * 1.0).label(
            f"p{percent}"
        )
        for percent in percents
    ]
    keyed = [ranked.c[key] for key in keys]
    return select(*keyed, func.max(ranked.c.n).label("n"), *found).group_by(*keyed)
