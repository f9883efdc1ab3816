"""The back-stop of sign-up: an account made by other means still gets its profile and points.

PostgreSQL only: a deferred, idempotent trigger; on SQLite only this application writes accounts.
Rolling back drops the trigger on_auth_user_created and the function handle_new_user; no rows.
"""

from alembic import op

revision = "20261122_sign_up"
down_revision = "20261122_telemetry"
branch_labels = None
depends_on = None

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


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def upgrade() -> None:
    if on_postgresql():
        op.execute(SIGN_UP_FUNCTION)
        op.execute(SIGN_UP_TRIGGER)


def downgrade() -> None:
    if on_postgresql():
        op.execute("DROP TRIGGER on_auth_user_created ON auth_account")
        op.execute("DROP FUNCTION handle_new_user()")
