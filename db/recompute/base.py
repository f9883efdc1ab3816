"""What recomputing is made of: streamed rows, windows, sums per window, and nearest ranks over any number of values."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.window import Window, to_ns

BATCH = 5000
SAMPLED = 5  # how many agents, and connections, are recomputed of those there are
MS = 1_000_000
Amount = int | float | Decimal
Subject = tuple[str, ...]


class Stopped(Exception):
    """Told to end before the end."""


@dataclass(frozen=True)
class Again:
    """A number as it was recomputed: `value` is None where there is none; `n` as the metric counts it.

    `within` is how far the database's arithmetic on moments may be from Python's.
    """

    key: str
    window: Window
    value: Amount | None
    n: int | None = None
    subject: Subject = ()
    within: float = 0.0


Cells = Mapping[str, Amount | None]


@dataclass(frozen=True)
class Chart:
    """A chart's rows as they were recomputed: by what stands in the columns `by`, the numbers in its other columns.

    `most` is how many of the largest counts it shows, where it leaves others out: `rows` holds them all.
    """

    key: str
    window: Window
    by: tuple[str, ...]
    rows: Mapping[tuple[Any, ...], Cells]
    subject: Subject = ()
    most: int | None = None


class Rows:
    """Rows of one table at a time, by a select without conditions. Raises Stopped between two batches when asked to."""

    def __init__(self, session: Session, is_ending: Callable[[], bool] = lambda: False) -> None:
        self._session, self._is_ending = session, is_ending

    def each(self, *columns: Any, order: Sequence[Any] = ()) -> Iterator[Any]:
        statement = select(*columns).order_by(*order).execution_options(yield_per=BATCH)
        for batch in self._session.execute(statement).partitions():
            if self._is_ending():
                raise Stopped
            yield from batch


Domain = Callable[[Rows, Sequence[Window]], Iterator[Again | Chart]]
RECOMPUTED: dict[str, Domain] = {}


@dataclass(frozen=True)
class Needs:
    """Of which rows, that may be deleted some day, a domain reads all in its windows; and how far back it looks from
    now, where it speaks of now."""

    families: tuple[str, ...] = ()
    reach: timedelta | None = None


NEEDS: dict[Domain, Needs] = {}


def recomputes(
    *keys: str, reads: tuple[str, ...] = (), reach: timedelta | None = None
) -> Callable[[Domain], Domain]:
    """Declare that the decorated function recomputes the metrics and charts of these keys, over every window it is
    given. `reads` names the families of rows without which it cannot, as db.recompute.beyond knows them."""

    def declare(domain: Domain) -> Domain:
        NEEDS[domain] = Needs(reads, reach)
        for key in keys:
            if key in RECOMPUTED:
                raise ValueError(f"{key} is recomputed twice")
            RECOMPUTED[key] = domain
        return domain

    return declare


def covers(window: Window, moment: datetime | None) -> bool:
    """Whether the moment lies inside; everything lies in all time, also what states no moment."""
    if window.start is None or window.end is None:
        return True
    return moment is not None and window.start <= moment < window.end


class Spans:
    """Windows by nanoseconds: which of them an instant lies in."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._bounds = [
            (window, None, None)
            if window.start is None or window.end is None
            else (window, to_ns(window.start), to_ns(window.end))
            for window in windows
        ]

    def of(self, nanoseconds: int) -> list[Window]:
        return [
            window
            for window, start, end in self._bounds
            if start is None or end is None or start <= nanoseconds < end
        ]


class Sums:
    """Sums by window and name."""

    def __init__(self) -> None:
        self._sums: dict[Window, dict[Any, Any]] = defaultdict(lambda: defaultdict(int))

    def add(self, window: Window, name: Any, amount: Amount = 1) -> None:
        self._sums[window][name] += amount

    def of(self, window: Window, name: Any) -> Any:
        return self._sums[window].get(name, 0)


def counted(
    rows: Rows,
    windows: Sequence[Window],
    columns: Sequence[Any],
    terms: Mapping[str, Callable[[Any], Amount | None]],
) -> Sums:
    """Per window the sums of `terms`, each of which gives a row's amount, or None for a row that does not count.

    The first of the columns is the moment by which a row lies in a window. How many counted stands under (name, "n").
    """
    sums = Sums()
    for row in rows.each(*columns):
        amounts = [(name, amount) for name, term in terms.items() if (amount := term(row)) is not None]
        for window in windows:
            if covers(window, row[0]):
                for name, amount in amounts:
                    sums.add(window, name, amount)
                    sums.add(window, (name, "n"))
    return sums


def share(hits: int, n: int) -> float | None:
    """In percent; of nothing there is none."""
    return 100.0 * hits / n if n else None


class Ranks:
    """Nearest ranks of values that are seen twice, in any order: counted by bucket, then collected where a rank lies.

    What is kept are the counts of some thousand buckets, of which each holds values that differ by less than 1 %, and
    the values of those few buckets in which a rank lies.
    """

    def __init__(self, *percents: int) -> None:
        self.n = 0
        self._percents = percents
        self._counts: Counter[int] = Counter()
        self._below: dict[int, tuple[int, int]] = {}  # percent → bucket, place in it
        self._held: dict[int, Counter[Any]] = {}

    def count(self, value: Amount) -> None:
        """The first time."""
        self.n += 1
        self._counts[_bucket(value)] += 1

    def aim(self) -> None:
        """Between the two times: find the buckets that have to be looked into."""
        for percent in self._percents:
            place = -(-percent * self.n // 100)
            passed = 0
            for bucket in sorted(self._counts):
                if passed + self._counts[bucket] >= place > passed:
                    self._below[percent] = (bucket, place - passed)
                    self._held.setdefault(bucket, Counter())
                passed += self._counts[bucket]

    def collect(self, value: Amount) -> None:
        """The second time."""
        held = self._held.get(_bucket(value))
        if held is not None:
            held[value] += 1

    def value(self, percent: int) -> Any:
        """The ⌈percent·n/100⌉-th smallest; None of no values."""
        if percent not in self._below:
            return None
        bucket, place = self._below[percent]
        for value in sorted(self._held[bucket]):
            place -= self._held[bucket][value]
            if place <= 0:
                return value
        raise RuntimeError("the values changed between the two times they were seen")


def _bucket(value: Amount) -> int:
    """A whole number that grows with the value: its exponent and seven bits of its fraction."""
    fraction, exponent = math.frexp(abs(float(value)))
    place = (exponent + 2000) * 128 + int((fraction - 0.5) * 256) if fraction else 0
    return -place if value < 0 else place
