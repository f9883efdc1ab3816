"""The live schema against the schema facts: every column, key, check and index, on both databases."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, inspect, text

from db import claims, describe, reasons
from db.partitions import MONTHLY
from db.triggers import TOUCHED
from tests.db import schema_facts
from tests.db.schema_facts import TargetTable, canonical_check, canonical_sql

OUR_CHECKS = {"agents_heartbeat_seconds_check"}
SQLITE_TYPES = {
    "uuid": "CHAR(32)",
    "int": "INTEGER",
    "bool": "BOOLEAN",
    "timestamptz": "VARCHAR(26)",
    "inet": "VARCHAR(45)",
}
POSTGRESQL_TYPES = {
    "int": "INTEGER",
    "bool": "BOOLEAN",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "json": "JSONB",
}


@pytest.fixture(scope="module")
def facts(shared_data: Path) -> tuple[dict[str, TargetTable], dict[str, Any]]:
    return schema_facts.load(shared_data)


@pytest.fixture
def tables(facts: tuple[dict[str, TargetTable], dict[str, Any]]) -> dict[str, TargetTable]:
    return facts[0]


def test_the_26_tables_exist_each_in_its_module(tables: dict[str, TargetTable], engine: Engine) -> None:
    assert len(tables) == 26
    assert describe.module_by_table() == {name: table.module for name, table in tables.items()}
    assert set(tables) <= set(inspect(engine).get_table_names())


def test_each_purpose_is_the_one_of_the_facts(tables: dict[str, TargetTable]) -> None:
    purposes = {mapped.__tablename__: mapped.__doc__ for mapped in describe.mapped_classes()}
    assert {name: purposes[name] for name in tables} == {
        name: table.purpose for name, table in tables.items()
    }


def test_columns(tables: dict[str, TargetTable], engine: Engine) -> None:
    found, wanted, extra = {}, {}, set()
    for name, table in tables.items():
        live = {column["name"]: column for column in inspect(engine).get_columns(name)}
        extra |= {f"{name}.{column}" for column in live.keys() - table.columns.keys()}
        for column, fact in table.columns.items():
            there = live.get(column)
            found[name, column] = there and (_type(there), there["nullable"], _default(there["default"]))
            wanted[name, column] = (
                _wanted_type(fact["type"], engine),
                fact["nullable"] and column != _time_in_key(name, engine),
                _plain(fact["default"]),
            )
    for key, fact in wanted.items():
        if fact[0] == "NUMERIC" and found[key]:  # "numeric" leaves digits open; ours has some
            found[key] = ("NUMERIC", *found[key][1:])
    assert found == wanted
    assert len(wanted) == 295
    assert extra == {column for column in reasons.COLUMNS if column.split(".")[0] in tables}


def _time_in_key(table: str, engine: Engine) -> str | None:
    """The facts: growing tables may carry their time in the primary key on PostgreSQL, where no key is ever null."""
    return MONTHLY.get(table) if engine.dialect.name == "postgresql" else None


def _type(column: Any) -> str:
    return str(column["type"]) + (" WITH TIME ZONE" if getattr(column["type"], "timezone", False) else "")


def _wanted_type(name: str, engine: Engine) -> str:
    names = POSTGRESQL_TYPES if engine.dialect.name == "postgresql" else SQLITE_TYPES
    return re.sub(r",(?=\d)", ", ", names.get(name, name.upper()))


def _plain(default: Any) -> str | None:
    """A default as the facts have it, numbers without needless noughts."""
    if default is None:
        return None
    said = str(default).lower() if isinstance(default, bool) else str(default)
    return f"{Decimal(said).normalize():f}" if re.fullmatch(r"-?\d+(\.\d+)?", said) else said


def _default(live: str | None) -> str | None:
    """A default as a database has it, in the words of the facts."""
    if live is None:
        return None
    if "randomblob" in live or live == "gen_random_uuid()":
        return "random_uuid"
    if live == "now()" or "strftime" in live:
        return "now"
    return _plain(re.sub(r"::[\w ]+$", "", live).strip("'()"))


def test_primary_and_foreign_keys(tables: dict[str, TargetTable], engine: Engine) -> None:
    found, wanted = {}, {}
    for name, table in tables.items():
        keys = inspect(engine).get_foreign_keys(name)
        found[name] = (
            inspect(engine).get_pk_constraint(name)["constrained_columns"],
            {
                ",".join(key["constrained_columns"]): (
                    f"{key['referred_table']}.{','.join(key['referred_columns'])}",
                    key["options"].get("ondelete", "NO ACTION").lower().replace(" ", "_"),
                )
                for key in keys
            },
        )
        time = _time_in_key(name, engine)
        wanted[name] = ([*table.primary_key, *([time] if time else [])], table.foreign_keys)
    assert found == wanted


def test_checks_by_name_and_meaning(tables: dict[str, TargetTable], engine: Engine) -> None:
    found, wanted = {}, {}
    for name, table in tables.items():
        for check in inspect(engine).get_check_constraints(name):
            found[name, check["name"]] = canonical_check(check["sqltext"])
        wanted |= {(name, check): meaning for check, meaning in table.checks.items()}
    ours = {key: found.pop(key) for key in list(found) if key[1] in OUR_CHECKS}
    assert found == wanted
    assert len(wanted) == 57
    assert {key[1] for key in ours} == OUR_CHECKS


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_indexes_by_name_order_and_condition(tables: dict[str, TargetTable], engine: Engine) -> None:
    found, uniques = _live_indexes(engine)
    ends = " nulls last" if engine.dialect.name == "sqlite" else ""  # plain DESC already means it there
    wanted = {
        (name, index): (tuple(column.removesuffix(ends) for column in columns), where)
        for name, table in tables.items()
        for index, (columns, where) in table.indexes.items()
    }
    of_facts = {key: index for key, index in found.items() if key[0] in tables}
    ours = of_facts.keys() - wanted.keys()
    assert {key: of_facts[key] for key in of_facts.keys() - ours} == wanted
    assert len(wanted) == 115
    found_uniques = {
        name: {columns for index, columns in uniques.get(name, ()) if index not in reasons.INDEXES}
        for name in tables
    }
    assert found_uniques == {name: table.uniques for name, table in tables.items()}
    of_ours = {index for name in tables for index, _ in uniques.get(name, ()) if index in reasons.INDEXES}
    assert {index for _, index in ours} | of_ours == set(reasons.INDEXES), "each has its reason"
    assert sum(len(table.uniques) for table in tables.values()) == 11


Uniques = dict[str, set[tuple[str | None, tuple[str, ...]]]]


def _live_indexes(engine: Engine) -> tuple[dict[tuple[str, str], Any], Uniques]:
    """Plain indexes by table and name, and the names and columns of unique ones by table."""
    found, uniques = {}, {}  # type: ignore[var-annotated]
    with engine.connect() as connection:
        for definition in _definitions(connection):
            parts = re.fullmatch(
                r"CREATE (UNIQUE )?INDEX (\w+) ON (?:ONLY )?(?:public\.)?(\w+) (?:USING btree )?\((.*?)\)"
                r"(?: WHERE (.*))?",
                definition,
            )
            assert parts, definition
            columns = tuple(re.sub(r"::\w+", "", column).strip().lower() for column in parts[4].split(","))
            if parts[1]:
                uniques.setdefault(parts[3], set()).add((parts[2], columns))
            else:
                found[parts[3], parts[2]] = (columns, canonical_sql(parts[5] or ""))
        for table in inspect(connection).get_table_names():
            for unique in inspect(connection).get_unique_constraints(table):
                uniques.setdefault(table, set()).add((unique["name"], tuple(unique["column_names"])))
    return found, uniques


def _definitions(connection: Connection) -> list[str]:
    """The CREATE INDEX of every index that no constraint brought along."""
    query = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    if connection.dialect.name == "postgresql":
        query = """
            SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
            AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k
                            WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
        """
    return [" ".join(definition.split()) for definition in connection.scalars(text(query))]


def test_touched_tables_are_those_of_the_facts(tables: dict[str, TargetTable]) -> None:
    assert set(TOUCHED) == {name for name, table in tables.items() if table.touched}


@pytest.mark.databases("postgresql")
def test_each_touched_table_has_its_trigger(tables: dict[str, TargetTable], engine: Engine) -> None:
    with engine.connect() as connection:
        triggers = describe.stats(connection).triggers
    touching = {trigger.table for trigger in triggers if trigger.function == "update_updated_at_column"}
    assert touching == {name for name, table in tables.items() if table.touched}
    signing_up = [trigger for trigger in triggers if trigger.function == "handle_new_user"]
    assert [(trigger.name, trigger.table) for trigger in signing_up] == [
        ("on_auth_user_created", "auth_account")
    ]


def test_counts_are_the_target_and_what_we_added(facts: tuple[Any, dict[str, Any]], engine: Engine) -> None:
    target = facts[1]["counts"]["target"]
    with engine.connect() as connection:
        rows = {row.key: row.found for row in describe.comparison(describe.stats(connection))}
    assert rows["tables"] == target["tables"]
    assert rows["columns"] == target["columns"] + sum(
        name.split(".")[0] not in reasons.TABLES for name in reasons.COLUMNS
    )
    assert rows["checks"] == target["checks"] + len(OUR_CHECKS)
    names = {
        "indexes": "total",
        **{name: name for name in ("explicit", "implied_by_primary_key", "implied_by_unique")},
    }
    unique = sum(words.startswith("Unique") for words in reasons.INDEXES.values())
    every = len(reasons.INDEXES)
    ours = {"indexes": every, "explicit": every - unique, "implied_by_unique": unique}
    assert {key: rows[key] for key in names} == {
        key: target["indexes"][name] + ours.get(key, 0) for key, name in names.items()
    }


def test_published_claims_are_those_of_the_facts(facts: tuple[Any, dict[str, Any]]) -> None:
    counts = facts[1]["counts"]
    claimed = {key: str(value) for key, value in counts["claimed"].items() if not key.startswith("agents_")}
    assert claimed == claims.CLAIMED
    assert _flat(counts["published"]) == claims.PUBLISHED
    target = counts["target"]
    assert {
        **{key: target[key] for key in ("tables", "columns", "checks")},
        "indexes": target["indexes"]["total"],
        **{key: value for key, value in target["indexes"].items() if key != "total"},
        "policies": target["policies"]["total"],
    } == claims.TARGET
    assert [one.id for one in claims.DISCREPANCIES] == [one["id"] for one in facts[1]["discrepancies"]]
    for ours, theirs in zip(claims.DISCREPANCIES, facts[1]["discrepancies"], strict=True):
        assert ours.claimed == str(theirs.get("claimed", "")), ours.id
        assert "found" not in theirs or ours.found == str(theirs["found"]), ours.id


def _flat(published: dict[str, Any]) -> dict[str, int]:
    indexes, constraints, triggers = (published[key] for key in ("indexes", "constraints", "triggers"))
    return {
        "tables": published["tables"],
        "columns": published["columns"],
        "indexes": indexes["total"],
        **{key: value for key, value in indexes.items() if key != "total"},
        "constraints": constraints["total"],
        "checks": constraints["check"],
        "foreign_keys": constraints["foreign_key"],
        "unique": constraints["unique"],
        "primary_keys": constraints["primary_key"],
        "policies": published["policies"]["total"],
        "auth_triggers": triggers["auth"],
        "touch_triggers": triggers["touch_updated_at"],
        "functions": published["functions"]["total"],
        "row_security": published["row_security_enabled"],
    }
