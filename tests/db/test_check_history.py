"""Imported histories of checks: what the facts say comes out, named as what it is; wrong cells are refused or empty."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, func, select

from db.metric import METRICS, Window, read
from db.models import AuditEntry
from db.models.uptime import Check, CheckResult, UptimeSubject
from db.queries.uptime_rows import check_readings, check_rows
from db.services.check_history import import_checks
from db.services.checks import Wish, define_check
from db.services.uptime import settle
from tests.sessions import session

HEAD = "checked_at,service,status,http_code,response_ms,commit"


def wrote(path: Path, *lines: str) -> Path:
    path.write_text("\n".join((HEAD, *lines)) + "\n", encoding="utf-8")
    return path


def test_the_shares_of_the_history_are_those_of_the_facts(engine: Engine, shared_data: Path) -> None:
    facts = json.loads((shared_data / "data" / "facts.json").read_text(encoding="utf-8"))[
        "modules/uptime-checks.csv.gz"
    ]
    path = shared_data / "data" / "modules" / "uptime-checks.csv.gz"
    report = import_checks(engine, [path])
    assert (report.stored, report.already, report.refusals) == (facts["checks"], 0, 0)
    again = import_checks(engine, [path])
    assert (again.stored, again.already) == (0, facts["checks"])
    window = Window.parse("all")
    with session(engine) as unit:
        rows, shares = check_rows(unit, "imported"), check_readings(unit, window, "imported")
        assert len(rows) == facts["services"]
        for row in rows:
            alone = read(unit, "checks.share_up", window, (str(row["id"]),))
            assert shares[row["id"]]["checks.share_up"] == alone
            assert round(float(alone.value or 0), 4) == facts["up_check_percent"][row["name"]], row["name"]
        codes: dict[int | None, int] = dict(
            unit.execute(select(CheckResult.status, func.count()).group_by(CheckResult.status)).all()
        )
        assert {str(code or 0): count for code, count in codes.items()} == facts["http_codes"]
        assert unit.scalar(select(func.count()).where(AuditEntry.action == "IMPORT")) == 1
    with session(engine, write=True) as unit:
        settle(unit, datetime.now(UTC))  # a history makes nothing be watched
        assert unit.scalar(select(func.count()).select_from(UptimeSubject)) == 0
    assert "no availability" in METRICS["checks.share_up"].sentence


@pytest.mark.databases("sqlite")
def test_blank_cells_and_nan_are_unknown_and_what_cannot_be_read_is_refused(
    engine: Engine, tmp_path: Path
) -> None:
    with session(engine, write=True) as unit:
        define_check(unit, Wish("Ours", "https://ours.example/"))
    path = wrote(
        tmp_path / "checks.csv",
        "2026-10-25T02:30:00+02:00,Shop,up,200,NaN,a",
        "2026-10-25T02:30:00+01:00,Shop,up,200,,b",  # the same hour by the clock, an hour later
        "2026-10-25T03:00:00+01:00,Shop,down,0,0,c",
        "2026-10-25T03:00:00+01:00,Shop,down,0,0,c",  # told twice
        "2026-10-25T01:00:00+01:00,Shop, UP ,,17.5,",  # out of order
        ",,,,,",
        "2026-10-25T03:00:00,Shop,up,200,5,d",
        "yesterday,Shop,up,200,5,e",
        "2026-10-25T03:00:00Z,Shop,maybe,200,5,f",
        "2026-10-25T03:00:00Z,,up,200,5,g",
        "2026-10-25T03:00:00Z,Shop,up,20x,5,h",
        "2026-10-25T03:00:00Z,Shop,up,200,-5,i",
        "2026-10-25T03:00:00Z,Shop,up,200,soon,j",
        "2026-10-25T03:00:00Z,Ours,up,200,5,k",
    )
    report = import_checks(engine, [path])
    assert (report.stored, report.already, report.skipped) == (4, 1, 1)
    assert [each.line for each in report.refused] == [8, 9, 10, 11, 12, 13, 14, 15]
    with session(engine) as unit:
        rows = unit.execute(
            select(CheckResult.at, CheckResult.status, CheckResult.milliseconds, CheckResult.error)
            .join(Check, Check.id == CheckResult.check_id)
            .order_by(CheckResult.at)
        ).all()
    day = datetime(2026, 10, 25, tzinfo=UTC)
    assert rows == [
        (day, None, None, None),
        (day.replace(minute=30), 200, None, None),
        (day.replace(hour=1, minute=30), 200, None, None),
        (day.replace(hour=2), None, None, "no answer"),
    ]


@pytest.mark.databases("sqlite")
def test_the_command_tells_what_it_stored_and_fails_when_something_was_refused(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli import quantum

    monkeypatch.setenv("QUANTUM_ENV", "test")
    monkeypatch.setenv("QUANTUM_DATABASE_URL", migrated_url)
    path = wrote(tmp_path / "checks.csv", "2026-10-25T03:00:00Z,Shop,up,200,5,a", "never,Shop,up,200,5,b")
    asked = ["import", "checks", str(path)]
    told = CliRunner().invoke(quantum, asked, standalone_mode=False)
    assert told.return_value == 1 and "stored 1 rows" in told.output and "ISO 8601" in told.output
    assert CliRunner().invoke(quantum, [*asked, "--allow-refused"], standalone_mode=False).return_value == 0
