"""`quantum verify numbers` as an operator uses it: both sides of every number, exit 1 when any differs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, func, select

from cli import quantum
from db.metric import METRICS
from db.models import Deal
from tests.filled import fill

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_url: str, engine: Engine) -> None:
    monkeypatch.setenv("QUANTUM_ENV", "test")
    monkeypatch.setenv("QUANTUM_DATABASE_URL", migrated_url)
    monkeypatch.setenv("QUANTUM_DATA_DIR", str(tmp_path))
    fill(engine, tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(quantum, ["verify", "numbers", *arguments], standalone_mode=False)


def test_it_prints_both_sides_and_ends_with_1_when_one_differs(
    filled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run()
    assert said.return_value == 0, said.output
    assert (
        "numbers recomputed · all agree" in said.output and "w1 = 2023-11-14T22:13:20.001000Z/" in said.output
    )
    (line,) = [
        each.split()
        for each in said.output.splitlines()
        if each.startswith("spans.count ") and " all " in each
    ]
    assert line == ["spans.count", "all", "405", "405", "0", "agrees"]
    broken = replace(
        METRICS["crm.deals"], build=lambda window: select((func.count() + 2).label("value")).select_from(Deal)
    )
    monkeypatch.setitem(METRICS, "crm.deals", broken)
    said = run("--window", "all", "--window", "2024-06-01/2024-07-01", "--json")
    assert said.return_value == 1
    told = json.loads(said.output)
    assert told["windows"] == ["all", "2024-06-01/2024-07-01"] and told["differing"] == 2
    (first, _) = [each for each in told["lines"] if each["verdict"] == "differs"]
    assert (first["key"], first["shown"], first["recomputed"], first["difference"]) == (
        "crm.deals",
        6.0,
        4.0,
        2.0,
    )


def test_a_window_that_is_none_is_told(filled: None) -> None:
    said = run("--window", "yesterday")
    assert said.exit_code != 0 and "is no window" in str(said.exception)
