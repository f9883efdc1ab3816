"""What PostgreSQL's own catalogue says of row security, and what SQL on each login cannot undo."""

import re
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import select
from sqlalchemy.sql import visitors

from db.base import Base, Key
from db.policies import every_rule
from db.row_security import GROUPS
from db.rules import Me
from tests.access import raw
from tests.access.conftest import Place
from tests.access.fences import altered
from tests.databases import PARTS

pytestmark = pytest.mark.databases("postgresql")
LOGINS = ("app", "staff", "system")


def asked(place: Place, question: str, *values: Any) -> list[tuple[Any, ...]]:
    with altered(place.connection("admin")) as cursor:
        return cursor.execute(question.encode(), values).fetchall()


# --- row security is there ----------------------------------------------------------------------------


def test_lovable_2025_48757_no_table_without_row_security(place: Place) -> None:
    """CVE-2025-48757: more than 170 applications had tables without row security, or with policies that let all in."""
    tables = asked(
        place,
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, "
        "EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid) "
        "FROM pg_class AS c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace",
    )
    found = {name: state for name, *state in tables if name != "alembic_version"}
    assert set(found) == set(Base.metadata.tables)
    assert {name: state for name, state in found.items() if state != [True, True, True]} == {}


def test_no_policy_lets_everybody_in(place: Place) -> None:
    policies = asked(place, "SELECT tablename, policyname, roles, qual, with_check FROM pg_policies")
    assert len(policies) == len(every_rule())
    for table, name, roles, using, check in policies:
        assert "public" not in roles, name
        for condition in (using, check):
            assert condition is None or re.sub(r"[() ]", "", condition) != "true", f"{name} on {table}"


def test_every_policy_says_who_asks(place: Place) -> None:
    for _, name, using, check in asked(
        place, "SELECT tablename, policyname, qual, with_check FROM pg_policies"
    ):
        for condition in (using, check):
            assert condition is None or re.search(
                r"app\.(kind|profile_id|role|own_\w+|assigned_\w+)\(\)", condition
            ), name


def test_nothing_but_the_directory_is_read_with_somebody_elses_rights(place: Place) -> None:
    views = asked(place, "SELECT viewname FROM pg_views WHERE schemaname IN ('public', 'app')")
    assert views == [("profile_directory",)]
    (options,) = asked(place, "SELECT reloptions FROM pg_class WHERE relname = 'profile_directory'")
    assert options == (["security_barrier=true"],)
    definers = asked(
        place,
        "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace::regnamespace::text IN ('public', 'app')",
    )
    lent = ["audit_append", "audit_head", "drop_month", "end_sign_ins", "make_month", "survey_months"]
    assert sorted(name for (name,) in definers) == lent


def test_the_public_and_the_logins_have_no_rights_beside_the_groups(place: Place) -> None:
    held = asked(
        place,
        "SELECT c.relname, coalesce(r.rolname, 'public') FROM pg_class AS c, aclexplode(c.relacl) AS a "
        "LEFT JOIN pg_roles AS r ON r.oid = a.grantee "
        "WHERE c.relnamespace IN ('public'::regnamespace, 'app'::regnamespace) AND a.grantee <> c.relowner",
    )
    assert {who for _, who in held} <= set(GROUPS)
    assert asked(place, "SELECT count(*) FROM pg_default_acl") == [(0,)]
    flags = (
        "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb) "
        "AND rolname = ANY (%s)"
    )
    assert asked(place, flags, [f"quantum_tests_{part}" for part in PARTS] + list(GROUPS)) == []


# --- the declaration itself ---------------------------------------------------------------------------


@pytest.mark.databases("sqlite")
def test_no_condition_looks_for_rows_in_its_own_table() -> None:
    """An inner FROM that names the outer table has lost its correlation and is true for everyone."""
    for rule in every_rule():
        table = Base.metadata.tables[rule.table]
        for row in (table, table.alias("new")):
            for condition in (rule.rows(row, _me()), rule.becoming(row, _me())):
                inner = [each for each in visitors.iterate(condition) if each.__visit_name__ == "select"]
                sources = {str(source) for each in inner for source in each.get_final_froms()}
                assert rule.table not in sources and str(row) not in sources, rule.name


@pytest.mark.databases("sqlite")
def test_a_condition_that_lost_its_correlation_would_be_seen() -> None:
    deals, notes = Base.metadata.tables["deals"], Base.metadata.tables["deal_activities"]
    lost = select(deals.c.id).where(notes.c.deal_id == deals.c.id).exists()
    inner = next(each for each in visitors.iterate(lost) if each.__visit_name__ == "select")
    assert "deal_activities" in {str(source) for source in inner.get_final_froms()}  # type: ignore[attr-defined]


def _me() -> Me:
    from sqlalchemy import bindparam

    return Me(profile_id=bindparam("me", None, Key()))


# --- what SQL on a login cannot do --------------------------------------------------------------------

UNDOING = {
    "become the owner": "SET ROLE quantum_tests_owner",
    "become the administrator": "SET SESSION AUTHORIZATION postgres",
    "become the administrator for a while": "SET ROLE postgres",
    "switch row security off": "ALTER TABLE deals DISABLE ROW LEVEL SECURITY",
    "unforce it": "ALTER TABLE deals NO FORCE ROW LEVEL SECURITY",
    "drop a policy": "DROP POLICY deals_select_owner ON deals",
    "add a policy": "CREATE POLICY mine ON deals USING (true)",
    "open a policy": "ALTER POLICY deals_select_owner ON deals USING (true)",
    "drop a guard": "DROP TRIGGER guard_deals ON deals",
    "disable triggers": "ALTER TABLE deals DISABLE TRIGGER ALL",
    "not fire triggers": "SET session_replication_role = replica",
    "replace a guard": "CREATE OR REPLACE FUNCTION app.guard_deals() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RETURN NEW; END'",
    "replace who asks": "CREATE OR REPLACE FUNCTION app.kind() RETURNS text LANGUAGE sql AS $$ SELECT 'system' $$",
    "empty a table": "TRUNCATE deals",
    "own a table": "ALTER TABLE deals OWNER TO CURRENT_USER",
    "join a group": "GRANT quantum_system TO CURRENT_USER",
    "make a table": "CREATE TABLE public.mine (id integer)",
    "make a function": "CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "make something in app": "CREATE TABLE app.mine (id integer)",
    "make a trigger": "CREATE TRIGGER mine BEFORE UPDATE ON deals FOR EACH ROW EXECUTE FUNCTION app.guard_deals()",
    "read passwords of logins": "SELECT rolpassword FROM pg_authid",
    "read files": "SELECT pg_read_file('PG_VERSION')",
    "run programs": "COPY (SELECT 1) TO PROGRAM 'true'",
    "read what statistics keep": "SELECT * FROM pg_statistic",
}


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("what", UNDOING)
def test_a_login_cannot(place: Place, login: str, what: str) -> None:
    with (
        raw.transaction(place.connection(login), place.world.asker("admin").on(login)) as cursor,
        pytest.raises((errors.InsufficientPrivilege, errors.WrongObjectType)),
    ):
        cursor.execute(UNDOING[what].encode())


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_cannot_hand_out_what_it_holds(place: Place, login: str) -> None:
    """PostgreSQL warns where somebody may pass on none of what they hold, and refuses where they hold nothing."""
    rights = "SELECT relacl::text FROM pg_class WHERE relname = 'auth_account'"
    with raw.transaction(place.connection(login), place.world.asker("system").on(login)) as cursor:
        before = cursor.execute(rights).fetchone()
        cursor.execute("SAVEPOINT granting")
        try:
            cursor.execute("GRANT ALL ON auth_account TO quantum_app")
        except errors.InsufficientPrivilege:
            cursor.execute("ROLLBACK TO granting")
        assert cursor.execute(rights).fetchone() == before


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_cannot_read_another_database(place: Place, login: str) -> None:
    with (
        raw.transaction(place.connection(login), place.world.asker("system").on(login)) as cursor,
        pytest.raises(errors.FeatureNotSupported, match="cross-database"),
    ):
        cursor.execute("SELECT * FROM postgres.public.deals")


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_cannot_become_another_group(place: Place, login: str) -> None:
    for other in {"app", "staff", "system"} - {login}:
        for role in (f"quantum_{other}", f"quantum_tests_{other}"):
            with (
                raw.transaction(place.connection(login), place.world.asker("admin")) as cursor,
                pytest.raises(errors.InsufficientPrivilege),
            ):
                cursor.execute(f"SET ROLE {role}".encode())


@pytest.mark.parametrize("login", [*LOGINS, "owner"])
def test_reading_around_row_security_is_refused_not_answered(place: Place, login: str) -> None:
    with raw.transaction(place.connection(login), place.world.asker("user").on(login)) as cursor:
        cursor.execute("SET LOCAL row_security = off")
        with pytest.raises(psycopg.Error, match="row-level security"):
            cursor.execute("SELECT count(*) FROM deals")


def test_copy_gives_what_select_gives(place: Place) -> None:
    with raw.transaction(place.connection("app"), place.world.asker("user")) as cursor:
        with cursor.copy("COPY deals (id) TO STDOUT") as copy:
            copied = list(copy.rows())
        assert len(copied) == 2
        with pytest.raises(psycopg.Error):
            cursor.execute("COPY deals FROM STDIN")


def test_a_conflict_is_no_way_to_change_anothers_row(place: Place) -> None:
    anothers = place.world.one("deals", "another").values["id"]
    mine = place.world.asker("user").profile_id
    new = "INSERT INTO deals (id, user_id, client_name, value) VALUES (%s, %s, 'forged', 1) "
    for way in (
        "ON CONFLICT (id) DO UPDATE SET user_id = EXCLUDED.user_id",
        "ON CONFLICT (id) DO UPDATE SET notes = ''",
    ):
        with (
            raw.transaction(place.connection("app"), place.world.asker("user")) as cursor,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            cursor.execute((new + way).encode(), (anothers, mine))


def test_merge_is_no_way_to_change_anothers_row(place: Place) -> None:
    anothers = place.world.one("deals", "another").values["id"]
    with raw.transaction(place.connection("app"), place.world.asker("user")) as cursor:
        cursor.execute(
            "MERGE INTO deals USING (VALUES (%s::uuid)) AS v (id) ON deals.id = v.id "
            "WHEN MATCHED THEN UPDATE SET notes = 'forged'",
            (anothers,),
        )
        assert cursor.rowcount == 0


def test_a_login_cannot_look_into_the_directory_without_saying_who_asks(place: Place) -> None:
    connection = place.connection("app")
    with connection.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM profile_directory").fetchone() == (0,)
    connection.rollback()
