"""What the oracle says of one attempt: somebody, on some login, doing something with one row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.access.expected import EXPECTED, ROLES, STAMPS, WORDS, May, Values

Parent = Callable[[str, Any], Values]
PERSONS_LOGINS = ("app", "staff")


@dataclass(frozen=True)
class Asker:
    """Who asks, and on which of PostgreSQL's logins."""

    name: str
    kind: str
    login: str
    profile_id: UUID | None = None
    role: str | None = None

    def on(self, login: str) -> "Asker":
        """The same on another login than the one that is theirs."""
        return Asker(self.name, self.kind, login, self.profile_id, self.role)


def is_allowed(
    asker: Asker, verb: str, table: str, parent: Parent, before: Values | None, after: Values | None
) -> bool:
    """Whether somebody may: `before` is the stored row, `after` the new one or what it becomes."""
    changed = _changed(before, after) if verb == "update" else frozenset()
    return any(_allows(each, asker, parent, before, after, changed) for each in entries(table, verb))


def entries(table: str, verb: str) -> list[May]:
    """Who may do something with the table itself."""
    return [each for each in EXPECTED.get(table, {}).get(verb, []) if not each.through]


def logins(may: May) -> tuple[str, ...]:
    """On which logins the database knows of it."""
    if may.anywhere:
        return ("app", "staff", "system", "owner")
    if may.who in ("system", "operator"):
        return ("system",)
    if may.who == "definer":
        return ("owner",)
    return ("staff",) if _roles(may) else PERSONS_LOGINS


def columns(table: str, verb: str, login: str, every: list[str]) -> frozenset[str]:
    """The columns that some asker on a login may read, fill or change."""
    found: set[str] = set()
    for each in entries(table, verb):
        if login in logins(each):
            found |= (
                set(every)
                if each.only is None
                else each.only | (STAMPS & set(every) if verb == "update" else set())
            )
    return frozenset(found)


def _allows(
    may: May,
    asker: Asker,
    parent: Parent,
    before: Values | None,
    after: Values | None,
    changed: frozenset[str],
) -> bool:
    if asker.login not in logins(may):
        return False
    for row, words in ((before, may.of), (after, may.to)):
        if row is not None and not (_is(may, asker, row, parent) and WORDS[words](row, asker.profile_id)):
            return False
    if may.only is not None and not changed <= may.only:
        return False
    return after is None or all(after[column] in may.values[column] for column in changed & set(may.values))


def _changed(before: Values | None, after: Values | None) -> frozenset[str]:
    assert before is not None and after is not None
    return frozenset(key for key in after if after[key] != before[key]) - STAMPS


def _roles(may: May) -> frozenset[str]:
    named = frozenset(may.who.split("|"))
    return named if named <= ROLES else frozenset()


def _is(may: May, asker: Asker, row: Values, parent: Parent) -> bool:
    me = asker.profile_id
    if may.who in ("system", "operator", "definer"):
        return asker.kind == may.who
    if asker.kind != "person":
        return False
    if roles := _roles(may):
        return asker.role in roles
    match may.who:
        case "person":
            return True
        case "self":
            return bool(row["id"] == me)
        case "owner":
            return bool(row["user_id"] == me)
        case "assignee":
            return bool(row["assigned_to"] == me)
        case "deal_owner":
            return bool(parent("deals", row["deal_id"])["user_id"] == me)
        case "ticket_owner":
            return bool(parent("support_tickets", row["ticket_id"])["user_id"] == me)
        case "ticket_assignee":
            return bool(parent("support_tickets", row["ticket_id"])["assigned_to"] == me)
    raise LookupError(f"nobody knows who {may.who!r} is")


def named() -> Iterator[tuple[str, str, May]]:
    """Every entry of the oracle with its table and verb."""
    for table, verbs in EXPECTED.items():
        for verb, found in verbs.items():
            yield from ((table, verb, each) for each in found)
