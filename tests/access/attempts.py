"""What is tried: for somebody and a row every change of every column, and for a table every kind of new row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Date, Float, Integer, Uuid

from db.base import Base, Exact, HexId, Instant
from tests.access.judge import Asker, entries, is_allowed, logins
from tests.access.world import MOMENT, PEOPLE, Target, World, choices, fresh, hexadecimal, identity, table_of

ME, ANOTHER = "me", "another"
LATER = MOMENT + timedelta(hours=2)
TABLES = (*sorted(Base.metadata.tables), "profile_directory")
# Where one value of a column is like any other, one is tried; here each counts.
EACH_VALUE = {"support_tickets.status", "invoices.status", "profiles.role", "agents.origin"}
# Several columns at once, where a rule or a check of the table speaks of them together.
TOGETHER: dict[str, list[dict[str, Any]]] = {
    "invoices": [
        {"amount": Decimal("20.00"), "total": Decimal("21.00")},
        {"tax": Decimal("2.00"), "total": Decimal("12.00")},
        {"status": "sent", "notes": "sent along"},
        {"status": "paid", "notes": "paid along"},
    ],
    "support_tickets": [
        {"subject": "new", "status": "closed"},
        {"subject": "new", "priority": "high"},
        {"status": "closed", "assigned_to": ME},
        {"status": "closed", "priority": "high"},
    ],
    "security_events": [
        {"resolved": True, "resolved_by": ME},
        {"resolved": True, "resolved_by": None},
        {"resolved": True, "resolved_by": identity("spare")},
        {"resolved_by": ME, "description": "changed along"},
    ],
    "agent_connections": [{"metadata": {"evidence": word}} for word in ("declared", "measured", "imported")],
    "user_sessions": [{"is_active": True}, {"is_active": False}, {"is_active": False, "user_agent": "new"}],
    "api_keys": [{"is_active": True}, {"is_active": False}, {"is_active": False, "key_name": "new"}],
    "deals": [{"user_id": ME}, {"user_id": ME, "notes": "mine now"}],
    "profiles": [{"full_name": "new", "role": "admin"}],
    "heard_stretches": [{"last_at": LATER}],
    "state_stretches": [
        {"until": LATER},
        {"until": LATER, "superseded_at": LATER},
        {"until": LATER, "state": "down"},
    ],
    "exempt_times": [
        {"ends_at": LATER},
        {"edited_at": MOMENT, "edit_why": "moved", "starts_at": LATER, "ends_at": LATER + timedelta(hours=1)},
        {"edited_at": MOMENT, "edit_why": "renamed", "why": "new"},
    ],
    "corrections": [{"ends_at": LATER}],
}
# A check holds them to each other, or a foreign key to what refers to them.
NOT_ALONE = {
    "invoices.amount",
    "invoices.tax",
    "invoices.total",
    "auth_account.id",
    "checks.kind",
    "heard_stretches.last_at",
    "state_stretches.until",
    "uptime_subjects.check_id",
    "corrections.ends_at",
    *(f"exempt_times.{each}" for each in ("starts_at", "ends_at", "edited_at", "edit_why")),
    *(f"account_links.{each}" for each in ("purpose", "account_id", "email", "role")),
}
OWN_KEYS = ("user_id", "assigned_to", "resolved_by", "validated_by")


# Somebody on a login that is not theirs, or nobody on any: the database goes by both.
CROSSED = (
    *(("nobody said", login) for login in ("app", "staff", "system", "owner")),
    *((name, "app") for name in ("admin", "strategist", "system", "operator", "definer")),
    *((name, "staff") for name in ("user", "anonymous", "system", "operator", "definer")),
    *((name, "system") for name in ("user", "admin", "anonymous", "definer")),
    *((name, "owner") for name in ("anonymous", "admin", "system", "operator", "definer")),
)


def crossed(world: World, table: str) -> Iterator[Asker]:
    """Everybody of `CROSSED`; "nobody said" says nothing of who asks."""
    for name, login in CROSSED:
        if table == "profiles" and login == "owner" and name not in ("nobody said", "anonymous"):
            continue  # the owner lends the view profile_directory what it reads itself
        if name == "nobody said":
            yield Asker(name, "", login)
        else:
            yield Asker(name, name, login) if name == "definer" else world.asker(name).on(login)


@dataclass(frozen=True)
class Attempt:
    """Something tried, and whether the oracle lets it happen. `change` is what is set, or the whole new row."""

    asker: Asker
    verb: str
    table: str
    what: str
    allowed: bool
    target: Target | None = None
    change: Mapping[str, Any] | None = None
    is_telling: bool = False

    def __str__(self) -> str:
        outcome = "may" if self.allowed else "may not"
        return f"{self.asker.name} on {self.asker.login} {outcome} {self.verb} {self.table}: {self.what}"


def on_rows(world: World, table: str, asker: Asker) -> Iterator[Attempt]:
    """Reading, deleting and touching (a change of nothing) every row."""
    for target in world.targets(table, asker):
        row = target.values
        what = f"{target.label}, {target.seen_by(asker)}"
        for verb in ("select", "update", "delete"):
            after = row if verb == "update" else None
            allowed = is_allowed(asker, verb, table, world.parent, row, after)
            change = {} if verb == "update" else None
            yield Attempt(asker, verb, table, f"{what}, as it is", allowed, target, change)


def on_columns(world: World, table: str, asker: Asker) -> Iterator[Attempt]:
    """Every change of every row."""
    for target in world.targets(table, asker):
        for change in changes(world, table, target, asker):
            after = {**target.values, **change}
            allowed = is_allowed(asker, "update", table, world.parent, target.values, after)
            what = f"{target.label}, {target.seen_by(asker)}: {', '.join(change)} = {list(change.values())!r:.60}"
            telling = _is_telling(table, asker, change)
            yield Attempt(asker, "update", table, what, allowed, target, change, telling)


def _is_telling(table: str, asker: Asker, change: Mapping[str, Any]) -> bool:
    """Whether some rule speaks of these columns to somebody on this login, so that the row or the value decides."""
    if any(change.items() <= each.items() for each in TOGETHER.get(table, ())):
        return True
    mine = [each for each in entries(table, "update") if asker.login in logins(each)]
    return any(each.only is not None and change.keys() <= each.only for each in mine)


def of_new_rows(world: World, table: str, asker: Asker) -> Iterator[Attempt]:
    """Every kind of new row."""
    for what, row in new_rows(world, table, asker):
        allowed = is_allowed(asker, "insert", table, world.parent, None, row)
        yield Attempt(asker, "insert", table, what, allowed, change=row)


# --- changes ------------------------------------------------------------------------------------------


def changes(world: World, table: str, target: Target, asker: Asker) -> Iterator[dict[str, Any]]:
    """One column after the other to another valid value, then some together."""
    for column in table_of(table).columns:
        name = f"{table}.{column.name}"
        if name not in NOT_ALONE:
            others = _others(world, column, target.values[column.name], name)
            yield from ({column.name: value} for value in others)
    for together in TOGETHER.get(table, ()):
        change = {key: asker.profile_id if value == ME else value for key, value in together.items()}
        nobodys = any(value is None and key in ("user_id", "assigned_to") for key, value in change.items())
        really = {key: value for key, value in change.items() if target.values[key] != value}
        if really and not nobodys:
            yield really


def _others(world: World, column: Any, now: Any, name: str) -> list[Any]:
    listed = [each for each in choices(column) if each != now]
    if choices(column):
        return listed if name in EACH_VALUE else listed[:1]
    return [_other(world, column, now, name)]


def _other(world: World, column: Any, now: Any, name: str) -> Any:
    parents = {"deal_id": "deals", "ticket_id": "support_tickets", "api_key_id": "api_keys"}
    if column.name in parents:
        return world.one(parents[column.name], "another", "closed" if now else "").values["id"]
    particular = {
        "profiles.auth_user_id": identity("loose account"),
        "predictions.model_id": identity("another model"),
        "training_data.model_id": identity("another model"),
        "support_tickets.resolved_at": MOMENT + timedelta(days=1),
        "agent_connections.agent_a_id": "free-a",
        "agent_connections.agent_b_id": "free-b",
        "calls.caller_id": "agent-person",
        "calls.callee_id": "agent-person",
        "agent_logs.agent_id": "free-b",
        "network_nodes.agent_id": "free-a",
        "spans.agent_id": "free-a",
        "agent_rollups.agent_id": "free-b",
        "log_rollups.agent_id": "agent-person",
        "call_rollups.caller_id": "agent-person",
        "call_rollups.callee_id": "agent-person",
        "recovery_codes.account_id": identity("loose account"),
        "outgoing_mail.account_id": identity("another", "account"),
        "account_links.created_by": identity("another"),
        "second_factors.account_id": identity("loose account"),
        "role_requirements.set_by": identity("another"),
        "objectives.set_by": identity("another"),
        "heard_stretches.agent_id": "free-b",
        "uptime_subjects.agent_id": "free-b",
        "check_results.check_id": identity("other check"),
        "state_stretches.subject_id": "agent:agent-person",
        "state_days.subject_id": "agent:agent-person",
        "check_days.check_id": identity("other check"),
        "corrections.subject_id": "agent:agent-person",
        "corrections.made_by": identity("another"),
        "exempt_times.declared_by": identity("another"),
    }
    if name in particular:
        return particular[name]
    if column.name in OWN_KEYS:
        return identity("spare") if now != identity("spare") else identity("another")
    if isinstance(column.type, Uuid):
        return identity("new", name)
    if isinstance(column.type, HexId):
        return hexadecimal(column.type, "new", name)
    if isinstance(column.type, Boolean):
        return not now
    if isinstance(column.type, Instant):
        return MOMENT - timedelta(days=2)
    if isinstance(column.type, Float):
        return now + 1
    if isinstance(column.type, Exact):
        return Decimal("0.25").quantize(column.type.step)
    if isinstance(column.type, Integer | BigInteger):
        return now + 1
    if isinstance(column.type, Date):
        return now + timedelta(days=1)
    if isinstance(column.type, JSON):
        return {"evidence": "changed"}
    return "192.0.2.77" if column.name == "ip_address" else f"changed {column.name}"


# --- new rows -----------------------------------------------------------------------------------------

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "agents": [{"origin": each} for each in ("person", "telemetry", "system", "catalogue", "network")],
    "agent_connections": [
        {"metadata": {"evidence": each}} for each in ("declared", "measured", "imported", "none")
    ],
    "support_tickets": [{}, {"assigned_to": ME}, {"assigned_to": ANOTHER}],
    "invoices": [{"status": each} for each in ("draft", "sent", "paid")],
    "deals": [{"status": each} for each in ("lead", "closed")],
    "profiles": [{"role": "user"}, {"role": "admin"}],
    "checks": [{"kind": "http"}, {"kind": "imported", "url": None}],
}


def new_rows(world: World, table: str, asker: Asker) -> Iterator[tuple[str, dict[str, Any]]]:
    """New rows: of oneself, of another and of nobody, under every parent, in every state."""
    for variant in VARIANTS.get(table, [{}]):
        for what, owned in _owned(world, table, asker):
            values = {
                key: _person(value, asker) if key in OWN_KEYS else value for key, value in variant.items()
            }
            said = ", ".join([what, *(f"{key} {value}" for key, value in variant.items())])
            yield said, fresh(table, f"new/{asker.name}", **owned, **values)


def _person(value: Any, asker: Asker) -> Any:
    return {ME: asker.profile_id, ANOTHER: identity("another")}.get(value, value)


def _owned(world: World, table: str, asker: Asker) -> Iterator[tuple[str, dict[str, Any]]]:
    """Whose the new row says it is, and of which parent."""
    if table in ("deal_activities", "ticket_messages"):
        yield from _children(world, table, asker)
        return
    if table == "user_stats" or "user_id" not in table_of(table).columns or table == "agents":
        yield "of nobody", {}
        return
    me = asker.profile_id if asker.name in PEOPLE else None
    if me is not None:
        yield "of oneself", {"user_id": me}
    yield "of another", {"user_id": identity("another")}
    if table_of(table).c["user_id"].nullable:
        yield "of nobody", {"user_id": None}


def _children(world: World, table: str, asker: Asker) -> Iterator[tuple[str, dict[str, Any]]]:
    key, parents = ("deal_id", "deals") if table == "deal_activities" else ("ticket_id", "support_tickets")
    for parent in world.targets(parents, asker):
        if parent.label not in ("lead", "open", "assigned, open"):
            continue
        for author in dict.fromkeys((asker.profile_id, identity("another"))):
            for hidden in (False, True) if table == "ticket_messages" else (None,):
                flag = {} if hidden is None else {"is_internal": hidden}
                by = "by oneself" if author == asker.profile_id else "by another"
                note = ", internal" if hidden else ""
                what = f"under {parent.label}, {parent.seen_by(asker)}, {by}{note}"
                yield what, {key: parent.values["id"], "user_id": author, **flag}


def all_attempts(world: World, table: str, asker: Asker) -> Iterator[Attempt]:
    """Everything that somebody tries on a table."""
    yield from on_rows(world, table, asker)
    if table != "profile_directory":
        yield from on_columns(world, table, asker)
        yield from of_new_rows(world, table, asker)


def worth_trying(attempts: Iterator[Attempt]) -> Iterator[Attempt]:
    """Through the sessions, of changes of a row that allows none: two, and those where the row or the value decides."""
    waiting: dict[tuple[str, str], list[Attempt]] = {}
    for each in attempts:
        if each.verb != "update" or not each.change:
            if each.verb != "update":
                yield each
            continue
        assert each.target is not None
        waiting.setdefault((each.table, f"{each.target.key}"), []).append(each)
    for of_row in waiting.values():
        yield from (
            of_row
            if any(each.allowed for each in of_row)
            else of_row[1:3] + [each for each in of_row[3:] if each.is_telling]
        )
