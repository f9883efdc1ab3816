"""Which round trips are kept: one per slot with like chance, every failure, and never more than there is room for."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import db.queries
from db import sampling
from db.actor import Actor
from db.engine import session as guarded
from db.metric import Window, read
from db.sampling import OPTION, Sampler, Stopwatch, timed

REGISTRIES = db.queries.__all__  # importing db.queries fills METRICS
pytestmark = pytest.mark.databases("sqlite")


def asked(sampler: Sampler) -> list[str]:
    return [each.asked for each in sampler.drain(all_of_it=True)]


def test_without_a_sampler_the_query_is_simply_asked(engine: Engine) -> None:
    with Session(engine) as unit:
        assert timed(unit, "one", lambda: unit.scalar(text("SELECT 1"))) == 1


@pytest.mark.parametrize(("chance", "kept"), [(0.0, "third"), (0.99, "first"), (0.45, "second")])
def test_a_slot_keeps_one_with_the_chance_of_one_in_k(engine: Engine, chance: float, kept: str) -> None:
    sampler = Sampler("a", "b", every=1e9, chance=lambda: chance)
    engine.update_execution_options(**{OPTION: sampler})
    with Session(engine) as unit:
        for name in ("first", "second", "third"):
            assert timed(unit, name, lambda: unit.scalar(text("SELECT 1"))) == 1
    assert sampler.drain() == []  # the slot is still open
    assert asked(sampler) == [kept]


def test_every_failure_is_kept_and_raised(engine: Engine) -> None:
    sampler = Sampler("a", "b", every=1e9)
    engine.update_execution_options(**{OPTION: sampler})
    with Session(engine) as unit:
        for _ in range(3):
            with pytest.raises(Exception, match="nothing_here"):
                timed(unit, "bad", lambda: unit.scalar(text("SELECT * FROM nothing_here")))
    assert [(each.asked, each.error) for each in sampler.drain()] == [("bad", "OperationalError")] * 3


def test_what_finds_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_KEPT", 2)
    sampler = Sampler("a", "b")
    samples: list[Any] = [Stopwatch().sample("a", "b", str(number)) for number in range(4)]
    for each in samples[:3]:
        sampler.keep(each)
    assert sampler.lost == 1
    drained = sampler.drain()
    sampler.keep(samples[3])
    sampler.give_back(drained)
    assert sampler.lost == 2
    assert asked(sampler) == ["1", "3"]


def test_the_parts_of_a_round_trip_lie_inside_each_other() -> None:
    watch = Stopwatch()
    watch.ask()
    watch.answered()
    sample = watch.sample("a", "b", "one")
    assert sample.before_ns >= 0 and sample.answer_ns >= 0
    assert sample.before_ns + sample.answer_ns <= sample.caller_ns


def test_a_person_s_query_is_sampled_too(engine: Engine) -> None:
    sampler = Sampler("a", "b")
    engine.update_execution_options(**{OPTION: sampler})
    with guarded(engine, Actor.person(uuid4(), "user")) as unit:
        assert read(unit, "crm.deals", Window.parse("all")).value == 0
    assert asked(sampler) == ["crm.deals"]
