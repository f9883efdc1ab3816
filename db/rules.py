"""The grammar of `db.policies`: what a rule is, whom it speaks of, and which rows that means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, and_, any_, false, select, true

from db.actor import Actor, Kind
from db.base import Base
from db.functions import among

Row = FromClause  # a table, or an alias of it: the stored row or the new one
Condition = Callable[[Row, "Me"], ColumnElement[bool]]


class Verb(StrEnum):
    """What a rule lets one do with a row."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class Who(StrEnum):
    """Whom a rule speaks of, in the words of the schema facts.

    OPERATOR (the person at the console) and DEFINER (the functions and the view that the schema's owner lends to others
    on PostgreSQL) are this project's own.
    """

    AUTHENTICATED = "authenticated"
    SELF = "self"
    OWNER = "owner"
    ASSIGNEE = "assignee"
    DEAL_OWNER = "deal_owner"
    TICKET_OWNER = "ticket_owner"
    TICKET_ASSIGNEE = "ticket_assignee"
    ROLE = "role"
    ADMIN = "admin"
    SYSTEM = "system"
    OPERATOR = "operator"
    DEFINER = "definer"


@dataclass(frozen=True)
class Me:
    """Who is asking, as SQL: bound values for the ORM, the transaction's settings for PostgreSQL's policies.

    `keys` gives the keys of a person's rows of a table by the column that names the person, as an array, where the
    database has a function for it.
    """

    profile_id: ColumnElement[Any]
    keys: Callable[[str, str], ColumnElement[Any]] | None = None


@dataclass(frozen=True)
class Rule:
    """Something that somebody may do with some rows of a table. What no rule allows is refused.

    Attributes:
        name: its name in the schema facts and in PostgreSQL's catalogue.
        table, verb, who: what it speaks of; `roles` are those of who = role.
        on: which stored rows, beyond what `who` says (select, update, delete).
        to: what a row must be afterwards, beyond what `who` says (insert, update).
        columns: the only columns it lets one read or change; None is all of them.
        becomes: values a column may be changed to; a column not named may take any.
        limit: the same in words, for docs/access.md.
        ours: why it stands here although the schema facts do not list it; "" for the facts' own.
    """

    name: str
    table: str
    verb: Verb
    who: Who
    roles: tuple[str, ...] = ()
    on: Condition | None = None
    to: Condition | None = None
    columns: frozenset[str] | None = None
    becomes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    limit: str = ""
    ours: str = ""

    def applies(self, actor: Actor) -> bool:
        """Whether it speaks of `actor`, for at least some rows."""
        match self.who:
            case Who.SYSTEM | Who.OPERATOR:
                return actor.kind == self.who.value
            case Who.DEFINER:
                return False
            case Who.ROLE | Who.ADMIN:
                return actor.role in self.needed_roles
            case _:
                return actor.kind is Kind.PERSON

    @property
    def needed_roles(self) -> tuple[str, ...]:
        """The roles one of which is needed; empty where any or none will do."""
        return ("admin",) if self.who is Who.ADMIN else self.roles

    def rows(self, row: Row, me: Me) -> ColumnElement[bool]:
        """Which stored rows it lets one see, change or delete."""
        return and_(self._whose(row, me), self.on(row, me) if self.on else true())

    def becoming(self, row: Row, me: Me) -> ColumnElement[bool]:
        """What a new row, or a row after its change, must be."""
        return and_(self._whose(row, me), self.to(row, me) if self.to else true())

    def is_unconditional(self) -> bool:
        """Whether it speaks of every row."""
        everybody = (Who.AUTHENTICATED, Who.ROLE, Who.ADMIN, Who.SYSTEM, Who.OPERATOR, Who.DEFINER)
        return self.who in everybody and self.on is None and self.to is None

    def _whose(self, row: Row, me: Me) -> ColumnElement[bool]:
        match self.who:
            case Who.SELF:
                return row.c.id == me.profile_id
            case Who.OWNER:
                return row.c.user_id == me.profile_id
            case Who.ASSIGNEE:
                return row.c.assigned_to == me.profile_id
            case Who.DEAL_OWNER:
                return _of_parent(row.c.deal_id, "deals", "user_id", me)
            case Who.TICKET_OWNER:
                return _of_parent(row.c.ticket_id, "support_tickets", "user_id", me)
            case Who.TICKET_ASSIGNEE:
                return _of_parent(row.c.ticket_id, "support_tickets", "assigned_to", me)
            case _:
                return true()


def _of_parent(child: ColumnElement[Any], parent: str, whose: str, me: Me) -> ColumnElement[bool]:
    """Not EXISTS: an EXISTS compiled alone would lose its correlation and be true for everyone.

    Nor may it find its parents in a query around it that reads the parent's table as well.
    """
    if me.keys is not None:
        return child == any_(me.keys(parent, whose))
    table: Table = Base.metadata.tables[parent]
    return among(child, select(table.c.id).where(table.c[whose] == me.profile_id).correlate(None))


def nothing() -> ColumnElement[bool]:
    """The condition no row fulfils."""
    return false()
