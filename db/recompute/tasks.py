"""Tasks once more: how many ended and how, how long they took, what the objective leaves, and how busy the fleet is."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from db.models import Agent, Objective, Span
from db.recompute.base import MS, SAMPLED, Again, Ranks, Rows, Spans, recomputes
from db.recompute.beyond import SPANS
from db.recompute.spans import ERROR, Known
from db.window import Window, to_ns

HOUR_NS = 3_600_000_000_000
PERCENTS = (50, 95, 99)
COLUMNS = (
    Span.start_ns,
    Span.duration_ns,
    Span.agent_id,
    Span.service,
    Span.status,
    Span.is_task,
    Span.error_type,
)
# What errors are called, without what stands before the last dot and in lower case.
CANCELLED = frozenset(
    {
        "cancelled",
        "canceled",
        "cancellederror",
        "cancelederror",
        "operationcancelledexception",
        "operationcanceledexception",
        "taskcanceledexception",
        "aborterror",
        "keyboardinterrupt",
    }
)
ABORTED = frozenset(
    {
        "unavailable",
        "502",
        "503",
        "brokenpipeerror",
        "connectionabortederror",
        "connectionerror",
        "connectionrefusederror",
        "connectionreseterror",
        "memoryerror",
        "oomkilled",
        "sigkill",
        "sigterm",
        "systemexit",
        "workerlosterror",
    }
)


@dataclass
class Tasks:
    """What is counted of the tasks of one window."""

    sums: Counter[str] = field(default_factory=Counter)
    ranks: Ranks = field(default_factory=lambda: Ranks(*PERCENTS))
    first_ns: int | None = None

    def take(self, task: Any) -> None:
        self.sums["count"] += 1
        self.first_ns = task.start_ns if self.first_ns is None else min(self.first_ns, task.start_ns)
        if task.status != ERROR:
            self.ranks.count(task.duration_ns)
            return
        word = (task.error_type or "").rpartition(".")[2].lower()
        self.sums["failures"] += 1
        self.sums["cancelled"] += word in CANCELLED
        self.sums["aborted"] += word in ABORTED


@recomputes(
    "tasks.count",
    "tasks.failures",
    "tasks.cancelled",
    "tasks.aborted",
    "tasks.per_hour",
    "tasks.duration_p50_ms",
    "tasks.duration_p95_ms",
    "tasks.duration_p99_ms",
    reads=(SPANS,),
)
def tasks(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    own, lying = own_parts(rows), Spans(windows)
    found = {window: Tasks() for window in windows}
    for task in rows.each(*COLUMNS):
        if task.is_task and task.agent_id not in own:
            for window in lying.of(task.start_ns):
                found[window].take(task)
    for each in found.values():
        each.ranks.aim()
    for task in rows.each(*COLUMNS):
        if task.is_task and task.agent_id not in own and task.status != ERROR:
            for window in lying.of(task.start_ns):
                found[window].ranks.collect(task.duration_ns)
    for window, each in found.items():
        for name in ("count", "failures", "cancelled", "aborted"):
            yield Again(f"tasks.{name}", window, each.sums[name])
        n, hours = each.sums["count"], _hours(window, each.first_ns)
        yield Again("tasks.per_hour", window, n / hours if hours else None, n)
        yield from ranked("tasks.duration", window, each.ranks, MS)


def own_parts(rows: Rows) -> set[str]:
    """The agents that are the application itself."""
    return {agent for agent, origin in rows.each(Agent.id, Agent.origin) if origin == "system"}


def ranked(name: str, window: Window, ranks: Ranks, unit: int = 1) -> Iterator[Again]:
    """The three percentiles, in milliseconds when `unit` of what was counted make one."""
    for percent in PERCENTS:
        value = ranks.value(percent)
        shown = value if value is None or unit == 1 else value / unit
        yield Again(f"{name}_p{percent}_ms", window, shown, ranks.n)


def _hours(window: Window, first_ns: int | None) -> float | None:
    """Hours of the window until now; of all time, since the first task. None where no time has passed."""
    if window.start is None or window.end is None:
        length = 0 if first_ns is None else to_ns(window.at) - first_ns
        return length / HOUR_NS if length > 0 else None
    passed = min(window.end, window.at) - window.start
    return passed / timedelta(hours=1) if passed > timedelta(0) else None


# --- the objective ------------------------------------------------------------------------------------------

STRETCHES = {
    "5m": timedelta(minutes=5),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "3d": timedelta(days=3),
    "budget": timedelta(days=30),
}


@recomputes("objective.burn", "objective.budget_left", reads=(SPANS,), reach=timedelta(days=30))
def objective(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    """Of the stretches that end now, whatever the window."""
    now = windows[0]
    set_ = {row.name: row for row in rows.each(Objective.name, Objective.target, Objective.least_events)}
    aim, known = set_.get("tasks"), Known(rows)
    stretches = {Window(now.at - length, now.at, name, now.at): [0, 0] for name, length in STRETCHES.items()}
    lying = Spans(list(stretches))
    for task in rows.each(*COLUMNS):
        outcome = None if task.agent_id in known.own else known.outcome(task)
        for stretch in lying.of(task.start_ns) if outcome is not None else ():
            stretches[stretch][0] += 1
            stretches[stretch][1] += outcome == 0
    for stretch, (n, failed) in stretches.items():
        burn = None
        if aim is not None and n >= aim.least_events:
            burn = (failed / n) / (1 - float(aim.target) / 100)
        if stretch.name == "budget":
            left = None if burn is None else 100 * (1 - burn)
            yield Again("objective.budget_left", now, left, n)
        else:
            yield Again("objective.burn", now, burn, n, (stretch.name,))


# --- load, and what stands in the agents' rows --------------------------------------------------------------


@recomputes(
    "fleet.neural_load",
    "agent.neural_load",
    "agent.stored_efficiency",
    "agent.stored_load",
    "agent.stored_up_seconds",
)
def stored(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    """As it stands in the rows of some agents, and of one that was not measured. No leases stand anywhere: no load."""
    columns = (Agent.efficiency, Agent.neural_load, Agent.uptime_seconds)
    agents = list(rows.each(Agent.id, *columns, order=(Agent.id,)))
    told = [agent for agent in agents if any(value is not None for value in agent[1:])]
    silent = [agent for agent in agents if all(value is None for value in agent[1:])]
    for window in windows:
        yield Again("fleet.neural_load", window, None, 0)
        for agent, efficiency, load, up in told[:SAMPLED] + silent[:1]:
            yield Again("agent.neural_load", window, None, 0, (agent,))
            of_row = {"efficiency": efficiency, "load": load, "up_seconds": up}
            for name, value in of_row.items():
                yield Again(f"agent.stored_{name}", window, value, int(value is not None), (agent,))
