"""One world per database for everything in this folder: whatever is tried is rolled back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from db.engine import make_engine
from tests.access.world import World, build
from tests.databases import Databases, logins

COUNTED: dict[str, int] = {}


@dataclass
class Place:
    """A database with the world in it, and ways in."""

    kind: str
    url: str
    world: World
    engines: dict[str, Engine]
    connections: dict[str, "psycopg.Connection[Any]"] = field(default_factory=dict)

    def engine(self, login: str) -> Engine:
        return self.engines[login]

    def connection(self, login: str) -> "psycopg.Connection[Any]":
        """A connection of a login; "admin" is the server's administrator."""
        if login not in self.connections:
            self.connections[login] = connect(self.url if login == "admin" else logins(self.url)[login])
        return self.connections[login]

    def close(self) -> None:
        for each in self.engines.values():
            each.dispose()
        for connection in self.connections.values():
            connection.close()


def connect(url: str) -> "psycopg.Connection[Any]":
    """A connection without any of this program's ways."""
    address = make_url(url)
    return psycopg.connect(
        host=str(address.query.get("host") or address.host or ""),
        port=address.port,
        dbname=address.database,
        user=address.username,
        password=address.password,
        prepare_threshold=None,
    )


@pytest.fixture(scope="session")
def place(databases: Databases, database_kind: str) -> Iterator[Place]:
    """The database of this kind with the world in it."""
    with databases.migrated(database_kind) as url:
        everything = make_engine(url)
        world = build(everything)
        everything.dispose()
        found = Place(database_kind, url, world, {each: make_engine(at) for each, at in logins(url).items()})
        yield found
        found.close()


def count(what: str, cells: int) -> None:
    """Note that cells were tried."""
    COUNTED[what] = COUNTED.get(what, 0) + cells
