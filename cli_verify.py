"""`quantum verify …`: is what is stored still what was written?"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

import settings as environment
from cli_base import migrated, told
from terminal import Progress


@click.group()
def verify() -> None:
    """Prove that what is stored is what was written."""


@verify.command("audit")
@click.option(
    "--heads",
    type=click.Path(path_type=Path),
    help="The file of day heads, or your copy of it. Default: audit-heads.jsonl in the data folder.",
)
def audit(heads: Path | None) -> int:
    """Walk the audit log and name every entry that was changed, removed, inserted or moved.

    Exit 1 when anything was found.
    """
    from db.engine import DatabaseUnavailable
    from settings import SettingsError

    try:
        return _audit(heads)
    except (DatabaseUnavailable, SettingsError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _audit(heads: Path | None) -> int:
    from db.actor import SYSTEM
    from db.engine import make_engine, session
    from db.schema import head, version
    from db.services.audit_heads import FILE, read_marks
    from db.services.audit_verify import verify as walk

    current = environment.load()
    engine = make_engine(current.database_system_url)
    if version(engine) != head():
        raise click.ClickException("The database is not at this version's revision. Run: quantum migrate")
    path = heads or current.data_dir / FILE
    if heads is not None and not heads.is_file():
        raise click.ClickException(f"{heads} is not a file; name the file of day heads or a copy of it.")
    marks = read_marks(path) if path.is_file() else None
    with session(engine, SYSTEM) as unit:
        verdict = walk(unit, click.echo, marks, Progress("entries"))
    engine.dispose()
    click.echo(_summary(verdict, path if marks is not None else None))
    return 1 if verdict.findings else 0


def _summary(verdict: Any, path: Path | None) -> str:
    span = f", {verdict.first:,} to {verdict.last:,}" if verdict.entries else ""
    looked = f"{_count(verdict.entries, 'entry', 'entries')}{span} · " + _count(
        verdict.heads, "day head", "day heads"
    )
    if path is None:
        apart = "no file of heads was found, so an end cut off since the last day head goes unnoticed"
    else:
        apart = f"{_count(verdict.marks, 'line', 'lines')} in {path}"
    found = _count(verdict.findings, "finding", "findings")
    return f"{looked} · {apart}\n{found if verdict.findings else 'nothing changed, missing or added'}"


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


@verify.command("numbers")
@click.option(
    "--window",
    "wanted",
    multiple=True,
    help="all, 24h, 7d, 30d, 90d or START/END, as often as you like. Default: all, 24h, 7d, 30d and where data lies.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: windows, lines, and how many differ.")
@told
def numbers(wanted: tuple[str, ...], as_json: bool) -> int:
    """Recompute every number, and every chart, from the raw rows by another way and print both.

    Of a chart the number of its rows is printed, and the largest difference of any number in it. What is made of rows
    that are no longer kept is named and not compared. Of numbers about an agent, a connection, a subject of states, a
    check, a currency or a role, some are looked at. Exit 1 when any differs.
    """
    from db.actor import SYSTEM
    from db.engine import session
    from db.metric import Window
    from db.recompute import verify as recompute
    from db.recompute.compare import standard_windows

    at = datetime.now(UTC)
    given = [Window.parse(text, at) for text in wanted]
    engine = migrated(environment.load().database_system_url)
    with session(engine, SYSTEM) as unit:
        windows = given or standard_windows(unit, at)
        lines = recompute(unit, windows)
        differing = (_tell_json if as_json else _tell_lines)(lines, windows)
    engine.dispose()
    return 1 if differing else 0


def _tell_json(lines: Iterable[Any], windows: Sequence[Any]) -> int:
    from db.recompute import BEYOND, DIFFERS

    said = [line.told() for line in lines]
    differing = sum(1 for line in said if line["verdict"] == DIFFERS)
    named = [window.name for window in windows]
    beyond = sum(1 for line in said if line["verdict"] == BEYOND)
    counts = {"checked": len(said) - beyond, "differing": differing, "beyond": beyond}
    answer = {"windows": named, **counts, "lines": said}
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    return differing


def _tell_lines(lines: Iterable[Any], windows: Sequence[Any]) -> int:
    """Line by line as they come, under a head; long windows by a number of their own."""
    from db.recompute import BEYOND, DIFFERS

    labels = {window.name: window.name for window in windows}
    for place, window in enumerate((each for each in windows if "/" in each.name), 1):
        labels[window.name] = f"w{place}"
        click.echo(f"w{place} = {window.name}")
    click.echo(_columns("number", "window", "shown", "recomputed", "difference", "verdict"))
    checked, differing, beyond = 0, 0, 0
    for line in lines:
        beyond += int(line.verdict == BEYOND)
        checked += int(line.verdict != BEYOND)
        differing += int(line.verdict == DIFFERS)
        click.echo(_line_of(line, labels[line.window]))
    click.echo(
        f"{_count(checked, 'number', 'numbers')} recomputed · "
        + ("all agree" if not differing else f"{_count(differing, 'differs', 'differ')}")
        + (f" · {beyond:,} not recomputed, for their raw rows are gone" if beyond else "")
    )
    return differing


def _line_of(line: Any, window: str) -> str:
    about = f"[{' → '.join(line.subject)}]" if line.subject else ""
    about += " rows" if line.is_chart else ""
    if line.since is not None:
        gone = f"{line.verdict}: raw rows before {line.since} are gone"
        return _columns(line.key + about, window, "", "", "", gone)
    n = "" if line.shown_n == line.recomputed_n else f" (n {line.shown_n:,} ≠ {line.recomputed_n:,})"
    shown, recomputed, difference = (_number(each) for each in (line.shown, line.recomputed, line.difference))
    return _columns(line.key + about, window, shown, recomputed, difference, line.verdict + n)


def _columns(key: str, window: str, shown: str, recomputed: str, difference: str, verdict: str) -> str:
    return f"{key:<52} {window:<6} {shown:>20} {recomputed:>20} {difference:>12}  {verdict}"


def _number(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6f}"
