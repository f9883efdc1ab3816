"""What is watched and what that says: everybody signed in reads it, the application alone writes what was observed."""

from db.policies.declare import ADMIN, AUTH, BUILDERS, OPERATOR, ROLE, SYSTEM, D, I, S, U, is_, rule

APART = "a table apart from the 26 of the schema facts"
OBSERVED = (
    "heard_stretches",
    "check_results",
    "uptime_subjects",
    "state_stretches",
    "watched_hours",
    "state_days",
    "check_days",
    "uptime_kept",
)

for _table in (*OBSERVED, "checks", "exempt_times", "corrections"):
    rule(_table, S, "authenticated", AUTH, ours=APART)
for _table in OBSERVED:
    rule(_table, I, "system", SYSTEM, ours=APART)
rule("uptime_kept", U, "system", SYSTEM, ours="it is only ever moved on")
for _table in ("heard_stretches", "check_results", "state_stretches"):
    rule(_table, D, "system", SYSTEM, ours="what is summed up by day and older than its setting goes")
rule("heard_stretches", U, "system", SYSTEM, columns=("last_at", "beats"), ours="a stretch only grows")
rule("watched_hours", D, "system", SYSTEM, ours="an hour of which more is told later is put together again")
rule("uptime_subjects", U, "system", SYSTEM, columns=("settled_until",), ours=APART)
rule(
    "state_stretches",
    U,
    "system",
    SYSTEM,
    columns=("until", "superseded_at"),
    ours="a stretch gets its end, or is marked when others take its place; what it says stays",
)

DEFINED = (
    "name",
    "url",
    "interval_seconds",
    "timeout_seconds",
    "expected_status",
    "confirmations",
    "paused_at",
)
_builders = "who builds agents also says what is watched"
rule("checks", I, "builders", ROLE, roles=BUILDERS, to=is_("kind", "http"), ours=_builders)
rule("checks", U, "builders", ROLE, roles=BUILDERS, on=is_("kind", "http"), columns=DEFINED, ours=_builders)
rule("checks", D, "builders", ROLE, roles=BUILDERS, ours=_builders)
rule("checks", U, "system", SYSTEM, columns=("due_at", "refusal"), ours=APART)
_history = "quantum import checks: histories are brought in at the console"
rule("checks", I, "console", OPERATOR, to=is_("kind", "imported"), ours=_history)
rule("check_results", I, "console", OPERATOR, ours=_history)

rule("exempt_times", I, "builders", ROLE, roles=BUILDERS, ours=_builders)
rule(
    "exempt_times",
    U,
    "builders",
    ROLE,
    roles=BUILDERS,
    columns=("starts_at", "ends_at", "edited_at", "edit_why", "cancelled_at", "unsettled_from"),
    ours=_builders,
)
rule("exempt_times", U, "system", SYSTEM, columns=("unsettled_from",), ours=APART)
rule("corrections", I, "admin", ADMIN, ours="a correction is never changed; a later one stands over it")
rule("corrections", U, "system", SYSTEM, columns=("applied_at",), ours=APART)
