"""Every rule broken in every way, one at a time: what the matrix has to notice.

Policies, guards, grants and FORCE inside a transaction of PostgreSQL; the declared rules themselves on SQLite, where
the sessions are the only fence.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from sqlalchemy import ColumnElement, true

from db.actor import Actor
from db.base import Base
from db.engine import make_engine
from db.policies import RULES, rules
from db.row_security import (
    APP,
    DIRECTORY,
    GROUPS,
    KEYS,
    STAFF,
    SYSTEM,
    VIEW,
    guard_name,
    guard_of,
    is_guarded,
)
from db.rules import Me, Row, Rule, Verb, Who
from tests.access import fences, orm
from tests.access.attempts import TABLES, all_attempts, worth_trying
from tests.access.judge import columns
from tests.access.world import CAST, World, table_of

FIRST = {"policy": "policies", "guard": "guard", "grant": "grants"}
LOGINS = {APP: "app", STAFF: "staff", SYSTEM: "system"}


@dataclass(frozen=True)
class Mutant:
    """A schema with one thing wrong: of which kind, about which table, and what to execute."""

    kind: str
    table: str
    what: str
    statements: tuple[str, ...]

    def noticed(self, connection: "psycopg.Connection[Any]", world: World) -> str | None:
        """The first thing found wrong; None when nothing is."""
        first = FIRST.get(self.kind.split()[0], "all")
        return next(fences.wrong(connection, world, self.table, self.statements, first), None)


@dataclass(frozen=True)
class Slip:
    """A declaration with one thing wrong: the rules of a table, one of them another or missing."""

    kind: str
    table: str
    what: str
    declared: tuple[Rule, ...]

    def noticed(self, url: str, world: World) -> str | None:
        """The first thing that a session gets wrong on the database at `url`; None when nothing is."""
        with declared_as(self.table, self.declared):
            for table in ("profile_directory", "profiles") if self.table == "profiles" else (self.table,):
                engine = make_engine(url)  # compiled statements are kept by engine
                try:
                    for name in CAST:
                        attempts = worth_trying(all_attempts(world, table, world.asker(name)))
                        found = next(orm.wrong(engine, attempts, recorded=False), None)
                        if found is not None:
                            return f"{found[0]} (came out: {found[1]})"
                finally:
                    engine.dispose()
        return None


@contextmanager
def declared_as(table: str, declared: tuple[Rule, ...]) -> Iterator[None]:
    """Other rules of a table, for a while."""
    before = RULES[table]
    RULES[table] = list(declared)
    try:
        yield
    finally:
        RULES[table] = before


class Anybody(Rule):
    """A rule that lets anybody do it with any row."""

    def applies(self, actor: Actor) -> bool:
        return True

    def rows(self, row: Row, me: Me) -> ColumnElement[bool]:
        return true()

    becoming = rows

    def is_unconditional(self) -> bool:
        return True


def opened(rule: Rule) -> Rule:
    return Anybody(rule.name, rule.table, rule.verb, Who.AUTHENTICATED)


def loosened(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """The rule without one of its limits."""
    if rule.on is not None and rule.verb is not Verb.INSERT:
        yield "any row", replace(rule, on=None)
    if rule.to is not None:
        yield "any outcome", replace(rule, to=None)
    if rule.columns is not None and rule.verb is Verb.UPDATE:
        yield "any column", replace(rule, columns=None)
    if rule.becomes:
        yield "any value", replace(rule, becomes={})


# --- PostgreSQL ---------------------------------------------------------------------------------------


def of_schema() -> Iterator[Mutant]:
    """All mutants of the schema on PostgreSQL."""
    for table in sorted(Base.metadata.tables):
        for rule in RULES[table]:
            yield from _of_policy(rule)
        if is_guarded(table):
            yield from _of_guard(table)
        yield Mutant("force off", table, table, (f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",))
        yield Mutant("row security off", table, table, (f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",))
    for table in TABLES:
        yield from _of_grants(table)
    for (parent, whose), name in KEYS.items():
        (child,) = [each for each, its in fences.PARENTS.items() if its == parent]
        every = f"RETURN ARRAY(SELECT id FROM {parent})"
        made = f"CREATE OR REPLACE FUNCTION app.{name}() RETURNS uuid[] LANGUAGE plpgsql STABLE"
        opened_keys = f"{made} AS $$ BEGIN {every}; END $$"
        yield Mutant("keys opened", child, f"{name}, by {whose}", (opened_keys,))
    bare = VIEW.split("WHERE")[0].replace("CREATE VIEW", "CREATE OR REPLACE VIEW")
    yield Mutant("view opened", DIRECTORY, DIRECTORY, (bare,))
    yield Mutant(
        "trigger dropped",
        "profiles",
        "profiles_role_changed",
        ("DROP TRIGGER profiles_role_changed ON profiles",),
    )


def _of_policy(rule: Rule) -> Iterator[Mutant]:
    on = f"{rule.name} ON {rule.table}"
    using = "" if rule.verb is Verb.INSERT else " USING (true)"
    check = " WITH CHECK (true)" if rule.verb in (Verb.INSERT, Verb.UPDATE) else ""
    fresh = f"CREATE POLICY {on} FOR {rule.verb.upper()} TO PUBLIC{using}{check}"
    drop = f"DROP POLICY {on}"
    yield Mutant("policy dropped", rule.table, rule.name, (drop,))
    yield Mutant("policy opened", rule.table, rule.name, (drop, fresh))
    yield Mutant("policy with any row", rule.table, rule.name, (f"ALTER POLICY {on}{using}{check}",))
    yield Mutant("policy to everybody", rule.table, rule.name, (f"ALTER POLICY {on} TO PUBLIC",))


def _of_guard(table: str) -> Iterator[Mutant]:
    yield Mutant("guard dropped", table, guard_name(table), (f"DROP TRIGGER {guard_name(table)} ON {table}",))
    for rule in rules(table, Verb.UPDATE):
        others = tuple(each for each in RULES[table] if each is not rule)
        for what, other in [("without", None), ("opened", opened(rule)), *loosened(rule)]:
            yield Mutant(
                f"guard {what}", table, rule.name, (_guard(table, others + ((other,) if other else ())),)
            )


def _guard(table: str, declared: tuple[Rule, ...]) -> str:
    with declared_as(table, declared):
        function = next(iter(guard_of(table)))
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


def _of_grants(table: str) -> Iterator[Mutant]:
    every = [each.name for each in table_of(table).columns]
    for group, login in LOGINS.items():
        for verb in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            held = columns(table, verb.lower(), login, every)
            wide = len(every) if verb != "DELETE" else 1
            if len(held) < wide:
                yield Mutant(
                    "grant widened", table, f"{verb} to {login}", (f"GRANT {verb} ON {table} TO {group}",)
                )
            if held:
                yield Mutant(
                    "grant revoked",
                    table,
                    f"{verb} from {login}",
                    (f"REVOKE {verb} ON {table} FROM {group}",),
                )
    yield Mutant("grant widened", table, "SELECT to all", (f"GRANT SELECT ON {table} TO PUBLIC",))
    yield Mutant("grant widened", table, "TRUNCATE", (f"GRANT TRUNCATE ON {table} TO {', '.join(GROUPS)}",))


# --- the declaration ----------------------------------------------------------------------------------


def of_declaration() -> Iterator[Slip]:
    """All mutants of the rules as sessions enforce them. What a trigger of PostgreSQL does is no session's."""
    for table in sorted(Base.metadata.tables):
        for rule in RULES[table]:
            if rule.who is Who.DEFINER:
                continue
            others = tuple(each for each in RULES[table] if each is not rule)
            yield Slip("rule removed", table, rule.name, others)
            yield Slip("rule opened", table, rule.name, (*others, opened(rule)))
            for what, other in loosened(rule):
                yield Slip(f"rule with {what}", table, rule.name, (*others, other))


def one_of_each(mutants: Callable[[], Iterator[Any]]) -> list[Any]:
    """The first of each kind."""
    found: dict[str, Any] = {}
    for each in mutants():
        found.setdefault(each.kind, each)
    return list(found.values())
