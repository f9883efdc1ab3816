"""p50, p95 and p99 of one source of durations, and its Apdex: declared alike, whatever was measured.

A source is a statement with the durations of what was answered as `x` in milliseconds. What failed lies in no
percentile; each source has a metric of its own that counts it.
"""

from collections.abc import Callable
from decimal import Decimal

from sqlalchemy import ColumnElement, Float, case, cast, func, literal, select

import settings
from db.metric import Statement, Window, metric, nearest_rank, place_of
from db.queries.measured import BY_RANK

Rows = Callable[[Window], Statement]
RANKS = {50: ("median", 1), 95: ("95th percentile", 20), 99: ("99th percentile", 100)}
TOLERATED = 4  # times T
APDEX_FORMULA = (
    "(satisfied + tolerated / 2) / all; satisfied ≤ T, tolerated ≤ 4 T; T is QUANTUM_APDEX_SECONDS"
)


def declare(
    domain: str,
    *,
    title: str,
    what: str,
    values: Rows,
    rows: Rows,
    few: str,
    excluded: str,
    needs: str = "",
    only: tuple[int, ...] = (50, 95, 99),
    rolled: Callable[[Window, int], Statement] | None = None,
) -> None:
    """Declare `{domain}_p50_ms` and its like.

    title: what it is, such as "Task duration". what: the definition's second half, after "50 of 100".
    values: the durations as `x`; rows: the same with the columns that tell whose they are, for the proof.
    excluded: what is left out, in a sentence.
    rolled: reads a percentile out of roll-ups too, where there are any of it; then `values` is not asked.
    """
    for percent in only:
        name, least = RANKS[percent]
        long = f"; {BY_RANK}" if rolled else ""
        needed = f"; needs n ≥ {least}" if least > 1 else ""
        metric(
            f"{domain}_p{percent}_ms",
            title=f"{title}, {name}",
            unit="ms",
            excluded=excluded,
            formula=f"nearest rank: the ⌈0.{percent}·n⌉-th shortest duration{needed}{long}",
            least=least,
            few=few,
            needs=needs,
            evidence=from_rank(rows, percent),
        )(_built(values, percent, what, rolled))


def _built(values: Rows, percent: int, what: str, rolled: Callable[[Window, int], Statement] | None) -> Rows:
    def build(window: Window) -> Statement:
        return nearest_rank(values(window), percent) if rolled is None else rolled(window, percent)

    build.__doc__ = f"{percent} of 100 {what}"
    return build


def from_rank(rows: Rows, percent: int) -> Rows:
    """The rows from the one that is the percentile upwards: the first row is the value itself."""

    def evidence(window: Window) -> Statement:
        each = rows(window).subquery("each")
        ranked = select(
            each,
            func.row_number().over(order_by=each.c.x).label("place"),
            func.count().over().label("n"),
        ).subquery("ranked")
        shown = [column.label("ms") if column.key == "x" else column for column in ranked.c]
        return select(*shown).where(ranked.c.place >= place_of(ranked.c.n, percent)).order_by(ranked.c.place)

    return evidence


def threshold() -> Decimal:
    """Apdex's T in milliseconds, as the settings say."""
    return settings.apdex_ms()


def apdex(each: Statement) -> Statement:
    """Apdex_T of rows with `x` in milliseconds, null for a failure: (satisfied + tolerated / 2) / all, with n.

    Satisfied is at most T, tolerated at most 4 T. A failure is frustrated, however fast it came.
    """
    row = each.subquery("each")
    satisfied, tolerated = literal(float(threshold())), literal(float(threshold()) * TOLERATED)
    x = cast(row.c.x, Float)
    weight: ColumnElement[float] = case((x <= satisfied, 1.0), (x <= tolerated, 0.5), else_=0.0)
    n = func.count()
    return select((func.sum(weight) / func.nullif(n, 0)).label("value"), n.label("n")).select_from(row)
