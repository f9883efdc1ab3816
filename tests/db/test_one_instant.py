"""All numbers of a page are read in one session: what is written meanwhile does not show in half of them."""

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.metric import METRICS, Window, read
from db.models import Agent
from db.queries import fleet
from tests.sessions import session

KEY = next(key for key, made in METRICS.items() if made.build is fleet.agents_configured)


def agents(unit: Session) -> float | int | None:
    return read(unit, KEY, Window.parse("all")).value


def test_reads_of_one_session_see_one_state(engine: Engine) -> None:
    with session(engine) as reader:
        assert agents(reader) == 0
        with session(engine, write=True) as writer:
            writer.add(Agent(id="new", name="new", origin="person", meta={}))
        assert agents(reader) == 0
    with session(engine) as reader:
        assert agents(reader) == 1
