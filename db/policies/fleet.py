"""People, their sign-ins and the fleet: who may do what."""

from db.policies.declare import (
    ADMIN,
    AUTH,
    BUILDERS,
    OPERATOR,
    OWNER,
    ROLE,
    SYSTEM,
    WATCH_OVERSIGHT,
    D,
    I,
    S,
    U,
    but,
    evidence,
    is_,
    old_enough,
    rule,
)
from db.rules import Who

# --- people and their sign-ins --------------------------------------------------------------------

rule("profiles", S, "self", Who.SELF)
rule(
    "profiles",
    S,
    "directory",
    AUTH,
    columns=("id", "username", "full_name", "avatar_url", "role"),
    limit="username, full_name, avatar_url and role only, through the view profile_directory",
)
rule("profiles", S, "admin", ADMIN)
rule("profiles", I, "signup", SYSTEM, limit="the registration transaction only")
rule(
    "profiles",
    U,
    "self",
    Who.SELF,
    columns=but("profiles", "id", "role", "auth_user_id", "created_at"),
    limit="every column but role and auth_user_id",
)
rule(
    "profiles",
    U,
    "admin",
    ADMIN,
    columns=but("profiles", "id", "auth_user_id", "created_at"),
    limit="role included, written to audit_log",
)
rule("profiles", D, "self", Who.SELF, limit="closes the account")
rule("profiles", D, "admin", ADMIN)
rule(
    "profiles",
    U,
    "closing",
    SYSTEM,
    columns=but("profiles", "id", "auth_user_id", "created_at"),
    becomes={"role": ("user",)},
    limit="choices made at sign-up; anonymises the profile of an account that is closed",
    ours="closing an account empties its profile and its sign-in together, and sign-in is the system's",
)
rule(
    "profiles",
    U,
    "console",
    OPERATOR,
    columns=("role",),
    ours="quantum user role: whoever runs the installation hands out roles when no administrator can",
)
_console = "the quantum command at the console"
rule("profiles", I, "console", OPERATOR, ours="quantum user create")
rule("user_stats", I, "console", OPERATOR, ours="quantum user create")

rule("user_sessions", S, "owner", OWNER)
rule("user_sessions", S, "oversight", ROLE, roles=WATCH_OVERSIGHT)
rule("user_sessions", I, "system", SYSTEM, limit="at sign-in")
rule(
    "user_sessions",
    U,
    "system",
    SYSTEM,
    columns=("last_activity", "expires_at", "is_active", "confirmed_at"),
    limit="last_activity, and with it the end it moves; when the password was given again; ends sessions",
)
rule(
    "user_sessions",
    U,
    "owner",
    OWNER,
    columns=("is_active",),
    becomes={"is_active": (False,)},
    limit="may only set is_active to false",
)
rule("user_sessions", D, "owner", OWNER)
rule("user_sessions", D, "admin", ADMIN)
rule(
    "user_sessions",
    U,
    "console",
    OPERATOR,
    columns=("is_active",),
    becomes={"is_active": (False,)},
    ours=_console,
)

# --- the fleet ------------------------------------------------------------------------------------

# Live as well, and ours: how often an agent says it will be heard, how far its clock is off, when it was measured.
CLOCK = ("heartbeat_seconds", "clock_drift_ms", "clock_drift_at", "measured_at")
LIVE = (
    "status",
    "efficiency",
    "current_task",
    "last_active",
    "neural_load",
    "uptime_seconds",
    "version",
    "metadata",
    *CLOCK,
)
CATALOGUE = ("name", "role", "squad", "user_id", "metadata", "version", "heartbeat_seconds", "paused_at")
rule("agents", S, "authenticated", AUTH)
rule("agents", I, "builders", ROLE, roles=BUILDERS, to=is_("origin", "person"))
rule(
    "agents",
    I,
    "observed",
    SYSTEM,
    to=is_("origin", "telemetry", "system"),
    limit="agents first seen in telemetry, and the application's own parts",
)
rule("agents", U, "builders", ROLE, roles=BUILDERS, columns=CATALOGUE, limit="catalogue columns")
rule("agents", U, "worker", SYSTEM, columns=LIVE, limit="live columns of the agent the worker runs")
rule("agents", D, "admin", ADMIN)
_files = "quantum seed and quantum import network, at the console"
rule("agents", I, "console", OPERATOR, to=is_("origin", "catalogue", "network"), ours=_files)

rule("agent_logs", S, "authenticated", AUTH)
rule("agent_logs", I, "worker", SYSTEM)
rule(
    "agent_logs",
    D,
    "retention",
    SYSTEM,
    on=old_enough("agent_logs", "created_at"),
    limit="older than 30 days",
)

MEASURED = ("strength", "latency_ms", "bandwidth_mbps", "status", "metadata")
rule("agent_connections", S, "authenticated", AUTH)
rule(
    "agent_connections", I, "builders", ROLE, roles=BUILDERS, to=evidence("declared"), limit="declared links"
)
rule("agent_connections", I, "measure", SYSTEM, to=evidence("measured"), limit="measured links")
rule(
    "agent_connections",
    U,
    "builders",
    ROLE,
    roles=BUILDERS,
    columns=but("agent_connections", "id", "created_at"),
)
rule(
    "agent_connections",
    U,
    "measure",
    SYSTEM,
    columns=MEASURED,
    limit="strength, latency_ms, bandwidth_mbps, status, metadata",
)
rule("agent_connections", D, "builders", ROLE, roles=BUILDERS)
rule("agent_connections", I, "console", OPERATOR, to=evidence("imported"), ours=_files)
rule(
    "agent_connections",
    U,
    "console",
    OPERATOR,
    on=evidence("imported"),
    to=evidence("imported"),
    columns=("strength", "metadata"),
    ours="a network imported again brings its connections up to the file",
)

rule("system_metrics", S, "authenticated", AUTH)
rule("system_metrics", I, "system", SYSTEM)
rule(
    "system_metrics",
    D,
    "retention",
    SYSTEM,
    on=old_enough("system_metrics", "recorded_at"),
    limit="older than 7 days",
)

PLACES = ("position_x", "position_y", "position_z", "size", "status", "connections_count", "metadata")
rule("network_nodes", S, "authenticated", AUTH)
rule("network_nodes", I, "builders", ROLE, roles=BUILDERS)
rule("network_nodes", I, "observed", SYSTEM, limit="nodes of observed agents and of the system itself")
rule("network_nodes", U, "builders", ROLE, roles=BUILDERS, columns=but("network_nodes", "id", "created_at"))
rule("network_nodes", U, "measure", SYSTEM, columns=PLACES, limit="position, size, status, connections_count")
rule("network_nodes", D, "builders", ROLE, roles=BUILDERS)
rule("network_nodes", I, "console", OPERATOR, ours=_files)
rule("network_nodes", U, "console", OPERATOR, columns=PLACES, ours=_files)
