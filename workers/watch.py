"""What a process knows about time it watched itself: stretches of up and down between one heartbeat and the next."""

from dataclasses import dataclass
from datetime import datetime

from db.services.measure import Stretch

DRIFT_SECONDS = 1.0


@dataclass(frozen=True)
class _Beat:
    at: datetime
    clock: float
    error: str | None


class Watch:
    """Turns heartbeats into stretches.

    The time from one heartbeat to the next takes the state the first one found, and is only known once the second
    one is made: a process that is killed leaves no claim about what came after its last heartbeat. Two heartbeats more
    than `longest` seconds apart say nothing about the time between them: the process was frozen or asleep.
    """

    def __init__(self, watcher: str, longest: float) -> None:
        self.watcher, self.longest = watcher, longest
        self.unsaved: list[Stretch] = []
        self._last: _Beat | None = None
        self._open: Stretch | None = None

    def begin(self, at: datetime, clock: float) -> None:
        """A heartbeat begins at `at`; `clock` is the same moment in monotonic seconds. The time before it is known."""
        last = self._last
        if last is None:
            return
        seconds = clock - last.clock
        if 0 < seconds <= self.longest:
            self._extend(last, seconds)
        else:
            self._open = None
        self._last = None

    def end(self, at: datetime, clock: float, error: str | None = None) -> None:
        """The heartbeat that began then was answered, or failed with `error`."""
        self._last = _Beat(at, clock, error)

    def pause(self) -> None:
        """Nobody watches from here on, until the next heartbeat."""
        self._last = self._open = None

    def saved(self, stretches: list[Stretch]) -> None:
        """These are stored; the one that still grows will be told again when it has grown."""
        self.unsaved = [each for each in self.unsaved if not any(each is told for told in stretches)]

    def _extend(self, last: _Beat, seconds: float) -> None:
        if self._open is None or not self._continues(self._open, last):
            self._open = Stretch(last.error is None, last.at, 0.0, 0, self.watcher, last.error)
        self._open.seconds += seconds
        self._open.beats += 1
        if not any(each is self._open for each in self.unsaved):
            self.unsaved.append(self._open)

    def _continues(self, stretch: Stretch, last: _Beat) -> bool:
        """The same state, error and hour, and no jump of this machine's clock in between."""
        expected = (last.at - stretch.since).total_seconds()
        return (
            stretch.up == (last.error is None)
            and stretch.error == last.error
            and stretch.since.replace(minute=0, second=0, microsecond=0)
            == last.at.replace(minute=0, second=0, microsecond=0)
            and abs(expected - stretch.seconds) <= DRIFT_SECONDS
        )
