"""The `quantum` command as a person uses it: what it prints, its exit code, and never a traceback."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.otlp import request, span, write

ROOT = Path(__file__).resolve().parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `quantum ARGUMENTS` on an embedded database of its own."""

    def command(
        *arguments: str, feed: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("QUANTUM_")}
        done = subprocess.run(
            [sys.executable, str(ROOT / "cli.py"), *arguments],
            env=clean | {"QUANTUM_DATA_DIR": str(tmp_path / "var")} | environment,
            input=feed,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in done.stderr + done.stdout
        return done

    return command


@pytest.fixture
def ready(run: Run) -> Run:
    assert run("migrate").returncode == 0
    return run


def metric(run: Run, *arguments: str) -> Any:
    done = run("metric", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_seed_is_said_once(ready: Run) -> None:
    assert "Seeded 139" in ready("seed").stdout
    assert "Seeded 0" in ready("seed").stdout
    found = metric(ready, "fleet.agents_configured")
    assert set(found) == {
        "key",
        "title",
        "unit",
        "value",
        "reason",
        "n",
        "interval",
        "measured_at",
        "window",
        "sql",
        "params",
        "tables",
    }
    assert (found["value"], found["unit"], found["window"], found["tables"]) == (
        139,
        "agents",
        None,
        ["agents"],
    )
    assert found["measured_at"].endswith("Z")


def test_unknown_is_null_with_a_reason(ready: Run) -> None:
    found = metric(ready, "fleet.efficiency", "--window", "24h")
    assert (found["value"], found["n"], found["interval"]) == (None, 0, None)
    assert found["reason"]
    assert set(found["window"]) == {"start", "end"}


def test_the_sql_shown_is_the_sql_that_gives_the_value(ready: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", request(span(1), span(2, 1), span(3, 1, millis=8)))
    assert ready("import", "otlp", str(path)).returncode == 0
    answers = metric(ready, "--window", "2023-11-14T00:00:00Z/2023-11-15T00:00:00Z")
    assert "calls.count" in {each["key"] for each in answers}
    with sqlite3.connect(tmp_path / "var" / "quantum.db") as connection:
        for found in answers:
            row = connection.execute(found["sql"], found["params"]).fetchone()
            if found["value"] is not None:
                assert row[0] == pytest.approx(found["value"]), found["key"]


def test_import_reports_and_tells_refusals_by_line(ready: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", request(span(1)), "{half", request(span(2)))
    first = ready("import", "otlp", str(path))
    assert first.returncode == 1
    assert "stored 2 spans · already there 0 · refused 1" in first.stdout
    assert f"{path}:2: not valid JSON" in first.stderr
    again = ready("import", "otlp", str(path), "--allow-refused")
    assert again.returncode == 0
    assert "stored 0 spans · already there 2" in again.stdout


def test_roll_ups_are_made_at_once_and_anew(ready: Run, tmp_path: Path) -> None:
    """An import rolls up what it brought; --rebuild counts it again, from and to given moments."""
    file = write(tmp_path / "a.jsonl", request(span(1), span(2, start=1_800_000_000_000_000_000)))
    assert ready("import", "otlp", str(file)).returncode == 0
    for arguments, stretches in ((), 0), (("--rebuild",), 2), (("--rebuild", "--since", "2025-01-01"), 1):
        done = ready("rollup", *arguments)
        assert (done.returncode, done.stdout) == (0, f"rolled up {stretches} stretches of five minutes\n")
    refused = ready("rollup", "--until", "2025-01-01")
    assert refused.returncode != 0 and "--rebuild" in refused.stderr
    assert metric(ready, "spans.count")["value"] == 2


def test_a_folder_a_missing_and_an_unreadable_file(ready: Run, tmp_path: Path) -> None:
    done = ready("import", "otlp", str(tmp_path), str(tmp_path / "none.json"))
    assert done.returncode == 1
    assert "is a folder" in done.stderr
    assert "no such file" in done.stderr


def test_a_file_this_user_may_not_read(ready: Run, tmp_path: Path) -> None:
    from db.services import otlp_files
    from db.services.otlp import Invalid

    secret = write(tmp_path / "secret.jsonl", request(span(1)))
    secret.chmod(0)
    if os.geteuid() == 0:
        # root reads everything: ask as nobody instead, in a child that gives its rights up.
        code = (
            "import os, sys; from pathlib import Path\n"
            "from db.services.otlp_files import opened\n"
            "from db.services.otlp import Invalid\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "try:\n    opened(Path(sys.argv[1])).__enter__()\n"
            "except Invalid as error:\n    print(error)\n"
        )
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == 0 and folder not in (Path("/"), Path("/tmp")):
                folder.chmod(folder.stat().st_mode | 0o055)
        shown = subprocess.run(
            [sys.executable, "-c", code, str(secret)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert "may not read it" in shown.stdout, shown.stderr
    else:
        with pytest.raises(Invalid, match="may not read it"):
            otlp_files.opened(secret).__enter__()


def test_unknown_metrics_windows_and_settings_name_the_remedy(ready: Run) -> None:
    assert "Known are" in ready("metric", "nope").stderr
    assert "24h" in ready("metric", "spans.count", "--window", "yesterday").stderr
    assert "--of AGENT" in ready("metric", "agent.spans").stderr
    assert "QUANTUM_PORT" in ready("metric", QUANTUM_PORT="high").stderr
    assert (
        "QUANTUM_SECRET_KEY"
        in ready("metric", QUANTUM_ENV="production", QUANTUM_DATABASE_URL="sqlite://").stderr
    )


def test_a_database_that_was_never_migrated(run: Run) -> None:
    done = run("metric")
    assert done.returncode == 1
    assert "quantum migrate" in done.stderr


def test_a_database_from_a_newer_version(ready: Run, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "var" / "quantum.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '20991231_future'")
    for arguments in (["metric"], ["migrate"], ["serve"], ["seed"]):
        done = ready(*arguments)
        assert done.returncode == 1, arguments
        assert "made by a newer one" in done.stderr


def test_a_locked_database(ready: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", request(span(1)))
    with sqlite3.connect(tmp_path / "var" / "quantum.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        done = ready("import", "otlp", str(path))
    assert done.returncode == 1
    assert "locked by another process" in done.stderr


def test_a_database_that_is_away(run: Run) -> None:
    done = run("metric", QUANTUM_DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/none")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "secret" not in done.stderr


def test_a_file_that_is_no_database(run: Run, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "quantum.db").write_text("this is a letter, not a database " * 100)
    done = run("metric")
    assert done.returncode == 1
    assert "not a database" in done.stderr


def test_a_data_folder_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("metric", QUANTUM_DATA_DIR=str(tmp_path / "file" / "var"))
    assert done.returncode == 1
    assert "QUANTUM_DATA_DIR" in done.stderr


def test_people_are_made_with_a_role(ready: Run) -> None:
    arguments = ["user", "create", "--email", "a@example.com", "--username", "alice", "--password-stdin"]
    assert ready(*arguments, "--role", "architect", feed="correct horse battery\n").returncode == 0
    again = ready(*arguments, feed="correct horse battery\n")
    assert again.returncode == 1
    assert "exists already" in again.stderr
    short = ready("user", "create", "--email", "b", "--username", "b", "--password-stdin", feed="x\n")
    for field in ("email", "username", "password"):
        assert f"{field}: " in short.stderr


def test_the_second_factor_is_told_reset_and_demanded(ready: Run, tmp_path: Path) -> None:
    made = ["user", "create", "--email", "a@example.com", "--username", "alice", "--password-stdin"]
    assert ready(*made, feed="correct horse battery\n").returncode == 0
    assert (
        ready("user", "factor", "--email", "a@example.com").stdout == "a@example.com has no second factor.\n"
    )
    with sqlite3.connect(tmp_path / "var" / "quantum.db") as connection:
        connection.execute(
            "INSERT INTO second_factors (account_id, secret, confirmed_at) "
            "SELECT id, 'S', '2026-01-02 03:04:05.000000' FROM auth_account"
        )
        connection.execute(
            "INSERT INTO recovery_codes (account_id, code_hash) SELECT id, 'h' FROM auth_account"
        )
    told = ready("user", "factor", "--email", "A@example.com").stdout
    assert told == "a@example.com has a second factor since 2026-01-02; recovery codes left: 1.\n"
    assert (
        "no second factor any more" in ready("user", "factor", "--email", "a@example.com", "--reset").stdout
    )
    with sqlite3.connect(tmp_path / "var" / "quantum.db") as connection:
        assert connection.execute("SELECT count(*) FROM second_factors").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM recovery_codes").fetchone() == (0,)
    unknown = ready("user", "factor", "--email", "b@example.com", "--reset")
    assert unknown.returncode == 1 and "There is no account b@example.com." in unknown.stderr
    demand = ["user", "require-factor", "--role", "admin"]
    assert ready(*demand, "--on").stdout == "The role admin needs a second factor.\n"
    assert "already; nothing changed" in ready(*demand, "--on").stdout
    assert ready(*demand, "--off").stdout == "The role admin needs no second factor.\n"
    assert ready(*demand).returncode == 2, "neither on nor off"
    wrong = ready("user", "require-factor", "--role", "emperor", "--on")
    assert wrong.returncode == 1 and "Choose one of the roles" in wrong.stderr


def test_db_stats_counts_what_is_there(ready: Run) -> None:
    printed = ready("db", "stats").stdout
    assert "policies" in printed
    assert "70+" in printed


def test_migrate_goes_down_to_nothing_and_up_again(ready: Run, tmp_path: Path) -> None:
    assert "revision none" in ready("migrate", "--to", "base").stdout
    with sqlite3.connect(tmp_path / "var" / "quantum.db") as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    assert ready("migrate").returncode == 0
    assert "no such revision" in ready("migrate", "--to", "nonsense").stderr


def test_a_taken_port_is_said(ready: Run) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = ready("serve", QUANTUM_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "QUANTUM_PORT" in done.stderr
