"""`db.policies` as PostgreSQL enforces it: row security, grants, and guards for what row security cannot say.

Three groups of logins: `quantum_app` for people who see their own rows, `quantum_staff` for people whose role sees
others' (apart, because an OR of both would keep every query from its index), `quantum_system` for the application's own
work. Who is asking stands in settings of the transaction. The texts made here are frozen into a migration.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import ARRAY, ColumnElement, Table, literal_column
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.operators import and_

from db.base import Base, Key
from db.partitions import TENDING
from db.policies import RULES, SECRET_COLUMNS, STAMPS, rules
from db.rules import Me, Rule, Verb, Who
from db.triggers import on_database

APP, STAFF, SYSTEM = "quantum_app", "quantum_staff", "quantum_system"
GROUPS = (APP, STAFF, SYSTEM)
DIRECTORY = "profile_directory"
APPENDING = ("audit_head()", "audit_append(text)")  # of `append_only`
CARD = ("id", "username", "full_name", "avatar_url", "role")
# The rows that a child's rule looks for, by table and the column that names the person. A function, because a policy's
# own SELECT would be planned anew, with the policies of the table it reads, for every statement on the child.
KEYS = {
    ("deals", "user_id"): "own_deals",
    ("support_tickets", "user_id"): "own_tickets",
    ("support_tickets", "assigned_to"): "assigned_tickets",
}
ME = Me(
    profile_id=literal_column("(SELECT app.profile_id())", Key()),
    keys=lambda table, whose: literal_column(f"(SELECT app.{KEYS[table, whose]}())::uuid[]", ARRAY(Key())),
)
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

SCHEMA = (
    "CREATE SCHEMA app",
    """
CREATE FUNCTION app.kind() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('quantum.kind', true), ''), 'nobody')
$$
""",
    """
CREATE FUNCTION app.profile_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN app.kind() = 'person' THEN nullif(current_setting('quantum.profile_id', true), '')::uuid END
$$
""",
    """
CREATE FUNCTION app.role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN app.kind() = 'person' THEN nullif(current_setting('quantum.role', true), '') END
$$
""",
    *(
        f"""
CREATE FUNCTION app.{name}() RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT id FROM {table} WHERE {whose} = (SELECT app.profile_id()));
END
$$
"""
        for (table, whose), name in KEYS.items()
    ),
)
# Groups belong to the whole server, so another database may have made them already, or be making them now.
MAKE_GROUPS = tuple(
    f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{group}') THEN
        CREATE ROLE {group} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$
"""
    for group in GROUPS
)
# Alembic's own table, which create_all does not make.
BOOKKEEPING = "CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)"
UNDO_SCHEMA = (
    *(f"DROP FUNCTION app.{name}()" for name in KEYS.values()),
    "DROP FUNCTION app.role()",
    "DROP FUNCTION app.profile_id()",
    "DROP FUNCTION app.kind()",
    "DROP SCHEMA app",
)
# The owner's right to read is lent to whoever may read the view, so the view says for itself who that is.
VIEW = f"""
CREATE VIEW {DIRECTORY} WITH (security_barrier) AS SELECT {", ".join(CARD)} FROM profiles
WHERE (SELECT app.kind()) IN ('person', 'system', 'operator')
"""


def statements() -> list[str]:
    """Everything, in order, that turns the rules on in a database with all tables and the groups."""
    return [each.strip() for each in (*SCHEMA, *_of_tables(), VIEW, *_grants_apart())]


def undo() -> list[str]:
    """Takes it all away again, in order."""
    made = [f"DROP VIEW {DIRECTORY}"]
    for table in sorted(RULES):
        if is_guarded(table):
            made += [
                f"DROP TRIGGER {guard_name(table)} ON {table}",
                f"DROP FUNCTION app.{guard_name(table)}()",
            ]
        made += [f"DROP POLICY {each.name} ON {table}" for each in RULES[table]]
        made += [
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"REVOKE ALL ON {table} FROM {', '.join(GROUPS)}",
        ]
    made += [f"REVOKE ALL ON FUNCTION {function} FROM {', '.join(GROUPS)}" for function in APPENDING]
    made += [f"REVOKE ALL ON FUNCTION {function} FROM {SYSTEM}" for function in TENDING]
    made += [f"REVOKE ALL ON alembic_version FROM {', '.join(GROUPS)}"]
    return made + [f"REVOKE USAGE ON SCHEMA app FROM {', '.join(GROUPS)}", *UNDO_SCHEMA]


def _of_tables() -> Iterator[str]:
    for table in sorted(RULES):
        yield from of_table(table)


def of_table(table: str) -> Iterator[str]:
    """What turns the rules of one table on; a migration that makes a table holds these texts."""
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield from (policy(each) for each in RULES[table])
    yield from grants(table)
    if is_guarded(table):
        yield from guard_of(table)


def _grants_apart() -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA app TO {', '.join(GROUPS)}"
    yield f"GRANT SELECT ON {DIRECTORY} TO {', '.join(GROUPS)}"
    for function in APPENDING:
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {', '.join(GROUPS)}"
    for function in TENDING:
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {SYSTEM}"
    # Which revision the schema is at is no secret, and every part of the application asks for it.
    yield f"GRANT SELECT ON alembic_version TO {', '.join(GROUPS)}"


# --- policies ---------------------------------------------------------------------------------------


def groups(rule: Rule) -> tuple[str, ...]:
    """Whose logins a rule speaks of; the schema's owner for what the owner lends to others."""
    match rule.who:
        case Who.SYSTEM | Who.OPERATOR:
            return (SYSTEM,)
        case Who.ROLE | Who.ADMIN:
            return (STAFF,)
        case Who.DEFINER:
            return ("CURRENT_USER",)
        case _:
            return ("CURRENT_USER",) if is_directory(rule) else (APP, STAFF)


def is_directory(rule: Rule) -> bool:
    """Whether it lets others read a person's card: through the view, because row security knows no columns."""
    return rule.table == "profiles" and rule.verb is Verb.SELECT and rule.columns == frozenset(CARD)


def policy(rule: Rule) -> str:
    """CREATE POLICY for a rule."""
    table = Base.metadata.tables[rule.table]
    using = (
        "" if rule.verb is Verb.INSERT else f" USING ({_all(_asker(rule), text_of(rule.rows(table, ME)))})"
    )
    check = ""
    if rule.verb in (Verb.INSERT, Verb.UPDATE):
        check = f" WITH CHECK ({_all(_asker(rule), text_of(rule.becoming(table, ME)))})"
    speaks_of = f"FOR {rule.verb.upper()} TO {', '.join(groups(rule))}"
    return f"CREATE POLICY {rule.name} ON {rule.table} {speaks_of}{using}{check}"


def _asker(rule: Rule) -> str:
    """Who must be asking; "true" where the rows say it, since nobody but a person has a profile.

    A SELECT, so that it is asked once and not for every row.
    """
    if is_directory(rule):
        return "(SELECT app.kind() IN ('person', 'system', 'operator', 'definer'))"
    match rule.who:
        case Who.SYSTEM | Who.OPERATOR | Who.DEFINER:
            return f"(SELECT app.kind() = '{rule.who}')"
        case Who.AUTHENTICATED:
            return "(SELECT app.kind() = 'person')"
        case Who.ROLE | Who.ADMIN:
            named = ", ".join(f"'{role}'" for role in sorted(rule.needed_roles))
            return f"(SELECT app.role() IN ({named}))"
        case _:
            return "true"


def _all(*conditions: str) -> str:
    told = [each for each in conditions if each != "true"]
    return " AND ".join(told) or "true"


def text_of(condition: ColumnElement[bool]) -> str:
    """A condition as PostgreSQL reads it beside others, with its values written in."""
    grouped = condition.self_group(against=and_)  # an OR would take what stands before it along
    return str(grouped.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))


# --- grants -----------------------------------------------------------------------------------------


def grants(table: str) -> Iterator[str]:
    """What each group may do with a table at all; columns where no rule speaks of all of them."""
    for group in GROUPS:
        granted = [right for verb in Verb if (right := _right(table, verb, group))]
        if granted:
            yield f"GRANT {', '.join(granted)} ON {table} TO {group}"


def _right(table: str, verb: Verb, group: str) -> str:
    mine = [each for each in rules(table, verb) if group in groups(each)]
    if not mine:
        return ""
    if verb in (Verb.INSERT, Verb.DELETE):
        return verb.upper()
    columns = _columns(table, mine)
    if verb is Verb.UPDATE and columns is not None:
        columns |= STAMPS & set(Base.metadata.tables[table].columns.keys())
    return verb.upper() if columns is None else f"{verb.upper()} ({', '.join(_in_order(table, columns))})"


def _columns(table: str, mine: Iterable[Rule]) -> set[str] | None:
    """The columns that any of the rules speaks of; None for all."""
    found: set[str] = set()
    for each in mine:
        if each.columns is None:
            return None if each.verb is not Verb.SELECT or table not in SECRET_COLUMNS else _open(table)
        found |= each.columns
    return found


def _open(table: str) -> set[str]:
    return set(Base.metadata.tables[table].columns.keys())


def _in_order(table: str, columns: set[str]) -> list[str]:
    return [column.name for column in Base.metadata.tables[table].columns if column.name in columns]


# --- guards -----------------------------------------------------------------------------------------


def is_guarded(table: str) -> bool:
    """Whether some rule lets somebody change some columns, or some rows in some way, and not the rest."""
    return any(each.columns is not None or each.becomes for each in rules(table, Verb.UPDATE))


def guard_name(table: str) -> str:
    """The name of the trigger and of its function."""
    return f"guard_{table}"


def guard_of(table: str) -> Iterator[str]:
    """A change has to be allowed by one rule as a whole: its rows, its columns, its values.

    Row security would let the rows of one rule and the outcome of another add up to what neither allows. It is asked
    first whether it binds at all: the schema's owner at work in a migration or a foreign key's action is not bound.
    """
    name = guard_name(table)
    allowed = "\n".join(_branch(each) for each in rules(table, Verb.UPDATE))
    stamps = ", ".join(f"'{column}'" for column in sorted(STAMPS))
    yield f"""
CREATE FUNCTION app.{name}() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{{}}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ({stamps});
{allowed}
    RAISE EXCEPTION 'no rule lets % change % of {table}', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
"""
    yield f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION app.{name}()"


def _branch(rule: Rule) -> str:
    table: Table = Base.metadata.tables[rule.table]
    old, new = table.alias("old"), table.alias("new")
    conditions = [
        _asker(rule),
        text_of(rule.rows(old, ME)),
        text_of(rule.becoming(new, ME)),
        *_columns_of(rule),
    ]
    return f"    IF {_all(*conditions)} THEN -- {rule.name}\n        RETURN NEW;\n    END IF;"


def _columns_of(rule: Rule) -> Iterator[str]:
    if rule.columns is not None:
        named = ", ".join(f"'{column}'" for column in _in_order(rule.table, set(rule.columns)))
        yield f"changed <@ ARRAY[{named}]"
    for column, values in rule.becomes.items():
        kept = Base.metadata.tables[rule.table].alias("new").c[column].in_(values)
        yield f"(NOT '{column}' = ANY (changed) OR {text_of(kept)})"


def attach() -> None:
    """Make `create_all` turn the rules on as well. Called once, when the rules are complete."""
    on_database("postgresql", BOOKKEEPING, Base.metadata, "after_create")
    for each in (*MAKE_GROUPS, *statements()):
        on_database("postgresql", each, Base.metadata, "after_create")


attach()
