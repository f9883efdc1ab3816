"""Hostile values through every form, callback, page and address, tens of thousands of them (`make fuzz`).

    python -m tests.campaigns.fuzz [--cases 20000] [--seed N] [--only TEXT]

Prints how many cases were tried at how many doors and what broke; a failing case is shrunk and printed. The seed
tells which cases: `make fuzz ARGS="--seed 7"` tries the same again, `--only "form /login"` at some doors only.
"""

import argparse
import secrets
import tempfile
import time
from pathlib import Path

from tests.fuzz.run import on_screen, run
from tests.fuzz.world import world


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=20_000, help="at least so many (20,000)")
    parser.add_argument("--seed", type=int, help="which cases; chosen at random and printed unless named")
    parser.add_argument("--only", default="", help="doors and parts whose name holds this text")
    asked = parser.parse_args()
    start = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    print(f"fuzz: seed {start}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as made:
        report = run(made, asked.cases, start, asked.only, on_screen)
    print(f"{report}, {time.monotonic() - began:.0f} s")
    return 1 if report.failures or report.cases < asked.cases else 0


if __name__ == "__main__":
    raise SystemExit(main())
