"""CPU time of a browser's processes, read from /proc: what wall time hides when others work on the same machine."""

import os
from pathlib import Path

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def browser_cpu_ms() -> dict[str, float]:
    """CPU-milliseconds so far of this process's browser, by kind: renderer, gpu-process, browser …"""
    used: dict[str, float] = {}
    for pid in _below(os.getpid()):
        kind = _kind(pid)
        if kind is not None:
            used[kind] = used.get(kind, 0.0) + _cpu_ms(pid)
    return used


def _below(root: int) -> list[int]:
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


def _cpu_ms(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) * TICK_MS if fields else 0.0


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
