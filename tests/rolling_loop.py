"""Rolls up in a loop and says a line after each step, until it is killed (tests.rolling).

python -m tests.rolling_loop URL
"""

import sys

from db.actor import SYSTEM
from db.engine import make_engine, session
from db.services.rollups import roll_up, touch_all

AT_ONCE = 5  # five minutes of one step


def main(url: str) -> None:
    """Without end: note everything, and roll it up in small steps."""
    engine = make_engine(url)
    while True:
        with session(engine, SYSTEM, write=True) as unit:
            touch_all(unit)
        taken = 1
        while taken:
            with session(engine, SYSTEM, write=True) as unit:
                taken = roll_up(unit, AT_ONCE)
            print(taken, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
