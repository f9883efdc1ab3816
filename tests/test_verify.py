"""`quantum verify audit` as an operator uses it: counts when all is well, names and exit 1 when not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from cli import quantum
from db.actor import SYSTEM
from db.engine import session
from db.services import audit
from db.services.audit_heads import FILE
from tests.audit import ident, tampering
from workers.audit_heads import HeadKeeper


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_url: str) -> Path:
    monkeypatch.setenv("QUANTUM_ENV", "test")
    monkeypatch.setenv("QUANTUM_DATABASE_URL", migrated_url)
    monkeypatch.setenv("QUANTUM_DATA_DIR", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(quantum, ["verify", "audit", *arguments], standalone_mode=False)


def act(engine: Engine, times: int) -> None:
    with session(engine, SYSTEM, write=True) as unit:
        for _ in range(times):
            audit.record(unit, audit.Act("EXPORT", "deals"))


def test_it_counts_when_all_is_well(engine: Engine, folder: Path) -> None:
    said = run()
    assert said.return_value == 0 and "0 entries · 0 day heads" in said.output, said.output
    act(engine, 3)
    said = run()
    assert said.return_value == 0, said.output
    assert "3 entries, 1 to 3" in said.output and "nothing changed, missing or added" in said.output
    assert "no file of heads was found" in said.output


def test_it_names_what_was_changed_and_removed(engine: Engine, folder: Path) -> None:
    act(engine, 5)
    changed = ident(engine, 2)
    with tampering(engine) as owner:
        owner.execute(text("UPDATE audit_log SET table_name = 'x' WHERE seq = 2"))
        owner.execute(text("DELETE FROM audit_log WHERE seq = 4"))
    said = run()
    assert said.return_value == 1
    assert f"changed: entry 2 ({changed})" in said.output and "removed: 4, missing between" in said.output
    assert "2 findings" in said.output


def test_it_reads_the_file_of_heads_or_a_copy(engine: Engine, folder: Path) -> None:
    act(engine, 2)
    HeadKeeper(engine, folder / FILE).keep(datetime.now(UTC))
    assert f"1 line in {folder / FILE}" in run().output
    copy = folder / "copy.jsonl"
    copy.write_text((folder / FILE).read_text())
    with tampering(engine) as owner:
        owner.execute(text("DELETE FROM audit_log WHERE seq = 2"))
    said = run("--heads", str(copy))
    assert said.return_value == 1 and "cut off: entry 2 at the end" in said.output
    assert "is not a file" in str(run("--heads", str(folder / "none")).exception)
