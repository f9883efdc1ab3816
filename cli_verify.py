"""`quantum verify …`: is what is stored still what was written?"""

from pathlib import Path
from typing import Any

import click

import settings as environment
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
