"""Who may do what: row security, grants and guards on PostgreSQL, people's public cards, and roles that end sign-ins.

The statements stand in 20261127_access.sql as `db.row_security` wrote them (`make freeze`); later changes of the rules
get a revision of their own. Where the owner may not create the groups of logins, such as with one ordinary login for
everything, the rules speak to every login and go by who is asking alone.

Rolling back drops the view of public cards, the function end_sign_ins, the trigger profiles_role_changed, the schema
app with its functions, and the triggers guard_achievements, guard_agent_connections, guard_agents, guard_ai_models,
guard_api_keys, guard_auth_account, guard_deals, guard_invoices, guard_network_nodes, guard_predictions, guard_profiles,
guard_rate_limits, guard_security_events, guard_social_posts, guard_support_tickets,
guard_training_data, guard_transactions, guard_user_sessions and guard_user_stats; no rows. The groups of
logins belong to the whole server and stay.
"""

import re
from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "20261127_access"
down_revision = "20261127_account_links"
branch_labels = None
depends_on = None

FROZEN = Path(__file__).with_suffix(".sql")
UP, DOWN = "-- up\n", "-- down\n"
BETWEEN = "\n;;\n"
GROUPS = ("quantum_app", "quantum_staff", "quantum_system")

MAKE_GROUP = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{group}') THEN
        CREATE ROLE {group} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
    NULL;
END $$
"""

OLD_SIGN_UP = """
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
# With the rights of whoever makes the account: the system's, whom the rules let do it.
SIGN_UP = OLD_SIGN_UP.replace(" SECURITY DEFINER", "")

END_SIGN_INS = """
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

ROLE_CHANGED = """
CREATE TRIGGER profiles_role_changed AFTER UPDATE OF role ON profiles FOR EACH ROW
WHEN (OLD.role IS DISTINCT FROM NEW.role) EXECUTE FUNCTION end_sign_ins()
"""

ROLE_CHANGED_SQLITE = """
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

DIRECTORY_SQLITE = """
CREATE VIEW profile_directory AS SELECT id, username, full_name, avatar_url, role FROM profiles
"""


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def run(statements: list[str]) -> None:
    """As they stand: no sign in them is a parameter."""
    for each in statements:
        op.get_bind().exec_driver_sql(each.replace("%", "%%"))


def frozen(part: str) -> list[str]:
    """The statements of one direction."""
    up, down = FROZEN.read_text(encoding="utf-8").split(UP, 1)[1].split(DOWN, 1)
    return [each.strip() for each in (up if part == UP else down).split(BETWEEN) if each.strip()]


def has_groups() -> bool:
    """Whether the groups are there, after an attempt to make them."""
    run([MAKE_GROUP.format(group=group) for group in GROUPS])
    found = text("SELECT count(*) FROM pg_roles WHERE rolname = ANY (:names)")
    return op.get_bind().scalar(found, {"names": list(GROUPS)}) == len(GROUPS)


def for_everybody(statement: str) -> str | None:
    """A statement that speaks of the groups, said of every login; None where that would give rights away."""
    if re.match(r"(GRANT|REVOKE)\b", statement):
        return None
    return re.sub(r" TO quantum_\w+(, quantum_\w+)*", " TO PUBLIC", statement)


def spoken(part: str) -> list[str]:
    if has_groups():
        return frozen(part)
    return [each for statement in frozen(part) if (each := for_everybody(statement)) is not None]


def upgrade() -> None:
    if on_postgresql():
        run([SIGN_UP, END_SIGN_INS, ROLE_CHANGED, *spoken(UP)])
    else:
        run([ROLE_CHANGED_SQLITE, DIRECTORY_SQLITE])


def downgrade() -> None:
    if on_postgresql():
        run(
            [
                *spoken(DOWN),
                "DROP TRIGGER profiles_role_changed ON profiles",
                "DROP FUNCTION end_sign_ins()",
                OLD_SIGN_UP,
            ]
        )
    else:
        run(["DROP VIEW profile_directory", "DROP TRIGGER profiles_role_changed"])
