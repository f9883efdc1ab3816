"""PostgreSQL's fences one by one: grants, policies, guards. Where two say the same, each has to hold alone.

Everything happens in an administrator's transaction, which acts as the logins do and is rolled back.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import psycopg

from db.row_security import GROUPS, guard_name, is_guarded
from tests.access import raw
from tests.access.attempts import Attempt, all_attempts, crossed, of_new_rows, on_columns, on_rows
from tests.access.judge import Asker, columns
from tests.access.world import CAST, World, table_of

LOGIN = "quantum_tests_"
PARENTS = {"deal_activities": "deals", "ticket_messages": "support_tickets"}
Wrong = Iterator[str]


@contextmanager
def altered(connection: "psycopg.Connection[Any]", *statements: str) -> Iterator[raw.Cursor]:
    """A transaction in which the schema is another; gone afterwards."""
    with connection.cursor() as cursor:
        try:
            for each in statements:
                cursor.execute(each.encode())
            yield cursor
        finally:
            connection.rollback()


def granted(table: str) -> list[str]:
    """No grant stands in the way."""
    return [f"GRANT ALL ON {table} TO {', '.join(GROUPS)}"]


def unguarded(table: str) -> list[str]:
    """No guard looks at changes."""
    return [f"ALTER TABLE {table} DISABLE TRIGGER {guard_name(table)}"] if is_guarded(table) else []


def seen(table: str) -> list[str]:
    """Every row is seen, as far as the policies are asked."""
    return [f"CREATE POLICY everybody_sees ON {table} FOR SELECT USING (true)"]


def parents_seen(table: str) -> list[str]:
    """A child's rule looks for its parent, and the parent's own rules shall not answer for it."""
    parent = PARENTS.get(table)
    return [*granted(parent), *seen(parent)] if parent else []


def open_to_change(table: str) -> list[str]:
    """Every row is seen and may be changed, as far as the policies are asked."""
    return [
        *seen(table),
        f"CREATE POLICY everybody_changes ON {table} FOR UPDATE USING (true) WITH CHECK (true)",
    ]


def by_all(cursor: raw.Cursor, world: World, table: str) -> Wrong:
    """Everything at once, as an installation has it."""
    owners = [world.asker(name) for name in CAST]
    yield from _wrong(cursor, owners, lambda asker: all_attempts(world, table, asker))
    yield from _wrong(cursor, list(crossed(world, table)), lambda asker: _rows(world, table, asker))


def by_policies(cursor: raw.Cursor, world: World, table: str) -> Wrong:
    """Rows alone; the columns are for the other fences. Ask with `granted` and `unguarded`."""
    askers = [*(world.asker(name) for name in CAST), *crossed(world, table)]
    yield from _wrong(cursor, askers, lambda asker: _rows(world, table, asker))


def by_policies_of_changes(cursor: raw.Cursor, world: World, table: str) -> Wrong:
    """Rows that may be changed or deleted, seen or not. Ask with `granted`, `unguarded` and `seen`."""
    askers = [*(world.asker(name) for name in CAST), *crossed(world, table)]
    yield from _wrong(
        cursor, askers, lambda asker: (each for each in on_rows(world, table, asker) if each.verb != "select")
    )


def by_reading(cursor: raw.Cursor, world: World, table: str) -> Wrong:
    """What logins other than the owner's see."""
    askers = [*(world.asker(name) for name in CAST), *crossed(world, table)]
    yield from _wrong(
        cursor,
        [each for each in askers if each.login != "owner"],
        lambda asker: (each for each in on_rows(world, table, asker) if each.verb == "select"),
    )


def by_guard(cursor: raw.Cursor, world: World, table: str) -> Wrong:
    """Changes alone. Ask with `granted` and `open_to_change`."""
    askers = [*(world.asker(name) for name in CAST), Asker("definer", "definer", "owner")]
    yield from _wrong(cursor, askers, lambda asker: _changes(world, table, asker))


def by_grants(cursor: raw.Cursor, table: str) -> Wrong:
    """What each login is granted, column by column, beside what somebody on it may."""
    every = [each.name for each in table_of(table).columns]
    for login in ("app", "staff", "system", "public"):
        for right, may in _rights(cursor, table, login, every):
            if right != may:
                yield f"{login}: granted {sorted(right - may)} of {table}, lacks {sorted(may - right)}"


def _rights(
    cursor: raw.Cursor, table: str, login: str, every: Sequence[str]
) -> Iterator[tuple[set[str], set[str]]]:
    for verb in ("select", "insert", "update"):
        may = {f"{verb} {name}" for name in columns(table, verb, login, list(every))}
        asked = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        asked += "AND has_column_privilege(%s, attrelid, attnum, %s)"
        found = cursor.execute(asked, (table, _name(login), verb)).fetchall()
        yield {f"{verb} {name}" for (name,) in found}, may
    whole = {"delete"} if columns(table, "delete", login, ["row"]) else set()
    verbs = ("delete", "truncate", "references", "trigger")
    asked = "SELECT has_table_privilege(%s, %s, %s)"
    yield {v for v in verbs if cursor.execute(asked, (_name(login), table, v)).fetchone() == (True,)}, whole


def _name(login: str) -> str:
    return login if login == "public" else LOGIN + login


def role_changes(cursor: raw.Cursor, world: World) -> Wrong:
    """Another role ends the sign-ins of its person, which the trigger does with the rights of the schema's owner."""
    admin, person = world.asker("admin"), world.asker("observer").profile_id
    with raw.acting(cursor, f"{LOGIN}staff", admin):
        cursor.execute("SAVEPOINT role")
        cursor.execute("UPDATE profiles SET role = 'user' WHERE id = %s", (person,))
    counted = (
        "SELECT (SELECT count(*) FROM user_sessions WHERE user_id = %(id)s AND is_active), "
        "(SELECT credential_version FROM auth_account JOIN profiles ON auth_user_id = auth_account.id "
        "WHERE profiles.id = %(id)s)"
    )
    found = cursor.execute(counted, {"id": person}).fetchone()
    cursor.execute("ROLLBACK TO role")
    if found != (0, 2):
        yield f"after a change of role: sessions and credential version {found}"


Stage = tuple[str, list[str], Callable[[raw.Cursor], Wrong]]


def stages(world: World, table: str) -> list[Stage]:
    """Every way to look at a table: the fence, what has to be executed before, and the look itself."""
    found: list[Stage] = [
        ("grants", [], lambda cursor: by_grants(cursor, table)),
        ("all", [], lambda cursor: by_all(cursor, world, table)),
        (
            "policies",
            [*granted(table), *unguarded(table), *parents_seen(table)],
            lambda cursor: by_policies(cursor, world, table),
        ),
        (
            "changes",
            [*granted(table), *unguarded(table), *seen(table)],
            lambda cursor: by_policies_of_changes(cursor, world, table),
        ),
    ]
    if table == "profile_directory":
        # The view alone: what it reads is open to the schema's owner.
        open_wide = ["ALTER TABLE profiles NO FORCE ROW LEVEL SECURITY"]
        return [*found[:2], ("view", open_wide, lambda cursor: by_reading(cursor, world, table))]
    if is_guarded(table):
        open_wide = [*granted(table), *open_to_change(table)]
        found.append(("guard", open_wide, lambda cursor: by_guard(cursor, world, table)))
    if table in ("auth_account", "user_sessions", "profiles"):
        found.append(("role", [], lambda cursor: role_changes(cursor, world)))
    return found


def wrong(
    connection: "psycopg.Connection[Any]",
    world: World,
    table: str,
    also: Sequence[str] = (),
    first: str = "all",
) -> Wrong:
    """What is wrong of a table after `also`, each fence by itself; `first` names the one to begin with."""
    for _, before, look in sorted(stages(world, table), key=lambda stage: stage[0] != first):
        with altered(connection, *also, *before) as cursor:
            yield from look(cursor)


def _rows(world: World, table: str, asker: Asker) -> Iterator[Attempt]:
    return chain(on_rows(world, table, asker), of_new_rows(world, table, asker))


def _changes(world: World, table: str, asker: Asker) -> Iterator[Attempt]:
    touched = (each for each in on_rows(world, table, asker) if each.verb == "update")
    return chain(touched, on_columns(world, table, asker))


def _wrong(
    cursor: raw.Cursor, askers: Sequence[Asker], attempts: Callable[[Asker], Iterator[Attempt]]
) -> Wrong:
    for asker in askers:
        with raw.acting(cursor, LOGIN + asker.login, asker):
            for attempt, outcome in raw.wrong(cursor, attempts(asker)):
                yield f"{attempt} (came out: {outcome})"
