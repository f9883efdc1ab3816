"""What the job keeps of a run, for everybody to see: how many numbers agreed and which did not, without their values.

A number of a module is added up over everybody's rows here, so only `quantum verify numbers` prints it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db.recompute.base import RECOMPUTED, Domain, Stopped
from db.recompute.compare import BEYOND, DIFFERS, Line, standard_windows, verify

MOST_NAMED = 50


def summary(
    reading: Callable[[], AbstractContextManager[Session]], at: datetime, is_ending: Callable[[], bool]
) -> dict[str, Any]:
    """The facts of a run over the standard windows. What it did not come to is named; the next run begins elsewhere.

    `reading` begins a transaction. Each domain has its own: both ways see the same rows, and none is open for long.
    """
    with reading() as session:
        windows = standard_windows(session, at)
    lines: list[Line] = []
    unreached: list[str] = []
    for domain in _from_another_one(at):
        try:
            with reading() as session:
                lines += list(verify(session, windows, is_ending=is_ending, domains=[domain]))
        except Stopped:
            unreached += [key for key, each in RECOMPUTED.items() if each is domain]
    beyond = [line for line in lines if line.verdict == BEYOND]
    lines = [line for line in lines if line.verdict != BEYOND]
    differing = [line for line in lines if line.verdict == DIFFERS]
    return {
        "windows": [window.name for window in windows],
        "checked": len(lines),
        "agreed": len(lines) - len(differing),
        "differing": len(differing),
        "differs": [{"key": line.key, "window": line.window} for line in differing[:MOST_NAMED]],
        "unreached": sorted(unreached),
        "beyond": _beyond(beyond),
    }


def _beyond(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """By window and moment: how many numbers were left out because their rows before it are gone."""
    counts = Counter((line.window, line.since) for line in lines)
    return [{"window": window, "since": since, "numbers": many} for (window, since), many in counts.items()]


def _from_another_one(at: datetime) -> list[Domain]:
    """All domains, beginning with another one each hour, so that a large one does not keep others from their turn."""
    domains = list(dict.fromkeys(RECOMPUTED.values()))
    begin = int(at.timestamp() // 3600) % len(domains)
    return domains[begin:] + domains[:begin]
