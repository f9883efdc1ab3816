"""What a measurement is, and how measurements become the table of RESULTS.md."""

import importlib.metadata
import os
import platform
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "bench" / ".cache"
RESULTS = ROOT / "bench" / "RESULTS.md"
HEAD = ("| metric | ours | peer | ratio | budget | verdict |", "|---|---|---|---|---|---|")
PACKAGES = ("dash", "plotly", "sqlalchemy", "psycopg", "numpy", "orjson", "flask-compress", "gunicorn")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        section, metric: what was measured.
        ours, peer: figures with their units, as text; peer is "" where nothing is compared.
        ratio: ours to peer, or what the metric says; None where nothing is compared.
        budget: what was promised, as text; "" where nothing was.
        holds: whether the promise is kept; None where nothing was promised.
    """

    section: str
    metric: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    budget: str = ""
    holds: bool | None = None

    @property
    def verdict(self) -> str:
        return {None: "", True: "kept", False: "**missed**"}[self.holds]


def at_most(section: str, metric: str, ours: str, peer: str, ratio: float, limit: float) -> Row:
    """A ratio that has to stay at or under `limit`."""
    return Row(section, metric, ours, peer, ratio, f"<= {limit:g}", ratio <= limit)


def at_least(section: str, metric: str, ours: str, peer: str, ratio: float, limit: float) -> Row:
    """A ratio that has to reach `limit`."""
    return Row(section, metric, ours, peer, ratio, f">= {limit:g}", ratio >= limit)


def spread(values: Sequence[float], unit: str, digits: int = 1) -> str:
    """The median with the lowest and the highest value."""
    low, middle, high = (f"{each:,.{digits}f}" for each in (min(values), median(values), max(values)))
    return f"{middle} {unit} ({low} to {high})" if low != high else f"{middle} {unit}"


def write(rows: Sequence[Row], seconds: float, loads: Sequence[float], notes: Sequence[str]) -> str:
    """Write RESULTS.md and return its text."""
    missed = [row for row in rows if row.holds is False]
    kept = sum(row.holds is True for row in rows)
    lines = [
        "# What `make bench` measured",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {seconds / 60:.1f} minutes. "
        f"Budgets kept: {kept}, missed: {len(missed)}.",
        "",
        f"Machine: {machine()}. Load average over one minute when the parts began: "
        f"{', '.join(f'{load:.1f}' for load in loads)}.",
        "",
        f"Versions: {versions()}.",
        "",
        "Figures are medians of three with the lowest and the highest beside them; both sides of a ratio come from "
        "one run, in turns. A ratio travels to another machine, a time does not.",
    ]
    for section in dict.fromkeys(row.section for row in rows):
        lines += ["", f"## {section}", "", *HEAD]
        lines += [_line(row) for row in rows if row.section == section]
    lines += ["", "## Notes", "", *(f"- {note}" for note in notes)]
    text = "\n".join(lines) + "\n"
    RESULTS.write_text(text)
    return text


def _line(row: Row) -> str:
    ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
    return f"| {row.metric} | {row.ours} | {row.peer} | {ratio} | {row.budget} | {row.verdict} |"


def machine() -> str:
    """Processor, cores, memory, system."""
    model = platform.processor() or platform.machine()
    try:
        info = Path("/proc/cpuinfo").read_text()
        model = next(
            (line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")),
            model,
        )
        gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (OSError, ValueError):
        return f"{model}, {os.cpu_count()} cores, {platform.system()}"
    return f"{model}, {os.cpu_count()} cores, {gigabytes:.0f} GB, {platform.system()} {platform.release()}"


def versions() -> str:
    """Of what takes part, as far as it is installed beside the application."""
    found = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    found += [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    return ", ".join([*found, *_programs()])


def _programs() -> list[str]:
    from tests import chromium, postgres

    found = []
    with suppress(chromium.NoChromium):
        found.append(_said([str(chromium.find()), "--version"]))
    binaries = postgres.find_binaries()
    if binaries is not None:
        found.append(_said([str(binaries / "postgres"), "--version"]))
    return [each for each in found if each]


def _said(command: list[str]) -> str:
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return " ".join(answer.stdout.split()[:3])
