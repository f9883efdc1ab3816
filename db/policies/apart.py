"""The rules that the schema facts do not list: tables apart from the 26, the system's reading, files at the console."""

from db.base import Base
from db.policies.declare import (
    AUTH,
    BUILDERS,
    OPERATOR,
    OWNER,
    ROLE,
    RULES,
    SYSTEM,
    WATCH_OVERSIGHT,
    D,
    I,
    S,
    U,
    rule,
)
from db.rules import Verb, Who

APART = "a table apart from the 26 of the schema facts"
CONSOLE = "quantum import table: files are brought in at the console, by nobody who is signed in"
# What `quantum import table` fills; the rest of the tables are written by the application itself.
IMPORTED = (
    "achievements",
    "ai_models",
    "api_logs",
    "deal_activities",
    "deals",
    "invoices",
    "leaderboard",
    "predictions",
    "rate_limits",
    "security_events",
    "social_posts",
    "social_trends",
    "support_tickets",
    "system_metrics",
    "ticket_messages",
    "training_data",
    "transactions",
)

USAGE_READERS = ("admin", "architect", "observer", "strategist")

for _table in IMPORTED:
    rule(_table, I, "import", OPERATOR, ours=CONSOLE)

# Spans, who sent them and the calls they prove: everybody signed in looks at the fleet, only the application writes.
for _table in ("senders", "spans", "calls"):
    rule(_table, S, "authenticated", AUTH, ours=APART)
    for _verb in (I, U, D):
        rule(_table, _verb, "ingest", SYSTEM, ours=APART)

# What is counted of them: everybody reads it, the job that counts writes it; whoever stores spans notes what changed.
for _table in (
    "agent_rollups",
    "call_rollups",
    "fleet_rollups",
    "log_rollups",
    "measurement_rollups",
    "rollup_touched",
):
    rule(_table, S, "authenticated", AUTH, ours=APART)
    for _verb in (I, D):
        rule(_table, _verb, "rollup", SYSTEM, ours=APART)
rule("rollup_touched", I, "import", OPERATOR, ours=CONSOLE)
# Calls of programs are their owners' and the overseers' to read, and so is what is counted of them.
rule("api_rollups", S, "owner", OWNER, ours=APART)
rule("api_rollups", S, "oversight", ROLE, roles=WATCH_OVERSIGHT, ours=APART)
for _verb in (I, D):
    rule("api_rollups", _verb, "rollup", SYSTEM, ours=APART)
rule("rollup_kept", S, "authenticated", AUTH, ours=APART)
for _verb in (I, U):
    rule("rollup_kept", _verb, "rollup", SYSTEM, ours=APART)

# What runs by itself: everybody signed in may see how old a number is that a job computes.
rule("jobs", S, "authenticated", AUTH, ours=APART)
for _verb in (I, U):
    rule("jobs", _verb, "system", SYSTEM, ours=APART)

# What providers report: bought for everybody, so no plain user's. It comes from files, and a newer report replaces one.
rule("provider_usage", S, "managers", ROLE, roles=USAGE_READERS, ours=APART)
for _verb in (I, D):
    rule("provider_usage", _verb, "console", OPERATOR, ours="quantum import usage, at the console")

# What is marked on the time line: it comes from files, everybody sees it, and a newer file of the name replaces it.
rule("annotations", S, "authenticated", AUTH, ours=APART)
for _verb in (I, D):
    rule("annotations", _verb, "console", OPERATOR, ours="quantum import marks, at the console")

# What is aimed at: everybody sees how it stands, and who builds agents decides.
rule("objectives", S, "authenticated", AUTH, ours=APART)
for _verb in (I, U, D):
    rule("objectives", _verb, "builders", ROLE, roles=BUILDERS, ours=APART)

# Signing in: no person's session reads a line of these.
SIGN_IN = (
    "account_links",
    "auth_account",
    "one_time_codes",
    "outgoing_mail",
    "recovery_codes",
    "role_requirements",
    "second_factors",
    "sign_in_limits",
)
for _table in SIGN_IN:
    for _verb in (I, U, D):
        rule(_table, _verb, "system", SYSTEM, ours=APART)
for _table in ("account_links", "auth_account"):
    for _verb in (I, U):
        rule(_table, _verb, "console", OPERATOR, ours=APART)

# What the log held at the end of each day, kept apart from it.
rule("audit_heads", I, "system", SYSTEM, ours=APART)
rule("audit_heads", S, "oversight", ROLE, roles=WATCH_OVERSIGHT, ours=APART)
_append = "audit_head and audit_append, the one way into the log in everybody's own transaction"
rule("audit_log", S, "definer", Who.DEFINER, ours=_append)
rule("audit_log", I, "definer", Who.DEFINER, ours=_append)

rule("catalogue_seeds", I, "console", OPERATOR, ours=APART)

# Changing a role ends the person's sign-ins, whoever changes it: a trigger does, with the rights of the schema's owner.
_trigger = "the trigger profiles_role_changed raises the credential version and ends the person's sessions"
rule("auth_account", S, "definer", Who.DEFINER, ours=_trigger)
rule("auth_account", U, "definer", Who.DEFINER, columns=("credential_version",), ours=_trigger)
rule("user_sessions", S, "definer", Who.DEFINER, ours=_trigger)
rule(
    "user_sessions",
    U,
    "definer",
    Who.DEFINER,
    columns=("is_active",),
    becomes={"is_active": (False,)},
    ours=_trigger,
)

# A module of its own says beside its model who may do what: `__access__ = ("select authenticated", "insert system")`.
for _mapped in Base.__subclasses__():
    for _said in getattr(_mapped, "__access__", ()):
        _verb_said, _who_said = _said.split()
        rule(_mapped.__tablename__, Verb(_verb_said), _who_said, Who(_who_said), ours=APART)

for _table in Base.metadata.tables:
    if Base.metadata.tables[_table].info.get("is_view"):
        continue
    rule(
        _table,
        S,
        "system",
        SYSTEM,
        ours="the application's own work and the backup read what they count and keep",
    )
    if not any(each.who is OPERATOR and each.verb is Verb.SELECT for each in RULES.get(_table, ())):
        rule(
            _table,
            S,
            "console",
            OPERATOR,
            ours="the quantum command counts, checks and completes what is stored",
        )
