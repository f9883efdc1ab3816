"""Spans and calls by the hundred thousand, made inside the database: same agents, same stretch of time, any number."""

from datetime import datetime

from sqlalchemy import Connection, Engine, text

from db.actor import SYSTEM
from db.engine import session as db_session
from db.metric import NANOSECONDS, to_ns
from db.services.months import DAY_NS, prepare
from db.services.rollups import touch_all

AGENTS = 30
PER_TRACE = 20
AT_ONCE = 1_000_000

# Durations are lognormal, about: the sum of three evenly spread numbers stands for a normal one.
WORDS = {
    "sqlite": {
        "series": "WITH RECURSIVE many(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM many WHERE i + 1 < :last)",
        "trace": f"CAST(printf('%016x', i / {PER_TRACE} * 2654435761 % 4294967296) AS BLOB)",
        "span": "CAST(printf('%08x', i) AS BLOB)",
        "chance": "(abs(random()) % 1000000 / 1000000.0)",
        "number": "CAST({} AS INTEGER)",
    },
    "postgresql": {
        "series": "WITH many AS (SELECT generate_series(CAST(:first AS bigint), :last - 1) AS i)",
        "trace": f"decode(md5(CAST(i / {PER_TRACE} AS text)), 'hex')",
        "span": "int8send(i)",
        "chance": "random()",
        "number": "CAST({} AS bigint)",
    },
}
SPANS = """
INSERT INTO spans (trace_id, span_id, start_ns, duration_ns, agent_id, attribution, service, name, kind, category,
    status, is_task, input_tokens, output_tokens, model, sender_id, received_ns)
{series}
SELECT {trace}, {span}, {begin} + i * {step}, {duration}, 'agent-' || (i * 7919 % {agents}), 'service',
    'agent-' || (i * 7919 % {agents}), 'work', 2, CASE WHEN i % 20 = 7 THEN 'model' END,
    CASE WHEN i % 50 = 3 THEN 2 WHEN i % 3 = 0 THEN 1 ELSE 0 END, i % 20 = 0,
    CASE WHEN i % 20 = 7 THEN i % 900 END, CASE WHEN i % 20 = 7 THEN i % 90 END, NULL, {sender}, {begin}
FROM many
"""
CALLS = """
INSERT INTO calls (trace_id, span_id, start_ns, caller_id, callee_id, kind, evidence, callee_span_id, latency_ns,
    failed)
{series}
SELECT {trace}, {span}, {begin} + i * {step}, 'agent-' || (i % {agents}), 'agent-' || ((i + 1 + i / 4 % 3) % {agents}),
    'data', 'parent', {span}, {duration}, i % 50 = 3
FROM many WHERE i % 4 = 0
"""


def fill(engine: Engine, count: int, since: datetime, until: datetime, agents: int = AGENTS) -> None:
    """`count` spans and a quarter as many calls, evenly over [since, until). They are noted and not rolled up yet."""
    words = WORDS[engine.dialect.name]
    dice = " + ".join([words["chance"]] * 3)
    told = {
        **words,
        "begin": to_ns(since),
        "step": max(1, int((until - since).total_seconds() * NANOSECONDS) // count),
        "duration": words["number"].format(f"exp(15 + 2.5 * ({dice} - 1.5))"),
        "agents": agents,
    }
    with engine.begin() as connection:
        told["sender"] = _sender(connection)
        for number in range(agents):
            connection.execute(
                text("INSERT INTO agents (id, name, origin, metadata) VALUES (:id, :id, 'telemetry', '{}')"),
                {"id": f"agent-{number}"},
            )
    with db_session(engine, SYSTEM, write=True) as unit:
        prepare(unit, range(to_ns(since), to_ns(until), DAY_NS))
    for first in range(0, count, AT_ONCE):
        for statement in (SPANS, CALLS):
            with engine.begin() as connection:
                connection.execute(
                    text(statement.format(**told)), {"first": first, "last": min(count, first + AT_ONCE)}
                )
    with db_session(engine, SYSTEM, write=True) as unit:
        touch_all(unit)


def _sender(connection: Connection) -> int:
    made = text("INSERT INTO senders (digest, source, resource) VALUES (:digest, 'made', '{}') RETURNING id")
    return int(connection.execute(made, {"digest": bytes(16)}).scalar_one())
