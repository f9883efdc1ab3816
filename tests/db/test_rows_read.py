"""What a number costs does not grow with what is stored: ten times the spans, the same rows read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from db.engine import make_engine
from db.metric import METRICS, SERIES, Statement, Window
from db.models import Call
from db.proof import statement_text
from db.queries import rolled
from db.queries.activity import activity, calls_per, efficiencies, latency
from db.queries.connections import pairs, touching
from db.services.rollups import roll_up_all
from tests.databases import Databases
from tests.many_spans import fill
from tests.sessions import session

UNTIL = datetime(2026, 3, 4, 5, 25, tzinfo=UTC)
WINDOWS = ("all", "2026-03-03T06:35:00Z/2026-03-04T05:20:00Z")
# Both ends are counted one by one where things do not add up: three five minutes of 200,000 spans a day.
AT_EDGES = {"traces.count": 3 * 200_000 // 288}
KEYS = (
    "spans.count", "spans.errors", "spans.unattributed", "spans.latency_p50_ms", "spans.latency_p95_ms",
    "spans.latency_histogram", "traces.count", "tokens.input", "tokens.output", "calls.count", "fleet.connections",
    "fleet.agents_observed", "fleet.efficiency", "fleet.efficiency_histogram", "fleet.agents_unmeasured",
)  # fmt: skip


def statements(window: Window) -> dict[str, Statement]:
    """The numbers of the overview and what the map, the lists and an agent's page read besides."""
    agent = ("agent-3",)
    found = {key: (METRICS.get(key) or SERIES[key]).build(window) for key in KEYS}
    parts = {
        "activity": activity(window),
        "latency": latency(window),
        "efficiencies": efficiencies(window),
        "calls": calls_per(window, Call.caller_id),
        "pairs": pairs(window),
        "an agent's activity": activity(window, agent),
        "an agent's latency": latency(window, agent),
        "an agent's efficiency": efficiencies(window, agent),
        "an agent's connections": pairs(window, touching(*agent)),
    }
    return found | {name: select(part) for name, part in parts.items()}


def rows_of(plan: dict[str, Any]) -> int:
    """Rows of tables that a plan looked at, those its filters dropped included."""
    here = 0
    if "Relation Name" in plan:
        looked = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        here = round(looked * plan["Actual Loops"])
    return here + sum(rows_of(each) for each in plan.get("Plans", ()))


def rows_read(engine: Engine) -> dict[tuple[str, str], int]:
    found = {}
    with session(engine) as unit:
        # Roll-ups of a single day are so few that reading all of them is cheapest, which is no help against many.
        unit.execute(text("SET LOCAL enable_seqscan = off"))
        for name in WINDOWS:
            for key, statement in statements(Window.parse(name, UNTIL)).items():
                sql, params = statement_text(unit, statement)
                with unit.connection().connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
                    (told,) = cursor.fetchone()
                plans = told if isinstance(told, list) else json.loads(told)
                found[key, name] = rows_of(plans[0]["Plan"])
    return found


@pytest.mark.databases("postgresql")
def test_ten_times_the_spans_and_the_same_rows_read(
    databases: Databases, database_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolled, "MOST_EXACT", 500)
    read = {}
    for size in (20_000, 200_000):
        with databases.migrated(database_kind) as url:
            engine = make_engine(url)
            fill(engine, size, UNTIL - timedelta(days=1), UNTIL, agents=5)
            roll_up_all(engine)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
            read[size] = rows_read(engine)
            engine.dispose()
    more = {
        asked: (few, read[200_000][asked])
        for asked, few in read[20_000].items()
        if read[200_000][asked] > 1.1 * few + 20 + AT_EDGES.get(asked[0], 0)
    }
    assert not more, "\n".join(map(str, more.items()))
