"""A process that rolls up without end, killed again and again; afterwards the roll-ups are what is counted anew."""

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from db.actor import SYSTEM
from db.engine import make_engine, session
from db.metric import Window, read
from db.models import Span, Touched
from db.services.rollups import roll_up_all, touch_all
from tests.crashing import await_silence
from tests.db.test_rollups import put, rolled_rows, some

ROOT = Path(__file__).resolve().parent.parent
LONGEST_RUN = 0.15  # seconds from a step's end to the kill: about ten steps of the size below
FRESH = 25  # spans that come in between two kills


@dataclass
class Tally:
    """What happened, over all rounds."""

    rounds: int = 0
    steps: int = 0
    left: int = 0
    wrong: int = 0

    def __str__(self) -> str:
        return (
            f"{self.rounds} kills of a roll-up after {self.steps} steps; {self.left} times work was left noted; "
            f"numbers or roll-ups that were wrong afterwards: {self.wrong}"
        )

    @property
    def holds(self) -> bool:
        return self.steps >= self.rounds > 0 and not self.wrong


class Killed:
    """Rounds of roll up, kill and look, on one database; `url` is its administrator's address."""

    def __init__(self, url: str, seed: int) -> None:
        self.url, self.tally = url, Tally()
        self.engine = make_engine(url)
        self._chance = random.Random(seed)
        self._seed = seed

    def round(self) -> None:
        """Spans come in, old ones too; roll up for a moment, kill, and read a number that has to be right at once."""
        # Ids follow from the place in the list: a longer list brings new ones.
        put(self.engine, some(self._seed, FRESH * (self.tally.rounds + 1))[FRESH * self.tally.rounds :])
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.rolling_loop", self.url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.strip().isdigit(), f"the process said {first!r}"
        time.sleep(self._chance.uniform(0, LONGEST_RUN))
        process.send_signal(signal.SIGKILL)
        said = [first, *process.stdout.readlines()]
        process.wait()
        await_silence(self.engine)
        self.tally.rounds += 1
        self.tally.steps += len(said)
        self._look()

    def finish(self) -> Tally:
        """Roll up what is left, and hold it against what is counted anew from all that is stored."""
        roll_up_all(self.engine)
        kept = rolled_rows(self.engine)
        with session(self.engine, SYSTEM, write=True) as unit:
            touch_all(unit)
        roll_up_all(self.engine)
        self.tally.wrong += kept != rolled_rows(self.engine) or not any(kept)
        return self.tally

    def close(self) -> None:
        self.engine.dispose()

    def _look(self) -> None:
        with session(self.engine, SYSTEM) as unit:
            self.tally.left += bool(unit.scalar(select(func.count()).select_from(Touched)))
            stored = unit.scalar(select(func.count()).select_from(Span))
            self.tally.wrong += read(unit, "spans.count", Window.parse("all")).value != stored
