"""Tables that grow for ever, cut by month on PostgreSQL: what makes a month's partition and what takes one away.

The partitions lie in a schema of their own, `months`, that nobody but its owner may look into, and row security is
forced on each without a single rule: rows are reached through their table, whose rules and grants decide, or not at
all. `<table>_rest` takes what no month takes. SQLite keeps whole tables.

The audit log grows too and stays whole: each of its rows seals the one before, and none is ever taken away.

The same texts are frozen into migrations; a test compares the two through the catalogue.
"""

from typing import Any

from sqlalchemy import DDL, MetaData, event

SCHEMA = "months"
# Each by the column that says when, which stands in its primary key on PostgreSQL: nanoseconds or a moment.
MONTHLY = {
    "spans": "start_ns",
    "calls": "start_ns",
    "agent_logs": "created_at",
    "system_metrics": "recorded_at",
    "api_logs": "created_at",
}
IN_NS = ("spans", "calls")
# Rows that outlive their month and move to the rest when it goes: what the collector watched, ever since it began.
STAYING = {"system_metrics": "metric_type IN ('collector.up_seconds', 'collector.down_seconds')"}

# A month's table is filled before it is attached, and attached rather than made in its place: that locks the parent
# against neither readers nor writers. What waited in the rest moves under a lock on the rest alone, so that no change
# of a row that moves is lost. Whoever is in the way for longer than lock_timeout is left in peace: 'busy'. That is less
# than PostgreSQL waits before it looks for circles of waiting, so nobody else is ended for the sake of a partition.
# Beyond forty months no more are made of the past because somebody reports so: whoever asks without a time looks into
# every one, and takes some ten of the server's 6,000 locks for each.
MAKE_FUNCTION = """
CREATE FUNCTION make_month(what text, month date, most bigint) RETURNS text
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
"""

# The oldest month that ends before the instant goes as a whole, in no more time than its files take to be unlinked; but
# for watched time, some 90,000 rows of a month, which moves to the rest first while nobody reads or stores. No month
# goes that holds rows younger than the rules keep them at least (`db.policies.KEPT`), whatever is asked.
DROP_FUNCTION = """
CREATE FUNCTION drop_month(what text, before bigint) RETURNS text
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
"""

# What PostgreSQL knows of a table as a whole, which it gathers by itself for each partition but not for their parent.
SURVEY_FUNCTION = """
CREATE FUNCTION survey_months(what text) RETURNS text
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
"""
FUNCTIONS = (MAKE_FUNCTION, DROP_FUNCTION, SURVEY_FUNCTION)
# As `row_security` grants them, to the system's logins alone.
TENDING = ("make_month(text, date, bigint)", "drop_month(text, bigint)", "survey_months(text)")
CLOSED = tuple(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC" for function in TENDING)


def rest_of(table: str) -> tuple[str, ...]:
    """DDL of the partition for what no month takes."""
    rest = f"{SCHEMA}.{table}_rest"
    return (
        f"CREATE TABLE {rest} PARTITION OF public.{table} DEFAULT",
        f"ALTER TABLE {rest} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    )


def attach(metadata: MetaData) -> None:
    """Make `create_all` create them too."""
    rests = (statement for table in MONTHLY for statement in rest_of(table))
    for each in (f"CREATE SCHEMA {SCHEMA}", *FUNCTIONS, *CLOSED, *rests):
        ddl: Any = DDL(each.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(metadata, "after_create", ddl.execute_if(dialect="postgresql"))
