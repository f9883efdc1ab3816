"""The chain of revisions on both databases: up, down, up again, and what happens when something goes wrong."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError

from db import schema
from db.append_only import SQLITE_ALONE
from db.base import Base
from db.describe import fingerprint, stats
from db.engine import make_engine
from db.models import Agent, AuthAccount, Deal, Profile
from db.schema import SchemaError
from db.services.months import make
from tests.databases import logins

MIDDLE = "20261122_crm"


@pytest.fixture
def empty(database_url: str) -> Iterator[Engine]:
    """An engine on `database_url`, an empty database."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def print_of(engine: Engine) -> tuple[str, ...]:
    with engine.connect() as connection:
        return fingerprint(connection)


# --- the same schema, whichever way -----------------------------------------------------------------------


def test_down_leaves_nothing_and_up_again_is_identical(database_url: str, empty: Engine) -> None:
    schema.upgrade(database_url)
    first = print_of(empty)
    assert len(first) > 500
    schema.downgrade(database_url)
    assert print_of(empty) == ()
    assert objects_left(empty) == []
    schema.upgrade(database_url)
    assert print_of(empty) == first


def objects_left(engine: Engine) -> list[str]:
    """Anything at all, asked without the fingerprint: it leaves Alembic's table out, this does not."""
    query = "SELECT name FROM sqlite_master"
    if engine.dialect.name == "postgresql":
        query = """
            SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
            UNION ALL SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal
        """
    with engine.connect() as connection:
        return list(connection.scalars(text(query)))


def test_create_all_equals_migrations(engine: Engine, empty: Engine) -> None:
    Base.metadata.create_all(empty)
    assert print_of(empty) == print_of(engine)


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_alembic_finds_nothing_to_do(migrated_url: str) -> None:
    with schema.migrating(migrated_url) as connection:
        command.check(schema.config(connection))


def test_there_is_one_chain() -> None:
    script = schema.script()
    assert script.get_heads() == [schema.head()]
    assert len(script.get_bases()) == 1
    assert not any(revision.is_merge_point for revision in script.walk_revisions())


def test_each_revision_says_what_rolling_back_drops(migrated_url: str, engine: Engine) -> None:
    """From the newest down, one at a time: what goes is what its text names, and its text names what goes."""
    for revision in schema.script().walk_revisions():
        before = names(engine)
        schema.migrate(migrated_url, str(revision.down_revision or "base"))
        gone = before - names(engine)
        said = set(re.findall(r"\w+", (revision.module.__doc__ or "").split("Rolling back drops")[1]))
        assert gone <= said, revision.revision
        if engine.dialect.name == "postgresql":
            assert gone == ({word for word in said if "_" in word} - set(SQLITE_ALONE) | (gone & said)), (
                revision.revision
            )
    assert names(engine) == set()


def names(engine: Engine) -> set[str]:
    """Tables, functions and sign-up triggers (the triggers of updated_at go with their tables)."""
    with engine.connect() as connection:
        found = stats(connection)
    triggers = {trigger.name for trigger in found.triggers if trigger.function != "update_updated_at_column"}
    return {table.name for table in found.tables} | set(found.functions) | triggers


# --- the fingerprint sees what `alembic check` does not ----------------------------------------------------

CHANGES: dict[str, Callable[[Table], object]] = {
    "a partial index turned full": lambda table: Index("i_live", table.c.state),
    "a check with another text": lambda table: table.append_constraint(CheckConstraint("n > 1", name="c_n")),
    "descending turned ascending": lambda table: Index("i_n", table.c.n),
    "a unique key dropped": lambda table: None,
    "a column that may be null": lambda table: table.append_column(
        Column("state", Text), replace_existing=True
    ),
    "another default": lambda table: table.append_column(
        Column("n", Integer, server_default=text("2")), replace_existing=True
    ),
}


def scratch(change: str | None) -> MetaData:
    """A small schema; with `change`, one thing about it is different."""
    metadata = MetaData()
    table = Table(
        "t",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("n", Integer, server_default=text("1")),
        Column("state", Text, nullable=False),
    )
    if change is not None and ("column" in change or "default" in change):
        CHANGES[change](table)
    parts: dict[str, Callable[[], object]] = {
        "a partial index turned full": lambda: Index(
            "i_live", table.c.state, postgresql_where=text("state = 'x'"), sqlite_where=text("state = 'x'")
        ),
        "a check with another text": lambda: table.append_constraint(CheckConstraint("n > 0", name="c_n")),
        "descending turned ascending": lambda: Index("i_n", table.c.n.desc()),
        "a unique key dropped": lambda: table.append_constraint(UniqueConstraint("state", name="u_state")),
    }
    for name, part in parts.items():
        CHANGES[name](table) if name == change else part()
    return metadata


def print_of_scratch(empty: Engine, change: str | None) -> tuple[str, ...]:
    metadata = scratch(change)
    metadata.create_all(empty)
    found = print_of(empty)
    metadata.drop_all(empty)
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_the_fingerprint_catches(empty: Engine, change: str) -> None:
    before = print_of_scratch(empty, None)
    assert print_of_scratch(empty, None) == before
    assert print_of_scratch(empty, change) != before


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER on_auth_user_created ON auth_account",
        "CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NEW; END'",
        "CREATE POLICY p ON profiles USING (false)",
        "ALTER TABLE profiles NO FORCE ROW LEVEL SECURITY",
        "GRANT DELETE ON audit_log TO quantum_app",
        "GRANT SELECT (key_hash) ON api_keys TO quantum_staff",
        "ALTER TABLE deals DISABLE TRIGGER update_deals_updated_at",
        "CREATE TYPE mood AS ENUM ('good')",
        "ALTER TABLE deals ALTER COLUMN value TYPE numeric(15, 3)",
        "ALTER TABLE months.spans_rest NO FORCE ROW LEVEL SECURITY",
        "GRANT SELECT ON months.api_logs_rest TO quantum_app",
        "CREATE POLICY p ON months.calls_rest USING (true)",
        "DROP TABLE months.spans_rest",
    ],
)
def test_the_fingerprint_catches_what_only_postgresql_has(engine: Engine, change: str) -> None:
    before = print_of(engine)
    with engine.begin() as connection:
        connection.execute(text(change))
    assert print_of(engine) != before


@pytest.mark.databases("postgresql")
def test_how_many_months_there_are_is_no_matter_of_the_schema(engine: Engine) -> None:
    before = print_of(engine)
    assert make(engine, "spans", date(2022, 8, 1)) == "made"
    assert print_of(engine) == before
    with engine.connect() as connection:
        assert "spans_2022_08" not in {table.name for table in stats(connection).tables}


# --- what goes wrong leaves nothing ------------------------------------------------------------------------

REVISION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "20991231_extra", "{head}", None, None
def upgrade():
{upgrade}
def downgrade():
    pass
"""


@pytest.fixture
def extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Adds a revision with the given body to a copy of the chain, and the program uses that copy."""
    newest = schema.head()

    def add(body: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        indented = "\n".join(f"    {line}" for line in body.splitlines())
        (folder / "versions" / "20991231_extra.py").write_text(REVISION.format(head=newest, upgrade=indented))
        monkeypatch.setattr(schema, "MIGRATIONS", folder)

    return add


FAILING = """
op.create_table("half_done", sa.Column("id", sa.Integer, primary_key=True))
op.execute("UPDATE agents SET name = 'changed'")
raise RuntimeError("on purpose")
"""


def test_a_failing_revision_leaves_nothing_of_itself(
    migrated_url: str, engine: Engine, extra: Callable[[str], None]
) -> None:
    newest, before = schema.head(), print_of(engine)
    with engine.begin() as connection:
        connection.execute(insert(Agent).values(id="a", name="A", origin="person"))
    extra(FAILING)
    with pytest.raises(RuntimeError, match="on purpose"):
        schema.upgrade(migrated_url)
    assert schema.version(engine) == newest
    assert print_of(engine) == before
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT name FROM agents")) == "A"


def test_a_chain_that_fails_at_its_end_leaves_an_empty_database(
    database_url: str, empty: Engine, extra: Callable[[str], None]
) -> None:
    extra(FAILING)
    with pytest.raises(RuntimeError, match="on purpose"):
        schema.upgrade(database_url)
    assert objects_left(empty) == []


@pytest.mark.databases("sqlite")
def test_a_revision_that_orphans_rows_is_refused(
    migrated_url: str, engine: Engine, extra: Callable[[str], None]
) -> None:
    with engine.begin() as connection:
        fill(connection)
    extra("""op.execute("DELETE FROM profiles")""")
    with pytest.raises(SchemaError, match="refer to nothing; nothing was changed"):
        schema.upgrade(migrated_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM profiles")) == 1


def test_rebuilding_a_table_keeps_its_children(
    migrated_url: str, engine: Engine, extra: Callable[[str], None]
) -> None:
    """SQLite rebuilds a table to change it; with foreign keys on, the drop would take every child along."""
    with engine.begin() as connection:
        fill(connection)
    extra(
        "from db.models import Profile\n"
        """with op.batch_alter_table("profiles", copy_from=Profile.__table__) as batch:\n"""
        """    batch.alter_column("company", existing_type=sa.Text(), nullable=True, server_default="none")\n"""
        # SQLite drops the triggers with the table it rebuilds; the fingerprint below would tell.
        "from db.triggers import ROLE_TRIGGER_SQLITE\n"
        "op.get_bind().dialect.name == 'sqlite' and op.execute(ROLE_TRIGGER_SQLITE)"
    )
    before = set(print_of(engine))
    schema.upgrade(migrated_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM deals")) == 1
        assert connection.scalar(text("SELECT count(*) FROM profiles")) == 1
    changed = before ^ set(print_of(engine))
    assert changed
    assert all("company" in line for line in changed)


# --- halfway, and versions that do not fit -----------------------------------------------------------------


def fill(connection: Connection) -> None:
    """One account, its profile and a deal of its own."""
    account = connection.execute(
        insert(AuthAccount).values(email="a@example.org", password_hash="x").returning(AuthAccount.id)
    ).scalar_one()
    person = connection.execute(
        insert(Profile).values(auth_user_id=account, username="ana").returning(Profile.id)
    ).scalar_one()
    connection.execute(insert(Deal).values(user_id=person, client_name="Ada", value="10.25"))


def test_halfway_down_and_up_keeps_data_and_foreign_keys(migrated_url: str, engine: Engine) -> None:
    owner = logins(migrated_url)["owner"]
    with engine.begin() as connection:
        fill(connection)
        kept = connection.execute(select(Deal.id, Deal.user_id, Deal.value, Deal.created_at)).one()
    before = print_of(engine)
    schema.migrate(owner, MIDDLE)
    assert schema.version(engine) == MIDDLE
    assert not inspect(engine).has_table("spans")
    schema.migrate(owner)
    assert print_of(engine) == before
    with engine.connect() as connection:
        assert connection.execute(select(Deal.id, Deal.user_id, Deal.value, Deal.created_at)).one() == kept
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(
            text("INSERT INTO agent_logs (agent_id, log_level, message) VALUES ('nobody', 'info', '')")
        )
    with engine.begin() as connection:
        connection.execute(delete(AuthAccount))
        assert connection.scalar(text("SELECT count(*) FROM deals")) == 0


def test_migrating_to_where_it_is_changes_nothing(migrated_url: str, engine: Engine) -> None:
    before = print_of(engine)
    schema.migrate(migrated_url)
    schema.migrate(migrated_url, schema.head())
    assert print_of(engine) == before


@pytest.mark.parametrize("go", [schema.upgrade, schema.downgrade, schema.migrate])
def test_a_database_from_a_newer_version_is_refused(
    migrated_url: str, engine: Engine, go: Callable[[str], None]
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '20991231_newer'"))
    before = print_of(engine)
    with pytest.raises(SchemaError, match=r"20991231_newer.*made by a newer one.*Update the program"):
        go(migrated_url)
    assert print_of(engine) == before
    assert schema.version(engine) == "20991231_newer"


@pytest.mark.parametrize("revision", ["20991231_newer", "", "20261122", "no such thing"])
def test_an_unknown_revision_is_refused_by_name(migrated_url: str, engine: Engine, revision: str) -> None:
    before = print_of(engine)
    with pytest.raises(SchemaError, match=f"--to {revision}: no such revision"):
        schema.migrate(migrated_url, revision)
    assert print_of(engine) == before


def test_an_empty_database_has_no_version(database_url: str, empty: Engine) -> None:
    assert schema.version(empty) is None
    schema.migrate(database_url, "base")
    assert objects_left(empty) == []


@pytest.mark.databases("postgresql")
def test_a_login_that_row_security_does_not_bind_is_told(migrated_url: str) -> None:
    assert schema.ignores_row_security(migrated_url)
    engine = make_engine(migrated_url)
    name = f"plain_{uuid4().hex[:8]}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    plain = engine.url.set(username=name, password="x").render_as_string(hide_password=False)
    try:
        assert not schema.ignores_row_security(plain)
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP ROLE {name}")
        engine.dispose()
