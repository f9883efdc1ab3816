"""The schema's life: migrate up and down, tell its version, describe what is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DatabaseError

from db import models  # noqa: F401 - completes Base.metadata
from db.engine import make_engine, raise_if_away

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


class SchemaError(Exception):
    """The database's version does not fit this program; the message says what to do."""


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for this project, bound to `connection` when given."""
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.set_main_option("path_separator", "os")
    if connection is not None:
        settings.attributes["connection"] = connection
    return settings


def script() -> ScriptDirectory:
    """The chain of revisions."""
    return ScriptDirectory.from_config(config())


def head() -> str:
    """The newest revision this program knows."""
    newest = script().get_current_head()
    if newest is None:
        raise SchemaError("migrations/versions is empty; the installation is incomplete, clone it again.")
    return newest


def version(engine: Engine) -> str | None:
    """The revision the database is at; None when it was never migrated."""
    try:
        with engine.execution_options(quantum_read=True).connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DatabaseError as error:
        raise_if_away(error, engine.url)
        raise


def upgrade(url: str, to: str = "head") -> None:
    """Bring the database at `url` to `to`. A failing revision leaves nothing of itself.

    Raises SchemaError when the database was made by a newer version of this program.
    """
    with migrating(url) as connection:
        known(MigrationContext.configure(connection).get_current_revision())
        command.upgrade(config(connection), to)


def downgrade(url: str, to: str = "base") -> None:
    """Take the database at `url` back to `to`; "base" leaves no object behind."""
    with migrating(url) as connection:
        known(MigrationContext.configure(connection).get_current_revision())
        command.downgrade(config(connection), to)
        if to == "base":
            connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")


def migrate(url: str, to: str = "head") -> None:
    """Go up or down to `to`, whichever way it lies. Raises SchemaError for an unknown revision."""
    order = [revision.revision for revision in reversed(list(script().walk_revisions()))]
    target = head() if to == "head" else to
    if target not in (*order, "base"):
        raise SchemaError(
            f'--to {to}: no such revision. docs/migrations.md names them; "head" is the newest, "base" is nothing.'
        )
    with migrating(url) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        known(current)
    reached = order.index(current) if current else -1
    wanted = -1 if target == "base" else order.index(target)
    if wanted < reached:
        downgrade(url, to)
    elif wanted > reached:
        upgrade(url, to)


def known(current: str | None) -> None:
    """Raises SchemaError when this program does not know the revision `current`: a newer one made it."""
    revisions = {revision.revision for revision in script().walk_revisions()}
    if current is not None and current not in revisions:
        raise SchemaError(
            f"The database is at revision {current}, which this version does not know: it was made by a newer one. "
            "Update the program (git pull, make install), or point QUANTUM_DATABASE_URL at another database."
        )


@contextmanager
def migrating(url: str) -> Iterator[Connection]:
    """One connection, one transaction; on SQLite foreign keys are off meanwhile and checked at the end.

    (A rebuilt SQLite table would otherwise take its children with it.)
    """
    engine = make_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _without_foreign_keys)
    try:
        with engine.begin() as connection:
            yield connection
            if engine.dialect.name == "sqlite":
                _refuse_broken_references(connection)
    except DatabaseError as error:
        raise_if_away(error, engine.url)
        raise
    finally:
        engine.dispose()


def _without_foreign_keys(connection: object, record: object) -> None:
    connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[attr-defined]
    # A table that is rebuilt is away for a moment; the views that read it must not stop that.
    connection.execute("PRAGMA legacy_alter_table=ON")  # type: ignore[attr-defined]


def _refuse_broken_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise SchemaError(
            f"A migration would leave {len(broken)} rows that refer to nothing; nothing was changed."
        )


def ignores_row_security(url: str) -> bool:
    """Whether the login of `url` is a superuser or may bypass row security, which then does not bind it."""
    engine = make_engine(url)
    if engine.dialect.name != "postgresql":
        return False
    question = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    try:
        with engine.connect() as connection:
            return bool(connection.scalar(question))
    except DatabaseError as error:
        raise_if_away(error, engine.url)
        raise
    finally:
        engine.dispose()


def is_member(url: str, group: str) -> bool:
    """Whether the rules of the database at `url` bind its login as one of `group`.

    True as well where row security does not bind it, or where the rules speak of every login.
    """
    engine = make_engine(url)
    if engine.dialect.name != "postgresql":
        return True
    question = text(
        "SELECT pg_has_role(current_user, r.oid, 'USAGE') FROM pg_roles AS r WHERE r.rolname = :group "
        "AND EXISTS (SELECT FROM pg_policies AS p WHERE :group = ANY (p.roles))"
    )
    try:
        with engine.connect() as connection:
            return connection.scalar(question, {"group": group}) is not False
    except DatabaseError as error:
        raise_if_away(error, engine.url)
        raise
    finally:
        engine.dispose()
