"""One key sends far more than it may, without ever waiting: what that adds to another key's batches.

The flood comes from a process of its own over several connections, and goes on through every 429. The other exporter
sends a batch every half second as if nothing was.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, perf_counter, sleep

import click

from bench.databases import databases, shop_minute
from bench.ours import Ours, serving
from bench.report import ROOT, Row, at_most
from bench.sending import DROPPED, Door, Sent, bodies, percentile, renamed, steadily
from tests.served import make_key

SECTION = "Ingest"
SECONDS, EVERY, CONNECTIONS, ALLOWED, SLOWER = 20.0, 0.5, 4, 60, 1.5


def measure() -> list[Row]:
    found = bodies(shop_minute()[0])
    click.echo("flood: one key beyond its limit, another within")
    with (
        databases() as made,
        tempfile.TemporaryDirectory(prefix="quantum-flood-") as folder,
        serving(made, "sqlite", Path(folder)) as ours,
    ):
        _, rude = make_key(ours.engine, name="rude", rate_limit=ALLOWED)
        _steady(ours, found, 3)
        before = _steady(ours, found, SECONDS)
        with _flood(ours, rude) as told:
            during = _steady(ours, found, SECONDS)
        after = _steady(ours, found, SECONDS)
    quiet = (percentile(before.took, 0.95) + percentile(after.took, 0.95)) / 2
    busy = percentile(during.took, 0.95)
    rate = int(told[0]) / SECONDS
    name = f"p95 of another key's batch of 512 while one key floods ({rate:,.0f} requests/s answered 429 or taken)"
    said = f"{busy * 1000:,.0f} ms ({len(during.refused)} refused)"
    return [at_most(SECTION, name, said, f"alone {quiet * 1000:,.0f} ms", busy / quiet, SLOWER)]


def _steady(ours: Ours, found: list[bytes], seconds: float) -> Sent:
    with steadily(ours.port, ours.headers, renamed(found), EVERY, Sent(perf_counter())) as sent:
        sleep(seconds)
    return sent


@contextmanager
def _flood(ours: Ours, token: str) -> Iterator[list[str]]:
    """A process that sends as fast as it is answered; how many answers it got is known afterwards."""
    command = [sys.executable, "-m", "bench.flood", str(ours.port), str(SECONDS)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(token)
        process.stdin.close()
        told = ["0"]
        yield told
        told[0] = process.stdout.read().strip() or "0"


def flood(port: int, seconds: float, token: str) -> int:
    """Answers got in that time over a few connections, by a client that never waits."""
    import threading

    answers: list[int] = []
    body, until = b"\x0a\x00", monotonic() + seconds

    def work() -> None:
        door = Door(port, {"Authorization": f"Bearer {token}"})
        while monotonic() < until:
            try:
                answers.append(door.send(body)[0])
            except OSError:
                answers.append(DROPPED)
                door.close()
        door.close()

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(answers)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        click.echo(flood(int(sys.argv[1]), float(sys.argv[2]), sys.stdin.read()))
    else:
        for line in measure():
            click.echo(line)
