"""The checks that people defined: asked at the moment they were planned for, side by side, and measured from it."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from db.actor import SYSTEM
from db.engine import session
from db.services.checks import Due, Outcome, keep_outcomes, take_due
from workers.probing import Answer, Network, Refused, Target, ask, look_up
from workers.schedule import Work, job

AT_ONCE = 32
AHEAD = timedelta(seconds=15)  # longer than it takes until this runs again, so that nothing comes too late
TAKEN_SECONDS = 20.0
LONGEST_SECONDS = 50.0  # while one waits for a slow answer the others go on
STORED_SECONDS = 5.0
STEP_SECONDS = 0.2
LOOK_SECONDS = 3.0  # how often it is asked what else is due
FEWEST_HOSTS = 3  # when none of so many gives any answer, it is this machine that has no network

Look = Callable[[str, Sequence[Network]], Target]
Ask = Callable[[Target, float], Answer]


@job("checks", every=timedelta(seconds=10))
def run_checks(work: Work) -> Mapping[str, Any]:
    """Ask whatever is due now and in the next seconds; `refused` is how many this application would not ask, and
    `without_network` how many it could not."""
    return _Run(work).all()


class _Run:
    """One run: what waits for its moment or its answer, and what came out."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.pending: set[Future[Outcome | None]] = set()
        self.finished: list[Outcome] = []
        self.tally: Counter[str] = Counter(asked=0, refused=0, without_network=0)
        self.urls: dict[Any, str] = {}
        self._began = self._stored = time.monotonic()
        self._looked = -LOOK_SECONDS

    def all(self) -> Mapping[str, Any]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while True:
                if self._goes_on():
                    self._take(pool)
                if not self.pending:
                    break
                done, self.pending = wait(self.pending, STEP_SECONDS, FIRST_COMPLETED)
                self.finished += [found for each in done if (found := each.result()) is not None]
                if time.monotonic() - self._stored >= STORED_SECONDS:
                    self._store()
        self._store()
        return dict(self.tally)

    def _goes_on(self) -> bool:
        seconds = time.monotonic() - self._began
        if self.work.is_ending() or seconds >= (LONGEST_SECONDS if self.pending else TAKEN_SECONDS):
            return False
        return not self.pending or seconds - self._looked >= LOOK_SECONDS

    def _take(self, pool: ThreadPoolExecutor) -> None:
        now, self._looked = datetime.now(UTC), time.monotonic() - self._began
        with session(self.work.engine, SYSTEM, write=True) as unit:
            due = take_due(unit, now, AT_ONCE, until=now + AHEAD)
        for each in due:
            self.urls[each.id] = each.url
            self.pending.add(pool.submit(self._at_its_time, each))

    def _at_its_time(self, due: Due) -> Outcome | None:
        """None when everything ended before."""
        while datetime.now(UTC) < due.planned:
            if self.work.is_ending():
                return None
            time.sleep(min(STEP_SECONDS, max(0.0, (due.planned - datetime.now(UTC)).total_seconds())))
        return ask_one(due, self.work.settings.check_networks)

    def _store(self) -> None:
        outcomes, self.finished, self._stored = self.finished, [], time.monotonic()
        if is_away(outcomes, self.urls):
            self.tally["without_network"] += len(outcomes)
        elif outcomes:
            with session(self.work.engine, SYSTEM, write=True) as unit:
                keep_outcomes(unit, outcomes)
            self.tally["refused"] += sum(each.refusal is not None for each in outcomes)
            self.tally["asked"] += sum(each.refusal is None for each in outcomes)


def ask_one(
    due: Due,
    allowed: Sequence[Network],
    *,
    look: Look = look_up,
    put: Ask = ask,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Ask one; the time until the answer counts from the planned moment, so that waiting for one's turn counts."""
    late, began = max(0.0, (now() - due.planned).total_seconds()), time.monotonic()
    try:
        target = look(due.url, allowed)
    except Refused as error:
        return Outcome(due.id, due.planned, refusal=str(error))
    except OSError:
        return Outcome(due.id, due.planned, error="name not known")
    looked = time.monotonic() - began
    answer = put(target, max(0.1, due.timeout_seconds - looked))
    if answer.status is None:
        return Outcome(due.id, due.planned, error=answer.error)
    milliseconds = round(1000 * (late + looked + answer.seconds), 3)
    is_up = answer.status == due.expected_status
    wrong = None if is_up else f"HTTP {answer.status}"
    return Outcome(due.id, due.planned, is_up, answer.status, milliseconds, wrong)


def is_away(outcomes: Sequence[Outcome], urls: Mapping[Any, str]) -> bool:
    """Whether nothing at all could be reached, which says nothing about those that were asked."""
    hosts = {urlsplit(urls[each.check_id]).hostname for each in outcomes}
    return len(hosts) >= FEWEST_HOSTS and all(
        each.status is None and each.refusal is None for each in outcomes
    )
