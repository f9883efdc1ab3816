"""What is really in a database: its fingerprint, and counts beside the published claims."""

from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from db import models  # noqa: F401 - completes Base.metadata
from db.base import Base
from db.claims import CLAIMED, PUBLISHED, SOURCE, TARGET
from db.fingerprint import BOOKKEEPING, fingerprint

# The ten modules of the schema facts; tables of any other file in db/models stand apart from the 26.
MODULES = (
    "core",
    "dashboard",
    "crm",
    "support",
    "social",
    "gamification",
    "api",
    "security",
    "finance",
    "ai",
)

__all__ = [
    "MODULES",
    "Row",
    "Stats",
    "TableFacts",
    "Trigger",
    "comparison",
    "fingerprint",
    "stats",
    "stats_table",
]


def mapped_classes() -> list[type[Base]]:
    """Every mapped class, in the order of the modules, those that stand apart last."""
    order = {name: place for place, name in enumerate(MODULES)}
    return sorted(Base.__subclasses__(), key=lambda mapped: order.get(module_of(mapped), len(order)))


def module_of(mapped: type[Base]) -> str:
    """The file of db/models a class is written in, such as "core" or "telemetry"."""
    return mapped.__module__.rsplit(".", 1)[-1]


def module_by_table() -> dict[str, str]:
    """Module of each of the 26 tables; tables that stand apart are not in it."""
    return {
        mapped.__tablename__: module_of(mapped) for mapped in mapped_classes() if module_of(mapped) in MODULES
    }


@dataclass(frozen=True)
class TableFacts:
    """What one table carries, as found. `module` is null for a table apart from the 26."""

    name: str
    module: str | None
    columns: int
    explicit: int
    implied_by_primary_key: int
    implied_by_unique: int
    checks: int
    foreign_keys: int
    policies: int
    row_security: int

    @property
    def indexes(self) -> int:
        return self.explicit + self.implied_by_primary_key + self.implied_by_unique

    @property
    def constraints(self) -> int:
        return self.checks + self.foreign_keys + self.implied_by_unique + self.implied_by_primary_key


@dataclass(frozen=True)
class Trigger:
    """A trigger with its table and the function it calls (empty on SQLite, where it has none)."""

    name: str
    table: str
    function: str


@dataclass(frozen=True)
class Stats:
    """Counts as found in one database."""

    dialect: str
    revision: str | None
    tables: tuple[TableFacts, ...]
    triggers: tuple[Trigger, ...]
    functions: tuple[str, ...]

    def of_modules(self, module: str | None = None) -> list[TableFacts]:
        """The tables of one module, or all of the 26."""
        return [table for table in self.tables if table.module and module in (None, table.module)]

    def apart(self) -> list[TableFacts]:
        """The tables that stand apart from the 26."""
        return [table for table in self.tables if table.module is None]


def stats(connection: Connection) -> Stats:
    """Count what the database holds. Alembic's own table is left out."""
    found, modules = inspect(connection), module_by_table()
    extras = (
        _extras_postgresql(connection)
        if connection.dialect.name == "postgresql"
        else _extras_sqlite(connection)
    )
    tables = tuple(
        TableFacts(
            name=name,
            module=modules.get(name),
            columns=len(found.get_columns(name)),
            explicit=extras.indexes[name, "explicit"],
            implied_by_primary_key=extras.indexes[name, "primary key"],
            implied_by_unique=extras.indexes[name, "unique"],
            checks=len(found.get_check_constraints(name)),
            foreign_keys=len(found.get_foreign_keys(name)),
            policies=extras.policies[name],
            row_security=extras.row_security[name],
        )
        for name in sorted(found.get_table_names())
        if name != BOOKKEEPING
    )
    revision = MigrationContext.configure(connection).get_current_revision()
    return Stats(connection.dialect.name, revision, tables, extras.triggers, extras.functions)


class _Extras(NamedTuple):
    """What SQLAlchemy's inspector does not tell, or not alike on both databases."""

    indexes: Counter[tuple[str, str]]
    policies: Counter[str]
    row_security: Counter[str]
    triggers: tuple[Trigger, ...]
    functions: tuple[str, ...]


def _extras_postgresql(connection: Connection) -> _Extras:
    indexes = """
        SELECT c.relname,
               CASE WHEN i.indisprimary THEN 'primary key' WHEN i.indisunique THEN 'unique' ELSE 'explicit' END
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
        WHERE c.relnamespace = current_schema()::regnamespace
    """
    policies = "SELECT tablename FROM pg_policies WHERE schemaname = current_schema()"
    secured = (
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = current_schema()::regnamespace"
    )
    triggers = """
        SELECT t.tgname, c.relname, p.proname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        JOIN pg_proc AS p ON p.oid = t.tgfoid
        WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace ORDER BY t.tgname
    """
    functions = """
        SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = current_schema()::regnamespace
        AND NOT EXISTS (SELECT 1 FROM pg_depend AS e WHERE e.objid = p.oid AND e.deptype = 'e') ORDER BY p.proname
    """
    return _Extras(
        Counter((row[0], row[1]) for row in connection.execute(text(indexes))),
        Counter(connection.scalars(text(policies))),
        Counter(connection.scalars(text(secured))),
        tuple(Trigger(*row) for row in connection.execute(text(triggers))),
        tuple(connection.scalars(text(functions))),
    )


def _extras_sqlite(connection: Connection) -> _Extras:
    indexes = """
        SELECT t.name, CASE WHEN i.origin = 'pk' THEN 'primary key' WHEN i."unique" THEN 'unique' ELSE 'explicit' END
        FROM sqlite_master AS t, pragma_index_list(t.name) AS i WHERE t.type = 'table'
        UNION ALL
        SELECT t.name, 'primary key' FROM sqlite_master AS t WHERE t.type = 'table' AND EXISTS (
            SELECT 1 FROM pragma_table_info(t.name) AS c WHERE c.pk > 0
        ) AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) AS i WHERE i.origin = 'pk')
    """  # a key that counts up is the table's own order: the index is there, without a name
    triggers = "SELECT name, tbl_name, '' FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    return _Extras(
        Counter((row[0], row[1]) for row in connection.execute(text(indexes))),
        Counter(),
        Counter(),
        tuple(Trigger(*row) for row in connection.execute(text(triggers))),
        (),
    )


# --- beside the claims ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One count: of the 26 tables, of the tables apart from them, and what was said about the 26."""

    label: str
    key: str
    found: int
    apart: int | None
    claimed: str
    published: str
    target: str


_LABELS = {
    "tables": "tables",
    "columns": "columns",
    "indexes": "indexes",
    "explicit": "  written out",
    "implied_by_primary_key": "  of primary keys",
    "implied_by_unique": "  of unique keys",
    "constraints": "constraints",
    "checks": "  checks",
    "foreign_keys": "  foreign keys",
    "unique": "  unique keys",
    "primary_keys": "  primary keys",
    "policies": "policies",
    "row_security": "tables with row security",
    "auth_triggers": "sign-up triggers",
    "touch_triggers": "updated_at triggers",
    "functions": "functions",
}


def comparison(found: Stats) -> list[Row]:
    """The counts of `found` beside the claims of 2025-11-25, what its catalogue held, and the target."""
    return [
        Row(
            label,
            key,
            *_found(found, key),
            CLAIMED.get(key, ""),
            str(PUBLISHED.get(key, "")),
            str(TARGET.get(key, "")),
        )
        for key, label in _LABELS.items()
    ]


def _found(found: Stats, key: str) -> tuple[int, int | None]:
    match key:
        case "auth_triggers":
            return sum(trigger.function == "handle_new_user" for trigger in found.triggers), None
        case "touch_triggers":
            return sum(trigger.function == "update_updated_at_column" for trigger in found.triggers), None
        case "functions":
            return len(found.functions), None
        case "tables":
            return len(found.of_modules()), len(found.apart())
    name = {"unique": "implied_by_unique", "primary_keys": "implied_by_primary_key"}.get(key, key)
    count = attrgetter(name)
    return sum(map(count, found.of_modules())), sum(map(count, found.apart()))


def stats_table(found: Stats) -> str:
    """The comparison as text for a terminal."""
    head = ("", "26 tables", "apart", "claimed", "published", "target")
    lines = [head] + [
        (
            row.label,
            str(row.found),
            "" if row.apart is None else str(row.apart),
            row.claimed,
            row.published,
            row.target,
        )
        for row in comparison(found)
    ]
    names = ", ".join(table.name for table in found.apart())
    return "\n".join(
        [
            f"{found.dialect}, revision {found.revision or 'none: never migrated'}",
            *("{:<26}{:>10}{:>8}{:>10}{:>11}{:>8}".format(*line).rstrip() for line in lines),
            f"apart from the 26 tables: {names or 'none'}",
            f"claimed, published (read back from a catalogue) and target: {SOURCE}",
            "A unique index on an expression counts as a unique key.",
        ]
    )
