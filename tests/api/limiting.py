"""A server process that asks for one key as often as it is told, on several threads: run by the test of limits.

    python -m tests.api.limiting DATABASE_URL KEY_ID ENDPOINT PER_HOUR TIMES THREADS MOMENT

Prints how many were let through.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID

from db.actor import SYSTEM
from db.engine import make_engine, session
from db.services.rate_limits import Limits, spend


def main() -> None:
    """Ask, and say how often it was granted."""
    url, key, endpoint, per_hour, times, threads, moment = sys.argv[1:]
    engine, now = make_engine(url), datetime.fromisoformat(moment)
    limits = Limits(int(per_hour), 10 * int(per_hour))

    def ask(_: int) -> bool:
        with session(engine, SYSTEM, write=True) as unit:
            return spend(unit, UUID(key), endpoint, limits, now).refused_until is None

    with ThreadPoolExecutor(int(threads)) as pool:
        print(sum(pool.map(ask, range(int(times)))))


if __name__ == "__main__":
    main()
