"""Jobs run when they are due, in one process at a time, and a failure is seen and ends nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from db.models import Job
from db.services.jobs import LEASE
from settings import load
from tests.sessions import session
from workers.schedule import JOBS, Schedule, Scheduled, Work
from workers.schedule import load as declare_all

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


def schedule(engine: Engine, run: Callable[[Work], Mapping[str, Any]], clock: Clock) -> Schedule:
    each = Scheduled("count", HOUR, run)
    return Schedule(engine, load({"QUANTUM_ENV": "test"}), {"count": each}, now=clock)


def look(of: Schedule) -> bool:
    return of.look(of.declared["count"])


def row(engine: Engine) -> Job:
    with session(engine) as unit:
        return unit.scalars(select(Job)).one()


def test_a_job_runs_when_it_is_due_and_says_what_it_found(engine: Engine) -> None:
    clock, given = Clock(), list[datetime]()

    def run(work: Work) -> Mapping[str, Any]:
        given.append(work.at)
        return {"rows": len(given)}

    one, other = schedule(engine, run, clock), schedule(engine, run, clock)
    assert [look(one), look(other), look(one)] == [True, False, False]
    clock.at += HOUR - timedelta(seconds=1)
    assert not look(other)
    clock.at += timedelta(seconds=1)
    assert [look(other), look(one)] == [True, False]
    assert given == [NOW, NOW + HOUR]
    done = row(engine)
    assert (done.facts, done.error, done.holder, done.due_at) == ({"rows": 2}, None, None, NOW + 2 * HOUR)


def test_while_one_process_runs_a_job_no_other_does_and_a_killed_one_loses_it(engine: Engine) -> None:
    clock = Clock()
    others: list[bool] = []

    def run(work: Work) -> Mapping[str, Any]:
        clock.at += LEASE - timedelta(seconds=1)
        others.append(look(schedule(engine, fine, clock)))
        clock.at += timedelta(seconds=1)  # nobody held on to it: as if this process had been killed
        others.append(look(schedule(engine, fine, clock)))
        return {"from": "the first"}

    def fine(work: Work) -> Mapping[str, Any]:
        return {"from": "the second"}

    assert look(schedule(engine, run, clock))
    assert others == [False, True]
    assert row(engine).facts == {"from": "the second"}, "who lost the job has no say any more"


def test_what_a_job_fails_with_is_kept_beside_what_it_found_before(engine: Engine) -> None:
    clock = Clock()

    def run(work: Work) -> Mapping[str, Any]:
        if clock.at > NOW:
            raise LookupError("nothing is there")
        return {"rows": 1}

    of = schedule(engine, run, clock)
    look(of)
    clock.at += HOUR
    assert look(of)
    failed = row(engine)
    assert failed.error is not None and failed.error.startswith("LookupError")
    assert (failed.facts, failed.succeeded_at, failed.ended_at) == ({"rows": 1}, NOW, NOW + HOUR)
    assert failed.due_at == NOW + 2 * HOUR


@pytest.mark.databases("sqlite")
def test_every_job_is_declared_once_and_under_its_own_name() -> None:
    declare_all()
    assert {
        name for name, each in JOBS.items() if name == each.name and each.every >= timedelta(seconds=5)
    } == set(JOBS)
    assert "forget" in JOBS


def asked(folder: Path, what: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "quantum.db", timeout=10) as connection:
        return connection.execute(f"SELECT {what} FROM jobs WHERE name = 'forget'").fetchall()


@pytest.mark.databases("sqlite")
def test_quantum_work_runs_the_jobs_without_serving_and_ends_in_order(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUANTUM_")}
    told = clean | {"QUANTUM_DATA_DIR": str(tmp_path)}
    command = [sys.executable, str(ROOT / "cli.py")]
    subprocess.run([*command, "migrate"], env=told, check=True, capture_output=True)
    process = subprocess.Popen([*command, "work"], env=told, stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(300):
            with sqlite3.connect(tmp_path / "quantum.db", timeout=10) as connection:
                if connection.execute(
                    "SELECT 1 FROM jobs WHERE name = 'forget' AND succeeded_at IS NOT NULL"
                ).fetchall():
                    break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        told_words, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0 and "forget" in told_words and "Ending" in told_words
    with sqlite3.connect(tmp_path / "quantum.db") as connection:
        assert connection.execute("SELECT holder, error FROM jobs WHERE name = 'forget'").fetchall() == [
            (None, None)
        ]
