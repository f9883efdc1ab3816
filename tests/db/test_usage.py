"""What providers report against our spans: added up once, compared where both sides speak, seen by those who may."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from db.actor import Actor
from db.engine import make_engine
from db.engine import session as session_as
from db.guard import Denied
from db.metric import Window, read
from db.models import ProviderUsage
from db.proof import prove
from db.queries.usage import currencies, reconciled
from db.services.otlp import Invalid
from db.services.otlp_files import import_files
from db.services.usage_import import UsageReport, Wanted, import_usage
from tests.databases import logins
from tests.otlp import BEGIN, SECOND, request, span, write
from tests.sessions import session

# BEGIN is 2023-11-14T22:13:20Z.
START = datetime.fromtimestamp(BEGIN / SECOND, UTC)
WINDOW = Window.parse(f"{START.isoformat()}/{(START + timedelta(hours=1)).isoformat()}")
EXPORT = """Date,Model name,In,Out,Cost,Project
2023-11-14,GPT-X,100,7,0.10,a
2023-11-14T23:00:00+00:00,GPT-X,20,,0.2,b
2023-11-14,other,5,5,,a
2023-11-13,GPT-X,1,1,1,a
"""
MAPS = {"day": "Date", "model": "Model name", "input_tokens": "In", "output_tokens": "Out", "cost": "Cost"}


@pytest.fixture
def console(migrated_url: str) -> Iterator[Engine]:
    """The database as commands sign in to it."""
    made = make_engine(logins(migrated_url)["system"])
    yield made
    made.dispose()


def bring(engine: Engine, folder: Path, text: str = EXPORT, **more: Any) -> UsageReport:
    file = folder / "usage.csv"
    file.write_text(text, encoding="utf-8")
    return import_usage(engine, [file], Wanted("acme", MAPS, currency="usd", **more))


def counts(report: UsageReport) -> tuple[int, ...]:
    return report.lines, report.stored, report.already, report.replaced, report.refusals


def chat(number: int, model: str, given: int, answered: int) -> dict[str, Any]:
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    tokens = {"gen_ai.usage.input_tokens": given, "gen_ai.usage.output_tokens": answered}
    return span(number, trace=number, **said, **tokens)


def test_lines_are_added_up_stored_once_and_replaced_only_when_asked(
    engine: Engine, console: Engine, tmp_path: Path
) -> None:
    assert counts(bring(console, tmp_path, dry_run=True)) == (4, 3, 0, 0, 0)
    assert counts(bring(console, tmp_path)) == (4, 3, 0, 0, 0)
    assert counts(bring(console, tmp_path)) == (4, 0, 3, 0, 0)
    with session(engine) as unit:
        rows = {
            (row.day.isoformat(), row.model): (
                row.input_tokens,
                row.output_tokens,
                float(row.cost or 0),
                row.currency,
            )
            for row in unit.scalars(select(ProviderUsage))
        }
    assert rows[("2023-11-14", "GPT-X")] == (120, 7, 0.3, "USD") and len(rows) == 3
    newer = EXPORT.replace("100,7", "90,7")
    refused = bring(console, tmp_path, newer)
    assert counts(refused)[1:] == (0, 0, 0, 1) and "--replace" in refused.refused[0].reason
    assert counts(bring(console, tmp_path, newer, replace=True)) == (4, 3, 0, 3, 0)
    with session(engine) as unit:
        assert len(unit.scalars(select(ProviderUsage)).all()) == 3


@pytest.mark.parametrize(
    "line",
    [
        "2023-11-14,GPT-X,many,1,,",
        "2023-11-14,GPT-X,-1,1,,",
        "14/11/2023,GPT-X,1,1,,",
        "2023-11-14,,1,1,,",
        "2023-11-14,m,,,,",
    ],
)
@pytest.mark.databases("sqlite")
def test_nothing_is_stored_or_replaced_while_a_line_cannot_be_read(
    engine: Engine, tmp_path: Path, line: str
) -> None:
    bring(engine, tmp_path)
    report = bring(engine, tmp_path, f"{EXPORT}{line}\n", replace=True)
    assert report.refusals == 1 and report.refused[0].line == 6 and "nothing was stored" in str(report)
    with session(engine) as unit:
        assert len(unit.scalars(select(ProviderUsage)).all()) == 3, "and nothing went"


@pytest.mark.databases("sqlite")
def test_what_cannot_be_a_report_is_refused_with_what_to_say(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no column"):
        import_usage(engine, [], Wanted("acme", {"colour": "In"}))
    with pytest.raises(Invalid, match="provider"):
        import_usage(engine, [], Wanted(" "))
    file = tmp_path / "few.csv"
    file.write_text("day,tokens\n2023-11-14,5\n")
    assert "--map model=FIELD" in import_usage(engine, [file], Wanted("acme")).refused[0].reason


def test_both_sides_are_compared_by_whole_days_and_nothing_where_one_is_missing(
    engine: Engine, console: Engine, tmp_path: Path
) -> None:
    bring(console, tmp_path)
    silent = span(3, trace=3, **{"gen_ai.operation.name": "chat", "gen_ai.request.model": "silent"})
    import_files(
        engine,
        [write(tmp_path / "spans.jsonl", request(chat(1, "gpt-x", 60, 3), chat(2, "mine", 8, 9), silent))],
    )
    with session(engine) as unit:
        rows, total = reconciled(unit, WINDOW, 1, 10)
        assert total == len(rows) == 3, "a call that tells no tokens tells nothing to compare"
        told = {model: {part: reading.value for part, reading in each.items()} for _, model, each in rows}
        assert [told["gpt-x"][f"input_{part}"] for part in ("ours", "theirs", "difference", "share")] == [
            60,
            120,
            -60,
            -50,
        ]
        assert told["mine"]["input_ours"] == 8 and told["mine"]["input_theirs"] is None
        assert told["mine"]["input_difference"] is None and told["other"]["input_difference"] is None
        again = read(unit, "usage.input_share_of_day", WINDOW, ("2023-11-14", "gpt-x"))
        assert (again.value, again.n) == (-50, 1)
        assert [row["source"] for row in prove(unit, again.key, WINDOW, again.subject).rows] == ["usage.csv"]
        whole = {
            key: read(unit, f"usage.{key}", WINDOW)
            for key in ("input_ours", "output_difference", "only_ours")
        }
        assert (whole["input_ours"].value, whole["input_ours"].n) == (60, 1)
        assert (whole["output_difference"].value, whole["only_ours"].value) == (-4, 1)
        assert read(unit, "usage.only_theirs", WINDOW).value == 1
        assert currencies(unit, WINDOW) == ["USD"]
        assert read(unit, "usage.cost_theirs", WINDOW, ("USD",)).value == pytest.approx(0.3)
        unfinished = Window.parse("24h", START + timedelta(hours=1))
        assert [day for day, _, _ in reconciled(unit, unfinished, 1, 10)[0]] == ["2023-11-13"]


def test_what_providers_charge_is_seen_by_those_who_manage(
    console: Engine, migrated_url: str, tmp_path: Path
) -> None:
    bring(console, tmp_path)
    for role, login, seen in (("user", "app", 0), ("strategist", "staff", 3)):
        own = make_engine(logins(migrated_url)[login])
        try:
            with session_as(own, Actor.person(UUID(int=1), role)) as unit:
                assert len(unit.scalars(select(ProviderUsage.id)).all()) == seen
        except Denied:
            assert seen == 0, "on PostgreSQL the login of people without oversight may not even ask"
        finally:
            own.dispose()
