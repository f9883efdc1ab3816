"""The request log: a thread of the serving process that writes down the calls of programs, so that none waits for it.

Calls wait in memory for a fifth of a second, or until there are five hundred, and are stored together. While the
database is away they are kept, up to a bound; what does not fit is counted and told when it answers again. Stopping in
order stores them all.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from db.actor import SYSTEM
from db.engine import DatabaseUnavailable, Engine, session
from db.sampling import failure_name
from db.services import measure
from db.services.api_keys import note_used
from db.services.api_logs import LoggedCall, store_calls

BATCH, EVERY_SECONDS = 500, 0.2
MOST_WAITING = 50_000
AGAIN_SECONDS = 1.0  # after a failure
LAST_TRIES = 5
LOST = "{count} calls of programs are missing in the log of requests: it could not be written for too long."

log = logging.getLogger("quantum.requests")


class RequestLog:
    """Stores calls behind `engine`, the system's login. `keep` never waits and never fails."""

    def __init__(self, engine: Engine, *, most: int = MOST_WAITING) -> None:
        self.engine, self.most = engine, most
        self.lost = 0
        self._waiting: deque[LoggedCall] = deque()
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, call: LoggedCall) -> None:
        """Take a call; it is counted as lost where too many wait already."""
        with self._changed:
            if len(self._waiting) >= self.most:
                self.lost += 1
                return
            self._waiting.append(call)
            if len(self._waiting) >= BATCH:
                self._changed.notify()

    def start(self) -> None:
        """Begin to store. Starting twice is starting once."""
        if self._thread is not None:
            return
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="request log", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 8.0) -> None:
        """End when everything that waits is stored. Call it when no request is being answered any more."""
        if self._thread is not None:
            self._ended.set()
            with self._changed:
                self._changed.notify()
            self._thread.join(timeout)
            self._thread = None
        if self._waiting:
            log.error("%d calls of programs could not be stored in the log of requests.", len(self._waiting))

    def flush(self) -> None:
        """Store everything that waits. Raises what the database raises; what is not stored waits on."""
        while batch := self._batch():
            self._store(batch)
            with self._changed:
                for _ in batch:
                    self._waiting.popleft()

    def _run(self) -> None:
        while not self._ended.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._is_due() or self._ended.is_set(), EVERY_SECONDS)
            if not self._flushed():
                self._ended.wait(AGAIN_SECONDS)
        for _ in range(LAST_TRIES):
            if self._flushed():
                return
            time.sleep(AGAIN_SECONDS)

    def _is_due(self) -> bool:
        return len(self._waiting) >= BATCH

    def _flushed(self) -> bool:
        try:
            self.flush()
        except DatabaseUnavailable as error:
            log.warning("request log: %s", failure_name(error))
            return False
        except Exception as error:
            log.warning("request log: %s; call by call", failure_name(error))
            return self._flushed_one_by_one()
        return True

    def _flushed_one_by_one(self) -> bool:
        """What cannot be stored whatever the database's state must not hold up the rest: it is lost, and counted."""
        for call in self._batch():
            try:
                self._store([call])
            except DatabaseUnavailable:
                return False
            except Exception as error:
                log.error("request log: a call of %s is not stored: %s", call.endpoint, failure_name(error))
                self.lost += 1
            with self._changed:
                self._waiting.popleft()
        return True

    def _batch(self) -> list[LoggedCall]:
        with self._changed:
            return [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]

    def _store(self, batch: Sequence[LoggedCall]) -> None:
        lost = self.lost
        with session(self.engine, SYSTEM, write=True) as unit:
            store_calls(unit, batch)
            note_used(unit, _used(batch))
            if lost:
                measure.introduce(unit, self.engine.dialect.name)
                measure.write_log(unit, measure.WEB, "error", LOST.format(count=lost), count=lost)
        if lost:
            with self._changed:
                self.lost -= lost


def _used(batch: Sequence[LoggedCall]) -> dict[UUID, datetime]:
    """When each key was accepted last."""
    used: dict[UUID, datetime] = {}
    for call in batch:
        if call.is_use and call.key_id is not None:
            used[call.key_id] = max(call.at, used.get(call.key_id, call.at))
    return used
