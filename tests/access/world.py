"""A small world of rows: everybody's of the cast, somebody else's and nobody's, in every state that matters.

The same on both databases, and known to the tests as plain values.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Engine,
    Float,
    Integer,
    Table,
    Uuid,
    delete,
    insert,
)

from db.base import Base, Exact, HexId, Instant
from tests.access.expected import ROLES
from tests.access.judge import Asker
from tests.sessions import session

MOMENT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
OLD = MOMENT - timedelta(days=400)
# "another": of somebody else. "spare": who keys lead to; an administrator, so that the one of the cast is not the last.
PEOPLE = {role: role for role in sorted(ROLES)} | {"another": "user", "spare": "admin"}
CAST = ("anonymous", *sorted(ROLES), "system", "operator")
OWNED_BY_NOBODY = (
    "user_sessions",
    "deals",
    "support_tickets",
    "api_logs",
    "rate_limits",
    "security_events",
    "audit_log",
    "transactions",
    "invoices",
    "predictions",
    "api_rollups",
)
OWNED = (*OWNED_BY_NOBODY, "api_keys", "leaderboard")
SHARED = (
    "agents",
    "agent_logs",
    "system_metrics",
    "network_nodes",
    "social_posts",
    "social_trends",
    "achievements",
    "training_data",
    "senders",
    "spans",
    "calls",
    "catalogue_seeds",
    "one_time_codes",
    "sign_in_limits",
    "agent_rollups",
    "call_rollups",
    "fleet_rollups",
    "log_rollups",
    "measurement_rollups",
    "rollup_kept",
    "rollup_touched",
    "jobs",
    "provider_usage",
    "objectives",
    "annotations",
)
# What makes a difference to some rule, as further rows of the same kind.
STATES: dict[str, dict[str, dict[str, Any]]] = {
    "deals": {"lead": {}, "closed": {"status": "closed"}},
    "invoices": {"draft": {}, "sent": {"status": "sent"}},
    "support_tickets": {state: {"status": state} for state in ("open", "in_progress", "resolved", "closed")},
    "user_sessions": {"active": {"is_active": True}, "ended": {"is_active": False}},
    "api_keys": {"active": {"is_active": True}, "revoked": {"is_active": False}},
    "agents": {origin: {"origin": origin} for origin in ("person", "telemetry", "network")},
    "agent_connections": {
        word: {"metadata": {"evidence": word}} for word in ("declared", "measured", "imported")
    },
    "agent_logs": {"young": {}, "old": {"created_at": OLD}},
    "system_metrics": {
        "young": {"source": "import"},
        "old": {"source": "import", "recorded_at": OLD},
    },
    "leaderboard": {"young": {}, "old": {"recorded_at": OLD}},
    "api_logs": {"young": {}, "old": {"created_at": OLD}},
    "security_events": {"open": {}, "resolved": {"resolved": True, "resolved_by": "spare"}},
}
KEPT_DAYS = {"agent_logs": 30, "system_metrics": 7, "leaderboard": 365, "api_logs": 90}
PARENTS = {"deal_id": "deals", "ticket_id": "support_tickets", "model_id": "ai_models", "agent_id": "agents"}


def identity(*words: object) -> UUID:
    """The same identifier for the same words."""
    return uuid5(NAMESPACE_DNS, "/".join(map(str, words)))


def hexadecimal(kind: HexId, *words: object) -> str:
    """As `identity`, in the digits of the column."""
    return sha256("/".join(map(str, words)).encode()).hexdigest()[: 2 * kind.length]


@dataclass(frozen=True)
class Target:
    """A stored row: `whose` names the person it was made for, "another" or "nobody"."""

    table: str
    label: str
    whose: str
    values: Mapping[str, Any]

    @property
    def key(self) -> dict[str, Any]:
        return {each.name: self.values[each.name] for each in table_of(self.table).primary_key}

    def seen_by(self, asker: Asker) -> str:
        """How the row stands to somebody: own, another's, nobody's."""
        return "own" if self.whose == asker.name else self.whose


@dataclass
class World:
    """All rows, by table, and the cast that asks."""

    rows: dict[str, list[Target]] = field(default_factory=dict)

    def asker(self, name: str) -> Asker:
        """Somebody of the cast on the login that is theirs."""
        if name in ROLES:
            return Asker(name, "person", "app" if name == "user" else "staff", identity(name), name)
        return Asker(name, "nobody", "app") if name == "anonymous" else Asker(name, name, "system")

    def targets(self, table: str, asker: Asker) -> Iterator[Target]:
        """The rows that somebody is tried on."""
        for each in self.rows.get(table, []):
            if each.whose in (asker.name, "another", "nobody"):
                yield each

    def parent(self, table: str, key: Any) -> Mapping[str, Any]:
        return next(each.values for each in self.rows[table] if each.values["id"] == key)

    def one(self, table: str, whose: str, label: str = "") -> Target:
        """The first row made for somebody."""
        return next(each for each in self.rows[table] if each.whose == whose and label in each.label)

    def add(self, table: str, label: str, whose: str, **values: Any) -> None:
        full = fresh(table, f"{label}/{whose}", **values)
        moment = full.get("recorded_at" if table in ("system_metrics", "leaderboard") else "created_at")
        if table in KEPT_DAYS:
            full["is old"] = moment < MOMENT - timedelta(days=KEPT_DAYS[table])
        self.rows.setdefault(table, []).append(Target(table, label, whose, full))


def table_of(name: str) -> Table:
    """The table, or the view as the tests read it."""
    if name == "profile_directory":
        from db.models import ProfileCard

        found: Any = ProfileCard.__table__
        return found  # type: ignore[no-any-return]
    return Base.metadata.tables[name]


def columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is a fact about the row and no column of it."""
    return {key: value for key, value in values.items() if key != "is old"}


# --- one row ------------------------------------------------------------------------------------------

_numbers = count(1)


def choices(column: Column[Any]) -> list[Any]:
    """The values that a check lists."""
    for each in column.table.constraints:
        found = re.fullmatch(rf"{column.name} IN \((.*)\)", str(getattr(each, "sqltext", "")))
        if isinstance(each, CheckConstraint) and found:
            listed = [word.strip().strip("'") for word in found[1].split(",")]
            return [int(word) if word.isdigit() else word for word in listed]
    return []


def fresh(table: str, seed: str, **values: Any) -> dict[str, Any]:
    """A whole valid row that is not stored yet, with these values."""
    number = next(_numbers)
    row = {each.name: _plain(each, f"{seed}/{number}") for each in table_of(table).columns}
    return row | _particular(table, f"{seed}-{number}", number) | values


def _plain(column: Column[Any], seed: str) -> Any:
    if column.name in ("user_id", "assigned_to", "resolved_by", "validated_by", "api_key_id", "agent_id"):
        return None
    if listed := choices(column):
        return listed[0]
    kind = column.type
    if isinstance(kind, Uuid):
        return identity(column.table.name, column.name, seed) if column.primary_key else None
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Instant):
        return MOMENT
    if isinstance(kind, HexId):
        return hexadecimal(kind, column.name, seed)
    if isinstance(kind, Exact):
        return Decimal("0.5").quantize(kind.step)
    if isinstance(kind, Float):
        return 1.5
    if isinstance(kind, Integer | BigInteger):
        return 1
    if isinstance(kind, Date):
        return date(2026, 1, 1)
    if isinstance(kind, JSON):
        return {}
    return "192.0.2.1" if column.name == "ip_address" else f"{column.name} {seed}"


def _particular(table: str, seed: str, number: int) -> dict[str, Any]:
    """What the kind of row asks for besides."""
    asks: dict[str, dict[str, Any]] = {
        "invoices": {"amount": Decimal("10.00"), "tax": Decimal("1.00"), "total": Decimal("11.00")},
        "support_tickets": {"resolved_at": None},
        "agents": {"origin": "person", "heartbeat_seconds": 60},
        "agent_connections": {
            "agent_a_id": "free-a",
            "agent_b_id": "free-b",
            "metadata": {"evidence": "declared"},
        },
        "agent_logs": {"agent_id": "free-a"},
        "calls": {"caller_id": "free-a", "callee_id": "free-b"},
        "catalogue_seeds": {"agent_id": f"seed-{seed}"},
        "audit_log": {"seq": 1_000_000 + number},
        "training_data": {"model_id": identity("model")},
        "predictions": {"model_id": identity("model")},
        "profiles": {"auth_user_id": identity("loose account"), "role": "user"},
        "user_stats": {"user_id": identity("spare")},
        "spans": {"parent_span_id": None},
        "senders": {"id": 1000 + 2 * number},
        "agent_rollups": {"id": 1000 + 2 * number, "agent_id": "free-a"},
        "call_rollups": {"caller_id": "free-a", "callee_id": "free-b"},
        "log_rollups": {"agent_id": "free-a"},
        "fleet_rollups": {"start": 300 * number},
        "measurement_rollups": {"id": 1000 + 2 * number},
        "api_rollups": {"id": 1000 + 2 * number},
        "rollup_touched": {"id": 1000 + 2 * number},
        "api_logs": {"status_code": 200},
        "account_links": {
            "account_id": identity("loose account"),
            "purpose": "reset",
            "role": None,
            "email": None,
        },
        "outgoing_mail": {"account_id": identity("loose account")},
        "audit_heads": {"day": date(2020, 1, 1) + timedelta(days=number)},
        "recovery_codes": {"account_id": identity("loose account")},
        "second_factors": {"account_id": identity("loose account")},
        "role_requirements": {"role": "user", "set_by": identity("spare")},
        "heard_stretches": {"agent_id": "free-a"},
        "checks": {"url": "https://shop.example/", "interval_seconds": 60, "expected_status": 200},
        "check_results": {"check_id": identity("check")},
        "uptime_subjects": {"agent_id": "free-b", "check_id": None},
        "state_stretches": {"subject_id": "agent:free-a", "until": None},
        "state_days": {"subject_id": "agent:free-a", "since": MOMENT + timedelta(days=number), "seconds": 5},
        "check_days": {"check_id": identity("check"), "since": MOMENT + timedelta(days=number)},
        "exempt_times": {
            "ends_at": MOMENT + timedelta(hours=1),
            "declared_at": MOMENT - timedelta(hours=1),
            "edited_at": None,
            "edit_why": None,
        },
        "annotations": {"ends_at": MOMENT + timedelta(hours=1)},
        "corrections": {"subject_id": "agent:free-a", "ends_at": MOMENT + timedelta(hours=1)},
    }
    return asks.get(table, {})


# --- all rows -----------------------------------------------------------------------------------------


def imagined() -> World:
    """The world, not stored yet."""
    world = World()
    world.rows["auth_account"] = []
    for name, role in PEOPLE.items():
        world.add("auth_account", "account", name, id=identity(name, "account"), is_active=True)
        world.add(
            "profiles", "profile", name, id=identity(name), auth_user_id=identity(name, "account"), role=role
        )
        if name != "spare":
            world.add("user_stats", "points", name, user_id=identity(name))
    world.add("auth_account", "loose", "spare", id=identity("loose account"))
    world.rows["profile_directory"] = [
        Target("profile_directory", "card", each.whose, {key: each.values[key] for key in _card()})
        for each in world.rows["profiles"]
    ]
    for free in ("free-a", "free-b"):
        world.add("agents", "free", "spare", id=free)
    for sender in (1, 2):
        world.add("senders", "free", "spare", id=sender)
    for model, whose in (("model", "spare"), ("another model", "another")):
        world.add("ai_models", "model", whose, id=identity(model), name=model)
    world.add("second_factors", "app", "another", account_id=identity("another", "account"))
    world.add("recovery_codes", "code", "another", account_id=identity("another", "account"))
    world.add("account_links", "reset", "another")
    world.add("outgoing_mail", "mail", "another")
    world.add("audit_heads", "day", "another")
    world.add("role_requirements", "demand", "another", role="observer")
    _owned(world)
    _shared(world)
    _help_desk(world)
    _watched(world)
    return world


def _card() -> list[str]:
    return [each.name for each in table_of("profile_directory").columns]


def _owners(table: str) -> dict[str, UUID | None]:
    owners: dict[str, UUID | None] = {name: identity(name) for name in PEOPLE if name != "spare"}
    return owners | {"nobody": None} if table in OWNED_BY_NOBODY else owners


def _owned(world: World) -> None:
    """What belongs to somebody."""
    for table in OWNED:
        if table == "support_tickets":
            continue  # `_help_desk` knows who is assigned
        for whose, owner in _owners(table).items():
            for state, values in STATES.get(table, {"row": {}}).items():
                known = {key: identity(value) if value == "spare" else value for key, value in values.items()}
                world.add(table, state, whose, user_id=owner, **known)
    for whose in _owners("deals"):
        deal = world.one("deals", whose)
        world.add("deal_activities", "note", whose, deal_id=deal.values["id"], user_id=identity("spare"))


def _shared(world: World) -> None:
    """What belongs to nobody, or to everybody."""
    for table in SHARED:
        for state, values in STATES.get(table, {"row": {}}).items():
            key = {"id": f"agent-{state}"} if table == "agents" else {}
            world.add(table, state, "another", **key, **values)
    for state, values in STATES["agent_connections"].items():
        ends = {"agent_a_id": f"{state}-a", "agent_b_id": f"{state}-b"}
        for end in ends.values():
            world.add("agents", "end", "spare", id=end)
        world.add("agent_connections", state, "another", **ends, **values)


def _watched(world: World) -> None:
    """What is watched, and what follows from it."""
    for check in ("check", "other check"):
        world.add("checks", "free", "spare", id=identity(check))
    world.add("checks", "asked", "another")
    world.add("checks", "history", "another", kind="imported", url=None)
    world.add("uptime_subjects", "free", "spare", id="agent:free-a", agent_id="free-a")
    world.add("uptime_subjects", "subject", "another", id="agent:agent-person", agent_id="agent-person")
    for table in (
        "heard_stretches",
        "watched_hours",
        "check_results",
        "state_stretches",
        "state_days",
        "check_days",
        "uptime_kept",
        "exempt_times",
        "corrections",
    ):
        world.add(table, "row", "another")


def _help_desk(world: World) -> None:
    """Tickets in every state: of each person, of another, assigned to each person."""
    for whose, owner in _owners("support_tickets").items():
        for state, values in STATES["support_tickets"].items():
            world.add("support_tickets", state, whose, user_id=owner, **values)
            if owner is not None and whose != "another":
                assigned = {"user_id": identity("another"), "assigned_to": owner}
                world.add("support_tickets", f"assigned, {state}", whose, **assigned, **values)
    for ticket in list(world.rows["support_tickets"]):
        if "open" not in ticket.label:
            continue
        for hidden in (False, True):
            world.add(
                "ticket_messages",
                f"{'internal' if hidden else 'public'} on {ticket.label}",
                ticket.whose,
                ticket_id=ticket.values["id"],
                user_id=identity("spare"),
                is_internal=hidden,
            )


def build(engine: Engine) -> World:
    """Store the world and tell of it."""
    world = imagined()
    with session(engine, write=True) as unit:
        for table in Base.metadata.sorted_tables:
            if rows := world.rows.get(table.name):
                unit.execute(insert(table), [columns_of(each.values) for each in rows])
    # A trigger makes the profile of an account that has none, at the end of the transaction.
    profiles, stats = table_of("profiles"), table_of("user_stats")
    with session(engine, write=True) as unit:
        unit.execute(delete(stats).where(stats.c.user_id == identity("spare")))
        unit.execute(delete(profiles).where(profiles.c.auth_user_id == identity("loose account")))
    return world
