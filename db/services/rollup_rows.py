"""The statements that make roll-ups: five minutes from raw rows, hours and days from what stands below.

Both databases count; no raw row leaves them. Written out, because what differs between the two is how a document is
put together and taken apart.
"""

from collections.abc import Callable, Sequence
from functools import cache

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from db.histogram import PLACE
from db.models.rollup import EDGES_MS, FIVE_MINUTES, LEVELS_OF_SPANS
from db.services.touched import NUMBERS

WORDS = {
    "sqlite": {
        "counts": "json_group_object(CAST({key} AS TEXT), {count}) FILTER (WHERE {key} IS NOT NULL)",
        "each": "json_each",
        "empty": "'{}'",
    },
    "postgresql": {
        "counts": "coalesce(jsonb_object_agg(CAST({key} AS text), CAST({count} AS bigint)) "
        "FILTER (WHERE {key} IS NOT NULL), CAST('{{}}' AS jsonb))",
        "each": "jsonb_each_text",
        "empty": "CAST('{}' AS jsonb)",
    },
}
OTHERS = "(s.agent_id IS NULL OR s.agent_id NOT IN (SELECT id FROM agents WHERE origin = 'system'))"
OTHERS_CALL = (
    "s.caller_id NOT IN (SELECT id FROM agents WHERE origin = 'system') "
    "AND s.callee_id NOT IN (SELECT id FROM agents WHERE origin = 'system')"
)
WITHIN = "s.start_ns >= w.start * 1000000000 AND s.start_ns < (w.start + 300) * 1000000000"
# The bounds of all of them as well: a database that does not know yet how the table grew would read it as a whole.
BELOW = (
    "r.resolution = {fine} AND r.start >= w.start AND r.start < w.start + {coarse} "
    "AND r.start >= CAST(:first AS bigint) AND r.start < CAST(:last AS bigint)"
)
COUNTED = """
count(*) AS spans,
sum(CASE WHEN s.status = 2 THEN 1 ELSE 0 END) AS errors,
sum(CASE WHEN s.category = 'model' THEN coalesce(s.input_tokens, 0) ELSE 0 END) AS input_tokens,
sum(CASE WHEN s.category = 'model' AND s.input_tokens IS NOT NULL THEN 1 ELSE 0 END) AS input_spans,
sum(CASE WHEN s.category = 'model' THEN coalesce(s.output_tokens, 0) ELSE 0 END) AS output_tokens,
sum(CASE WHEN s.category = 'model' AND s.output_tokens IS NOT NULL THEN 1 ELSE 0 END) AS output_spans
"""
SUMS = ("spans", "errors", "input_tokens", "input_spans", "output_tokens", "output_spans")
TASK_SUMS = ("good_tasks", "failed_tasks", "silent_tasks")

FLEET = """
INSERT INTO fleet_rollups (resolution, start, {sums}, traces, histogram, ranges)
WITH wanted(start) AS ({numbers}),
counted AS (
    SELECT w.start, {place} AS place, {range_no} AS range_no, {counted}
    FROM wanted AS w CROSS JOIN spans AS s WHERE {within} AND {others} GROUP BY 1, 2, 3
),
seen AS (
    SELECT DISTINCT w.start, s.trace_id FROM (SELECT start FROM wanted UNION SELECT start - 300 FROM wanted) AS w
    CROSS JOIN spans AS s WHERE {within} AND {others}
),
begun AS (
    SELECT a.start, count(*) AS traces FROM seen AS a
    LEFT JOIN seen AS b ON b.trace_id = a.trace_id AND b.start = a.start - 300
    WHERE b.trace_id IS NULL GROUP BY a.start
),
places AS (
    SELECT g.start, {by_place} AS histogram
    FROM (SELECT start, place, sum(spans) AS n FROM counted GROUP BY 1, 2) AS g GROUP BY g.start
),
in_ranges AS (
    SELECT g.start, {by_range} AS ranges
    FROM (SELECT start, range_no, sum(spans) AS n FROM counted GROUP BY 1, 2) AS g GROUP BY g.start
),
totals AS (SELECT start, {summed} FROM counted GROUP BY start)
SELECT 300, t.start, {named}, coalesce(b.traces, 0), p.histogram, r.ranges
FROM totals AS t JOIN places AS p ON p.start = t.start JOIN in_ranges AS r ON r.start = t.start
LEFT JOIN begun AS b ON b.start = t.start
"""
FLEET_ABOVE = """
INSERT INTO fleet_rollups (resolution, start, {sums}, traces, histogram, ranges)
WITH wanted(start) AS ({numbers}),
below AS (
    SELECT w.start AS above, r.* FROM wanted AS w CROSS JOIN fleet_rollups AS r
    WHERE {below}
),
places AS (
    SELECT g.above, {by_place} AS histogram FROM (
        SELECT b.above, e.key AS place, sum(CAST(e.value AS bigint)) AS n
        FROM below AS b CROSS JOIN {each}(b.histogram) AS e GROUP BY 1, 2
    ) AS g GROUP BY g.above
),
in_ranges AS (
    SELECT g.above, {by_range} AS ranges FROM (
        SELECT b.above, e.key AS range_no, sum(CAST(e.value AS bigint)) AS n
        FROM below AS b CROSS JOIN {each}(b.ranges) AS e GROUP BY 1, 2
    ) AS g GROUP BY g.above
),
totals AS (SELECT above, {summed}, sum(traces) AS traces FROM below GROUP BY above)
SELECT {coarse}, t.above, {named}, t.traces, p.histogram, r.ranges
FROM totals AS t JOIN places AS p ON p.above = t.above JOIN in_ranges AS r ON r.above = t.above
"""

AGENTS = """
INSERT INTO agent_rollups (resolution, start, agent_id, service, {sums}, silent_after, reported_ns, histogram)
WITH wanted(start) AS ({numbers}),
said AS (
    SELECT w.start, s.service, min(s.start_ns) AS since FROM wanted AS w CROSS JOIN spans AS s
    WHERE {within} AND s.status <> 0 AND {others} GROUP BY 1, 2
),
counted AS (
    SELECT w.start, s.agent_id, s.service, {place} AS place, {counted},
        sum(CASE WHEN s.is_task AND s.status = 1 THEN 1 ELSE 0 END) AS good_tasks,
        sum(CASE WHEN s.is_task AND s.status = 2 THEN 1 ELSE 0 END) AS failed_tasks,
        sum(CASE WHEN s.is_task AND s.status = 0 THEN 1 ELSE 0 END) AS silent_tasks,
        sum(CASE WHEN s.is_task AND s.status = 0 AND s.start_ns > f.since THEN 1 ELSE 0 END) AS silent_after,
        min(CASE WHEN s.status <> 0 THEN s.start_ns END) AS reported_ns
    FROM wanted AS w CROSS JOIN spans AS s LEFT JOIN said AS f ON f.start = w.start AND f.service = s.service
    WHERE {within} AND {others} GROUP BY 1, 2, 3, 4
)
SELECT 300, start, agent_id, service, {summed}, sum(silent_after), min(reported_ns), {by_place}
FROM counted GROUP BY start, agent_id, service
"""
# Of a longer stretch, a task without a status lies after its service's first one where that lies in an earlier piece,
# or earlier in its own.
AGENTS_ABOVE = """
INSERT INTO agent_rollups (resolution, start, agent_id, service, {sums}, silent_after, reported_ns, histogram)
WITH wanted(start) AS ({numbers}),
below AS (
    SELECT w.start AS above, r.* FROM wanted AS w CROSS JOIN agent_rollups AS r
    WHERE {below}
),
said AS (
    SELECT above, service, min(reported_ns) AS since FROM below WHERE reported_ns IS NOT NULL GROUP BY 1, 2
),
totals AS (
    SELECT b.above, b.agent_id, b.service, {summed_below},
        sum(CASE WHEN f.since < b.start * 1000000000 THEN b.silent_tasks
            WHEN f.since < (b.start + {fine}) * 1000000000 THEN b.silent_after ELSE 0 END) AS silent_after,
        min(b.reported_ns) AS reported_ns
    FROM below AS b LEFT JOIN said AS f ON f.above = b.above AND f.service = b.service GROUP BY 1, 2, 3
),
places AS (
    SELECT g.above, g.agent_id, g.service, {by_place} AS histogram FROM (
        SELECT b.above, b.agent_id, b.service, e.key AS place, sum(CAST(e.value AS bigint)) AS n
        FROM below AS b CROSS JOIN {each}(b.histogram) AS e GROUP BY 1, 2, 3, 4
    ) AS g GROUP BY g.above, g.agent_id, g.service
)
SELECT {coarse}, t.above, t.agent_id, t.service, {named}, t.silent_after, t.reported_ns, p.histogram
FROM totals AS t JOIN places AS p
ON p.above = t.above AND p.service = t.service AND coalesce(p.agent_id, '') = coalesce(t.agent_id, '')
"""

CALLS = """
INSERT INTO call_rollups (resolution, start, caller_id, callee_id, kind, calls, errors, answered, histogram)
WITH wanted(start) AS ({numbers}),
counted AS (
    SELECT w.start, s.caller_id, s.callee_id, s.kind, {place_of_call} AS place, count(*) AS calls,
        sum(CASE WHEN s.failed THEN 1 ELSE 0 END) AS errors, count(s.latency_ns) AS answered
    FROM wanted AS w CROSS JOIN calls AS s WHERE {within} AND {others_call} GROUP BY 1, 2, 3, 4, 5
)
SELECT 300, start, caller_id, callee_id, kind, sum(calls), sum(errors), sum(answered), {by_place}
FROM counted GROUP BY start, caller_id, callee_id, kind
"""
CALLS_ABOVE = """
INSERT INTO call_rollups (resolution, start, caller_id, callee_id, kind, calls, errors, answered, histogram)
WITH wanted(start) AS ({numbers}),
below AS (
    SELECT w.start AS above, r.* FROM wanted AS w CROSS JOIN call_rollups AS r
    WHERE {below}
),
places AS (
    SELECT g.above, g.caller_id, g.callee_id, g.kind, {by_place} AS histogram FROM (
        SELECT b.above, b.caller_id, b.callee_id, b.kind, e.key AS place, sum(CAST(e.value AS bigint)) AS n
        FROM below AS b CROSS JOIN {each}(b.histogram) AS e GROUP BY 1, 2, 3, 4, 5
    ) AS g GROUP BY g.above, g.caller_id, g.callee_id, g.kind
),
totals AS (
    SELECT above, caller_id, callee_id, kind, sum(calls) AS calls, sum(errors) AS errors, sum(answered) AS answered
    FROM below GROUP BY above, caller_id, callee_id, kind
)
SELECT {coarse}, t.above, t.caller_id, t.callee_id, t.kind, t.calls, t.errors, t.answered,
    coalesce(p.histogram, {empty})
FROM totals AS t LEFT JOIN places AS p
ON p.above = t.above AND p.caller_id = t.caller_id AND p.callee_id = t.callee_id AND p.kind = t.kind
"""


def make_anew(session: Session, starts: Sequence[int], of_fleet: Sequence[int]) -> None:
    """Count the five minutes that start then anew, and put the hours and days above them together again.

    `of_fleet` are further ones of which only the whole fleet's row is made anew.
    """
    _put(session, "agent_rollups", AGENTS, FIVE_MINUTES, starts)
    _put(session, "call_rollups", CALLS, FIVE_MINUTES, starts)
    _put(session, "fleet_rollups", FLEET, FIVE_MINUTES, of_fleet)
    for fine, coarse in LEVELS_OF_SPANS:
        above = sorted({start // coarse * coarse for start in starts})
        _put(session, "agent_rollups", AGENTS_ABOVE, coarse, above, fine)
        _put(session, "call_rollups", CALLS_ABOVE, coarse, above, fine)
        of_all = sorted({start // coarse * coarse for start in of_fleet})
        _put(session, "fleet_rollups", FLEET_ABOVE, coarse, of_all, fine)


def _put(
    session: Session, table: str, template: str, resolution: int, starts: Sequence[int], fine: int = 0
) -> None:
    put(session, table, lambda *how: _statement(how[0], template, *how[1:]), resolution, starts, fine)


def put(
    session: Session,
    table: str,
    statement: Callable[[str, int, int], TextClause],
    resolution: int,
    starts: Sequence[int],
    fine: int = 0,
) -> None:
    """Replace the rows of the stretches that start then by what the statement (of dialect, resolution and the finer
    resolution it is made of, 0 for raw rows) counts."""
    if not starts:
        return
    dialect = session.get_bind().dialect.name
    told = {"starts": orjson.dumps(list(starts)).decode()}
    connection = session.connection()
    connection.execute(_deletion(dialect, table, resolution), told)
    counting = statement(dialect, resolution, fine)
    bounds = {"first": min(starts), "last": max(starts) + resolution}
    is_bounded = ":first" in counting.text
    connection.execute(counting, told | bounds if is_bounded else told)


@cache
def _deletion(dialect: str, table: str, resolution: int) -> TextClause:
    return text(
        f"DELETE FROM {table} WHERE resolution = {resolution} AND start IN ({NUMBERS[dialect]})"  # noqa: S608
    )


@cache
def _statement(dialect: str, template: str, resolution: int, fine: int) -> TextClause:
    words = WORDS[dialect]
    sums = (*SUMS, *TASK_SUMS) if "agent_rollups" in template else SUMS
    by_place = {"key": "place", "count": "n"}
    if template in (AGENTS, CALLS):  # each of their rows holds another place
        by_place["count"] = "spans" if template == AGENTS else "calls"
    said = template.format(
        sums=", ".join(sums),
        summed=", ".join(f"sum({name}) AS {name}" for name in sums),
        summed_below=", ".join(f"sum(b.{name}) AS {name}" for name in sums),
        named=", ".join(f"t.{name}" for name in sums),
        numbers=NUMBERS[dialect],
        each=words["each"],
        counted=COUNTED,
        within=WITHIN,
        below=BELOW.format(fine=fine, coarse=resolution),
        others=OTHERS,
        others_call=OTHERS_CALL,
        place=PLACE[dialect].format(value="s.duration_ns"),
        place_of_call=PLACE[dialect].format(value="s.latency_ns"),
        range_no=_range(),
        by_place=words["counts"].format(**by_place),
        by_range=words["counts"].format(key="range_no", count="n"),
        empty=words["empty"],
        fine=fine,
        coarse=resolution,
    )
    return text(said)


def _range() -> str:
    """The number of the chart's range in which a duration lies, as `db.queries.spans.range_of` says it."""
    ends = " ".join(f"WHEN s.duration_ns < {round(edge * 1e6)} THEN {n}" for n, edge in enumerate(EDGES_MS))
    return f"CASE {ends} ELSE {len(EDGES_MS)} END"
