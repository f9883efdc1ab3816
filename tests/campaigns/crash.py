"""kill -9 of the server while clients report, again and again, on SQLite and on PostgreSQL (`make crash`).

    python -m tests.campaigns.crash [--rounds 20] [--seed N] [--only sqlite|postgresql]

Several clients send batches; the server is killed in the middle, its database is looked at, it is started again, and
the clients go on and send again what was not acknowledged. No acknowledged span may be lost, none may stand there
twice, and no batch may be there in part. Then a process that rolls up is killed as often: the roll-ups have to be what
is counted anew. On PostgreSQL the database is taken away and given back as well.
"""

import argparse
import secrets
import tempfile
import time
from pathlib import Path

from bench.databases import databases
from tests import postgres
from tests.crashing import Crash, Tally
from tests.databases import KINDS, Databases
from tests.outage import Outage, rehearse
from tests.rolling import Killed
from tests.rolling import Tally as Rolled


def crash(made: Databases, kind: str, rounds: int, seed: int) -> Tally:
    with tempfile.TemporaryDirectory(prefix="quantum-crash-") as folder, made.migrated(kind) as url:
        run = Crash(url, Path(folder), seed)
        try:
            for _ in range(rounds):
                run.round()
            return run.finish()
        finally:
            run.close()


def rolling(made: Databases, kind: str, rounds: int, seed: int) -> Rolled:
    with made.migrated(kind) as url:
        run = Killed(url, seed)
        try:
            for _ in range(rounds):
                run.round()
            return run.finish()
        finally:
            run.close()


def outage() -> Outage:
    with tempfile.TemporaryDirectory(prefix="quantum-outage-") as folder:
        return rehearse(postgres.start(), Path(folder))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20, help="so many for each database (20)")
    parser.add_argument("--seed", type=int, help="when to kill; chosen at random and printed unless named")
    parser.add_argument("--only", choices=KINDS, help="one of the databases")
    asked = parser.parse_args()
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    print(f"crash: seed {seed}", flush=True)
    holds = True
    with databases() as made:
        for kind in [asked.only] if asked.only else KINDS:
            began = time.monotonic()
            tally = crash(made, kind, asked.rounds, seed)
            print(f"crash, {kind}: {tally}; {time.monotonic() - began:.0f} s", flush=True)
            holds &= tally.holds
            rolled = rolling(made, kind, asked.rounds, seed)
            print(f"crash, {kind}: {rolled}", flush=True)
            holds &= rolled.holds
    if asked.only != "sqlite":
        found = outage()
        print(f"database away, postgresql: {found}")
        holds &= found.holds
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
