"""On PostgreSQL spans and calls are cut by month, so that the old go as a whole and windows read their months alone.

Tables cannot be cut where they stand: rows are copied into the new tables, month by month, and the old ones are
dropped, which for that long takes their room once more and lets nobody else at them. Keys, indexes, rules and grants
are brought over as they were. SQLite keeps whole tables, and nothing changes there.

Rolling back drops the functions make_month, drop_month and survey_months, and the schema months with the partitions,
whose rows go back into whole tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic import op

revision = "20261127_partitions"
down_revision = "20261127_uptime"
branch_labels = None
depends_on = None

TABLES = ("spans", "calls")
REFERRED_TO = ("agents", "senders")
FIRST, AHEAD, MOST_OLD = date(2010, 1, 1), 3, 36

FUNCTIONS = (
    """
CREATE FUNCTION make_month(what text, month date, most bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '800ms' AS $$
DECLARE
    first date := date_trunc('month', month::timestamp)::date;
    this date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    begins bigint := extract(epoch FROM first::timestamp)::bigint * 1000000000;
    ends bigint := extract(epoch FROM first + interval '1 month')::bigint * 1000000000;
    part text := what || to_char(first, '_YYYY_MM');
    rest text := what || '_rest';
    made text;
    waiting bigint;
BEGIN
    IF current_setting('quantum.kind', true) IS DISTINCT FROM 'system' THEN
        RAISE EXCEPTION 'partitions are the system''s own' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (what IN ('spans', 'calls') AND first BETWEEN date '2010-01-01' AND this + 366 AND most >= 0) IS NOT TRUE THEN
        RAISE EXCEPTION 'no partition is made of this' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(4779201134);
    IF to_regclass(format('months.%I', part)) IS NOT NULL THEN
        RETURN 'there';
    END IF;
    IF first NOT BETWEEN this AND this + 100
       AND (SELECT count(*) FROM pg_inherits WHERE inhparent = format('public.%I', what)::regclass) > 40 THEN
        RETURN 'enough';
    END IF;
    EXECUTE format('CREATE TABLE months.%I (LIKE public.%I INCLUDING ALL EXCLUDING INDEXES)', part, what);
    FOR made IN
        SELECT format('ALTER TABLE months.%I ADD CONSTRAINT %I %s', part, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid = format('public.%I', what)::regclass AND contype = 'f'
    LOOP
        EXECUTE made;
    END LOOP;
    EXECUTE format('LOCK TABLE months.%I IN ACCESS EXCLUSIVE MODE', rest);
    EXECUTE format('ALTER TABLE months.%I NO FORCE ROW LEVEL SECURITY', rest);
    EXECUTE format('SELECT count(*) FROM (SELECT FROM months.%I WHERE start_ns >= $1 AND start_ns < $2 LIMIT $3 + 1)'
                   ' AS few', rest) INTO waiting USING begins, ends, most;
    IF waiting > most THEN
        RAISE EXCEPTION 'too many rows wait' USING ERRCODE = 'program_limit_exceeded';
    ELSIF waiting > 0 THEN
        EXECUTE format('WITH moved AS (DELETE FROM months.%I WHERE start_ns >= $1 AND start_ns < $2 RETURNING *)'
                       ' INSERT INTO months.%I SELECT * FROM moved', rest, part) USING begins, ends;
    END IF;
    EXECUTE format('ALTER TABLE months.%I FORCE ROW LEVEL SECURITY', rest);
    EXECUTE format('ALTER TABLE months.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION months.%I FOR VALUES FROM (%s) TO (%s)',
                   what, part, begins, ends);
    RETURN 'made';
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN RETURN 'busy';
    WHEN program_limit_exceeded THEN RETURN 'too many';
END
$$
""",
    """
CREATE FUNCTION drop_month(what text, before bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '800ms' AS $$
DECLARE
    part text;
BEGIN
    IF current_setting('quantum.kind', true) IS DISTINCT FROM 'system' THEN
        RAISE EXCEPTION 'partitions are the system''s own' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (what IN ('spans', 'calls') AND before <= (extract(epoch FROM now())::bigint - 86400) * 1000000000)
       IS NOT TRUE THEN
        RAISE EXCEPTION 'no partition is dropped of this' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(4779201134);
    SELECT c.relname INTO part FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = format('public.%I', what)::regclass
      AND substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''(-?\\d+)''\\)')::bigint <= before
    ORDER BY c.relname LIMIT 1;
    IF part IS NULL THEN
        RETURN 'none';
    END IF;
    EXECUTE format('ALTER TABLE public.%I DETACH PARTITION months.%I', what, part);
    EXECUTE format('DROP TABLE months.%I', part);
    RETURN part;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN RETURN 'busy';
END
$$
""",
    """
CREATE FUNCTION survey_months(what text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '800ms' AS $$
BEGIN
    IF current_setting('quantum.kind', true) IS DISTINCT FROM 'system' THEN
        RAISE EXCEPTION 'partitions are the system''s own' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (what IN ('spans', 'calls')) IS NOT TRUE THEN
        RAISE EXCEPTION 'nothing is known of this' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('ANALYZE public.%I', what);
    RETURN 'done';
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN RETURN 'busy';
END
$$
""",
    "REVOKE ALL ON FUNCTION make_month(text, date, bigint) FROM PUBLIC",
    "REVOKE ALL ON FUNCTION drop_month(text, bigint) FROM PUBLIC",
    "REVOKE ALL ON FUNCTION survey_months(text) FROM PUBLIC",
)
UNDO_FUNCTIONS = (
    "DROP FUNCTION make_month(text, date, bigint)",
    "DROP FUNCTION drop_month(text, bigint)",
    "DROP FUNCTION survey_months(text)",
)

# Everything about a table but its columns and checks, which LIKE copies: as statements, in an order in which they can
# be said again of a table of the same name. (ONLY stands in the definition of a partitioned table's index; a whole
# table is nothing but itself.)
STANDING = (
    "SELECT format('ALTER TABLE %I ADD CONSTRAINT %I %s', CAST(:of AS text), conname, pg_get_constraintdef(oid)) "
    "FROM pg_constraint WHERE conrelid = CAST(:of AS regclass) AND contype IN ('p', 'u', 'f') "
    "ORDER BY contype = 'f', conname",
    "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = CAST(:of AS regclass) AND NOT EXISTS "
    "(SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = CAST(:of AS regclass) AND NOT tgisinternal",
    "SELECT format('CREATE POLICY %I ON %I AS %s FOR %s TO %s', policyname, tablename, permissive, cmd, "
    "(SELECT string_agg(CASE each WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(each) END, ', ') FROM unnest(roles) "
    "AS each)) || coalesce(' USING (' || qual || ')', '') || coalesce(' WITH CHECK (' || with_check || ')', '') "
    "FROM pg_policies WHERE schemaname = current_schema() AND tablename = :of ORDER BY policyname",
    "SELECT format('GRANT %s ON %I TO %s', a.privilege_type, CAST(:of AS text), CASE a.grantee WHEN 0 THEN 'PUBLIC' "
    "ELSE quote_ident(pg_get_userbyid(a.grantee)) END) FROM pg_class AS c, aclexplode(c.relacl) AS a "
    "WHERE c.oid = CAST(:of AS regclass) AND a.grantee <> c.relowner",
    "SELECT format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', CAST(:of AS text)) FROM pg_class "
    "WHERE oid = CAST(:of AS regclass) AND relrowsecurity",
)
MONTHS = "SELECT DISTINCT CAST(date_trunc('month', to_timestamp(start_ns / 1000000000) AT TIME ZONE 'UTC') AS date) "


def upgrade() -> None:
    if not on_postgresql():
        return
    run("CREATE SCHEMA months")
    with open_to_their_owner():
        for table in TABLES:
            replace(table, months_of(table))
    run(*FUNCTIONS)


def downgrade() -> None:
    if not on_postgresql():
        return
    run(*UNDO_FUNCTIONS)
    with open_to_their_owner():
        for table in TABLES:
            replace(table)
    run("DROP SCHEMA months")


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def run(*statements: str) -> None:
    """As they stand: no sign in them is a parameter."""
    for each in statements:
        op.get_bind().exec_driver_sql(each.replace("%", "%%"))


@contextmanager
def open_to_their_owner() -> Iterator[None]:
    """Row security forced on these tables would hide their rows from the owner, who copies them and checks keys."""
    asked = sa.text("SELECT relname FROM pg_class WHERE oid = CAST(:of AS regclass) AND relforcerowsecurity")
    named = (*TABLES, *REFERRED_TO)
    forced = [name for each in named for name in op.get_bind().scalars(asked, {"of": each})]
    run(*(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY" for name in forced))
    yield
    run(*(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY" for name in forced))


def replace(table: str, months: list[date] | None = None) -> None:
    """Write the table anew: cut into these months and the rest, or whole."""
    standing = [each for asked in STANDING for each in op.get_bind().scalars(sa.text(asked), {"of": table})]
    how = "" if months is None else " PARTITION BY RANGE (start_ns)"
    run(
        f"ALTER TABLE {table} RENAME TO {table}_before",
        f"CREATE TABLE {table} (LIKE {table}_before INCLUDING ALL EXCLUDING INDEXES){how}",
    )
    if months is not None:
        run(*partitions(table, months))
    run(f"INSERT INTO {table} SELECT * FROM {table}_before")  # noqa: S608 - our own names
    run(f"DROP TABLE {table}_before", *standing)
    run(f"ANALYZE {table}")


def months_of(table: str) -> list[date]:
    """Months that rows lie in, the latest ones where they are too many, and this one with those ahead of it."""
    this = datetime.now(UTC).date().replace(day=1)
    ahead = [after(this, months) for months in range(AHEAD + 1)]
    found = op.get_bind().exec_driver_sql(f"{MONTHS}FROM {table}").scalars()
    old = sorted(each for each in found if FIRST <= each < this)
    return [*old[-MOST_OLD:], *ahead]


def partitions(table: str, months: list[date]) -> Iterator[str]:
    closed = "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    yield f"CREATE TABLE months.{table}_rest PARTITION OF {table} DEFAULT"
    yield f"ALTER TABLE months.{table}_rest {closed}"
    for month in months:
        name, bounds = f"months.{table}_{month:%Y_%m}", f"({begin_ns(month)}) TO ({begin_ns(after(month))})"
        yield f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM {bounds}"
        yield f"ALTER TABLE {name} {closed}"


def after(month: date, months: int = 1) -> date:
    years, place = divmod(month.month - 1 + months, 12)
    return date(month.year + years, place + 1, 1)


def begin_ns(month: date) -> int:
    return (month - date(1970, 1, 1)).days * 86_400 * 1_000_000_000
