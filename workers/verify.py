"""Recomputes every number from the raw rows by another way, each hour, and keeps whether they agreed.

In a process of its own that steps back behind all others: it is work of the processor, and nobody who reads or reports
meanwhile shall notice. (To rest between its steps would hold its transactions open for minutes, and SQLite's journal
grows for as long.)
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from db.actor import SYSTEM
from db.engine import Engine, make_engine, session
from db.recompute.summary import summary
from workers.schedule import Work, job

NAME = "verify-numbers"
ROOT = Path(__file__).resolve().parents[1]
LONGEST_SECONDS = 60.0
LOOKS_SECONDS = 0.2  # how often it looks whether to end
ENDS_SECONDS = 10.0  # within which it tells what it came to, once it is to end
LEAST_PRESSING = 19


@job(NAME, every=timedelta(hours=1))
def verify_numbers(work: Work) -> Mapping[str, Any]:
    """Look at as many numbers as there is time for."""
    return apart(work.engine, work.at, work.is_ending)


def apart(engine: Engine, at: datetime, is_ending: Callable[[], bool]) -> dict[str, Any]:
    """What `recomputed` finds in a process of its own. Raises RuntimeError when that fails; it says why in the log."""
    # The address holds a password, so it goes through the pipe and not among the arguments, which everybody may read.
    asked: str | None = json.dumps({"url": engine.url.render_as_string(hide_password=False), "at": str(at)})
    found = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    child = subprocess.Popen(
        [sys.executable, "-m", "workers.verify"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(found)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    is_told, told_at = False, 0.0
    try:
        while True:
            try:
                answer, _ = child.communicate(asked, timeout=LOOKS_SECONDS)
                break
            except subprocess.TimeoutExpired:
                asked = None
            if not is_told and is_ending():
                is_told, told_at = True, time.monotonic()
                child.terminate()
            elif is_told and time.monotonic() - told_at > ENDS_SECONDS:
                child.kill()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    if is_told and child.returncode:  # before it could hear that, or because it did not
        return recomputed(engine, at, lambda: True)
    if child.returncode:
        raise RuntimeError(f"the process that recomputes the numbers ended with {child.returncode}")
    facts: dict[str, Any] = json.loads(answer)
    return facts


def recomputed(engine: Engine, at: datetime, is_ending: Callable[[], bool]) -> dict[str, Any]:
    """The facts of a run: how many numbers agree, which do not, and which it did not come to."""
    began = time.monotonic()

    def is_over() -> bool:
        return is_ending() or time.monotonic() - began > LONGEST_SECONDS

    return summary(lambda: session(engine, SYSTEM), at, is_over)


def main() -> None:
    """What the process does: it is asked on its input, and answers on its output, in JSON."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    os.nice(LEAST_PRESSING)
    asked, parent = json.load(sys.stdin), os.getppid()
    engine = make_engine(asked["url"])
    facts = recomputed(
        engine, datetime.fromisoformat(asked["at"]), lambda: bool(ended) or os.getppid() != parent
    )
    engine.dispose()
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
