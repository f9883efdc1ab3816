"""`quantum serve` as a process: killed it claims nothing, asked to end it says until when it watched."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from db.services.measure import LEASE

ROOT = Path(__file__).resolve().parents[2]
SLOWEST_SECONDS = 30
assert timedelta(seconds=SLOWEST_SECONDS) < LEASE  # a killed process' watch is taken over, not waited for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Server = subprocess.Popen[bytes]


@pytest.fixture
def started() -> Iterator[list[Server]]:
    """The servers of this test; none outlives it, however it ends."""
    servers: list[Server] = []
    yield servers
    for server in servers:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def serve(folder: Path, started: list[Server]) -> Server:
    """The server in a process group of its own, answering and watching."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUANTUM_")}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), "serve"],
        env=clean | {"QUANTUM_DATA_DIR": str(folder), "QUANTUM_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started.append(process)
    for _ in range(10 * SLOWEST_SECONDS):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return process
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not answer within {SLOWEST_SECONDS} seconds")


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "quantum.db", timeout=10) as connection:
        return connection.execute(query).fetchall()


def wait_for(folder: Path, query: str) -> None:
    for _ in range(10 * SLOWEST_SECONDS):
        if rows(folder, query):
            return
        time.sleep(0.1)
    raise AssertionError(query)


@pytest.mark.databases("sqlite")
def test_killed_and_started_again_then_ended_in_order(tmp_path: Path, started: list[Server]) -> None:
    first = serve(tmp_path, started)
    wait_for(tmp_path, "SELECT 1 FROM agent_logs WHERE message LIKE '%began to watch.'")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    stretches = "SELECT metric_value FROM system_metrics WHERE metric_type = 'collector.up_seconds'"
    assert rows(tmp_path, stretches) == []  # one heartbeat encloses no time

    second = serve(tmp_path, started)
    wait_for(tmp_path, "SELECT 1 FROM agent_logs WHERE message LIKE '%began to watch.' LIMIT 1 OFFSET 1")
    wait_for(tmp_path, "SELECT 1 FROM calls WHERE callee_id = 'quantum/web' AND NOT failed")
    second.terminate()
    assert second.wait(timeout=30) == 0
    ((seconds,),) = rows(tmp_path, stretches)
    assert 0 < float(str(seconds)) < 60
    assert rows(tmp_path, "SELECT 1 FROM agent_logs WHERE message = 'The collector stopped in order.'") == [
        (1,)
    ]


def test_the_collector_spares_what_was_there_at_the_start() -> None:
    """In a process of its own: what is set here would hold for the suite."""
    said = (
        "import gc; from workers import server; server._begin('built', ready=print); "
        "print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0])"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["built", "True", "10000"]
