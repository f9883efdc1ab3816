"""How long answers took: kept in memory, a fair few of many, until the collector stores them. Nobody waits for it."""

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

MOST_PICKED = 50  # of each kind between two storings, which is every five seconds
MOST_KEPT = 2000


@dataclass(frozen=True)
class Timing:
    """One measured time.

    Attributes:
        kind: the metric type it is stored under.
        ms: milliseconds; None when what was waited for never came.
        fact, about: what it is about, such as ("page", "overview").
        source: which part measured it.
        error: why there is no time.
    """

    kind: str
    ms: float | None
    fact: str
    about: str
    source: str
    at: datetime
    error: str | None = None


class Timings:
    """Keeps every failure, and of the rest of a kind at most `MOST_PICKED` between two drains, each with the same
    chance. Safe to use from several threads."""

    def __init__(self, chance: Callable[[int], int] = random.randrange) -> None:
        self.lost = 0  # that found no room, ever
        self._chance = chance
        self._picked: dict[str, list[Timing]] = {}
        self._seen: dict[str, int] = {}
        self._kept: deque[Timing] = deque()
        self._lock = threading.Lock()

    def keep(self, timing: Timing) -> None:
        """Reservoir sampling: of the k-th of a kind, the chance to be among the picked is MOST_PICKED / k."""
        with self._lock:
            if timing.ms is None:
                self._append(timing)
                return
            seen = self._seen[timing.kind] = self._seen.get(timing.kind, 0) + 1
            picked = self._picked.setdefault(timing.kind, [])
            if len(picked) < MOST_PICKED:
                picked.append(timing)
            elif (place := self._chance(seen)) < MOST_PICKED:
                picked[place] = timing

    def drain(self) -> list[Timing]:
        """Everything kept, which is then the caller's."""
        with self._lock:
            found = [*self._kept, *(each for picked in self._picked.values() for each in picked)]
            self._kept.clear()
            self._picked.clear()
            self._seen.clear()
            return found

    def give_back(self, timings: Sequence[Timing]) -> None:
        """Timings that could not be stored; they come again in the next drain."""
        with self._lock:
            for each in timings:
                self._append(each)

    def _append(self, timing: Timing) -> None:
        if len(self._kept) >= MOST_KEPT:
            self.lost += 1
        else:
            self._kept.append(timing)
