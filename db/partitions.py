"""Tables that grow for ever, cut by month on PostgreSQL: what makes a month's partition and what takes one away.

The partitions lie in a schema of their own, `months`, that nobody but its owner may look into, and row security is
forced on each without a single rule: rows are reached through their table, whose rules and grants decide, or not at
all. `<table>_rest` takes what no month takes. SQLite keeps whole tables.

The same texts are frozen into a migration; a test compares the two through the catalogue.
"""

from typing import Any

from sqlalchemy import DDL, MetaData, event

SCHEMA = "months"
MONTHLY = ("spans", "calls")  # each by its column start_ns, which stands in its primary key

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
"""

# The oldest month that ends before the instant goes as a whole, in no more time than its files take to be unlinked.
DROP_FUNCTION = """
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
"""

# What PostgreSQL knows of a table as a whole, which it gathers by itself for each partition but not for their parent.
SURVEY_FUNCTION = """
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
