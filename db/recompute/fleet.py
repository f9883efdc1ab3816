"""Agents and connections once more: who is set up and heard, who called whom, and how fast the called one answered."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from db.models import Agent, AgentConnection, Call
from db.recompute.base import MS, SAMPLED, Again, Ranks, Rows, Spans, Sums, recomputes
from db.recompute.beyond import SPANS
from db.window import Window

UNHEARD_AFTER = timedelta(minutes=5)
Pair = tuple[str, str]


@recomputes("fleet.agents_configured", "fleet.agents_operational", "system.parts_operational")
def agents(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    stored = list(
        rows.each(Agent.origin, Agent.status, Agent.last_active, Agent.heartbeat_seconds, Agent.paused_at)
    )
    configured = sum(agent.origin in ("catalogue", "person") for agent in stored)
    for window in windows:
        heard = [agent for agent in stored if _is_operational(agent, window)]
        own = sum(agent.origin == "system" for agent in heard)
        yield Again("fleet.agents_configured", window, configured)
        yield Again("fleet.agents_operational", window, len(heard) - own)
        yield Again("system.parts_operational", window, own)


def _is_operational(agent: Any, window: Window) -> bool:
    if agent.last_active is None or agent.paused_at is not None or agent.status == "MAINTENANCE":
        return False
    declared = agent.heartbeat_seconds
    limit = UNHEARD_AFTER if declared is None else timedelta(seconds=2 * declared)
    return bool(agent.last_active + limit > window.at)


@recomputes("fleet.connections_imported", "fleet.connections_declared")
def held(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    kinds = Counter((row.meta or {}).get("evidence") for row in rows.each(AgentConnection.meta))
    for window in windows:
        yield Again("fleet.connections_imported", window, kinds["imported"])
        yield Again("fleet.connections_declared", window, kinds["declared"])


@recomputes(
    "calls.count",
    "fleet.connections",
    "system.calls",
    "agent.calls_out",
    "agent.calls_in",
    "connection.calls",
    "connection.errors",
    "connection.latency_p50_ms",
    "connection.latency_p95_ms",
    reads=(SPANS,),
)
def calls(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    own = {agent for agent, origin in rows.each(Agent.id, Agent.origin) if origin == "system"}
    every: Counter[Pair] = Counter(
        (caller, callee) for caller, callee in rows.each(Call.caller_id, Call.callee_id)
    )
    pairs = [pair for pair, _ in every.most_common(SAMPLED)]
    ends = list(dict.fromkeys(agent for pair in pairs for agent in pair))[:SAMPLED]
    sums, lying = Sums(), Spans(windows)
    ranks = {(window, pair): Ranks(50, 95) for window in windows for pair in pairs}
    between: dict[Window, set[Pair]] = {window: set() for window in windows}
    columns = (Call.start_ns, Call.caller_id, Call.callee_id, Call.latency_ns, Call.failed)
    for start, caller, callee, latency, failed in rows.each(*columns):
        pair, is_own = (caller, callee), caller in own or callee in own
        for window in lying.of(start):
            sums.add(window, "system" if is_own else "others")
            sums.add(window, ("out", caller))
            sums.add(window, ("in", callee))
            if not is_own:
                between[window].add(pair)
            if (window, pair) in ranks:
                sums.add(window, pair)
                sums.add(window, (pair, "failed"), int(failed))
                if latency is not None:
                    ranks[window, pair].count(latency)
    _see_again(rows, lying, ranks)
    for window in windows:
        yield Again("calls.count", window, sums.of(window, "others"))
        yield Again("system.calls", window, sums.of(window, "system"))
        yield Again("fleet.connections", window, len(between[window]))
        for agent in ends:
            yield Again("agent.calls_out", window, sums.of(window, ("out", agent)), subject=(agent,))
            yield Again("agent.calls_in", window, sums.of(window, ("in", agent)), subject=(agent,))
        for pair in pairs:
            yield from _of_pair(window, pair, sums, ranks[window, pair])


def _see_again(rows: Rows, lying: Spans, ranks: dict[tuple[Window, Pair], Ranks]) -> None:
    for each in ranks.values():
        each.aim()
    for start, caller, callee, latency in rows.each(
        Call.start_ns, Call.caller_id, Call.callee_id, Call.latency_ns
    ):
        for window in lying.of(start):
            if latency is not None and (window, (caller, callee)) in ranks:
                ranks[window, (caller, callee)].collect(latency)


def _of_pair(window: Window, pair: Pair, sums: Sums, ranks: Ranks) -> Iterator[Again]:
    yield Again("connection.calls", window, sums.of(window, pair), subject=pair)
    yield Again("connection.errors", window, sums.of(window, (pair, "failed")), subject=pair)
    for percent in (50, 95):
        value = ranks.value(percent)
        shown = None if value is None else value / MS
        yield Again(f"connection.latency_p{percent}_ms", window, shown, ranks.n, pair)
