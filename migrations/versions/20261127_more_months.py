"""On PostgreSQL agents' log lines, measurements and the log of requests are cut by month too, as spans and calls are.

Their times join their primary keys, since a key holds over partitions only with what they are cut by, and can no longer
be null. A row without a time, which this program never writes, gets the first instant of 1970: no window of time that
had not counted it does so now. SQLite keeps whole tables, and nothing changes there.

Rolling back drops nothing: rows go back into whole tables, whose times may be null again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "20261127_more_months"
down_revision = "20261127_partitions"
branch_labels = None
depends_on = None

TABLES = {"agent_logs": "created_at", "system_metrics": "recorded_at", "api_logs": "created_at"}
REFERRED_TO = ("agents", "api_keys", "profiles")
FIRST, AHEAD, MOST_OLD = date(2010, 1, 1), 1, 36  # what else is ahead the job makes as soon as it runs
UNTOLD = "1970-01-01 UTC"

FUNCTIONS = (
    """
CREATE OR REPLACE FUNCTION make_month(what text, month date, most bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '800ms' AS $$
DECLARE
    first date := date_trunc('month', month::timestamp)::date;
    this date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    part text := what || to_char(first, '_YYYY_MM');
    rest text := what || '_rest';
    begins text := to_char(first, 'YYYY-MM-DD "UTC"');
    ends text := to_char(first + interval '1 month', 'YYYY-MM-DD "UTC"');
    key name;
    counts boolean;
    inside text;
    made text;
    waiting bigint;
BEGIN
    IF current_setting('quantum.kind', true) IS DISTINCT FROM 'system' THEN
        RAISE EXCEPTION 'partitions are the system''s own' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (what IN ('spans', 'calls', 'agent_logs', 'system_metrics', 'api_logs')
        AND first BETWEEN date '2010-01-01' AND this + 366 AND most >= 0) IS NOT TRUE THEN
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
    SELECT a.attname, a.atttypid = 'bigint'::regtype INTO key, counts FROM pg_partitioned_table AS p
    JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = format('public.%I', what)::regclass;
    IF counts THEN
        begins := extract(epoch FROM first::timestamp)::bigint * 1000000000;
        ends := extract(epoch FROM first + interval '1 month')::bigint * 1000000000;
    END IF;
    inside := format('%1$I >= %2$L AND %1$I < %3$L', key, begins, ends);
    EXECUTE format('CREATE TABLE months.%I (LIKE public.%I INCLUDING ALL EXCLUDING INDEXES)', part, what);
    FOR made IN
        SELECT format('ALTER TABLE months.%I ADD CONSTRAINT %I %s', part, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid = format('public.%I', what)::regclass AND contype = 'f'
    LOOP
        EXECUTE made;
    END LOOP;
    EXECUTE format('LOCK TABLE months.%I IN ACCESS EXCLUSIVE MODE', rest);
    EXECUTE format('ALTER TABLE months.%I NO FORCE ROW LEVEL SECURITY', rest);
    EXECUTE format('SELECT count(*) FROM (SELECT FROM months.%I WHERE %s LIMIT $1 + 1) AS few', rest, inside)
        INTO waiting USING most;
    IF waiting > most THEN
        RAISE EXCEPTION 'too many rows wait' USING ERRCODE = 'program_limit_exceeded';
    ELSIF waiting > 0 THEN
        EXECUTE format('WITH moved AS (DELETE FROM months.%I WHERE %s RETURNING *)'
                       ' INSERT INTO months.%I SELECT * FROM moved', rest, inside, part);
    END IF;
    EXECUTE format('ALTER TABLE months.%I FORCE ROW LEVEL SECURITY', rest);
    EXECUTE format('ALTER TABLE months.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION months.%I FOR VALUES FROM (%L) TO (%L)',
                   what, part, begins, ends);
    RETURN 'made';
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN RETURN 'busy';
    WHEN program_limit_exceeded THEN RETURN 'too many';
END
$$
""",
    """
CREATE OR REPLACE FUNCTION drop_month(what text, before bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '800ms' AS $$
DECLARE
    kept int := CASE what WHEN 'spans' THEN 1 WHEN 'calls' THEN 1 WHEN 'agent_logs' THEN 30
                          WHEN 'system_metrics' THEN 7 WHEN 'api_logs' THEN 90 END;
    until timestamp;
    rest text := what || '_rest';
    part text;
BEGIN
    IF current_setting('quantum.kind', true) IS DISTINCT FROM 'system' THEN
        RAISE EXCEPTION 'partitions are the system''s own' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (kept > 0 AND before <= (extract(epoch FROM now())::bigint - 86400) * 1000000000) IS NOT TRUE THEN
        RAISE EXCEPTION 'no partition is dropped of this' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    until := least(to_timestamp(before / 1000000000), now() - kept * interval '24 hours') AT TIME ZONE 'UTC';
    PERFORM pg_advisory_xact_lock(4779201134);
    SELECT c.relname INTO part FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = format('public.%I', what)::regclass
      AND to_date(substring(c.relname FROM '_(\\d{4}_\\d{2})$'), 'YYYY_MM') + interval '1 month' <= until
    ORDER BY c.relname LIMIT 1;
    IF part IS NULL THEN
        RETURN 'none';
    END IF;
    EXECUTE format('ALTER TABLE public.%I DETACH PARTITION months.%I', what, part);
    IF what = 'system_metrics' THEN
        EXECUTE format('ALTER TABLE months.%I NO FORCE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE months.%I NO FORCE ROW LEVEL SECURITY', rest);
        EXECUTE format('INSERT INTO months.%I SELECT * FROM months.%I'
                       ' WHERE metric_type IN (''collector.up_seconds'', ''collector.down_seconds'')', rest, part);
        EXECUTE format('ALTER TABLE months.%I FORCE ROW LEVEL SECURITY', rest);
    END IF;
    EXECUTE format('DROP TABLE months.%I', part);
    RETURN part;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN RETURN 'busy';
END
$$
""",
    """
CREATE OR REPLACE FUNCTION survey_months(what text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '800ms' AS $$
BEGIN
    IF current_setting('quantum.kind', true) IS DISTINCT FROM 'system' THEN
        RAISE EXCEPTION 'partitions are the system''s own' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (what IN ('spans', 'calls', 'agent_logs', 'system_metrics', 'api_logs')) IS NOT TRUE THEN
        RAISE EXCEPTION 'nothing is known of this' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('ANALYZE public.%I', what);
    RETURN 'done';
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN RETURN 'busy';
END
$$
""",
)
MONTHS = (
    "SELECT DISTINCT CAST(date_trunc('month', {key} AT TIME ZONE 'UTC') AS date) FROM {table} "
    "WHERE {key} >= '{first} UTC' AND {key} < '{this} UTC'"
)


def upgrade() -> None:
    if not on_postgresql():
        return
    with open_to_their_owner():
        for table, key in TABLES.items():
            replace(table, f"PRIMARY KEY (id, {key})", months_of(table, key))
    run(*FUNCTIONS)


def downgrade() -> None:
    if not on_postgresql():
        return
    run(*(each.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION") for each in former().FUNCTIONS[:3]))
    with open_to_their_owner():
        for table in TABLES:
            replace(table, "PRIMARY KEY (id)")


def on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def former() -> Any:
    """The revision that cut the first tables: how a table is told whole, and the functions as they were."""
    found: Any = context.script.get_revision("20261127_partitions")
    return found.module


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


def replace(table: str, primary: str, months: list[date] | None = None) -> None:
    """Write the table anew with this primary key: cut into these months and the rest, or whole."""
    key, told = TABLES[table], op.get_bind()
    standing = [each for asked in former().STANDING for each in told.scalars(sa.text(asked), {"of": table})]
    standing = [
        f"{each.split('PRIMARY KEY')[0]}{primary}" if "PRIMARY KEY" in each else each for each in standing
    ]
    how = "" if months is None else f" PARTITION BY RANGE ({key})"
    run(
        f"ALTER TABLE {table} RENAME TO {table}_before",
        f"CREATE TABLE {table} (LIKE {table}_before INCLUDING ALL EXCLUDING INDEXES){how}",
    )
    if months is None:
        run(f"ALTER TABLE {table} ALTER COLUMN {key} DROP NOT NULL")
    else:
        run(*partitions(table, months))
        run(
            f"ALTER TABLE {table}_before DISABLE TRIGGER USER",
            f"UPDATE {table}_before SET {key} = '{UNTOLD}' WHERE {key} IS NULL",  # noqa: S608 - our own names
        )
    run(f"INSERT INTO {table} SELECT * FROM {table}_before")  # noqa: S608 - our own names
    run(f"DROP TABLE {table}_before", *standing)
    run(f"ANALYZE {table}")


def months_of(table: str, key: str) -> list[date]:
    """Months that rows lie in, the latest ones where they are too many, and this one with those ahead of it."""
    this, after = datetime.now(UTC).date().replace(day=1), former().after
    ahead = [after(this, months) for months in range(AHEAD + 1)]
    found = (
        op.get_bind().exec_driver_sql(MONTHS.format(key=key, table=table, first=FIRST, this=this)).scalars()
    )
    return [*sorted(found)[-MOST_OLD:], *ahead]


def partitions(table: str, months: list[date]) -> Iterator[str]:
    closed = "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    yield f"CREATE TABLE months.{table}_rest PARTITION OF {table} DEFAULT"
    yield f"ALTER TABLE months.{table}_rest {closed}"
    for month in months:
        name, end = f"months.{table}_{month:%Y_%m}", former().after(month)
        yield f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ('{month} UTC') TO ('{end} UTC')"
        yield f"ALTER TABLE {name} {closed}"
