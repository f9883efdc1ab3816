"""/gamification: what everybody sees, and what only those who may read people's totals."""

import pytest
from sqlalchemy import Engine

from tests import module_rows
from tests.reader import Reader, module_body, module_row, readings, words
from tests.sessions import session


@pytest.fixture
def grace(engine: Engine) -> str:
    """Some people with points; the key of Grace's totals."""
    with session(engine, write=True) as unit:
        module_rows.gamification(unit)
        return str(module_rows.person(unit, "grace").id)


def promote(engine: Engine, role: str) -> None:
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", role)


@pytest.mark.databases("sqlite")
def test_who_administers_sees_the_people_by_name(alice: Reader, engine: Engine, grace: str) -> None:
    promote(engine, "admin")
    drawn = module_body(alice, "gamification")
    shown = readings(drawn["top"])
    wanted = {"gamification.people": "3", "gamification.points": "750", "gamification.tasks_completed": "7"}
    assert wanted.items() <= shown.items()
    said = words(drawn["list"])
    assert said.index("ada") < said.index("grace") and "700" in said
    assert "Person grace" in words(module_row(alice, "gamification", "stats", grace))


@pytest.mark.parametrize("role", ["user", "observer"])
@pytest.mark.databases("sqlite")
def test_others_see_awards_and_rankings_but_nobody_elses_totals(
    alice: Reader, engine: Engine, grace: str, role: str
) -> None:
    promote(engine, role)
    drawn = module_body(alice, "gamification")
    shown = readings(drawn["top"])
    assert (shown["gamification.people"], shown["gamification.points"]) == ("1", "0"), "one's own"
    assert shown["gamification.achievements"] == "2" and shown["gamification.achievement_points"] == "450"
    assert "Of People's totals, your role shows the rows that belong to you." in words(drawn["top"])
    asked = module_body(alice, "gamification", "?range=all&lang=en&list=stats")
    assert "alice" in words(asked["list"]) and "grace" not in str(asked)
    assert "There is no such row" in words(module_row(alice, "gamification", "stats", grace))


def test_the_rankings_name_who_leads(alice: Reader, grace: str) -> None:
    drawn = module_body(alice, "gamification", "?range=all&lang=en&list=leaderboard")
    said = words(drawn["list"])
    assert "ada" in said and "all time" in said and "xp_points" in said
    said = words(module_body(alice, "gamification", "?lang=pt-BR&list=leaderboard&period=all_time")["list"])
    assert "todo o período" in said and "semanal" not in said


@pytest.mark.databases("sqlite")
def test_an_empty_list_says_how_its_rows_get_in(alice: Reader) -> None:
    for name, command in (("achievements", "achievements"), ("leaderboard", "leaderboard")):
        said = words(module_body(alice, "gamification", f"?lang=en&list={name}")["list"])
        assert f"import table {command} FILE.csv" in said
