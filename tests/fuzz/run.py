"""Tries cases through every part of every door, and tells what broke, each as small as it can be."""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from zlib import crc32

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisWarning

from tests.fuzz import oracles
from tests.fuzz.cases import cases
from tests.fuzz.doors import Door, Found, discover
from tests.fuzz.world import Call, World

QUIET = settings(
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
    report_multiple_bugs=False,
    print_blob=False,
)
MOST_SHOWN = 1500


@dataclass
class Failure:
    """A case that broke something; `call` is the smallest that does."""

    door: str
    part: str
    call: Call
    problem: str

    def __str__(self) -> str:
        call = self.call
        shown = f"{call.method} {call.path!r} ?{call.query[:500]!r} as {call.who}, {call.kind}"
        return (
            f"--- {self.door} · {self.part}\n{shown}\nheaders {call.headers}\nbody {call.body[:MOST_SHOWN]!r}\n"
            f"{self.problem}"
        )


@dataclass
class Report:
    """How many cases were tried, where, and what broke."""

    seed: int
    doors: int = 0
    parts: int = 0
    cases: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    tried: set[tuple[str, str]] = field(default_factory=set)

    def __str__(self) -> str:
        many = ", ".join(f"{count:,} x {status}" for status, count in sorted(self.statuses.items()))
        return (
            f"fuzz: {self.cases:,} cases, {self.doors} doors ({self.parts} parts), {len(self.failures)} failures, "
            f"seed {self.seed} ({many})"
        )


def run(
    world: World,
    least: int,
    start: int,
    only: str = "",
    tell: Callable[[str], None] = lambda _: None,
    *,
    is_sample: bool = False,
) -> Report:
    """At least `least` cases, spread evenly over all parts of all doors; more rounds where some had too few.

    Of a sample, over no more parts than that takes: every door, and of the doors' further parts one in so many.
    """
    doors, found = discover(world)
    pairs = [(door, part) for door in doors for part in door.fields if only in f"{door.name} · {part}"]
    if is_sample:
        pairs = _sample(pairs, least)
    report = Report(start, doors=len({door.name for door, _ in pairs}), parts=len(pairs))
    broken: set[tuple[str, str]] = set()
    turn = 0
    while pairs and report.cases < least:
        each = ceil((least - report.cases) / len(pairs))
        for door, part in pairs:
            world.stay_fresh()
            if (door.name, part) not in broken and not _try(
                world, door, part, found, each, f"{start} {turn}", report
            ):
                broken.add((door.name, part))
                tell(str(report.failures[-1]))
        turn += 1
        if len(broken) == len(pairs):
            break
    return report


def _sample(pairs: list[tuple[Door, str]], least: int) -> list[tuple[Door, str]]:
    first = {door.name: (door, part) for door, part in reversed(pairs)}
    further = [pair for pair in pairs if first[pair[0].name] != pair]
    stride = max(1, len(further) // max(1, least - len(first)))
    kept = {id(pair) for pair in further[::stride]}
    return [pair for pair in pairs if id(pair) in kept or first[pair[0].name] == pair]


def _try(world: World, door: Door, part: str, found: Found, most: int, start: str, report: Report) -> bool:
    """Whether `most` cases through one part broke nothing; cases made while shrinking do not count."""
    failed: list[Failure] = []

    @seed(crc32(f"{start} {door.name} {part}".encode()))
    @settings(QUIET, max_examples=most)
    @given(cases(world, door, part, found))
    def through(call: Call) -> None:
        answer = world.try_out(call)
        if not failed:
            report.cases += 1
            report.statuses[answer.status] = report.statuses.get(answer.status, 0) + 1
            report.tried.add((door.name, part))
        problem = next(oracles.problems(answer), None)
        if problem is not None:
            failed.append(Failure(door.name, part, call, problem))
            raise oracles.Broken(problem)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)  # long lists to choose from
            through()
    except oracles.Broken:
        report.failures.append(failed[-1])
    return not failed


def on_screen(text: str) -> None:
    print(text.encode("utf-8", "backslashreplace").decode(), file=sys.stderr, flush=True)
