"""Long imports and files that are not what they seem: keys without an index, breaking off, no text, blank lines."""

import bz2
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select

import terminal
from cli import main
from db.base import Base
from db.engine import DatabaseUnavailable
from db.services import table_import as service
from db.services.network_import import Given, import_network
from db.services.otlp import Invalid
from db.services.recipes.base import Options
from db.services.table_import import TableReport, import_table
from db.services.table_keys import Seen
from tests.sessions import session

sqlite_only = pytest.mark.databases("sqlite")
EVENTS = "event_type,severity,description,ip_address,created_at\n"


@pytest.fixture
def bring(engine: Engine, tmp_path: Path) -> Callable[..., TableReport]:
    """Import a file of this content into a table; options by name."""

    def run(table: str, content: str | bytes, **asked: Any) -> TableReport:
        path = tmp_path / "given.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_table(engine, table, [path], Options(**asked))

    return run


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BATCH", 10)


def count(engine: Engine, table: str) -> int:
    with session(engine) as unit:
        return unit.scalar(select(func.count()).select_from(Base.metadata.tables[table])) or 0


def only(report: TableReport) -> str:
    (refusal,) = report.refused
    return f"{refusal.line}: {refusal.reason}"


def deals(first: int, last: int) -> str:
    """Deals whose value is written in more ways than one."""
    lines = [f"client {n},{'-0' if n % 7 == 0 else f'{n}.5'},stage {n}" for n in range(first, last)]
    return "\n".join(["client_name,value,stage", *lines, ""])


# --- a key without an index -------------------------------------------------------------------------


@pytest.mark.usefixtures("small_batches")
def test_a_long_import_does_not_read_the_table_for_every_batch(bring: Any, engine: Engine) -> None:
    bring("deals", deals(0, 30))
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    report = bring("deals", deals(0, 300), key=("client_name", "value"))
    by_key = [statement for statement in asked if "SELECT deals.client_name, deals.value" in statement]
    assert len(by_key) == service.MOST_ASKED + 1
    assert (report.stored, report.already, count(engine, "deals")) == (270, 30, 300)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("key", [("client_name", "value"), ("value", "stage"), ("stage",)])
def test_rows_there_already_are_found_late_in_a_long_import(
    key: tuple[str, ...], bring: Any, engine: Engine
) -> None:
    bring("deals", deals(150, 160))
    first = bring("deals", deals(0, 200) + deals(190, 195).split("\n", 1)[1], key=key)
    assert (first.stored, first.already, first.refusals) == (190, 15, 0)
    again = bring("deals", deals(0, 210), key=key)
    assert (again.stored, again.already) == (10, 200)


@pytest.mark.usefixtures("small_batches")
def test_addresses_and_moments_are_known_again(bring: Any, engine: Engine) -> None:
    def lines(zone: str) -> str:
        return EVENTS + "".join(
            f"brute_force,low,event {n},10.0.0.{n},2024-05-01T{10 + (zone != 'Z')}:00:{n % 60:02d}{zone}\n"
            for n in range(100)
        )

    assert bring("security_events", lines("Z")).stored == 100
    report = bring("security_events", lines("+01:00"), key=("ip_address", "created_at"))
    assert (report.stored, report.already) == (0, 100)


@sqlite_only
@pytest.mark.usefixtures("small_batches")
def test_a_long_trial_finds_what_occurs_twice(bring: Any, engine: Engine) -> None:
    bring("deals", deals(0, 20))
    content = deals(0, 100) + deals(50, 150).split("\n", 1)[1]
    trial = bring("deals", content, key=("stage",), dry_run=True)
    assert count(engine, "deals") == 20
    done = bring("deals", content, key=("stage",))
    assert (trial.stored, trial.already) == (done.stored, done.already) == (130, 70)


@sqlite_only
def test_keys_are_told_apart_and_nulls_equal_nothing() -> None:
    seen = Seen(everything=True)
    seen.add([(("a", "b"), ("x", "y")), (("a",), (None,))])
    assert (("a", "b"), ("x", "y")) in seen
    assert (("b", "a"), ("x", "y")) not in seen
    assert (("a", "b"), ("xy", "")) not in seen
    assert (("a",), (None,)) not in seen
    seen.close()


@sqlite_only
def test_no_room_for_keys_is_told_and_what_was_stored_stays(
    bring: Any, engine: Engine, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Seen.load

    def full(self: Seen, *given: Any) -> None:
        load(self, *given)
        self._file.execute("PRAGMA max_page_count=1")

    monkeypatch.setattr(Seen, "load", full)
    report = bring("deals", deals(0, 2000), key=("stage",))
    assert "do not fit into the folder for temporary files" in report.refused[0].reason
    assert "SQLITE_TMPDIR" in report.refused[0].reason
    assert 40 < count(engine, "deals") == report.stored < 2000


# --- broken off -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("key", [(), ("stage",)])
def test_breaking_off_keeps_what_was_stored_and_again_stores_the_rest(
    key: tuple[str, ...], engine: Engine, tmp_path: Path
) -> None:
    path, report = tmp_path / "long.csv", TableReport()
    path.write_text(deals(0, 200))

    def stop(done: int, size: int, rows: int) -> None:
        if rows >= 90:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_table(engine, "deals", [path], Options(key=key), stop, report)
    assert report.stored == count(engine, "deals") == 90
    again = import_table(engine, "deals", [path], Options(key=key))
    assert (again.stored, again.already, count(engine, "deals")) == (110, 90, 200)


@sqlite_only
@pytest.mark.parametrize(
    ("stopped_by", "code"), [(KeyboardInterrupt(), 130), (DatabaseUnavailable("gone"), 1)]
)
def test_the_command_says_what_it_did_before_it_was_stopped(
    stopped_by: BaseException,
    code: int,
    migrated_url: str,
    engine: Engine,
    small_batches: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(self: terminal.Progress, done: int, size: int, rows: int) -> None:
        raise stopped_by

    monkeypatch.setenv("QUANTUM_DATABASE_URL", migrated_url)
    monkeypatch.setenv("QUANTUM_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setattr(terminal.Progress, "__call__", stop)
    path = tmp_path / "long.csv"
    path.write_text(deals(0, 200))
    assert main(["import", "table", "deals", str(path)]) == code
    said = capsys.readouterr().err
    assert "stored 10 rows" in said
    assert "the same command again" in said
    assert count(engine, "deals") == 10


@sqlite_only
@pytest.mark.usefixtures("small_batches")
def test_progress_is_told_while_every_line_is_refused(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("client_name,value\n" + "Ada,much\n" * 35)
    told: list[tuple[int, int]] = []
    import_table(engine, "deals", [path], progress=lambda done, size, rows: told.append((size, rows)))
    assert told == [(path.stat().st_size, 0)] * 3


# --- no text, no rows -------------------------------------------------------------------------------


def sheet() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


NO_TEXT = [
    ("client_name,value\nAda,1\n".encode("utf-16-le"), "UTF-16 or UTF-32; save it as UTF-8"),
    ("client_name,value\nAda,1\n".encode("utf-16-be"), "UTF-16 or UTF-32; save it as UTF-8"),
    ("client_name,value\nAda,1\n".encode("utf-32"), "UTF-16 or UTF-32; save it as UTF-8"),
    (sheet(), "a spreadsheet or a zip archive; save the sheet as CSV UTF-8"),
    (bz2.compress(b"client_name,value\nAda,1\n"), "packed in another way than gzip"),
    (b"PAR1\x15\x04\x15\x80", "Parquet; export it as CSV"),
]


@sqlite_only
@pytest.mark.parametrize(("content", "reason"), NO_TEXT, ids=[each[1][:20] for each in NO_TEXT])
def test_a_file_that_is_no_text_says_what_it_is(
    content: bytes, reason: str, bring: Any, engine: Engine, tmp_path: Path
) -> None:
    report = bring("deals", content)
    assert only(report).startswith(f"1: the file is {reason}")
    with pytest.raises(Invalid, match=reason.split(";")[0]):
        import_network(engine, Given(tmp_path / "given.csv"))


@sqlite_only
@pytest.mark.parametrize("content", ['[{"client_name": "a"}]', '{"client_name": "a"}\n', "[\n  {}\n]\n"])
def test_json_is_not_read_as_a_table(content: str, bring: Any) -> None:
    assert "is JSON; export it as delimited text" in only(bring("deals", content))


@sqlite_only
def test_lines_of_nothing_but_delimiters_hold_no_row(bring: Any, engine: Engine) -> None:
    report = bring("deals", "client_name,value,stage\nAda,1,\n,,\n \t,,\n,2,\n")
    assert (report.stored, report.skipped) == (1, 2)
    assert "5: client_name is empty" in only(report)
