"""What row security costs at a million rows: the application's statements on its own logins, and the same statements
with a filter written by hand on a login that row security does not bind.

Both are sent by psycopg as the application sends them, in turns, on connections that are open; ours say once before
who asks, as a transaction does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

import click
import psycopg
from sqlalchemy import ColumnElement, Select, func, select

from bench.databases import databases
from bench.report import Row, at_most, spread
from db.actor import Actor
from db.engine import make_engine, session
from db.models import ApiLog, Deal, DealActivity
from db.proof import statement_text
from tests.access.conftest import connect
from tests.access.judge import Asker
from tests.access.raw import introduce
from tests.databases import logins
from tests.sessions import session as plain_session

SECTION = "Row security"
ROWS, PEOPLE, ROUNDS, LIMIT = 1_000_000, 1_000, 3, 1.5
PERSON = "00000000-0000-4000-8000-000000000007"
FILL = f"""
INSERT INTO auth_account (id, email, password_hash)
SELECT ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'p' || n || '@example.com', 'none'
FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO profiles (id, auth_user_id, username)
SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
       ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'p' || n
FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO deals (id, user_id, client_name, value, status, created_at)
SELECT ('00000000-0000-4000-a000-' || lpad(n::text, 12, '0'))::uuid,
       ('00000000-0000-4000-8000-' || lpad((n * 619 % {PEOPLE} + 1)::text, 12, '0'))::uuid, 'client ' || n, n % 1000,
       'lead', now() - make_interval(mins => n)
FROM generate_series(1, {ROWS}) AS n;
INSERT INTO deal_activities (id, deal_id, activity_type, created_at)
SELECT gen_random_uuid(), ('00000000-0000-4000-a000-' || lpad(n::text, 12, '0'))::uuid, 'note',
       now() - make_interval(mins => n)
FROM generate_series(1, {ROWS}) AS n;
INSERT INTO api_logs (id, user_id, endpoint, method, status_code, created_at)
SELECT gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad((n * 619 % {PEOPLE} + 1)::text, 12, '0'))::uuid,
       '/v1', 'GET', 200, now() - make_interval(mins => n)
FROM generate_series(1, {ROWS}) AS n;
"""  # noqa: S608
ME = UUID(PERSON)
OWN_DEALS = select(Deal.id).where(Deal.user_id == ME)


@dataclass(frozen=True)
class Question:
    """Something asked: by whom, in the application's words, and with the filter somebody would write by hand."""

    what: str
    role: str
    statement: Select[Any]
    by_hand: Select[Any]
    times: int = 60

    @property
    def login(self) -> str:
        return "app" if self.role == "user" else "staff"


def _latest(what: str, role: str, model: Any, *own: ColumnElement[bool]) -> Question:
    statement = select(model).order_by(model.created_at.desc()).limit(50)
    return Question(what, role, statement, statement.where(*own))


def _count(what: str, role: str, model: Any, *own: ColumnElement[bool], times: int = 60) -> Question:
    statement = select(func.count(model.id))
    return Question(what, role, statement, statement.where(*own), times)


MINE, ON_MINE = Deal.user_id == ME, DealActivity.deal_id.in_(OWN_DEALS)
QUESTIONS = (
    _latest("a person's latest 50 deals", "user", Deal, MINE),
    _count("count of a person's deals", "user", Deal, MINE),
    _latest("a person's latest 50 requests", "user", ApiLog, ApiLog.user_id == ME),
    _latest("latest 50 notes on a person's deals", "user", DealActivity, ON_MINE),
    _count("count of notes on a person's deals", "user", DealActivity, ON_MINE),
    _latest("an administrator's latest 50 of all deals", "admin", Deal),
    _latest("an administrator's latest 50 of all notes", "admin", DealActivity),
    _latest("an observer's own latest 50 deals, on the staff's login", "observer", Deal, MINE),
    _count("count of all deals for an administrator", "admin", Deal, times=5),
)


def measure() -> list[Row]:
    with databases() as made, made.migrated("postgresql") as url:
        click.echo(f"access: filling three tables with {ROWS:,} rows each")
        with connect(url) as admin:
            _fill(admin)
            return [row for question in QUESTIONS for row in _rows(url, admin, question)]


def _fill(admin: "psycopg.Connection[Any]") -> None:
    for statement in FILL.split(";\n"):
        if statement.strip():
            admin.execute(statement.encode())
    admin.commit()
    admin.autocommit = True
    for table in ("profiles", "deals", "deal_activities", "api_logs"):
        admin.execute(f"VACUUM ANALYZE {table}".encode())


def _rows(url: str, admin: "psycopg.Connection[Any]", question: Question) -> Iterator[Row]:
    address = logins(url)[question.login]
    asker = Asker("somebody", "person", question.login, ME, question.role)
    sent, params = _as_sent(address, question.statement, Actor.person(ME, question.role))
    by_hand, given = _as_sent(url, question.by_hand, None)
    with connect(address) as own, own.cursor() as cursor:
        introduce(cursor, asker)
        ours, peers = _in_turns(
            question.times,
            lambda: cursor.execute(sent, params).fetchall(),
            lambda: admin.execute(by_hand, given).fetchall(),
        )
        own.rollback()
    ratio = median(mine / peer for mine, peer in zip(ours, peers, strict=True))
    click.echo(f"  {question.what}: {median(ours):.2f} ms, by hand {median(peers):.2f} ms, {ratio:.2f}")
    yield at_most(
        SECTION, question.what, spread(ours, "ms", 2), f"by hand {spread(peers, 'ms', 2)}", ratio, LIMIT
    )


def _as_sent(address: str, statement: Select[Any], actor: Actor | None) -> tuple[bytes, dict[str, Any]]:
    """The statement as a session sends it: with the rules for somebody, as it stands for nobody."""
    engine = make_engine(address)
    try:
        with session(engine, actor) if actor else plain_session(engine) as unit:
            text, params = statement_text(unit, statement)
    finally:
        engine.dispose()
    return text.encode(), params


def _in_turns(
    times: int, mine: Callable[[], list[Any]], peer: Callable[[], list[Any]]
) -> tuple[list[float], list[float]]:
    """Milliseconds of each in three rounds, the fastest of every round: others may be working on the machine."""
    found = (mine(), peer())
    if len(found[0]) != len(found[1]) or (len(found[0]) == 1 and found[0] != found[1]):
        raise RuntimeError(f"the two sides differ: {found[0][:2]} and {found[1][:2]}")
    ours, peers = [], []
    for _ in range(ROUNDS):
        both = [(_timed(mine), _timed(peer)) for _ in range(times)]
        ours.append(min(each for each, _ in both))
        peers.append(min(each for _, each in both))
    return ours, peers


def _timed(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return (perf_counter() - begin) * 1000


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
