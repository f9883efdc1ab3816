"""Who may do what, written by hand in the words of the schema facts: the oracle that the rules are held against.

Nothing here comes from `db.policies`. `test_oracle.py` compares it with the facts; `ours=True` marks what this project
adds to them. A table or verb that is not named here is nobody's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Values = Mapping[str, Any]
STAMPS = frozenset({"updated_at"})  # kept by the database itself
BUILDERS, SALES, WATCH = "admin|architect", "admin|strategist", "admin|observer"
ROLES = frozenset({"user", "admin", "architect", "observer", "strategist"})


@dataclass(frozen=True)
class May:
    """One who may do something.

    Attributes:
        who: person, self, owner, assignee, deal_owner, ticket_owner, ticket_assignee, system, operator, roles, or
            definer: what a trigger does with the rights of the schema's owner.
        only: the only columns that may be read or changed; None is all.
        of, to: which stored rows, and what a row must be afterwards, in words of `WORDS`.
        values: the values a column may be changed to.
        through: the view that shows it; "" for the table itself.
        anywhere: on every login, whoever it is made for.
        ours: not in the schema facts.
    """

    who: str
    only: frozenset[str] | None = None
    of: str = ""
    to: str = ""
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    through: str = ""
    anywhere: bool = False
    ours: bool = False


def only(text: str) -> frozenset[str]:
    """The columns named."""
    return frozenset(text.split())


WORDS: dict[str, Callable[[Values, UUID | None], bool]] = {
    "": lambda row, me: True,
    "a lead": lambda row, me: row["status"] == "lead",
    "a draft": lambda row, me: row["status"] == "draft",
    "open or in progress": lambda row, me: row["status"] in ("open", "in_progress"),
    "assigned to nobody": lambda row, me: row["assigned_to"] is None,
    "for the requester": lambda row, me: row["is_internal"] is False,
    "by the author": lambda row, me: row["user_id"] == me,
    "by the author, for the requester": lambda row, me: row["user_id"] == me and row["is_internal"] is False,
    "made by a person": lambda row, me: row["origin"] == "person",
    "seen or part of the system": lambda row, me: row["origin"] in ("telemetry", "system"),
    "of the catalogue or a network": lambda row, me: row["origin"] in ("catalogue", "network"),
    "declared": lambda row, me: row["metadata"].get("evidence") == "declared",
    "measured": lambda row, me: row["metadata"].get("evidence") == "measured",
    "imported": lambda row, me: row["metadata"].get("evidence") == "imported",
    "not resolved": lambda row, me: row["resolved"] is not True,
    "resolved by oneself or nobody": lambda row, me: row["resolved_by"] in (None, me),
    "asked by us": lambda row, me: row["kind"] == "http",
    "a history": lambda row, me: row["kind"] == "imported",
    "old enough": lambda row, me: row["is old"],
}

# The application's own work and the console see everything; the facts do not speak of reading by either.
SEEN = [May("system", ours=True), May("operator", ours=True)]
IMPORT = May("operator", ours=True)
DEFINER = May("definer", ours=True)
END = {"is_active": (False,)}
BY_SYSTEM = {
    "select": SEEN,
    **{verb: [May("system", ours=True)] for verb in ("insert", "update", "delete")},
}
LIVE = only(
    "status efficiency current_task last_active neural_load uptime_seconds version metadata "
    "heartbeat_seconds clock_drift_ms clock_drift_at measured_at"
)
CATALOGUE = only("name role squad user_id metadata version heartbeat_seconds paused_at")
NODE = only(
    "node_type node_name position_x position_y position_z size color status connections_count metadata agent_id"
)
PLACES = only("position_x position_y position_z size status connections_count metadata")
CARD = only("id username full_name avatar_url role")
PERSONAL = only("username full_name avatar_url bio company location preferences")
KEY = only(
    "id user_id key_name key_prefix permissions rate_limit is_active last_used_at expires_at created_at updated_at"
)
DEAL = only("client_name value status probability stage close_date notes metadata")
LINK = only("agent_a_id agent_b_id connection_type strength latency_ms bandwidth_mbps status metadata")
TICKET = only("subject description status priority sentiment_score assigned_to resolved_at")
INVOICE = only("deal_id invoice_number amount tax total currency status due_date items notes metadata")
POINTS = only(
    "xp_points level streak_days total_tasks_completed total_deals_closed total_tickets_resolved badges "
    "last_activity_date"
)
AWARD = only("name description icon category points rarity requirements is_active")
RUN = only("status accuracy training_started_at training_completed_at last_used_at")
MODEL = RUN | only("name version model_type description parameters is_active metadata")
CHECK = only("name url interval_seconds timeout_seconds expected_status confirmations paused_at")
OBSERVED = {"select": [May("person", ours=True), *SEEN], "insert": [May("system", ours=True)]}

EXPECTED: dict[str, dict[str, list[May]]] = {
    "profiles": {
        "select": [
            May("self"),
            May("person", only=CARD, through="profile_directory"),
            May("admin"),
            *SEEN,
        ],
        "insert": [May("system"), May("operator", ours=True)],
        "update": [
            May("self", only=PERSONAL),
            May("admin", only=PERSONAL | {"role"}),
            May("system", only=PERSONAL | {"role"}, values={"role": ("user",)}, ours=True),
            May("operator", only=only("role"), ours=True),
        ],
        "delete": [May("self"), May("admin")],
    },
    "profile_directory": {
        "select": [May(who, anywhere=True, ours=True) for who in ("person", "system", "operator")]
    },
    "user_sessions": {
        "select": [May("owner"), May(WATCH), *SEEN, DEFINER],
        "insert": [May("system")],
        "update": [
            May("definer", only=only("is_active"), values=END, ours=True),
            May("system", only=only("last_activity expires_at is_active confirmed_at")),
            May("owner", only=only("is_active"), values=END),
            May("operator", only=only("is_active"), values=END, ours=True),
        ],
        "delete": [May("owner"), May("admin")],
    },
    "agents": {
        "select": [May("person"), *SEEN],
        "insert": [
            May(BUILDERS, to="made by a person"),
            May("system", to="seen or part of the system"),
            May("operator", to="of the catalogue or a network", ours=True),
        ],
        "update": [
            May(BUILDERS, only=CATALOGUE),
            May("system", only=LIVE),
        ],
        "delete": [May("admin")],
    },
    "agent_logs": {
        "select": [May("person"), *SEEN],
        "insert": [May("system")],
        "delete": [May("system", of="old enough")],
    },
    "agent_connections": {
        "select": [May("person"), *SEEN],
        "insert": [
            May(BUILDERS, to="declared"),
            May("system", to="measured"),
            May("operator", to="imported", ours=True),
        ],
        "update": [
            May(BUILDERS, only=LINK),
            May("system", only=only("strength latency_ms bandwidth_mbps status metadata")),
            May("operator", only=only("strength metadata"), of="imported", to="imported", ours=True),
        ],
        "delete": [May(BUILDERS)],
    },
    "system_metrics": {
        "select": [May("person"), *SEEN],
        "insert": [May("system"), IMPORT],
        "update": [],
        "delete": [May("system", of="old enough")],
    },
    "network_nodes": {
        "select": [May("person"), *SEEN],
        "insert": [May(BUILDERS), May("system"), May("operator", ours=True)],
        "update": [
            May(BUILDERS, only=NODE),
            May("system", only=PLACES),
            May("operator", only=PLACES, ours=True),
        ],
        "delete": [May(BUILDERS)],
    },
    "deals": {
        "select": [May("owner"), May(SALES), *SEEN],
        "insert": [May("owner"), IMPORT],
        "update": [May("owner", only=DEAL), May("admin", only=DEAL | {"user_id"})],
        "delete": [May("owner", of="a lead"), May("admin")],
    },
    "deal_activities": {
        "select": [May("deal_owner"), May(SALES), *SEEN],
        "insert": [May("deal_owner", to="by the author"), IMPORT],
        "delete": [May("admin")],
    },
    "support_tickets": {
        "select": [May("owner"), May("assignee"), May("admin"), *SEEN],
        "insert": [May("owner", to="assigned to nobody"), IMPORT],
        "update": [
            May(
                "owner",
                only=only("subject description status"),
                of="open or in progress",
                values={"status": ("closed",)},
            ),
            May("assignee", only=only("status priority resolved_at")),
            May("admin", only=TICKET),
        ],
        "delete": [May("admin")],
    },
    "ticket_messages": {
        "select": [
            May("ticket_owner", of="for the requester"),
            May("ticket_assignee"),
            May("admin"),
            *SEEN,
        ],
        "insert": [
            May("ticket_owner", to="by the author, for the requester"),
            May("ticket_assignee", to="by the author"),
            May("admin", to="by the author"),
            IMPORT,
        ],
        "delete": [May("admin")],
    },
    "social_posts": {
        "select": [May("person"), *SEEN],
        "insert": [May("system"), IMPORT],
        "update": [
            May(
                "system",
                only=only(
                    "likes_count shares_count comments_count sentiment_score trending_score metadata fetched_at"
                ),
            )
        ],
        "delete": [May("admin")],
    },
    "social_trends": {
        "select": [May("person"), *SEEN],
        "insert": [May("system"), IMPORT],
        "delete": [May("admin")],
    },
    "user_stats": {
        "select": [May("owner"), May("admin"), *SEEN],
        "insert": [May("system"), May("operator", ours=True)],
        "update": [May("system", only=POINTS)],
    },
    "achievements": {
        "select": [May("person"), *SEEN],
        "insert": [May(BUILDERS), IMPORT],
        "update": [May(BUILDERS, only=AWARD)],
        "delete": [May("admin")],
    },
    "leaderboard": {
        "select": [May("person"), *SEEN],
        "insert": [May("system"), IMPORT],
        "delete": [May("system", of="old enough")],
    },
    "api_keys": {
        "select": [May("owner", only=KEY), May("admin", only=KEY), *SEEN],
        "insert": [May("owner"), May("operator", ours=True)],
        "update": [
            May("owner", only=only("key_name is_active expires_at")),
            May("admin", only=only("is_active"), values=END),
            May("system", only=only("last_used_at is_active"), values=END),
            May("operator", only=only("is_active"), values=END, ours=True),
        ],
        "delete": [May("owner")],
    },
    "api_logs": {
        "select": [May("owner"), May(WATCH), *SEEN],
        "insert": [May("system"), IMPORT],
        "delete": [May("system", of="old enough")],
    },
    "rate_limits": {
        "select": [May("owner"), May("admin"), *SEEN],
        "insert": [May("system"), IMPORT],
        "update": [
            May("system", only=only("current_hour_count current_day_count window_start last_reset_at")),
            May("admin", only=only("limit_per_hour limit_per_day")),
        ],
        "delete": [May("admin")],
    },
    "security_events": {
        "select": [May("owner"), May(WATCH), *SEEN],
        "insert": [May("system"), IMPORT],
        "update": [
            May("admin", only=only("resolved resolved_by resolved_at"), to="resolved by oneself or nobody"),
            May("system", only=only("metadata"), of="not resolved", ours=True),
        ],
    },
    "audit_log": {
        "select": [May("owner"), May(WATCH), *SEEN, DEFINER],
        "insert": [May("system"), DEFINER],
    },
    "transactions": {
        "select": [May("owner"), May(SALES), *SEEN],
        "insert": [May("system"), May("admin"), IMPORT],
        "update": [May("system", only=only("status processed_at"))],
    },
    "invoices": {
        "select": [May("owner"), May(SALES), *SEEN],
        "insert": [May("owner", to="a draft"), IMPORT],
        "update": [
            May("owner", only=INVOICE, of="a draft", values={"status": ("sent", "cancelled")}),
            May("admin", only=only("status paid_at")),
        ],
        "delete": [May("owner", of="a draft")],
    },
    "ai_models": {
        "select": [May("person"), *SEEN],
        "insert": [May(BUILDERS), IMPORT],
        "update": [May(BUILDERS, only=MODEL), May("system", only=RUN)],
        "delete": [May("admin")],
    },
    "training_data": {
        "select": [May(BUILDERS), *SEEN],
        "insert": [May(BUILDERS), May("system"), IMPORT],
        "update": [May(BUILDERS, only=only("accuracy_score is_validated validated_by validated_at"))],
        "delete": [May("admin")],
    },
    "predictions": {
        "select": [May("owner"), May(BUILDERS), *SEEN],
        "insert": [May("system"), IMPORT],
        "update": [May("owner", only=only("is_correct feedback_provided feedback_data"))],
        "delete": [May("admin")],
    },
    # --- apart from the 26 ---
    "auth_account": {
        "select": [*SEEN, DEFINER],
        "insert": [May("system", ours=True), May("operator", ours=True)],
        "update": [
            May("system", ours=True),
            May("operator", ours=True),
            May("definer", only=only("credential_version"), ours=True),
        ],
        "delete": [May("system", ours=True)],
    },
    "account_links": BY_SYSTEM
    | {verb: [May("system", ours=True), May("operator", ours=True)] for verb in ("insert", "update")},
    "audit_heads": {"select": [May(WATCH, ours=True), *SEEN], "insert": [May("system", ours=True)]},
    "one_time_codes": BY_SYSTEM,
    "outgoing_mail": BY_SYSTEM,
    "recovery_codes": BY_SYSTEM,
    "role_requirements": BY_SYSTEM,
    "second_factors": BY_SYSTEM,
    "sign_in_limits": BY_SYSTEM,
    "objectives": {
        "select": [May("person", ours=True), *SEEN],
        **{verb: [May(BUILDERS, ours=True)] for verb in ("insert", "update", "delete")},
    },
    "provider_usage": {
        "select": [May("admin|architect|observer|strategist", ours=True), *SEEN],
        "insert": [May("operator", ours=True)],
        "delete": [May("operator", ours=True)],
    },
    "annotations": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [May("operator", ours=True)],
        "delete": [May("operator", ours=True)],
    },
    "jobs": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [May("system", ours=True)],
        "update": [May("system", ours=True)],
    },
    "rollup_kept": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [May("system", ours=True)],
        "update": [May("system", ours=True)],
    },
    **{
        table: {
            "select": [May("person", ours=True), *SEEN],
            "insert": [May("system", ours=True)],
            "delete": [May("system", ours=True)],
        }
        for table in ("agent_rollups", "call_rollups", "fleet_rollups", "log_rollups", "measurement_rollups")
    },
    "rollup_touched": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [May("system", ours=True), May("operator", ours=True)],
        "delete": [May("system", ours=True)],
    },
    "api_rollups": {
        "select": [May("owner", ours=True), May(WATCH, ours=True), *SEEN],
        "insert": [May("system", ours=True)],
        "delete": [May("system", ours=True)],
    },
    "state_days": OBSERVED,
    "check_days": OBSERVED,
    "uptime_kept": OBSERVED | {"update": [May("system", ours=True)]},
    "heard_stretches": OBSERVED
    | {
        "update": [May("system", only=only("last_at beats"), ours=True)],
        "delete": [May("system", ours=True)],
    },
    "check_results": OBSERVED
    | {
        "insert": [May("system", ours=True), May("operator", ours=True)],
        "delete": [May("system", ours=True)],
    },
    "watched_hours": OBSERVED | {"delete": [May("system", ours=True)]},
    "uptime_subjects": OBSERVED | {"update": [May("system", only=only("settled_until"), ours=True)]},
    "state_stretches": OBSERVED
    | {
        "update": [May("system", only=only("until superseded_at"), ours=True)],
        "delete": [May("system", ours=True)],
    },
    "checks": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [
            May(BUILDERS, to="asked by us", ours=True),
            May("operator", to="a history", ours=True),
        ],
        "update": [
            May(BUILDERS, only=CHECK, of="asked by us", ours=True),
            May("system", only=only("due_at refusal"), ours=True),
        ],
        "delete": [May(BUILDERS, ours=True)],
    },
    "exempt_times": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [May(BUILDERS, ours=True)],
        "update": [
            May(
                BUILDERS,
                only=only("starts_at ends_at edited_at edit_why cancelled_at unsettled_from"),
                ours=True,
            ),
            May("system", only=only("unsettled_from"), ours=True),
        ],
    },
    "corrections": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [May("admin", ours=True)],
        "update": [May("system", only=only("applied_at"), ours=True)],
    },
    "senders": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [May("system", ours=True)],
        "update": [May("system", ours=True)],
        "delete": [May("system", ours=True)],
    },
    "spans": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [May("system", ours=True)],
        "update": [May("system", ours=True)],
        "delete": [May("system", ours=True)],
    },
    "calls": {
        "select": [May("person", ours=True), *SEEN],
        "insert": [May("system", ours=True)],
        "update": [May("system", ours=True)],
        "delete": [May("system", ours=True)],
    },
    "catalogue_seeds": {"select": SEEN, "insert": [May("operator", ours=True)]},
}
