"""Round trips of real queries: timed where they are asked, kept in memory until the collector stores them.

A round trip lasts from just before the statement is handed over until its rows are in hand, by a monotonic clock.
Waiting for a connection comes before it and is told apart, and so is opening the transaction (which PostgreSQL's
driver does together with the transaction's first statement, so there it belongs to that one).
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

OPTION = "quantum_sampler"  # execution option by which an engine knows its sampler
EVERY_SECONDS = 5.0
MOST_KEPT = 2000
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Sample:
    """One part of the application asked another one something.

    Attributes:
        caller, callee: their agent ids.
        asked: what was asked, such as the key of a metric.
        start_ns: when the caller began, nanoseconds since 1970 by this machine's clock.
        caller_ns: how long the caller was busy with it.
        before_ns: how much of that went by before the question was handed over.
        answer_ns: from handing over to the whole answer, or to the failure.
        error: the failure's type; None when it was answered.
    """

    caller: str
    callee: str
    asked: str
    start_ns: int
    caller_ns: int
    before_ns: int
    answer_ns: int
    error: str | None = None


class Stopwatch:
    """Times one question: made when the caller begins, `ask()` just before handing over, `answered()` just after."""

    def __init__(self) -> None:
        self.start_ns = time.time_ns()
        self._began = self._asked = time.perf_counter_ns()
        self._answered: int | None = None

    def ask(self) -> None:
        self._asked = time.perf_counter_ns()

    def answered(self) -> None:
        self._answered = time.perf_counter_ns()

    def sample(self, caller: str, callee: str, asked: str, error: str | None = None) -> Sample:
        """What was measured; the caller ends now."""
        now = time.perf_counter_ns()
        answered = now if self._answered is None else self._answered
        return Sample(
            caller=caller,
            callee=callee,
            asked=asked,
            start_ns=self.start_ns,
            caller_ns=now - self._began,
            before_ns=self._asked - self._began,
            answer_ns=answered - self._asked,
            error=error,
        )


class Sampler:
    """Keeps one round trip out of each slot of time, every one with the same chance, and every failure.

    `begin` is the part that asks, `end` the one that is asked. Safe to use from several threads.
    """

    def __init__(
        self, begin: str, end: str, every: float = EVERY_SECONDS, chance: Callable[[], float] = random.random
    ) -> None:
        self.begin, self.end, self.every = begin, end, every
        self.lost = 0  # samples that found no room, ever
        self._chance = chance
        self._kept: deque[Sample] = deque()
        self._slot, self._seen = -1, 0
        self._candidate: Sample | None = None
        self._lock = threading.Lock()

    def time(self, session: Session, asked: str, ask: Callable[[], Answer]) -> Answer:
        """The answer of `ask`, a query on `session`, timed; its failure is kept and raised."""
        watch = Stopwatch()
        try:
            # The way to the database and the transaction's beginning are not the query. Nothing is sent on it here, so
            # the session that refuses people a bare connection is passed by.
            Session.connection(session)
            watch.ask()
            answer = ask()
            watch.answered()
        except SQLAlchemyError as error:
            self.keep(watch.sample(self.begin, self.end, asked, failure_name(error)))
            raise
        self._offer(watch.sample(self.begin, self.end, asked))
        return answer

    def keep(self, sample: Sample) -> None:
        """Keep this one whatever the slot holds."""
        with self._lock:
            self._append(sample)

    def drain(self, *, all_of_it: bool = False) -> list[Sample]:
        """Everything kept, which is then the caller's; the slot still open only with `all_of_it`."""
        with self._lock:
            if all_of_it or self._slot_now() != self._slot:
                self._close_slot()
            kept = list(self._kept)
            self._kept.clear()
            return kept

    def give_back(self, samples: list[Sample]) -> None:
        """Samples that could not be stored; they come first in the next drain."""
        with self._lock:
            room = max(0, MOST_KEPT - len(self._kept))
            self.lost += max(0, len(samples) - room)
            self._kept.extendleft(reversed(samples[-room:] if room else []))

    def _offer(self, sample: Sample) -> None:
        """Reservoir sampling: the k-th of a slot replaces the one held with the chance 1/k."""
        with self._lock:
            slot = self._slot_now()
            if slot != self._slot:
                self._close_slot()
                self._slot, self._seen = slot, 0
            self._seen += 1
            if self._seen == 1 or self._chance() * self._seen < 1:
                self._candidate = sample

    def _slot_now(self) -> int:
        return int(time.monotonic() // self.every)

    def _close_slot(self) -> None:
        if self._candidate is not None:
            self._append(self._candidate)
        self._candidate = None

    def _append(self, sample: Sample) -> None:
        if len(self._kept) >= MOST_KEPT:
            self.lost += 1
        else:
            self._kept.append(sample)


def failure_name(error: BaseException) -> str:
    """What failed, without a word of what was asked or where: the database driver's type of error."""
    return type(getattr(error, "orig", None) or error.__cause__ or error).__name__


def timed(session: Session, asked: str, ask: Callable[[], Answer]) -> Answer:
    """`ask()`, a query on `session`, as a possible sample where the session's engine has a sampler."""
    sampler = session.get_bind().get_execution_options().get(OPTION)
    return sampler.time(session, asked, ask) if isinstance(sampler, Sampler) else ask()
