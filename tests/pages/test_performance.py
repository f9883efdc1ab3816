"""/performance: response times side by side, what came of tasks, the load, and the error budget."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.metric import Window, read
from db.queries.agents import EFFICIENCIES, UNMEASURED, AgentFilter, agent_page
from db.services.otlp_files import import_files
from tests.administrator import as_role
from tests.otlp import SECOND, request, span, write
from tests.reader import Reader, hrefs, readings, words
from tests.sessions import session

FORM, DROP = "performance-objective-form", "performance-objective-drop"


def test_every_kind_stands_beside_the_others_with_its_failures(alice: Reader, fleet: None) -> None:
    drawn = alice.body("performance", "?range=all&lang=en")
    shown, said = readings(drawn), words(drawn)
    assert (shown["tasks.duration_p50_ms"], shown["tasks.duration_p95_ms"]) == ("4.0", "4.0")
    assert shown["tasks.duration_p99_ms"] == shown["models.first_token_p50_ms"] == ""
    assert (shown["tasks.failures"], shown["fleet.efficiency"], shown["fleet.neural_load"]) == (
        "1",
        "97.5",
        "",
    )
    assert "Apdex, T = 0.5 s" in said and "first token" in said
    assert "2 of 2 agents had tasks with an outcome in this range; 0" in " ".join(said.split())
    assert any(f"efficiency={UNMEASURED}" in each for each in hrefs(drawn))


def test_a_bar_leads_to_as_many_agents_as_it_counts(alice: Reader, engine: Engine, fleet: None) -> None:
    lead = [each for each in hrefs(alice.body("overview", "?range=all&lang=en")) if "efficiency=" in each]
    assert any("efficiency=90-100" in each for each in lead)
    window = Window.parse("all")
    with session(engine) as unit:
        found = {name: agent_page(unit, window, AgentFilter(efficiency=name))[1] for name in EFFICIENCIES}
    assert found == dict.fromkeys(EFFICIENCIES, 0) | {"90-100": 2}
    answer = alice.post(
        "..agents-list.children...agents-menus.children..",
        {"url.search": "?range=all&efficiency=90-100&lang=en"},
    )
    assert "2 agents match" in answer.text and answer.status_code == 200


def outcomes(engine: Engine, folder: Path, good: int, bad: int, minutes: int) -> None:
    """Tasks that ended some minutes ago."""
    start = int((datetime.now(UTC) - timedelta(minutes=minutes)).timestamp()) * SECOND
    base = minutes * 1000
    spans = [
        span(base + each, trace=base + each, status=1 if each < good else 2, start=start + each)
        for each in range(good + bad)
    ]
    import_files(engine, [write(folder / f"{minutes}.jsonl", request(*spans))])


def ask(reader: Reader, part: str, target: str = "", least: str = "") -> str:
    given = {
        "performance-objective-target.value": target,
        "performance-objective-least.value": least,
        f"{part}.{'n_submit' if part == FORM else 'n_clicks'}": 1,
    }
    changed = [f"{part}.{'n_submit' if part == FORM else 'n_clicks'}"]
    answer = reader.post("performance-objective.children", given, changed)
    return answer.text if answer.status_code == 200 else str(answer.status_code)


@pytest.mark.databases("sqlite")
def test_whoever_may_not_set_an_objective_has_no_form_and_is_refused(alice: Reader) -> None:
    assert FORM not in str(alice.body("performance"))
    assert ask(alice, FORM, "99", "5") == "403"


def test_the_budget_burns_by_the_objective_and_little_says_nothing(
    alice: Reader, engine: Engine, tmp_path: Path
) -> None:
    architect = as_role(alice, engine, "architect")
    for wrong in (("100", "5"), ("0", "5"), ("99.9999", "5"), ("nan", "5"), ("99", "0"), ("99", "x")):
        assert "Write a" in ask(architect, FORM, *wrong)
    outcomes(engine, tmp_path, good=9, bad=1, minutes=2)
    outcomes(engine, tmp_path, good=10, bad=0, minutes=20)
    said = ask(architect, FORM, "99,5", "10")
    assert "99.5 % of the fleet" in said
    window = Window.parse("24h")
    with session(engine) as unit:
        burns = {each: read(unit, "objective.burn", window, (each,)) for each in ("5m", "1h")}
        left = read(unit, "objective.budget_left", window)
    assert (burns["5m"].value, burns["5m"].n) == (pytest.approx(20), 10)
    assert (burns["1h"].value, left.value) == (pytest.approx(10), pytest.approx(-900))
    assert "insufficient" not in said and said.count("burning") >= 2 and "within the budget" in said
    assert ask(architect, FORM, "99.5", "11").count("insufficient") == 1
    with session(engine) as unit:
        assert read(unit, "objective.burn", window, ("5m",)).value is None, "10 tasks of the 11 it asks for"
    assert "No objective is set" in ask(architect, DROP)
    with session(engine) as unit:
        assert read(unit, "objective.burn", window, ("1h",)).value is None
