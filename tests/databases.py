"""New databases for tests, empty or with the schema, on SQLite and on PostgreSQL.

On PostgreSQL the schema belongs to an ordinary login, as in an installation, and `logins` gives the addresses of those
the application signs in with. The address a test is handed is the server's administrator's, whom no rule binds.
"""

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests import renewal

KINDS = ("sqlite", "postgresql")
PARTS = {"owner": None, "app": "quantum_app", "staff": "quantum_staff", "system": "quantum_system"}
PASSWORD = "of the tests"


def logins(url: str) -> dict[str, str]:
    """The addresses of the owner's, app, staff and system logins of a database; the same for all on SQLite."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return dict.fromkeys(PARTS, url)
    return {part: written(address.set(username=f"quantum_tests_{part}", password=PASSWORD)) for part in PARTS}


def written(address: URL) -> str:
    """Written plainly: `%2F` in a socket's folder would be an interpolation to configparser."""
    return address.render_as_string(hide_password=False).replace("%2F", "/")


def _new_name() -> str:
    return f"quantum_test_{secrets.token_hex(6)}"


class Databases:
    """Makes databases and takes them away again.

    The schema is built by the real migrations once per kind and process; every further database is a copy. On
    PostgreSQL one that was given back is made as good as new where that can be (tests.renewal), ten times as quick.
    """

    def __init__(self, folder: Path, server_url: Callable[[], str]) -> None:
        self._folder = folder
        self._server_url = server_url
        self._templates: dict[str, str] = {}
        self._server: Engine | None = None
        self._fresh: renewal.Fresh | None = None
        self._given_back: list[str] = []

    @contextmanager
    def empty(self, kind: str) -> Iterator[str]:
        """The address of a database without a single table, gone afterwards."""
        url = self._create(kind)
        try:
            yield url
        finally:
            self._drop(url)

    @contextmanager
    def migrated(self, kind: str) -> Iterator[str]:
        """The address of a database with the whole schema and no rows of a person, gone afterwards."""
        url = self._given_back.pop() if kind == "postgresql" and self._given_back else self._copy(kind)
        try:
            yield url
        finally:
            if kind == "postgresql" and (renewed := self._renewed(url)):
                self._given_back.append(renewed)
            else:
                self._drop(url)

    def close(self) -> None:
        for url in (*self._given_back, *self._templates.values()):
            self._drop(url)
        if self._server is not None:
            self._server.dispose()

    def _copy(self, kind: str) -> str:
        url = self._create(kind, template=self._template(kind))
        if kind == "postgresql" and self._fresh is None:
            with self._plainly(url) as connection:
                self._fresh = renewal.look(connection)
        return url

    def _renewed(self, url: str) -> str | None:
        """The new address of the database, as good as new; None where it is not. Whoever is connected is sent away."""
        name = make_url(url).database
        self._on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        try:
            with self._plainly(url) as connection:
                if self._fresh is None or not renewal.renewed(connection, self._fresh):
                    return None
            return self._named_anew(url)
        except (psycopg.Error, DBAPIError):  # a test may have left it in any state
            return None

    def _named_anew(self, url: str) -> str:
        """Its new address: what a process remembers of a database by its address is not true of it any more."""
        name = _new_name()
        self._on_server(f'ALTER DATABASE "{make_url(url).database}" RENAME TO "{name}"')
        return written(make_url(url).set(database=name))

    def _plainly(self, url: str) -> "psycopg.Connection[Any]":
        address = make_url(url).set(drivername="postgresql")
        return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)

    def _template(self, kind: str) -> str:
        if kind not in self._templates:
            from db.schema import upgrade

            url = self._create(kind)
            if kind == "postgresql":
                self._hand_over(url)
            upgrade(logins(url)["owner"])
            self._templates[kind] = url
        return self._templates[kind]

    def _create(self, kind: str, template: str | None = None) -> str:
        name = _new_name()
        if kind == "sqlite":
            return self._create_file(self._folder / f"{name}.db", template)
        source = make_url(template).database if template else "template0"
        if template:
            # A database with anyone still connected to it cannot be copied.
            self._on_server(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'"
            )
        owner = " OWNER quantum_tests_owner" if template else ""
        self._on_server(f'CREATE DATABASE "{name}"{owner} TEMPLATE "{source}"')
        return written(make_url(self._server_url()).set(database=name))

    def _create_file(self, path: Path, template: str | None) -> str:
        if template:
            source, target = sqlite3.connect(str(make_url(template).database)), sqlite3.connect(path)
            source.backup(target)
            source.close()
            target.close()
        return f"sqlite:///{path}"

    def _drop(self, url: str) -> None:
        name = make_url(url).database
        if make_url(url).get_backend_name() == "postgresql":
            self._on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)

    def _hand_over(self, url: str) -> None:
        """Make the logins where they are missing; other processes may be at it too. The schema is the owner's."""
        from db.row_security import MAKE_GROUPS

        for statement in MAKE_GROUPS:
            self._on_server(statement)
        for part, group in PARTS.items():
            login = f"quantum_tests_{part}"
            member = f"GRANT {group} TO {login};" if group else ""
            self._on_server(
                f"DO $$ BEGIN CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}'; {member} "
                "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("ALTER SCHEMA public OWNER TO quantum_tests_owner")
            connection.exec_driver_sql(
                f'GRANT CREATE ON DATABASE "{make_url(url).database}" TO quantum_tests_owner'
            )

    def _on_server(self, statement: str) -> None:
        if self._server is None:
            self._server = create_engine(self._server_url(), isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        with self._server.connect() as connection:
            connection.execute(text(statement))
