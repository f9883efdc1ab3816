"""What checks found in a window: single results as far as they are kept, and before that what whole days held.

Results of imported histories carry their source, and are kept for good.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    SQLColumnExpression,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.selectable import Subquery

from db.functions import bucket_of
from db.histogram import Entries, place_in_histogram
from db.metric import Statement, Window, nearest_rank
from db.models.uptime import CheckResult
from db.models.uptime_kept import RESULTS, CheckDay
from db.queries.rolled import MS, Parts, by_places, whole
from db.queries.uptime_kept import DAY, DAY_SUM, kept_since, whole_days

Which = SQLColumnExpression[bool]
COLUMNS = (
    CheckResult.at,
    CheckResult.is_up,
    CheckResult.status,
    CheckResult.milliseconds,
    CheckResult.error,
    CheckResult.source,
)


def single(window: Window, *which: Which) -> tuple[Which, ...]:
    """Results of the window that are read one by one."""
    is_kept = or_(CheckResult.source.is_not(None), CheckResult.at >= kept_since(RESULTS))
    return (*which, window.covers(CheckResult.at), is_kept)


def in_days(window: Window, *which: Which) -> tuple[Which, ...]:
    """Days that lie in the window as a whole, of which the results are gone."""
    return (*which, *whole_days(CheckDay.since, window.start, window.end))


def tallies(window: Window, results: tuple[Which, ...] = (), days: tuple[Which, ...] = ()) -> Subquery:
    """Rows of `check_id`, `up` and `failed`, whose sums are the window's."""
    up = whole(func.sum(case((CheckResult.is_up, 1), else_=0))).label("up")
    failed = whole(func.sum(case((CheckResult.is_up, 0), else_=1))).label("failed")
    one_by_one = (
        select(CheckResult.check_id, up, failed)
        .where(*single(window, *results))
        .group_by(CheckResult.check_id)
    )
    summed = select(CheckDay.check_id, CheckDay.up, CheckDay.failed).where(*in_days(window, *days))
    return union_all(one_by_one, summed).subquery("tallies")


def listed(
    window: Window, results: tuple[Which, ...], days: tuple[Which, ...], *, ups: bool = True
) -> Statement:
    """Results, newest first, each counting as one; and sums of days, which count as many."""
    one = select(*COLUMNS, literal(1, BigInteger()).label("results")).where(*single(window, *results))
    parts = [one if ups else one.where(CheckResult.is_up.is_(False))]
    for is_up, many in ((True, CheckDay.up), (False, CheckDay.failed)):
        nothing = [cast(null(), column.type).label(column.key) for column in COLUMNS[2:4]]
        told = (
            CheckDay.since.label("at"),
            literal(is_up, CheckResult.is_up.type).label("is_up"),
            *nothing,
            literal(DAY_SUM, Text()).label("error"),
            cast(null(), Text).label("source"),
            many.label("results"),
        )
        if ups or not is_up:
            parts.append(select(*told).where(*in_days(window, *days), many > 0))
    row = union_all(*parts).subquery("listed")
    return select(row).order_by(row.c.at.desc(), row.c.is_up, row.c.results)


def percentile(
    window: Window, percent: int, results: tuple[Which, ...], days: tuple[Which, ...]
) -> Statement:
    """By nearest rank over single results; where the window holds days without, by histograms."""
    taken = (*results, CheckResult.is_up, CheckResult.milliseconds.is_not(None))
    exact = nearest_rank(select(CheckResult.milliseconds.label("x")).where(*single(window, *taken)), percent)
    rank = exact.subquery("by_rank")
    place = by_places(_places(window, taken, days), (), (percent,)).subquery("by_place")
    older = select(func.count()).select_from(CheckDay).where(*in_days(window, *days)).scalar_subquery()
    has_older = select((older > 0).label("yes")).subquery("older")
    from_places = has_older.c.yes
    return select(
        case((from_places, place.c[f"p{percent}"] / float(MS)), else_=rank.c.value).label("value"),
        case((from_places, func.coalesce(place.c.n, 0)), else_=rank.c.n).label("n"),
        case((from_places, 1), else_=0).label("resolution"),
    ).select_from(has_older.join(rank, true()).join(place, true()))


def _places(window: Window, results: tuple[Which, ...], days: tuple[Which, ...]) -> Parts:
    nanoseconds = cast(CheckResult.milliseconds * float(MS), BigInteger)
    return union_all(
        select(place_in_histogram(nanoseconds).label("place"), literal(1, BigInteger()).label("count")).where(
            *single(window, *results)
        ),
        _entries(window, days),
    )


def _entries(window: Window, days: tuple[Which, ...], *keys: Any) -> Any:
    entries = Entries(CheckDay.histogram)
    counted = select(*keys, entries.place.label("place"), entries.count.label("count"))
    return entries.beside(counted.select_from(CheckDay)).where(*in_days(window, *days))


def medians_of_days(window: Window, days: tuple[Which, ...]) -> Statement:
    """Rows of `at`, `seconds`, `value` in milliseconds and `count`, a day each."""
    length = int(DAY.total_seconds())
    parts = union_all(_entries(window, days, bucket_of(CheckDay.since, length).label("at")))
    found = by_places(parts, ("at",), (50,)).subquery("days")
    return select(
        found.c.at,
        literal(length, BigInteger()).label("seconds"),
        (found.c.p50 / float(MS)).label("value"),
        found.c.n.label("count"),
        literal(1, BigInteger()).label("resolution"),
    )
