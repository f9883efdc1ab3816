"""What a statement looks like is written out once for all its values, and each time is what a new one would be."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, Select, select

import db.queries
from db import proof
from db.actor import SYSTEM, Actor
from db.engine import session
from db.metric import METRICS, SERIES, Window
from db.models import Agent, Deal
from db.proof import statement_text, tables_of
from db.queries.connections import pairs

REGISTRIES = db.queries.__all__  # importing db.queries fills METRICS and SERIES
WINDOWS = [
    Window.parse(name)
    for name in (
        "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z",
        "2025-03-04T00:00:00Z/2026-05-06T07:08:09Z",
    )
]
PEOPLE = [Actor.person(UUID(int=number), role) for number, role in ((1, "admin"), (2, "user"), (3, "user"))]
Told = tuple[str, dict[str, Any], tuple[str, ...]]


def told(engine: Engine, actor: Actor, statement: Select[Any]) -> Told:
    with session(engine, actor) as unit:
        return *statement_text(unit, statement), tables_of(statement)


def told_anew(engine: Engine, actor: Actor, statement: Select[Any]) -> Told:
    proof._WRITTEN.clear()
    proof._TABLES.clear()
    return told(engine, actor, statement)


@pytest.fixture(autouse=True)
def nothing_is_kept() -> None:
    proof._WRITTEN.clear()
    proof._TABLES.clear()


def test_every_number_tells_the_statement_it_would_tell_first(engine: Engine) -> None:
    for declared in (*METRICS.values(), *SERIES.values()):
        first, second = (
            declared.build(window, *(f"{name}-{number}" for name in declared.subject))
            for number, window in enumerate(WINDOWS)
        )
        expected = told_anew(engine, SYSTEM, second)
        told_anew(engine, SYSTEM, first)
        assert told(engine, SYSTEM, second) == expected, declared.key


def test_lists_of_any_length_tell_all_their_values(engine: Engine) -> None:
    statements = [select(Agent.id).where(Agent.id.in_(names)) for names in (["a"], ["b", "c", "d"], ["e"])]
    expected = [told_anew(engine, SYSTEM, each) for each in statements]
    assert [told(engine, SYSTEM, each) for each in statements] == expected
    assert [sorted(params.values()) for _, params, _ in expected] == [["a"], ["b", "c", "d"], ["e"]]


def test_each_is_told_what_is_sent_for_them(engine: Engine) -> None:
    """Kept are texts, for each role apart: who asks is filled in each time."""
    statement = select(Deal.client_name).where(Deal.value > 3)
    expected = [told_anew(engine, actor, statement) for actor in PEOPLE]
    assert [told(engine, actor, statement) for actor in PEOPLE] == expected
    admin, second, third = expected
    assert admin[0] != second[0] == third[0]
    assert second[1] != third[1], "the second person is not taken for the third"


def test_the_pairs_of_all_time_are_asked_alike_at_every_instant(engine: Engine) -> None:
    """`db.queries.fleet_lists` keeps that statement."""
    instants = [datetime(year, 2, 3, 4, 5, tzinfo=UTC) for year in (1999, 2026)]
    first, second = (select(pairs(Window.parse("all", at), own=False)) for at in instants)
    assert told_anew(engine, SYSTEM, first) == told_anew(engine, SYSTEM, second)
