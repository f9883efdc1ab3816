"""What a database carries besides tables: functions, triggers and a view, created with their tables.

What keeps the audit log as it is stands in `append_only`, what cuts tables by month in `partitions`, what says who may
do what in `row_security`.

The same texts are frozen into the migrations; a test compares the two through the catalogue.
"""

from typing import Any

from sqlalchemy import DDL, event

from db import append_only, partitions
from db.base import Base

TOUCH_FUNCTION = """
CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$
"""

SIGN_UP_FUNCTION = """
CREATE OR REPLACE FUNCTION handle_new_user() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    person uuid;
BEGIN
    INSERT INTO profiles (auth_user_id, username, role)
    VALUES (NEW.id, 'user_' || replace(NEW.id::text, '-', ''), 'user')
    ON CONFLICT (auth_user_id) DO NOTHING;
    SELECT id INTO person FROM profiles WHERE auth_user_id = NEW.id;
    INSERT INTO user_stats (user_id, xp_points, level) VALUES (person, 0, 1)
    ON CONFLICT (user_id) DO NOTHING;
    RETURN NULL;
END
$$
"""

SIGN_UP_TRIGGER = """
CREATE CONSTRAINT TRIGGER on_auth_user_created AFTER INSERT ON auth_account
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION handle_new_user()
"""

# Another role ends every sign-in of the person, whoever gives it and by whatever way, and the last administrator who
# can sign in keeps theirs. With the rights of the schema's owner, because a person's login reads no account; the
# setting says so to the rules of `db.policies`.
ROLE_FUNCTION = """
CREATE FUNCTION end_sign_ins() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asker text := coalesce(current_setting('quantum.kind', true), '');
BEGIN
    PERFORM set_config('quantum.kind', 'definer', true);
    IF OLD.role = 'admin' AND NOT EXISTS (
        SELECT FROM profiles AS p JOIN auth_account AS a ON a.id = p.auth_user_id WHERE p.role = 'admin' AND a.is_active
    ) THEN
        RAISE EXCEPTION 'the last administrator' USING ERRCODE = 'check_violation', CONSTRAINT = 'profiles_last_admin';
    END IF;
    UPDATE auth_account SET credential_version = credential_version + 1 WHERE id = NEW.auth_user_id;
    UPDATE user_sessions SET is_active = false WHERE user_id = NEW.id AND is_active;
    PERFORM set_config('quantum.kind', asker, true);
    RETURN NULL;
END
$$
"""

ROLE_TRIGGER = """
CREATE TRIGGER profiles_role_changed AFTER UPDATE OF role ON profiles FOR EACH ROW
WHEN (OLD.role IS DISTINCT FROM NEW.role) EXECUTE FUNCTION end_sign_ins()
"""

ROLE_TRIGGER_SQLITE = """
CREATE TRIGGER profiles_role_changed AFTER UPDATE OF role ON profiles FOR EACH ROW WHEN OLD.role IS NOT NEW.role
BEGIN
    SELECT RAISE(ABORT, 'profiles_last_admin') WHERE OLD.role = 'admin' AND NOT EXISTS (
        SELECT 1 FROM profiles AS p JOIN auth_account AS a ON a.id = p.auth_user_id WHERE p.role = 'admin'
        AND a.is_active = 1
    );
    UPDATE auth_account SET credential_version = credential_version + 1 WHERE id = NEW.auth_user_id;
    UPDATE user_sessions SET is_active = 0 WHERE user_id = NEW.id AND is_active = 1;
END
"""

# The public card of every person. On PostgreSQL `db.row_security` makes it, with the rule of who may look.
DIRECTORY_SQLITE = """
CREATE VIEW profile_directory AS SELECT id, username, full_name, avatar_url, role FROM profiles
"""

# Tables whose updated_at follows every change (touch_updated_at in the schema facts).
TOUCHED = (
    "profiles",
    "user_sessions",
    "agents",
    "agent_connections",
    "network_nodes",
    "deals",
    "support_tickets",
    "user_stats",
    "api_keys",
    "rate_limits",
    "invoices",
    "ai_models",
)


def touch_trigger(table: str) -> str:
    """DDL of the trigger that keeps `updated_at` of `table`."""
    return (
        f"CREATE TRIGGER update_{table}_updated_at BEFORE UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
    )


def on_database(dialect: str, statement: str, target: object, moment: str) -> None:
    """Run `statement` on `dialect` when `target` is made ("after_create") or about to be ("before_create")."""
    ddl: Any = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    event.listen(target, moment, ddl.execute_if(dialect=dialect))


def _on_postgresql(statement: str, target: object, moment: str) -> None:
    on_database("postgresql", statement, target, moment)


def attach() -> None:
    """Make `create_all` create them too. Called once, when the models are complete."""
    tables = Base.metadata.tables
    _on_postgresql(TOUCH_FUNCTION, Base.metadata, "before_create")
    for name in TOUCHED:
        _on_postgresql(touch_trigger(name), tables[name], "after_create")
    _on_postgresql(SIGN_UP_FUNCTION, Base.metadata, "after_create")
    _on_postgresql(SIGN_UP_TRIGGER, Base.metadata, "after_create")
    _on_postgresql(ROLE_FUNCTION, Base.metadata, "after_create")
    _on_postgresql(ROLE_TRIGGER, Base.metadata, "after_create")
    for statement in (ROLE_TRIGGER_SQLITE, DIRECTORY_SQLITE):
        on_database("sqlite", statement, Base.metadata, "after_create")
    append_only.attach(Base.metadata)
    partitions.attach(Base.metadata)
