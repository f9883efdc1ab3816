"""The collector: a thread of the serving process that watches the application and writes down what it measured.

Every five seconds it stores the round trips and answers that pages left in memory, and brings the map up to the spans
that came in through this process. Every half minute it makes a heartbeat (one collector per database does) and asks the
web part for its health. No request ever waits for it, and whatever fails is counted and tried again.
"""

import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from db.actor import SYSTEM
from db.base import uuid7
from db.engine import Engine, Session, session
from db.sampling import OPTION, Sample, Sampler, Stopwatch, failure_name
from db.services import measure
from db.services.measure import COLLECTOR, DATABASE, PERIOD_SECONDS, WEB, Watcher
from db.services.network import measure_connections, settle_network
from db.services.news import stored_batches
from db.timings import Timings
from workers.audit_heads import HeadKeeper
from workers.watch import Watch

TICK_SECONDS = 5.0
GRACE_SECONDS = 15.0  # longer than a database is waited for
PROBE_TIMEOUT_SECONDS = 5.0
SETTLE_BEATS = 10  # connections between own parts are worked out again every so many heartbeats
SETTLE_SHARE = (
    10  # of this process's time, at most one part in so many goes into the connections of the fleet
)
UNWATCHED = "The collector of process {process} began to watch."

log = logging.getLogger("quantum.collector")


def identity() -> Watcher:
    """This process, by the machine or container its number is unique in."""
    try:
        inside = os.readlink("/proc/self/ns/pid")
    except OSError:  # not Linux
        inside = ""
    machine = sha256(f"{platform.node()}{inside}".encode()).hexdigest()[:12]  # told apart, not told
    return Watcher(machine, os.getpid(), uuid7().hex)


class Collector:
    """Watches the database behind `engine` (the system's login) and samples what is asked on `watched`
    and on those `also` watched.

    `door` is host and port of this process's own web server; None when it has none. `heads` is the file that keeps what
    the audit log held; None keeps none.
    """

    def __init__(
        self,
        engine: Engine,
        watched: Engine,
        door: tuple[str, int] | None = None,
        heads: Path | None = None,
        *,
        also: Sequence[Engine] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine, self.watched, self.door = engine, (watched, *also), door
        self.sampler = Sampler(WEB, DATABASE)
        self.timings = Timings()
        self.heads = HeadKeeper(engine, heads)
        self.dialect = engine.dialect.name
        self._now, self._clock = now, clock
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._next_beat = self._next_settle = clock()
        self._settled = (
            -1
        )  # whoever ran before may have ended between storing spans and settling what follows
        self._beats = 0
        self._holds = False
        self._web_error: str | None = None
        self._reset()

    def _reset(self) -> None:
        """Made anew in the process that runs it: a fork has another number."""
        self.watcher = identity()
        self.watch = Watch(str(self.watcher), PERIOD_SECONDS + GRACE_SECONDS)

    # --- the thread ---

    def start(self) -> None:
        """Begin to sample and to watch. Starting twice is starting once."""
        if self._thread is not None:
            return
        self._reset()
        for watched in self.watched:
            watched.update_execution_options(**{OPTION: self.sampler})
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 8.0) -> None:
        """End in order: a last heartbeat, everything measured stored, the watch let go."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join(timeout)
        self._thread = None

    def _run(self) -> None:
        wait = 0.0
        while not self._ended.wait(wait):
            began = self._clock()
            self._guarded(self.tick)
            wait = max(0.0, TICK_SECONDS - (self._clock() - began))
        self._guarded(self.finish)

    def _guarded(self, work: Callable[[], None]) -> None:
        """The watch goes on whatever happens; the log says what did."""
        try:
            work()
        except Exception as error:
            log.warning("collector: %s", failure_name(error))

    # --- one round ---

    def tick(self) -> None:
        """Whatever is due now."""
        beats = self._clock() >= self._next_beat
        if beats:
            while self._next_beat <= self._clock():
                self._next_beat += PERIOD_SECONDS
            if self.beat():
                self.probe()
        self.flush()
        self._guarded(self.settle_fleet)
        if beats and self._holds and (self._beats == 2 or self._beats % SETTLE_BEATS == 0):
            self.settle()
        if beats and self._holds:
            self._guarded(lambda: self.heads.keep(self._now()))

    def finish(self) -> None:
        """The last round: close the time watched, store the rest, let go of the watch."""
        self.beat()
        self.flush(all_of_it=True)
        self._next_settle = self._clock()
        self._guarded(self.settle_fleet)
        if self._holds:
            with session(self.engine, SYSTEM, write=True) as unit:
                measure.write_log(unit, COLLECTOR, "info", "The collector stopped in order.")
                measure.leave_lease(unit, self.watcher)
            self._guarded(lambda: self.heads.keep(self._now()))
        self.watch.pause()

    # --- heartbeat ---

    def beat(self) -> bool:
        """One heartbeat; True when this process holds the watch and the database answered."""
        at, clock, watch = self._now(), self._clock(), Stopwatch()
        self.watch.begin(at, clock)
        try:
            held = self._beat(at, watch)
        except Exception as error:
            self._missed(at, clock, watch, error)
            return False
        if held:
            self.watch.end(at, clock)
            self.sampler.keep(watch.sample(COLLECTOR, DATABASE, "heartbeat"))
            self._beats += 1
        else:
            self.watch.pause()
        self._holds = held
        return held

    def _beat(self, at: datetime, watch: Stopwatch) -> bool:
        with session(self.engine, SYSTEM, write=True) as unit:
            measure.introduce(unit, self.dialect)
            watch.ask()
            seen = measure.read_lease(unit)
            watch.answered()
            held = measure.take_lease(unit, self.watcher, seen, at)
            told = list(self.watch.unsaved)
            measure.store_stretches(unit, told)
            if held:
                measure.heard(unit, DATABASE, at)
                if not self._holds:
                    words = UNWATCHED.format(process=self.watcher.process)
                    measure.write_log(unit, COLLECTOR, "info", words, before=seen.holder or "nobody")
                self._tell_outage(unit, told)
        self.watch.saved(told)
        return held

    def _tell_outage(self, unit: Session, told: list[measure.Stretch]) -> None:
        down = [each for each in told if not each.up]
        if down:
            seconds, beats = sum(each.seconds for each in down), sum(each.beats for each in down)
            words = f"The database did not answer for {seconds:.0f} seconds ({beats} heartbeats failed)."
            measure.write_log(unit, DATABASE, "error", words, error=down[-1].error)

    def _missed(self, at: datetime, clock: float, watch: Stopwatch, error: Exception) -> None:
        """The database did not answer. That is known now and told when it answers again."""
        name = failure_name(error)
        log.warning("collector: no heartbeat, %s", name)
        self.sampler.keep(watch.sample(COLLECTOR, DATABASE, "heartbeat", name))
        if self._holds:
            self.watch.end(at, clock, name)
        else:
            self.watch.pause()

    def settle(self) -> None:
        """Work out the connections between the application's own parts again."""
        with session(self.engine, SYSTEM, write=True) as unit:
            settle_network(unit, own=True)

    def settle_fleet(self) -> None:
        """Work out the connections between agents and their places again, when spans came; else it asks nobody.

        Every process does so for what it stored. The calls are read before the writing begins, so that whoever
        stores spans waits for a few rows and not for a count of all calls.
        """
        came, began = stored_batches(self.engine), self._clock()
        if came == self._settled or began < self._next_settle:
            return
        with session(self.engine, SYSTEM) as unit:
            measured = measure_connections(unit)
        with session(self.engine, SYSTEM, write=True) as unit:
            settle_network(unit, measured=measured)
        self._settled = came
        self._next_settle = self._clock() + SETTLE_SHARE * (self._clock() - began)

    # --- the web part ---

    def probe(self) -> None:
        """Ask this process's own web server for its health, as anybody would."""
        if self.door is None:
            return
        watch, at = Stopwatch(), self._now()
        error = _ask_health(self.door, watch)
        self.sampler.keep(watch.sample(COLLECTOR, WEB, "GET /health", error))
        answered = error is None or error.startswith("HTTP")
        with session(self.engine, SYSTEM, write=True) as unit:
            if answered:
                measure.heard(unit, WEB, at)
            if error is not None and error != self._web_error:
                measure.write_log(unit, WEB, "error", f"The web part did not answer well: {error}.")
        self._web_error = error

    # --- samples ---

    def flush(self, *, all_of_it: bool = False) -> None:
        """Store the round trips and answers in memory; what cannot be stored now is kept for the next time."""
        samples: list[Sample] = self.sampler.drain(all_of_it=all_of_it)
        timings = self.timings.drain()
        if not samples and not timings:
            return
        try:
            with session(self.engine, SYSTEM, write=True) as unit:
                measure.introduce(unit, self.dialect)
                measure.store_samples(unit, samples, self.dialect)
                measure.store_timings(unit, timings)
        except Exception:
            self.sampler.give_back(samples)
            self.timings.give_back(timings)
            raise


def _ask_health(door: tuple[str, int], watch: Stopwatch) -> str | None:
    """What went wrong, or None."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(door[0], door[0])
    connection = HTTPConnection(host, door[1], timeout=PROBE_TIMEOUT_SECONDS)
    try:
        connection.connect()
        watch.ask()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        watch.answered()
        return None if answer.status < 500 else f"HTTP {answer.status}"
    except (OSError, HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
