"""Processes as /proc tells of them: their memory, and CPU time, which wall time hides when others work beside them."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def browser_cpu_ms() -> dict[str, float]:
    """CPU-milliseconds so far of this process's browser, by kind: renderer, gpu-process, browser …"""
    used: dict[str, float] = {}
    for pid in below(os.getpid()):
        kind = _kind(pid)
        if kind is not None:
            used[kind] = used.get(kind, 0.0) + _cpu_ms(pid)
    return used


def cpu_ms(root: int) -> float:
    """CPU-milliseconds so far of this process and all below it, those that ended included."""
    return sum(_cpu_ms(pid, ended=True) for pid in (root, *below(root)))


@contextmanager
def peak_memory(root: int) -> Iterator[list[int]]:
    """Octets that `root` and its descendants hold together at most, looked at five times a second; known afterwards."""
    ended, found = threading.Event(), [0]

    def watch() -> None:
        while not ended.wait(0.2):
            found[0] = max(found[0], sum(_resident(pid) for pid in (root, *below(root))))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the leader of a process group of its own to end, and end the group if it does not."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _resident(pid: int) -> int:
    """Its own pages, and its share of those it has in common with others."""
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def below(root: int) -> list[int]:
    """All processes that descend from `root`."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, ahead = [], [root]
    while ahead:
        below = children.get(ahead.pop(), [])
        found += below
        ahead += below
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold anything; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_ms(pid: int, *, ended: bool = False) -> float:
    """Of the process; with `ended` also of those it started and saw end."""
    fields = _stat(pid)[11 : 15 if ended else 13]
    return sum(int(each) for each in fields) * TICK_MS


def _kind(pid: int) -> str | None:
    """What a Chromium process does; None for another program. (Chromium joins its arguments with blanks.)"""
    try:
        words = (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
        )
    except OSError:
        return None
    if not words or "chrom" not in words[0].rpartition("/")[2]:
        return None
    return next((word.removeprefix("--type=") for word in words if word.startswith("--type=")), "browser")
