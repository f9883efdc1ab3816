"""What the database carries besides tables: functions and triggers, created with their tables.

Here stands what only PostgreSQL has; what keeps the audit log as it is stands in `append_only`.

The same texts are frozen into the migrations; a test compares the two through the catalogue.
"""

from typing import Any

from sqlalchemy import DDL, event

from db import append_only
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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


def _on_postgresql(statement: str, target: object, moment: str) -> None:
    ddl: Any = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    event.listen(target, moment, ddl.execute_if(dialect="postgresql"))


def attach() -> None:
    """Make `create_all` create them too. Called once, when the models are complete."""
    tables = Base.metadata.tables
    _on_postgresql(TOUCH_FUNCTION, Base.metadata, "before_create")
    for name in TOUCHED:
        _on_postgresql(touch_trigger(name), tables[name], "after_create")
    _on_postgresql(SIGN_UP_FUNCTION, Base.metadata, "after_create")
    _on_postgresql(SIGN_UP_TRIGGER, Base.metadata, "after_create")
    append_only.attach(Base.metadata)
