"""What runs by itself, and when. A job is declared beside its work:

    @job("roll-up", every=timedelta(minutes=1))
    def roll_up(work: Work) -> Mapping[str, Any]: ...

A job works in small steps: between them it asks `work.is_ending()`, and it stops by itself after some twenty seconds,
for it runs again soon. `quantum serve` runs all jobs in a few threads of its own; `quantum work` runs them without
serving. APScheduler wakes up, the database says whose turn it is (`db.services.jobs`): of any number of processes one
runs a job at a time.
"""

import importlib
import logging
import pkgutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

from db.actor import SYSTEM
from db.base import uuid7
from db.engine import Engine, session
from db.sampling import failure_name
from db.services import jobs
from settings import Settings

LOOK_SECONDS = 60.0  # how often a job that runs seldom is looked at
LOOKS = 4  # within the time of a job: with one, by a few milliseconds every other look would come too early
AT_ONCE = 3  # one of them may be waiting for the moment a check is planned for
HOLD_SECONDS = jobs.LEASE.total_seconds() / 3

log = logging.getLogger("quantum.schedule")


@dataclass(frozen=True)
class Work:
    """What a job is given: the system's engine, the settings, the instant it runs for, and whether it is to end."""

    engine: Engine
    settings: Settings
    at: datetime
    is_ending: Callable[[], bool] = lambda: False


Run = Callable[[Work], Mapping[str, Any]]


@dataclass(frozen=True)
class Scheduled:
    """A job as it is declared; `run` returns what it found, in JSON's types."""

    name: str
    every: timedelta
    run: Run


JOBS: dict[str, Scheduled] = {}


def job(name: str, *, every: timedelta) -> Callable[[Run], Run]:
    """Declare the decorated function as the job `name`. It may run again after a process was killed in its middle."""

    def declare(run: Run) -> Run:
        if name in JOBS:
            raise ValueError(f"the job {name} is declared twice")
        JOBS[name] = Scheduled(name, every, run)
        return run

    return declare


def load() -> None:
    """Import every file of this room, so that all jobs are declared."""
    for found in pkgutil.iter_modules([str(Path(__file__).parent)], "workers."):
        importlib.import_module(found.name)


class Schedule:
    """Runs jobs on the database behind `engine` (the system's login); all that are declared, unless told which."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        declared: Mapping[str, Scheduled] | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if declared is None:
            load()
        self.engine, self.settings, self._now = engine, settings, now
        self.declared = JOBS if declared is None else declared
        self.holder = uuid7().hex
        self._ending = threading.Event()
        self._scheduler: BackgroundScheduler | None = None

    def start(self) -> None:
        """Begin to look for jobs that are due. Starting twice is starting once."""
        if self._scheduler is not None:
            return
        self._ending.clear()
        self.holder = uuid7().hex  # made anew in the process that runs them: a fork is another one
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(AT_ONCE)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for place, each in enumerate(self.declared.values()):
            self._scheduler.add_job(
                self._guarded,
                "interval",
                [each],
                id=each.name,
                seconds=min(each.every.total_seconds() / LOOKS, LOOK_SECONDS),
                next_run_time=datetime.now(UTC) + timedelta(seconds=1 + place),
            )
        self._scheduler.start()

    def stop(self) -> None:
        """End when what runs has ended; it is asked to."""
        self._ending.set()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def _guarded(self, each: Scheduled) -> None:
        """The next jobs run whatever happens; the log says what did."""
        try:
            self.look(each)
        except Exception as error:
            log.warning("job %s: %s", each.name, failure_name(error))

    def look(self, each: Scheduled) -> bool:
        """Run the job if it is due and nobody else runs it; whether it was run here."""
        at = self._now()
        with session(self.engine, SYSTEM, write=True) as unit:
            jobs.introduce(unit, each.name, at)
            if not jobs.take(unit, each.name, self.holder, at):
                return False
        self._run(each, at)
        return True

    def _run(self, each: Scheduled, at: datetime) -> None:
        began, facts, error = time.monotonic(), None, None
        try:
            with self._held(each.name):
                facts = each.run(Work(self.engine, self.settings, at, self._ending.is_set))
        except Exception as failed:
            error = failure_name(failed)
            log.warning("job %s: %s", each.name, error, exc_info=failed)
        with session(self.engine, SYSTEM, write=True) as unit:
            jobs.end(
                unit,
                each.name,
                self.holder,
                self._now(),
                seconds=time.monotonic() - began,
                due_at=at + each.every,
                facts=facts,
                error=error,
            )

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        """Hold on to the lease, from a thread of its own, as long as the work takes."""
        ended = threading.Event()

        def hold() -> None:
            while not ended.wait(HOLD_SECONDS):
                try:
                    with session(self.engine, SYSTEM, write=True) as unit:
                        jobs.hold_on(unit, name, self.holder, self._now())
                except Exception as error:
                    log.warning("job %s: %s", name, failure_name(error))

        thread = threading.Thread(target=hold, name=f"holds {name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
