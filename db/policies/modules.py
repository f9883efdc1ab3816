"""The module tables: who may do what."""

from sqlalchemy import or_

from db.policies.declare import (
    ADMIN,
    AUTH,
    BUILDERS,
    OPERATOR,
    OWNER,
    ROLE,
    SALES_OVERSIGHT,
    SYSTEM,
    WATCH_OVERSIGHT,
    D,
    I,
    S,
    U,
    all_of,
    but,
    is_,
    mine,
    old_enough,
    rule,
)
from db.rules import Who

# --- sales ----------------------------------------------------------------------------------------

rule("deals", S, "owner", OWNER)
rule("deals", S, "oversight", ROLE, roles=SALES_OVERSIGHT)
rule("deals", I, "owner", OWNER)
rule(
    "deals",
    U,
    "owner",
    OWNER,
    columns=but("deals", "id", "user_id", "created_at"),
    limit="the owner cannot be changed",
)
rule("deals", U, "admin", ADMIN, columns=but("deals", "id", "created_at"))
rule("deals", D, "owner", OWNER, on=is_("status", "lead"), limit="only while status is lead")
rule("deals", D, "admin", ADMIN)

rule("deal_activities", S, "deal_owner", Who.DEAL_OWNER)
rule("deal_activities", S, "oversight", ROLE, roles=SALES_OVERSIGHT)
rule(
    "deal_activities",
    I,
    "deal_owner",
    Who.DEAL_OWNER,
    to=mine("user_id"),
    limit="user_id must be the author",
)
rule("deal_activities", D, "admin", ADMIN)

# --- help desk ------------------------------------------------------------------------------------

rule("support_tickets", S, "owner", OWNER)
rule("support_tickets", S, "assignee", Who.ASSIGNEE)
rule("support_tickets", S, "admin", ADMIN)
rule(
    "support_tickets",
    I,
    "owner",
    OWNER,
    to=lambda row, me: row.c.assigned_to.is_(None),
    limit="assigned_to must be empty",
)
rule(
    "support_tickets",
    U,
    "owner",
    OWNER,
    on=is_("status", "open", "in_progress"),
    columns=("subject", "description", "status"),
    becomes={"status": ("closed",)},
    limit="subject and description while open; may close",
)
rule(
    "support_tickets",
    U,
    "assignee",
    Who.ASSIGNEE,
    columns=("status", "priority", "resolved_at"),
    limit="status, priority, resolved_at",
)
rule(
    "support_tickets",
    U,
    "admin",
    ADMIN,
    columns=but("support_tickets", "id", "user_id", "created_at"),
    limit="assigns",
)
rule("support_tickets", D, "admin", ADMIN)

rule(
    "ticket_messages",
    S,
    "ticket_owner",
    Who.TICKET_OWNER,
    on=is_("is_internal", False),
    limit="rows with is_internal = false only",
)
rule("ticket_messages", S, "ticket_assignee", Who.TICKET_ASSIGNEE)
rule("ticket_messages", S, "admin", ADMIN)
rule(
    "ticket_messages",
    I,
    "ticket_owner",
    Who.TICKET_OWNER,
    to=all_of(mine("user_id"), is_("is_internal", False)),
    limit="is_internal must be false; user_id must be the author",
)
rule(
    "ticket_messages",
    I,
    "ticket_assignee",
    Who.TICKET_ASSIGNEE,
    to=mine("user_id"),
    limit="user_id must be the author",
)
rule("ticket_messages", I, "admin", ADMIN, to=mine("user_id"), limit="user_id must be the author")
rule("ticket_messages", D, "admin", ADMIN)

# --- listening ------------------------------------------------------------------------------------

COUNTED = (
    "likes_count",
    "shares_count",
    "comments_count",
    "sentiment_score",
    "trending_score",
    "metadata",
    "fetched_at",
)
rule("social_posts", S, "authenticated", AUTH)
rule("social_posts", I, "collector", SYSTEM)
rule("social_posts", U, "collector", SYSTEM, columns=COUNTED, limit="counts and scores")
rule("social_posts", D, "admin", ADMIN)
rule("social_trends", S, "authenticated", AUTH)
rule("social_trends", I, "collector", SYSTEM)
rule("social_trends", D, "admin", ADMIN)

# --- points ---------------------------------------------------------------------------------------

rule("user_stats", S, "owner", OWNER)
rule("user_stats", S, "admin", ADMIN)
rule("user_stats", I, "signup", SYSTEM, limit="the registration transaction only")
rule(
    "user_stats",
    U,
    "engine",
    SYSTEM,
    columns=but("user_stats", "user_id", "created_at"),
    limit="points come from recorded deeds, never from the person",
)
rule("achievements", S, "authenticated", AUTH)
rule("achievements", I, "builders", ROLE, roles=BUILDERS)
rule("achievements", U, "builders", ROLE, roles=BUILDERS, columns=but("achievements", "id", "created_at"))
rule("achievements", D, "admin", ADMIN)
rule("leaderboard", S, "authenticated", AUTH)
rule("leaderboard", I, "engine", SYSTEM)
rule(
    "leaderboard",
    D,
    "retention",
    SYSTEM,
    on=old_enough("leaderboard", "recorded_at"),
    limit="older than 365 days",
)

# --- programs -------------------------------------------------------------------------------------

_shown = but("api_keys", "key_hash")
_keys_at_the_console = "`quantum key` makes and ends keys before there is a page or a person to do it"
rule("api_keys", S, "owner", OWNER, columns=_shown, limit="never key_hash")
rule("api_keys", S, "admin", ADMIN, columns=_shown, limit="never key_hash")
rule("api_keys", I, "owner", OWNER)
rule(
    "api_keys",
    U,
    "owner",
    OWNER,
    columns=("key_name", "is_active", "expires_at"),
    limit="key_name, is_active, expires_at",
)
rule(
    "api_keys",
    U,
    "admin",
    ADMIN,
    columns=("is_active",),
    becomes={"is_active": (False,)},
    limit="may only set is_active to false",
)
rule(
    "api_keys",
    U,
    "system",
    SYSTEM,
    columns=("last_used_at", "is_active"),
    becomes={"is_active": (False,)},
    limit="last_used_at; the keys of an account that is closed end with it",
)
rule("api_keys", D, "owner", OWNER)
rule("api_keys", I, "console", OPERATOR, ours=_keys_at_the_console)
rule(
    "api_keys",
    U,
    "console",
    OPERATOR,
    columns=("is_active",),
    becomes={"is_active": (False,)},
    ours=_keys_at_the_console,
)
rule("api_logs", S, "owner", OWNER)
rule("api_logs", S, "oversight", ROLE, roles=WATCH_OVERSIGHT)
rule("api_logs", I, "system", SYSTEM)
rule("api_logs", D, "retention", SYSTEM, on=old_enough("api_logs", "created_at"), limit="older than 90 days")
rule("rate_limits", S, "owner", OWNER)
rule("rate_limits", S, "admin", ADMIN)
rule("rate_limits", I, "system", SYSTEM)
rule(
    "rate_limits",
    U,
    "system",
    SYSTEM,
    columns=("current_hour_count", "current_day_count", "window_start", "last_reset_at"),
    limit="counters and window",
)
rule("rate_limits", U, "admin", ADMIN, columns=("limit_per_hour", "limit_per_day"), limit="limits")
rule("rate_limits", D, "admin", ADMIN)

# --- incidents and accountability -----------------------------------------------------------------

rule("security_events", S, "owner", OWNER, limit="events about oneself")
rule("security_events", S, "oversight", ROLE, roles=WATCH_OVERSIGHT)
rule("security_events", I, "system", SYSTEM)
rule(
    "security_events",
    U,
    "resolve",
    ADMIN,
    columns=("resolved", "resolved_by", "resolved_at"),
    to=lambda row, me: or_(row.c.resolved_by == me.profile_id, row.c.resolved_by.is_(None)),
    limit="resolved, resolved_by (oneself), resolved_at",
)
rule(
    "security_events",
    U,
    "count",
    SYSTEM,
    columns=("metadata",),
    on=lambda row, me: row.c.resolved.is_not(True),
    limit="how often a flood of refusals went on",
    ours="after twenty refusals of one address in an hour one event counts the rest, so that nobody fills the table",
)
rule("audit_log", S, "owner", OWNER, limit="own actions")
rule("audit_log", S, "oversight", ROLE, roles=WATCH_OVERSIGHT)
rule("audit_log", I, "system", SYSTEM, limit="in the same transaction as the change")

# --- money ----------------------------------------------------------------------------------------

rule("transactions", S, "owner", OWNER)
rule("transactions", S, "oversight", ROLE, roles=SALES_OVERSIGHT)
rule("transactions", I, "system", SYSTEM, limit="payment provider notice")
rule("transactions", I, "admin", ADMIN, limit="manual entry")
rule("transactions", U, "system", SYSTEM, columns=("status", "processed_at"), limit="status, processed_at")
_draft = is_("status", "draft")
rule("invoices", S, "owner", OWNER)
rule("invoices", S, "oversight", ROLE, roles=SALES_OVERSIGHT)
rule("invoices", I, "owner", OWNER, to=_draft, limit="as draft")
rule(
    "invoices",
    U,
    "owner",
    OWNER,
    on=_draft,
    columns=but("invoices", "id", "user_id", "created_at", "paid_at"),
    becomes={"status": ("sent", "cancelled")},
    limit="while draft; may send or cancel it",
)
rule("invoices", U, "admin", ADMIN, columns=("status", "paid_at"), limit="status and paid_at")
rule("invoices", D, "owner", OWNER, on=_draft, limit="while draft")

# --- models ---------------------------------------------------------------------------------------

RUN = ("status", "accuracy", "training_started_at", "training_completed_at", "last_used_at")
rule("ai_models", S, "authenticated", AUTH)
rule("ai_models", I, "builders", ROLE, roles=BUILDERS)
rule("ai_models", U, "builders", ROLE, roles=BUILDERS, columns=but("ai_models", "id", "created_at"))
rule("ai_models", U, "worker", SYSTEM, columns=RUN, limit="status, accuracy, training times, last_used_at")
rule("ai_models", D, "admin", ADMIN)
rule("training_data", S, "builders", ROLE, roles=BUILDERS)
rule("training_data", I, "builders", ROLE, roles=BUILDERS)
rule("training_data", I, "worker", SYSTEM)
rule(
    "training_data",
    U,
    "builders",
    ROLE,
    roles=BUILDERS,
    columns=("accuracy_score", "is_validated", "validated_by", "validated_at"),
    limit="validation columns",
)
rule("training_data", D, "admin", ADMIN)
rule("predictions", S, "owner", OWNER)
rule("predictions", S, "builders", ROLE, roles=BUILDERS)
rule("predictions", I, "worker", SYSTEM)
rule(
    "predictions",
    U,
    "owner",
    OWNER,
    columns=("is_correct", "feedback_provided", "feedback_data"),
    limit="feedback columns only",
)
rule("predictions", D, "admin", ADMIN)
