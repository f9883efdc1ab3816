"""The statements that roll up what needs no more than sums, extremes and a histogram by key: log lines, measurements,
calls of programs. Spans and calls, of which more is said, have theirs in `rollup_rows`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from db.histogram import AMOUNT_PLACE
from db.models.rollup import FIVE_MINUTES, LEVELS
from db.moments import MOMENT
from db.queries.measured import LABELS, WATCHED
from db.services.rollup_rows import BELOW, WORDS, put
from db.services.touched import NUMBERS

# The bounds of all as well: months without any are not even looked at.
WITHIN = "s.{moment} >= {of_start} AND s.{moment} < {of_end} AND s.{moment} >= {of_first} AND s.{moment} < {of_last}"


@dataclass(frozen=True, eq=False)
class Shape:
    """How one table of roll-ups follows from one table of raw rows `s`.

    Attributes:
        table, raw, moment: the roll-ups, the raw rows and the column of their time.
        keys: SQL of a raw row by column of the key; sums: what adds up; extremes: (min or max, SQL).
        amount: SQL of the value whose places the histogram counts; "" where there is no histogram.
        only: which raw rows are rolled up.
    """

    table: str
    raw: str
    moment: str
    keys: Mapping[str, str]
    sums: Mapping[str, str]
    extremes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    amount: str = ""
    only: str = "1 = 1"


LOG_LINES = Shape(
    "log_rollups",
    "agent_logs",
    "created_at",
    {"agent_id": "s.agent_id", "log_level": "s.log_level"},
    {"lines": "1"},
)
MEASURED = Shape(
    "measurement_rollups",
    "system_metrics",
    "recorded_at",
    {
        "metric_type": "s.metric_type",
        "metric_unit": "coalesce(s.metric_unit, '')",
        "source": "coalesce(s.source, '')",
        "labels": f"coalesce(s.metadata ->> '{LABELS}', '')",
    },
    {
        "n": "CASE WHEN s.metric_value IS NULL THEN 0 ELSE 1 END",
        "missing": "CASE WHEN s.metric_value IS NULL THEN 1 ELSE 0 END",
        "total": "coalesce(s.metric_value, 0)",
    },
    {"least": ("min", "s.metric_value"), "most": ("max", "s.metric_value")},
    "s.metric_value",
    "s.metric_type NOT IN ({})".format(", ".join(f"'{kind}'" for kind in WATCHED)),
)
PROGRAMS = Shape(
    "api_rollups",
    "api_logs",
    "created_at",
    {"user_id": "s.user_id", "method": "s.method", "status_code": "s.status_code"},
    {"calls": "1", "timed": "CASE WHEN s.response_time_ms IS NULL THEN 0 ELSE 1 END"},
    amount="s.response_time_ms",
)

FIVE = """
INSERT INTO {table} (resolution, start, {columns})
WITH wanted(start) AS ({numbers}),
counted AS (
    SELECT w.start, {raw_keys}, {place} AS place, {raw_totals}, count(*) AS in_place
    FROM wanted AS w CROSS JOIN {raw} AS s WHERE {within} AND {only} GROUP BY {numbered}
)
SELECT 300, start, {keys}, {totals}{histogram} FROM counted GROUP BY start, {keys}
"""
ABOVE = """
INSERT INTO {table} (resolution, start, {columns})
WITH wanted(start) AS ({numbers}),
below AS (SELECT w.start AS above, r.* FROM wanted AS w CROSS JOIN {table} AS r WHERE {below})
SELECT {coarse}, above, {keys}, {totals} FROM below GROUP BY above, {keys}
"""
ABOVE_WITH_HISTOGRAM = """
INSERT INTO {table} (resolution, start, {columns})
WITH wanted(start) AS ({numbers}),
below AS (SELECT w.start AS above, r.* FROM wanted AS w CROSS JOIN {table} AS r WHERE {below}),
places AS (
    SELECT above, {keys}, {by_place} AS histogram FROM (
        SELECT above, {keys}, e.key AS place, sum(CAST(e.value AS bigint)) AS in_place
        FROM below AS b CROSS JOIN {each}(b.histogram) AS e GROUP BY {numbered}
    ) AS g GROUP BY above, {keys}
),
totals AS (SELECT above, {keys}, {totals} FROM below GROUP BY above, {keys})
SELECT {coarse}, t.above, {total_columns}, coalesce(p.histogram, {empty})
FROM totals AS t LEFT JOIN places AS p ON p.above = t.above AND {same}
"""


def make(shape: Shape, session: Session, starts: Sequence[int]) -> None:
    """Count the five minutes that start then anew, and put the hours and days above them together again."""
    of = partial(_statement, shape)
    put(session, shape.table, of, FIVE_MINUTES, starts)
    for fine, coarse in LEVELS:
        put(session, shape.table, of, coarse, sorted({start // coarse * coarse for start in starts}), fine)


@cache
def _statement(shape: Shape, dialect: str, resolution: int, fine: int) -> TextClause:
    template = FIVE if not fine else ABOVE_WITH_HISTOGRAM if shape.amount else ABOVE
    return text(template.format(**_words(shape, dialect, resolution, fine)))


def _words(shape: Shape, dialect: str, resolution: int, fine: int) -> dict[str, object]:
    by_place = WORDS[dialect]["counts"].format(key="place", count="in_place")
    raw_totals = [f"sum({sql}) AS {name}" for name, sql in shape.sums.items()]
    raw_totals += [f"{kind}({sql}) AS {name}" for name, (kind, sql) in shape.extremes.items()]
    totals = [f"sum({name}) AS {name}" for name in shape.sums]
    totals += [f"{kind}({name}) AS {name}" for name, (kind, _) in shape.extremes.items()]
    counted = [*shape.keys, *shape.sums, *shape.extremes]
    return {
        "table": shape.table,
        "raw": shape.raw,
        "only": shape.only,
        "coarse": resolution,
        "numbers": NUMBERS[dialect],
        "each": WORDS[dialect]["each"],
        "empty": WORDS[dialect]["empty"],
        "below": BELOW.format(fine=fine, coarse=resolution),
        "within": _within(shape, dialect),
        "keys": ", ".join(shape.keys),
        "raw_keys": ", ".join(f"{sql} AS {name}" for name, sql in shape.keys.items()),
        "raw_totals": ", ".join(raw_totals),
        "totals": ", ".join(totals),
        "total_columns": ", ".join(f"t.{name}" for name in counted),
        "columns": ", ".join([*counted, *(["histogram"] if shape.amount else [])]),
        "place": AMOUNT_PLACE[dialect].format(value=shape.amount)
        if shape.amount
        else "CAST(NULL AS integer)",
        "by_place": by_place,
        "histogram": f", {by_place}" if shape.amount else "",
        "numbered": ", ".join(str(number) for number in range(1, len(shape.keys) + 3)),
        "same": " AND ".join(_same(name) for name in shape.keys),
    }


def _within(shape: Shape, dialect: str) -> str:
    ends = {"start": "w.start", "end": "w.start + 300"}
    ends |= {name: f"CAST(:{name} AS bigint)" for name in ("first", "last")}
    words = {f"of_{name}": MOMENT[dialect].format(seconds=sql) for name, sql in ends.items()}
    return WITHIN.format(moment=shape.moment, **words)


def _same(name: str) -> str:
    """That two rows agree in a column of the key, also where it is null."""
    return f"coalesce(CAST(p.{name} AS text), '') = coalesce(CAST(t.{name} AS text), '')"
