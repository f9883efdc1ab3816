"""Parents that come after their children: what comes out is the same, and nobody waits for what has arrived."""

import random
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, select

from db.actor import SYSTEM
from db.engine import session as db_session
from db.models import Agent, Call, Span
from db.services import late
from db.services.ingest import store
from db.services.otlp import SpanRecord, spans_of
from tests.otlp import BEGIN, request, span
from tests.sessions import session

INVOKE = {"gen_ai__operation__name": "invoke_agent"}
Told = tuple[dict[str, Any], str]  # a span and the service that sends it


def records(spans: list[Told]) -> list[SpanRecord]:
    documents = [request(each, service=service) for each, service in spans]
    return [each for document in documents for each in spans_of(document) if isinstance(each, SpanRecord)]


def send(engine: Engine, spans: list[Told]) -> None:
    with db_session(engine, SYSTEM, write=True) as unit:
        store(unit, records(spans), "key qk_1")


def outcome(engine: Engine) -> tuple[set[Any], set[Any]]:
    with session(engine) as unit:
        spans = unit.execute(
            select(Span.trace_id, Span.span_id, Span.agent_id, Span.attribution, Span.is_task, Span.unsettled)
        )
        calls = unit.execute(select(*Call.__table__.columns))
        return {tuple(row) for row in spans}, {tuple(row) for row in calls}


def unsettled(engine: Engine) -> set[int]:
    with session(engine) as unit:
        return {int(each, 16) for each in unit.scalars(select(Span.span_id).where(Span.unsettled))}


def forget(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        for table in (Call, Span, Agent):
            unit.execute(delete(table))


def tree(dice: random.Random, size: int) -> list[Told]:
    """Spans of one trace: services, agents within them, steps, hand-offs; one parent never comes."""
    made: list[Told] = []
    for number in range(1, size + 1):
        parent = None if number == 1 else 999 if number == 2 else dice.randrange(1, number)
        said: dict[str, Any] = {}
        if dice.random() < 0.3:
            said = {**INVOKE, "gen_ai__agent__name": dice.choice(["planner", "writer", "critic"])}
        elif dice.random() < 0.2:
            said = {"openinference__span__kind": "TOOL", "name": "handoff to writer"}
        start = BEGIN + number * 1_000_000
        made.append(
            (
                span(
                    number,
                    parent,
                    start=start,
                    millis=1 + number % 7,
                    status=dice.choice([None, 1, 2]),
                    **said,
                ),
                dice.choice(["shop", "desk"]),
            )
        )
    return made


@pytest.mark.parametrize("seed", range(4))
def test_any_order_in_any_batches_gives_what_one_batch_gives(engine: Engine, seed: int) -> None:
    dice = random.Random(seed)
    spans = tree(dice, 24)
    send(engine, spans)
    expected = outcome(engine)
    for _ in range(3):
        forget(engine)
        dice.shuffle(spans)
        rest = list(spans)
        while rest:
            size = dice.randrange(1, 9)
            send(engine, rest[:size])
            rest = rest[size:]
        assert outcome(engine) == expected


def test_a_span_waits_only_for_what_could_change_it(engine: Engine) -> None:
    named = {**INVOKE, "gen_ai__agent__name": "helper"}
    send(engine, [(span(3, 2), "s"), (span(4, 3), "s"), (span(5, 3, **named), "s"), (span(6, 5), "s")])
    assert unsettled(engine) == {3, 4, 5}, "6 inherits a name that stays, whoever called it"
    send(engine, [(span(2, 1), "s")])
    assert unsettled(engine) == {2, 3, 4, 5}
    send(engine, [(span(7, 4), "s")])
    assert unsettled(engine) == {2, 3, 4, 5, 7}
    send(engine, [(span(1), "s")])
    assert unsettled(engine) == set()


def test_a_name_that_comes_last_reaches_the_lowest_span(engine: Engine) -> None:
    """A chain deeper than is asked level by level, child before parent, one batch each for the first few."""
    depth = 3 * late.LEVELS
    chain = [(span(number, number - 1), "s") for number in range(depth, 1, -1)]
    for each in chain[:5]:
        send(engine, [each])
    send(engine, chain[5:])
    assert len(unsettled(engine)) == depth - 1
    send(engine, [(span(1, **INVOKE, gen_ai__agent__name="lead"), "s")])
    with session(engine) as unit:
        owners = unit.execute(select(Span.agent_id, Span.attribution, Span.unsettled).distinct()).all()
    assert {tuple(row) for row in owners} == {("s/lead", "own", False), ("s/lead", "ancestor", False)}


def test_a_long_chain_takes_few_statements(engine: Engine) -> None:
    chain = [(span(number, number - 1), "s") for number in range(400, 1, -1)]
    send(engine, chain)
    sent: list[str] = []
    listen = lambda connection, cursor, statement, *more: sent.append(statement)  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    send(engine, [(span(1, **INVOKE, gen_ai__agent__name="lead"), "s")])
    event.remove(engine, "before_cursor_execute", listen)
    assert len(sent) < late.LEVELS + 25
    assert unsettled(engine) == set()


def test_spans_that_are_each_others_parents_end_nothing_but_themselves(engine: Engine) -> None:
    send(engine, [(span(1, 2), "s"), (span(2, 1), "s"), (span(3, 2), "s")])
    send(engine, [(span(11, 12), "s")])
    send(engine, [(span(12, 11), "s"), (span(13, 12), "s")])
    with session(engine) as unit:
        assert len(unit.scalars(select(Span.span_id)).all()) == 6


def test_two_parents_with_the_same_ids_settle_a_child_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids that are said twice are the sender's mistake: nothing is refused for it, and no batch is taken apart."""
    monkeypatch.setattr("db.services.ingest._store_halves", _never)
    send(engine, [(span(2, 1), "below")])
    send(engine, [(span(1, start=BEGIN), "above"), (span(1, start=BEGIN + 5), "above")])
    assert unsettled(engine) == set()
    assert called(engine) == {("above", "below")}


def test_a_parents_twin_that_comes_later_is_stored_too(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child still waits, for what is above them both, and has proved a call at the first of the two already."""
    monkeypatch.setattr("db.services.ingest._store_halves", _never)
    send(engine, [(span(3, 2), "below")])
    send(engine, [(span(2, 1, start=BEGIN), "above")])
    assert called(engine) == {("above", "below")}
    send(engine, [(span(2, 1, start=BEGIN + 5), "beside")])
    with session(engine) as unit:
        assert len(unit.execute(select(Span.span_id)).all()) == 3
    assert called(engine) == {("beside", "below")}


def called(engine: Engine) -> set[tuple[str, str]]:
    with session(engine) as unit:
        return {
            (row.caller_id, row.callee_id) for row in unit.execute(select(Call.caller_id, Call.callee_id))
        }


def _never(*_: Any) -> None:
    raise AssertionError("the database refused a row of the batch")
