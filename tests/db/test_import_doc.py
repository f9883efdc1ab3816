"""docs/import.md says what happens: its files are written, its commands run, and what it shows is what they print."""

import re
import shlex
from pathlib import Path

import pytest

from cli import main, quantum
from db.services.recipes import RECIPES
from db.services.table_files import MOST_COLUMNS
from db.services.table_import import BATCH, TABLES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+) ?([\w.]*)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
sqlite_only = pytest.mark.databases("sqlite")


@sqlite_only
def test_every_command_prints_what_the_page_shows(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUANTUM_DATABASE_URL", migrated_url)
    monkeypatch.setenv("QUANTUM_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)
    ran = 0
    for kind, name, content in BLOCKS:
        if name:
            (tmp_path / name).write_text(content, encoding="utf-8")
        if kind not in ("console", "sh"):
            continue
        printed = ""
        for line in content.splitlines():
            if not line.startswith("$ ") and kind == "console":
                continue
            program, *words = shlex.split(line.removeprefix("$ "))
            assert program == "quantum"
            code = main(words)
            said = capsys.readouterr()
            printed += f"{line}\n{said.err}{said.out}"
            assert code == ("refused 0" not in said.out and "--allow-refused" not in words and kind != "sh")
            ran += 1
        assert kind == "sh" or printed == content
    assert ran == 12


def test_the_page_names_every_option_and_table() -> None:
    group = quantum.commands["import"]
    for command in group.commands.values():  # type: ignore[attr-defined]
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or option in TEXT, option
    (listed,) = re.findall(r"^These tables take rows: (.*?)\.$", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert tuple(re.split(r",\s+", listed)) == TABLES
    assert f"{MOST_COLUMNS:,} fields" in TEXT and BATCH == 1000 and "a thousand at a time" in TEXT
    assert set(re.findall(r"--recipe ([a-z-]+)", TEXT)) <= RECIPES.keys()
