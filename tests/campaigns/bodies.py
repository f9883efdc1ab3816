"""Damaged telemetry through the doors for machines, a hundred thousand bodies (`make fuzz`).

    python -m tests.campaigns.bodies [--bodies 100000] [--seed N] [--only NUMBER]

Bodies are cut from the recorded traces, logs and metrics, in both encodings, and damaged: in their tree, their text,
their octets, their packing. None may crash the application or be answered with 500, and memory has to stay flat. A
failure tells its number: `--seed 7 --only 123` sends that one again.
"""

import argparse
import os
import secrets
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz.sending import UNPAGED, Report, receiver, send

MOST_GROWN = 64 * UNPAGED
SHOWN = 20


def part(bodies: int, seed: int, only: int | None) -> Report:
    with tempfile.TemporaryDirectory() as folder, receiver(Path(folder)) as to:
        return send(to, bodies, seed, only)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bodies", type=int, default=100_000, help="so many (100,000)")
    parser.add_argument("--seed", type=int, help="which bodies; chosen at random and printed unless named")
    parser.add_argument("--only", type=int, help="the body of this number alone")
    asked = parser.parse_args()
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    processes = 1 if asked.only is not None else max(1, os.cpu_count() or 1)
    began, each = time.monotonic(), -(-asked.bodies // processes)
    print(f"bodies: seeds {seed} to {seed + processes - 1}, {each:,} bodies each", flush=True)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(part, each, seed + number, asked.only) for number in range(processes)]
        reports = {seed + number: future.result() for number, future in enumerate(parts)}
    for number, report in reports.items():
        print(f"seed {number}: {report}")
        print("".join(f"  {line}\n" for line in report.failures[:SHOWN]), end="")
    sent = sum(report.sent for report in reports.values())
    failures = sum(len(report.failures) for report in reports.values())
    grown = max(report.grown for report in reports.values())
    flat = "flat" if grown <= MOST_GROWN else f"grown by {grown / UNPAGED:.0f} MiB"
    print(f"bodies: {sent:,} in {time.monotonic() - began:.0f} s, {failures} failures, memory {flat}")
    return 1 if failures or grown > MOST_GROWN else 0


if __name__ == "__main__":
    raise SystemExit(main())
