"""This application as the peers are: served on an empty database, with a key that may report."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url, text

from db.engine import make_engine
from tests.databases import Databases
from tests.served import Served, environment, make_key

SCOPES = ("ingest", "fleet:read", "metrics:read")


@dataclass(frozen=True)
class Ours:
    """A served application: its door, its process, its database and the key that is shown."""

    server: Served
    url: str
    engine: Engine
    token: str

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def pid(self) -> int:
        assert self.server.process is not None
        return self.server.process.pid

    def count(self) -> int:
        """How many reported spans the database has now; those of the application's own heartbeat are left out."""
        own = "SELECT count(*) FROM spans WHERE agent_id LIKE 'quantum/%'"
        return int(str(self.ask(f"SELECT (SELECT count(*) FROM spans) - ({own})")[0][0]))  # noqa: S608

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def octets(self) -> int:
        """What the database takes on disk once its journal is folded in."""
        if self.engine.dialect.name == "postgresql":
            with self.engine.connect() as connection:
                return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
        with self.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(str(make_url(self.url).database)).stat().st_size


@contextmanager
def serving(made: Databases, kind: str, folder: Path, **more: str) -> Iterator[Ours]:
    """The application on a new database of that kind."""
    with made.migrated(kind) as url:
        engine = make_engine(url)
        _, token = make_key(engine, SCOPES)
        server = Served(environment(url, folder) | more, folder / "server.log")
        try:
            server.start()
            yield Ours(server, url, engine, token)
            server.stop()
        finally:
            server.kill()
            engine.dispose()
