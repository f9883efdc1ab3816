"""Every route of /api/v1 against its own description, thousands of requests made of it (`make fuzz`).

    python -m tests.campaigns.rest [--each 60] [--seed N] [--only TEXT] [--on sqlite|postgresql]

Prints how many requests were sent, how they were answered and what did not hold, shrunk.
"""

import argparse
import secrets
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine

from app import create_app
from bench.databases import databases
from db.engine import make_engine
from settings import load
from tests.api.rest.conformity import Report, try_out
from tests.api.rest.program import FLEET, MODULES
from tests.reader import small_fleet
from tests.served import environment, make_key


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=60, help="right and wrong requests per operation (60)")
    parser.add_argument("--seed", type=int, help="which requests; chosen at random and printed unless named")
    parser.add_argument("--only", default="", help="operations whose name holds this text")
    parser.add_argument("--on", nargs="*", default=["sqlite", "postgresql"], help="which databases")
    asked = parser.parse_args()
    start = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    failures = 0
    with databases() as made:
        for kind in asked.on:
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder, made.migrated(kind) as url:
                report = _try(url, Path(folder), asked.each, start, asked.only)
            print(f"{kind}, seed {start}: {report}, {time.monotonic() - began:.0f} s", flush=True)
            print("\n\n".join(report.failures))
            failures += len(report.failures)
    return 1 if failures else 0


def _try(url: str, folder: Path, each: int, start: int, only: str) -> Report:
    engine: Engine = make_engine(url)
    try:
        small_fleet(engine, folder)
        _, token = make_key(engine, (*FLEET, *MODULES), "tester")
        app = create_app(load(environment(url, folder / "var")))
        return try_out(app.server, token, each, start, only)
    finally:
        engine.dispose()


if __name__ == "__main__":
    raise SystemExit(main())
