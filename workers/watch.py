"""What a process knows about time it watched itself: stretches of up and down between one heartbeat and the next."""

from dataclasses import dataclass
from datetime import datetime

from db.services.measure import Stretch


@dataclass(frozen=True)
class _Beat:
    at: datetime
    clock: float
    error: str | None


class Watch:
    """Turns heartbeats into stretches.

    The time from one heartbeat to the next takes the state the first one found, and is only known once the second
    one is made: a process that is killed leaves no claim about what came after its last heartbeat. Two heartbeats more
    than `longest` seconds apart say nothing about the time between them: the process was frozen or asleep. Each stretch
    is told once and never changed: what is stored of it is a measurement.
    """

    def __init__(self, watcher: str, longest: float) -> None:
        self.watcher, self.longest = watcher, longest
        self.unsaved: list[Stretch] = []
        self._last: _Beat | None = None

    def begin(self, at: datetime, clock: float) -> None:
        """A heartbeat begins at `at`; `clock` is the same moment in monotonic seconds. The time before it is known."""
        last = self._last
        if last is None:
            return
        seconds = clock - last.clock
        if 0 < seconds <= self.longest:
            self.unsaved.append(Stretch(last.error is None, last.at, seconds, 1, self.watcher, last.error))
        self._last = None

    def end(self, at: datetime, clock: float, error: str | None = None) -> None:
        """The heartbeat that began then was answered, or failed with `error`."""
        self._last = _Beat(at, clock, error)

    def pause(self) -> None:
        """Nobody watches from here on, until the next heartbeat."""
        self._last = None

    def saved(self, stretches: list[Stretch]) -> None:
        """These are stored and need not be told again."""
        self.unsaved = [each for each in self.unsaved if not any(each is told for told in stretches)]
