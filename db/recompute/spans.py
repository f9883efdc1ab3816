"""Spans, traces, tokens and tasks once more: of the fleet, and of the busiest agents each for itself."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from db.models import Agent, AgentRollup, Span
from db.recompute.base import MS, SAMPLED, Again, Ranks, Rows, Spans, recomputes, share
from db.recompute.beyond import SPANS
from db.window import Window

OK, ERROR = 1, 2  # as OpenTelemetry numbers a span's status
COLUMNS = (
    Span.trace_id,
    Span.span_id,
    Span.parent_span_id,
    Span.start_ns,
    Span.duration_ns,
    Span.agent_id,
    Span.service,
    Span.status,
    Span.is_task,
    Span.category,
    Span.input_tokens,
    Span.output_tokens,
)


@dataclass
class Tally:
    """What is counted of the spans of one window, of the whole fleet or of one agent."""

    sums: Counter[str] = field(default_factory=Counter)
    ranks: Ranks = field(default_factory=lambda: Ranks(50, 95))

    def take(self, span: Any, outcome: int | None) -> None:
        self.sums["spans"] += 1
        self.sums["errors"] += span.status == ERROR
        if span.category == "model":
            for name, tokens in (("input", span.input_tokens), ("output", span.output_tokens)):
                if tokens is not None:
                    self.sums[name] += tokens
                    self.sums[f"{name}_n"] += 1
        if outcome is not None:
            self.sums["tasks"] += 1
            self.sums["hits"] += outcome
        self.ranks.count(span.duration_ns)


@dataclass
class Fleet(Tally):
    """The same of all agents but the application's own, and what only a fleet has."""

    observed: set[str] = field(default_factory=set)
    measured: set[str] = field(default_factory=set)


class Known:
    """What has to be known of all spans before one is counted."""

    def __init__(self, rows: Rows) -> None:
        self.origins = dict(rows.each(Agent.id, Agent.origin))
        self.own = {agent for agent, origin in self.origins.items() if origin == "system"}
        self.since: dict[str, int] = {}  # service → when it first reported a status
        spans: Counter[str] = Counter()
        for agent, service, status, start in rows.each(
            Span.agent_id, Span.service, Span.status, Span.start_ns
        ):
            if agent is not None:
                spans[agent] += 1
            if status != 0:
                self._reported(service, start)
        # Of spans that are no longer kept, roll-ups know when a service first reported a status.
        for service, start in rows.each(AgentRollup.service, AgentRollup.reported_ns):
            if start is not None:
                self._reported(service, start)
        idle = sorted(agent for agent in self.origins if agent not in spans)[:1]
        self.sampled = [agent for agent, _ in spans.most_common(SAMPLED)] + idle

    def _reported(self, service: str, start: int) -> None:
        self.since[service] = min(start, self.since.get(service, start))

    def outcome(self, span: Any) -> int | None:
        """0 failed, 1 succeeded; None for what is no task or says nothing."""
        if not span.is_task:
            return None
        if span.status in (OK, ERROR):
            return int(span.status == OK)
        return 1 if self.since.get(span.service, span.start_ns) < span.start_ns else None


@recomputes(
    "spans.count",
    "spans.errors",
    "spans.unattributed",
    "spans.latency_p50_ms",
    "spans.latency_p95_ms",
    "traces.count",
    "tokens.input",
    "tokens.output",
    "ingest.orphans",
    "fleet.efficiency",
    "fleet.agents_observed",
    "fleet.agents_known",
    "fleet.agents_measured",
    "fleet.agents_unmeasured",
    "agent.spans",
    "agent.errors",
    "agent.latency_p50_ms",
    "agent.latency_p95_ms",
    "agent.efficiency",
    "agent.tokens_input",
    "agent.tokens_output",
    reads=(SPANS,),
)
def spans(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    """Traces one after the other, since only a whole trace tells whose parent is missing; durations a second time."""
    known, lying = Known(rows), Spans(windows)
    fleet = {window: Fleet() for window in windows}
    agents = {(window, agent): Tally() for window in windows for agent in known.sampled}
    for _, trace in groupby(rows.each(*COLUMNS, order=(Span.trace_id,)), key=lambda span: span.trace_id):
        _take_trace(list(trace), known, lying, fleet, agents)
    _see_again(rows, known, lying, fleet, agents)
    for window in windows:
        yield from _of_fleet(window, fleet[window], known)
        for agent in known.sampled:
            yield from _of_agent(window, agent, agents[window, agent])


def _take_trace(
    trace: Sequence[Any],
    known: Known,
    lying: Spans,
    fleet: dict[Window, Fleet],
    agents: dict[tuple[Window, str], Tally],
) -> None:
    there = {span.span_id for span in trace}
    seen: set[Window] = set()
    for span in trace:
        outcome, others = known.outcome(span), span.agent_id not in known.own
        for window in lying.of(span.start_ns):
            tally = fleet[window]
            if span.agent_id is None:
                tally.sums["unattributed"] += 1
            elif others:
                tally.observed.add(span.agent_id)
                if outcome is not None:
                    tally.measured.add(span.agent_id)
            if others:
                seen.add(window)
                tally.take(span, outcome)
                tally.sums["orphans"] += span.parent_span_id is not None and span.parent_span_id not in there
            if (window, span.agent_id) in agents:
                agents[window, span.agent_id].take(span, outcome)
    for window in seen:
        fleet[window].sums["traces"] += 1


def _see_again(
    rows: Rows,
    known: Known,
    lying: Spans,
    fleet: dict[Window, Fleet],
    agents: dict[tuple[Window, str], Tally],
) -> None:
    everyone: Iterable[Tally] = [*fleet.values(), *agents.values()]
    for tally in everyone:
        tally.ranks.aim()
    for start, duration, agent in rows.each(Span.start_ns, Span.duration_ns, Span.agent_id):
        for window in lying.of(start):
            if agent not in known.own:
                fleet[window].ranks.collect(duration)
            if (window, agent) in agents:
                agents[window, agent].ranks.collect(duration)


def _of_fleet(window: Window, tally: Fleet, known: Known) -> Iterator[Again]:
    made = known.origins.items()
    configured = {agent for agent, origin in made if origin in ("catalogue", "person")}
    ours = configured | {agent for agent in tally.observed if agent in known.origins}
    plain = {"spans.count": "spans", "spans.errors": "errors", "traces.count": "traces"}
    plain |= {"spans.unattributed": "unattributed", "ingest.orphans": "orphans"}
    for key, name in plain.items():
        yield Again(key, window, tally.sums[name])
    yield Again("fleet.agents_observed", window, len(tally.observed))
    yield Again("fleet.agents_known", window, len(ours))
    yield Again("fleet.agents_measured", window, len(tally.measured))
    yield Again("fleet.agents_unmeasured", window, len(ours - tally.measured))
    names = {"efficiency": "fleet.efficiency", "input": "tokens.input", "output": "tokens.output"}
    names |= {f"latency_p{percent}_ms": f"spans.latency_p{percent}_ms" for percent in (50, 95)}
    yield from _of_tally(window, tally, names.__getitem__)


def _of_agent(window: Window, agent: str, tally: Tally) -> Iterator[Again]:
    for key in ("spans", "errors"):
        yield Again(f"agent.{key}", window, tally.sums[key], subject=(agent,))
    names = {"input": "agent.tokens_input", "output": "agent.tokens_output"}
    yield from _of_tally(window, tally, lambda name: names.get(name, f"agent.{name}"), (agent,))


def _of_tally(
    window: Window, tally: Tally, named: Callable[[str], str], subject: tuple[str, ...] = ()
) -> Iterator[Again]:
    sums, n = tally.sums, tally.sums["tasks"]
    yield Again(named("efficiency"), window, share(sums["hits"], n), n, subject)
    for name in ("input", "output"):
        yield Again(named(name), window, sums[name], sums[f"{name}_n"], subject)
    for percent in (50, 95):
        value = tally.ranks.value(percent)
        shown = None if value is None else value / MS
        yield Again(named(f"latency_p{percent}_ms"), window, shown, tally.ranks.n, subject)
