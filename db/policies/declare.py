"""How a rule is declared, and the conditions that many rules share."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement

from db import models  # noqa: F401 - completes Base.metadata
from db.base import Base, now
from db.functions import seconds_later
from db.rules import Condition, Me, Row, Rule, Verb, Who

S, I, U, D = Verb.SELECT, Verb.INSERT, Verb.UPDATE, Verb.DELETE  # noqa: E741 - the four of every table
AUTH, OWNER, SYSTEM, ADMIN, ROLE, OPERATOR = (
    Who.AUTHENTICATED,
    Who.OWNER,
    Who.SYSTEM,
    Who.ADMIN,
    Who.ROLE,
    Who.OPERATOR,
)
BUILDERS = ("admin", "architect")
SALES_OVERSIGHT = ("admin", "strategist")
WATCH_OVERSIGHT = ("admin", "observer")
# How long rows are kept at least: nobody, the system included, may delete younger ones.
KEPT = {
    "agent_logs": timedelta(days=30),
    "system_metrics": timedelta(days=7),
    "leaderboard": timedelta(days=365),
    "api_logs": timedelta(days=90),
}
# Never read by a person's session, on any row.
SECRET_COLUMNS = {"api_keys": frozenset({"key_hash"})}
# Kept by the database or the ORM themselves; a change of these alone is no change by anyone.
STAMPS = frozenset({"updated_at"})

RULES: dict[str, list[Rule]] = {}


def rule(
    table: str,
    verb: Verb,
    what: str,
    who: Who,
    *,
    roles: tuple[str, ...] = (),
    on: Condition | None = None,
    to: Condition | None = None,
    columns: Iterable[str] | None = None,
    becomes: Mapping[str, tuple[Any, ...]] | None = None,
    limit: str = "",
    ours: str = "",
) -> None:
    """Declare the rule `{table}_{verb}_{what}`."""
    kept = None if columns is None else frozenset(columns)
    declared = Rule(
        f"{table}_{verb}_{what}", table, verb, who, roles, on, to, kept, becomes or {}, limit, ours
    )
    RULES.setdefault(table, []).append(declared)


def rules(table: str, verb: Verb) -> list[Rule]:
    """The rules of one verb on one table; none means nobody may."""
    return [each for each in RULES.get(table, ()) if each.verb is verb]


def every_rule() -> list[Rule]:
    """All rules, table by table."""
    return [each for of_table in RULES.values() for each in of_table]


def but(table: str, *left_out: str) -> list[str]:
    """All columns of a table but these."""
    return [column.name for column in Base.metadata.tables[table].columns if column.name not in left_out]


def is_(column: str, *values: Any) -> Condition:
    """The column has one of these values."""
    return lambda row, me: row.c[column].in_(values) if len(values) > 1 else row.c[column] == values[0]


def mine(column: str) -> Condition:
    """The column names the person who asks."""
    return lambda row, me: row.c[column] == me.profile_id


def all_of(*conditions: Condition) -> Condition:
    """All of them hold."""

    def both(row: Row, me: Me) -> ColumnElement[bool]:
        first, *others = (condition(row, me) for condition in conditions)
        for other in others:
            first = first & other
        return first

    return both


def old_enough(table: str, column: str) -> Condition:
    """The row has been kept for as long as `KEPT` asks, by the database's own clock."""
    seconds = int(KEPT[table].total_seconds())
    return lambda row, me: row.c[column] < seconds_later(now(), -seconds)


def evidence(*words: str) -> Condition:
    """What `metadata` says of how the row is known."""

    def condition(row: Row, me: Me) -> ColumnElement[bool]:
        said: ColumnElement[str] = row.c.metadata["evidence"].as_string()
        return said.in_(words) if len(words) > 1 else said == words[0]

    return condition
