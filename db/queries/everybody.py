"""Everybody who has an account, as administrators see them. Addresses and second factors: only the system reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from db.functions import lowered
from db.models import AuditEntry, AuthAccount, Profile, SecondFactor, UserSession

MOST_PER_PAGE = 200
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Wanted:
    """Which people, and in which order: a key of ORDERS, "-" before it for the other way round.

    `role` is one of the roles, `door` open or closed, `factor` on or off; "" leaves it open.
    """

    search: str = ""
    role: str = ""
    door: str = ""
    factor: str = ""
    order: str = "name"
    page: int = 1
    size: int = 25


@dataclass(frozen=True)
class Somebody:
    """An account and its profile. `factor_since` is None while no second factor is on.

    `last_sign_in` is None where none was ever recorded; `is_gone` says that the person closed the account themselves
    and nothing is left of it but its profile.
    """

    profile_id: UUID
    account_id: UUID
    username: str | None
    full_name: str | None
    email: str
    role: str
    is_active: bool
    factor_since: datetime | None
    last_sign_in: datetime | None
    created: datetime

    @property
    def is_gone(self) -> bool:
        return self.email == closed_address(self.account_id)

    @property
    def name(self) -> str:
        """The shortest name that is theirs alone."""
        return self.username or self.email


def closed_address(account_id: UUID) -> str:
    """What stands in place of the address of an account whose person closed it."""
    return f"closed-{account_id}@invalid"


_FACTOR = (
    select(SecondFactor.confirmed_at)
    .where(SecondFactor.account_id == AuthAccount.id)
    .correlate(AuthAccount)
    .scalar_subquery()
)
# The audit log keeps every sign-in, also of sessions that were deleted; stored sessions tell of the time before it.
_LOGGED = (
    select(func.max(AuditEntry.created_at))
    .where(AuditEntry.user_id == Profile.id, AuditEntry.action == "LOGIN")
    .correlate(Profile)
    .scalar_subquery()
)
_STORED = (
    select(func.max(UserSession.created_at))
    .where(UserSession.user_id == Profile.id)
    .correlate(Profile)
    .scalar_subquery()
)
_LAST = func.coalesce(_LOGGED, _STORED)
_NAME = lowered(func.coalesce(Profile.username, AuthAccount.email))

ORDERS: Mapping[str, ColumnElement[Any]] = {
    "name": _NAME,
    "email": func.lower(AuthAccount.email),
    "role": Profile.role.expression,
    "door": case((AuthAccount.is_active.is_(True), 0), else_=1),
    "factor": case((_FACTOR.is_not(None), 0), else_=1),
    "last": _LAST,
    "created": AuthAccount.created_at.expression,
}


def people_page(session: Session, wanted: Wanted) -> tuple[list[Somebody], int, int]:
    """The people of one page, how many match in all, and the page's number; beyond the last page it is the last."""
    which = _conditions(wanted)
    joined = (
        select(func.count()).select_from(Profile).join(AuthAccount, AuthAccount.id == Profile.auth_user_id)
    )
    total = session.scalar(joined.where(*which)) or 0
    size = min(max(wanted.size, 1), MOST_PER_PAGE)
    page = min(max(wanted.page, 1), max(1, -(-total // size)))
    ordered = _people().where(*which).order_by(_ordering(wanted.order), _NAME, Profile.id)
    rows = session.execute(ordered.limit(size).offset((page - 1) * size))
    return [Somebody(*row) for row in rows], total, page


def find_somebody(session: Session, profile_id: UUID) -> Somebody | None:
    """One person; None when there is nobody of this id."""
    row = session.execute(_people().where(Profile.id == profile_id)).one_or_none()
    return Somebody(*row) if row else None


def _people() -> Select[*tuple[Any, ...]]:
    return select(
        Profile.id,
        AuthAccount.id,
        Profile.username,
        Profile.full_name,
        AuthAccount.email,
        Profile.role,
        AuthAccount.is_active,
        _FACTOR.label("factor_since"),
        _LAST.label("last_sign_in"),
        AuthAccount.created_at,
    ).join(AuthAccount, AuthAccount.id == Profile.auth_user_id)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    which: list[ColumnElement[bool]] = []
    if wanted.search:
        escaped = wanted.search[:LONGEST_SEARCH].lower()
        for sign in ("\\", "%", "_"):
            escaped = escaped.replace(sign, f"\\{sign}")
        texts = (Profile.username, Profile.full_name, AuthAccount.email)
        which.append(or_(*(lowered(text).like(f"%{escaped}%", escape="\\") for text in texts)))
    if wanted.role:
        which.append(Profile.role == wanted.role)
    if wanted.door in ("open", "closed"):
        which.append(AuthAccount.is_active.is_(wanted.door == "open"))
    if wanted.factor in ("on", "off"):
        which.append(_FACTOR.is_not(None) if wanted.factor == "on" else _FACTOR.is_(None))
    return which


def _ordering(order: str) -> ColumnElement[Any]:
    column = ORDERS.get(order.removeprefix("-"), _NAME)
    return column.desc().nulls_last() if order.startswith("-") else column.asc().nulls_last()
