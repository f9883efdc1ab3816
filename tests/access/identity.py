"""Does who asks ever leak from one transaction to the next? Threads that take turns as many people on few connections.

`make test-access-long` asks it at length (`python -m tests.access.identity`); `make test` asks it shortly.
"""

import random
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter

from sqlalchemy import Engine, QueuePool, func, select, text

from db.actor import NOBODY, Actor
from db.engine import make_engine, session
from db.models import Deal
from tests import pgbouncer
from tests.access.mutate import databases_of_its_own, stored_world
from tests.access.world import PEOPLE, identity
from tests.databases import logins

ENDS = ("commit", "rollback", "exception", "error of the database", "nobody", "bare connection")


class Away(Exception):
    """Ends a unit of work by an exception."""


@dataclass
class Found:
    """What was seen: transactions by how they ended, and what was wrong."""

    ends: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    backends: set[int] = field(default_factory=set)

    @property
    def transactions(self) -> int:
        return self.ends.total()


def few(url: str, connections: int) -> Engine:
    """The application's engine with so few connections that people have to share."""
    engine = make_engine(url)
    with engine.connect():  # the first connection tells SQLAlchemy about the server
        pool = engine.pool
    engine.dispose()
    engine.pool = QueuePool(
        pool._creator,
        pool_size=connections,
        max_overflow=0,
        timeout=60,
        pre_ping=True,
        dialect=engine.dialect,
    )
    return engine


def take_turns(engine: Engine, threads: int, transactions: int, seed: int = 1) -> Found:
    """`threads` times `transactions` transactions of alternating people, each looking at what it may see."""
    found = Found()
    errors: list[BaseException] = []

    def work(number: int) -> None:
        chance = random.Random(seed * 1000 + number)
        try:
            for _ in range(transactions):
                _one(engine, chance, found)
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    if errors:
        raise errors[0]
    return found


def _one(engine: Engine, chance: random.Random, found: Found) -> None:
    end = chance.choice(ENDS)
    name = chance.choice([each for each in PEOPLE if each != "spare"])
    if end == "bare connection":
        _nobody_is_left(engine, found)
    elif end == "nobody":
        with session(engine, NOBODY) as unit:
            _expect(found, end, unit.scalar(select(func.count(Deal.id))), 0)
    else:
        try:
            _as(engine, name, end, found)
        except Exception as error:
            if not isinstance(error, Away) and "division by zero" not in str(error):
                raise
    found.ends[end] += 1


def _as(engine: Engine, name: str, end: str, found: Found) -> None:
    with session(engine, Actor.person(identity(name), "user"), write=end != "rollback") as unit:
        for _ in range(2):
            owners = unit.scalars(select(Deal.user_id).distinct()).all()
            _expect(found, f"{name}, then {end}", owners, [identity(name)])
        if end == "exception":
            raise Away
        if end == "error of the database":
            unit.scalar(select(1 / func.length("")))


def _nobody_is_left(engine: Engine, found: Found) -> None:
    """A connection that nobody has introduced himself on since somebody else gave it back."""
    asked = (
        "SELECT pg_backend_pid(), current_setting('quantum.kind', true), "
        "current_setting('quantum.profile_id', true), (SELECT count(*) FROM deals)"
    )
    with engine.connect() as connection:
        backend, *rest = connection.execute(text(asked)).one()
        found.backends.add(backend)
        _expect(found, "bare connection", [each or "" for each in rest[:2]] + rest[2:], ["", "", 0])


def _expect(found: Found, when: str, seen: object, right: object) -> None:
    if seen != right:
        found.leaks.append(f"{when}: saw {seen}")


def main() -> int:
    leaks = 0
    with ExitStack() as stack:
        databases = databases_of_its_own(stack)
        url = stack.enter_context(databases.migrated("postgresql"))
        stored_world(url)
        app = logins(url)["app"]
        ways = {f"pool of {n}": (app, n) for n in (1, 3, 8)}
        for size in (1, 2):
            folder = stack.enter_context(pgbouncer.running(app, size))
            ways[f"pgbouncer by transaction, {size} to the server"] = (pgbouncer.through(app, folder), 16)
        for way, (address, connections) in ways.items():
            engine, begin = few(address, connections), perf_counter()
            found = take_turns(engine, threads=16, transactions=150)
            engine.dispose()
            leaks += len(found.leaks)
            print(
                f"{way}: {found.transactions:,} transactions of 16 threads on {len(found.backends)} backends, "
                f"{len(found.leaks)} leaks, {perf_counter() - begin:.0f} s"
            )
            print("".join(f"  {each}\n" for each in found.leaks[:5]), end="")
    print(f"{leaks} leaks.")
    return 1 if leaks else 0


if __name__ == "__main__":
    sys.exit(main())
