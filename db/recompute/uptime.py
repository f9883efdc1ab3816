"""States and checks once more: stretches that stand, cut to whole seconds and summed one by one; results one by one.

Of days whose stretches are gone, the sums that stay are added up: which of them belong to a window, and where single
stretches begin to count, is worked out here once more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.models import Agent
from db.models.uptime import Check, CheckResult, StateStretch, UptimeSubject
from db.models.uptime_kept import STATES as KEPT
from db.models.uptime_kept import StateDay, UptimeKept
from db.recompute.base import SAMPLED, Again, Ranks, Rows, Sums, covers, recomputes, share
from db.recompute.beyond import RESULTS
from db.window import Window

STATES = ("up", "down", "unknown", "maintenance", "paused")
FLEET = "agent"
DAY = 86_400


@recomputes(
    "uptime.availability",
    "uptime.coverage",
    "uptime.lowest",
    "uptime.highest",
    "uptime.days_observed",
    *[f"uptime.{state}_seconds" for state in STATES],
    "uptime.fleet_availability",
    "uptime.fleet_coverage",
    "uptime.fleet_lowest",
    "uptime.fleet_highest",
    "uptime.agents_counted",
    "uptime.agents_left_out",
)
def states(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    columns = (UptimeSubject.id, UptimeSubject.kind, UptimeSubject.agent_id, UptimeSubject.settled_until)
    known = {row.id: row for row in rows.each(*columns)}
    agents = list(rows.each(Agent.id, Agent.origin))
    watched = {row.agent_id for row in known.values() if row.kind == FLEET}
    about = _some_of_each_kind(list(known.values()))
    sums, observed = _seconds(rows, windows, known, set(about))
    for window in windows:
        for subject in about:
            yield from _of_subject(
                window, subject, {state: sums.of(window, (subject, state)) for state in STATES}
            )
        pooled = {state: sums.of(window, (FLEET, state)) for state in STATES}
        for name, (part, n) in _shares(pooled).items():
            yield Again(f"uptime.fleet_{name}", window, part, n)
        counted = observed[window]
        left = [
            agent
            for agent, origin in agents
            if agent not in counted
            and (origin in ("catalogue", "person") or (agent in watched and origin != "system"))
        ]
        yield Again("uptime.agents_counted", window, len(counted))
        yield Again("uptime.agents_left_out", window, len(left))


def _some_of_each_kind(known: Sequence[Any]) -> list[str]:
    """Agents, parts and checks, so that a fleet of many agents does not hide the others."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for row in sorted(known, key=lambda each: each.id):
        kinds[row.kind].append(row.id)
    return [subject for found in kinds.values() for subject in found[:SAMPLED]]


def _seconds(
    rows: Rows, windows: Sequence[Window], known: dict[str, Any], about: set[str]
) -> tuple[Sums, dict[Window, set[str]]]:
    """Seconds by window and state, of those asked about and of all agents; and which agents have some up or down."""
    sums = Sums()
    observed: dict[Window, set[str]] = {window: set() for window in windows}
    columns = (
        StateStretch.subject_id,
        StateStretch.state,
        StateStretch.since,
        StateStretch.until,
        StateStretch.superseded_at,
    )

    def add(window: Window, subject: str, state: str, seconds: int) -> None:
        whose = known[subject]
        if subject in about:
            sums.add(window, (subject, state), seconds)
        if whose.kind == FLEET:
            sums.add(window, (FLEET, state), seconds)
            if state in ("up", "down"):
                observed[window].add(whose.agent_id)

    kept = next((row.since for row in rows.each(UptimeKept.family, UptimeKept.since) if row[0] == KEPT), None)
    for subject, state, since, until, superseded in rows.each(*columns):
        until = until or known[subject].settled_until
        for window in windows if superseded is None else ():
            seconds = _inside(window, since if kept is None else max(kept, since), until)
            if seconds > 0:
                add(window, subject, state, seconds)
    for subject, day, state, seconds in rows.each(
        StateDay.subject_id, StateDay.since, StateDay.state, StateDay.seconds
    ):
        for window in windows:
            if _inside(window, day, day + timedelta(days=1)) == DAY:
                add(window, subject, state, seconds)
    return sums, observed


def _inside(window: Window, since: datetime, until: datetime) -> int:
    """How many seconds lie in the window, whose two ends are rounded down to the second; nothing lies after now."""
    if window.start is None or window.end is None:
        last = int(window.at.timestamp())
        first = int(since.timestamp())
    else:
        last = int(min(window.end, window.at).timestamp())
        first = max(int(since.timestamp()), int(window.start.timestamp()))
    return min(int(until.timestamp()), last) - first


def _shares(seconds: dict[str, int]) -> dict[str, tuple[float | None, int]]:
    """By name: the share in percent, and the seconds it is told to rest on."""
    up, unknown = seconds["up"], seconds["unknown"]
    seen = up + seconds["down"]
    judged = seen + unknown
    return {
        "availability": (share(up, seen), seen),
        "coverage": (share(seen, judged), judged),
        "lowest": (share(up, judged), seen),
        "highest": (share(up + unknown, judged), seen),
    }


def _of_subject(window: Window, subject: str, seconds: dict[str, int]) -> Iterator[Again]:
    about = (subject,)
    for name, (part, n) in _shares(seconds).items():
        yield Again(f"uptime.{name}", window, part, n, about)
    seen = seconds["up"] + seconds["down"]
    yield Again("uptime.days_observed", window, seen / 86_400, seen, about)
    for state in STATES:
        yield Again(f"uptime.{state}_seconds", window, seconds[state], sum(seconds.values()), about)


@recomputes(
    "checks.count",
    "checks.failed",
    "checks.share_up",
    "checks.latency_p50_ms",
    "checks.latency_p95_ms",
    reads=(RESULTS,),
)
def checks(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    """Of some checks: those with most results first, then those without any."""
    every = Counter(row.check_id for row in rows.each(CheckResult.check_id))
    kept = [key for key, _ in every.most_common()] + [
        row.id for row in rows.each(Check.id) if row.id not in every
    ]
    about: list[UUID] = kept[:SAMPLED]
    sums = Sums()
    ranks = {(window, key): Ranks(50, 95) for window in windows for key in about}
    columns = (CheckResult.check_id, CheckResult.at, CheckResult.is_up, CheckResult.milliseconds)
    for key, at, is_up, milliseconds in rows.each(*columns):
        for window in windows if key in about else ():
            if covers(window, at):
                sums.add(window, (key, is_up))
                if is_up and milliseconds is not None:
                    ranks[window, key].count(milliseconds)
    for each in ranks.values():
        each.aim()
    for key, at, is_up, milliseconds in rows.each(*columns):
        for window in windows if key in about else ():
            if covers(window, at) and is_up and milliseconds is not None:
                ranks[window, key].collect(milliseconds)
    for window in windows:
        for key in about:
            up, failed = sums.of(window, (key, True)), sums.of(window, (key, False))
            yield from _of_check(window, str(key), up, failed, ranks[window, key])


def _of_check(window: Window, check: str, up: int, failed: int, ranks: Ranks) -> Iterator[Again]:
    about = (check,)
    yield Again("checks.count", window, up + failed, subject=about)
    yield Again("checks.failed", window, failed, subject=about)
    yield Again("checks.share_up", window, share(up, up + failed), up + failed, about)
    for percent in (50, 95):
        yield Again(f"checks.latency_p{percent}_ms", window, ranks.value(percent), ranks.n, about)
