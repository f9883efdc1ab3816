"""The logins of one installation on PostgreSQL, made from an administrator's: owner, app, staff and system.

Each has no more rights than its part needs. None is a superuser, none may bypass row security, and nobody else may
connect to the database.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import ArgumentError, DatabaseError

from db.engine import raise_if_away
from db.row_security import APP, MAKE_GROUPS, STAFF, SYSTEM

PARTS = {"owner": None, "app": APP, "staff": STAFF, "system": SYSTEM}
SETTINGS = {
    "app": "QUANTUM_DATABASE_URL",
    "owner": "QUANTUM_DATABASE_OWNER_URL",
    "system": "QUANTUM_DATABASE_SYSTEM_URL",
    "staff": "QUANTUM_DATABASE_STAFF_URL",
}
NAME = re.compile(r"[a-z_][a-z0-9_]{0,48}")


def login_of(name: str, part: str) -> str:
    """The login of a part, such as quantum_app_login; the groups of logins are named without the last word."""
    return f"{name}_{part}_login"


class BootstrapError(Exception):
    """The logins cannot be made; the message says why and what to do."""


def bootstrap(admin_url: str, database: str | None = None, *, new_passwords: bool = False) -> dict[str, str]:
    """Make the database where it is missing, the groups and the four logins; returns the four settings.

    Nothing that is there is taken away. Logins that are there keep their passwords, which only their own settings hold,
    so then it is refused unless `new_passwords`. Raises BootstrapError and DatabaseUnavailable.
    """
    admin = _admin(admin_url)
    name = database or admin.database or ""
    if not NAME.fullmatch(name):
        raise BootstrapError(
            f"--database {name!r} cannot be used; write small letters, digits and underscores, such as quantum."
        )
    passwords = {part: secrets.token_urlsafe(24) for part in PARTS}
    try:
        with _at(admin) as server, server.begin():  # all four or none
            _make_logins(server, name, passwords, new_passwords)
        with _at(admin, "AUTOCOMMIT") as server:
            _make_database(server, name)
        with _at(admin.set(database=name)) as inside, inside.begin():
            _hand_over(inside, name)
    except DatabaseError as error:
        raise_if_away(error, admin)
        raise BootstrapError(
            f"{str(error.orig).strip().splitlines()[0]}. Use a login that may create roles."
        ) from error
    return {
        SETTINGS[part]: admin.set(username=login_of(name, part), password=passwords[part], database=name)
        .render_as_string(hide_password=False)
        .replace("postgresql+psycopg://", "postgresql://")
        for part in SETTINGS
    }


def _admin(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise BootstrapError(
            "The admin's address cannot be read; write postgresql://USER:PASSWORD@HOST/NAME."
        ) from None
    if address.get_backend_name() != "postgresql":
        raise BootstrapError(
            "Logins exist on PostgreSQL only; an embedded database has one user, who owns its file."
        )
    return address


@contextmanager
def _at(address: URL, isolation: IsolationLevel = "READ COMMITTED") -> Iterator[Connection]:
    engine = create_engine(
        address, isolation_level=isolation, poolclass=NullPool, connect_args={"connect_timeout": 5}
    )
    with engine.connect() as connection:
        yield connection


def _make_logins(server: Connection, name: str, passwords: dict[str, str], new_passwords: bool) -> None:
    there = set(server.scalars(text("SELECT rolname FROM pg_roles")))
    taken = sorted(login_of(name, part) for part in PARTS if login_of(name, part) in there)
    if taken and not new_passwords:
        raise BootstrapError(
            f"{', '.join(taken)}: there already, and their passwords are known to their settings alone. "
            "Give them new ones with --new-passwords; whatever runs with the old ones has to be started again."
        )
    for statement in MAKE_GROUPS:
        server.exec_driver_sql(statement)
    for part, group in PARTS.items():
        for each in _login(login_of(name, part), group, passwords[part], login_of(name, part) in there):
            _run(server, each)


def _make_database(server: Connection, name: str) -> None:
    """By itself: PostgreSQL makes no database inside a transaction."""
    if not server.scalar(text("SELECT true FROM pg_database WHERE datname = :name"), {"name": name}):
        _run(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _login(login: str, group: str | None, password: str, is_there: bool) -> Iterator[sql.Composed]:
    made = "ALTER" if is_there else "CREATE"
    rights = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
    yield sql.SQL(f"{made} ROLE {{}} {rights} PASSWORD {{}}").format(
        sql.Identifier(login), sql.Literal(password)
    )
    if group is not None:
        yield sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(login))


def _hand_over(inside: Connection, name: str) -> None:
    """The database is its owner's, open to the four logins and closed to everybody else."""
    others = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner <> :owner"
    if inside.scalar(text(others), {"owner": login_of(name, "owner")}):
        raise BootstrapError(
            f"The database {name} holds tables of another login, whose rules speak of it. Choose a new --database and "
            "bring the rows over, or drop it."
        )
    owner, database = sql.Identifier(login_of(name, "owner")), sql.Identifier(name)
    logins = sql.SQL(", ").join(sql.Identifier(login_of(name, part)) for part in PARTS)
    for statement in (
        "GRANT {owner} TO CURRENT_USER",
        "ALTER DATABASE {database} OWNER TO {owner}",
        "ALTER SCHEMA public OWNER TO {owner}",
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {logins}",
        "GRANT USAGE ON SCHEMA public TO {logins}",
    ):
        _run(inside, sql.SQL(statement).format(owner=owner, database=database, logins=logins))
    _run(inside, sql.SQL("REVOKE {owner} FROM CURRENT_USER").format(owner=owner))


def _run(connection: Connection, statement: sql.Composed) -> None:
    connection.exec_driver_sql(statement.as_string().replace("%", "%%"))
