"""Which roles need a second factor, as administrators decide it."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import RoleRequirement
from db.services import audit
from db.services.account_fields import ROLES, clean


def require_second_factor(session: Session, role: str, required: bool, *, by: UUID | None = None) -> bool:
    """Demand a second factor of everybody with `role`, or no longer; False when it was so before.

    It holds from their next request on: who has none sets one up before anything else. `by` is the profile of the
    administrator; None at the console. Raises FieldErrors for a role that is none.
    """
    wanted = str(clean(role=role)["role"])
    found = session.get(RoleRequirement, wanted, with_for_update=True)
    if (found is not None and found.factor_required) == required:
        return False
    row = found or RoleRequirement(role=wanted)
    row.factor_required, row.set_by, row.set_at = required, by, datetime.now(UTC)
    session.add(row)
    session.flush()
    before, after = {"factor_required": not required}, {"factor_required": required}
    audit.note(session, audit.Act("UPDATE", "role_requirements", wanted, before, after, by=by))
    return True


def requirements(session: Session) -> dict[str, bool]:
    """Of each role whether it needs a second factor."""
    demanded = select(RoleRequirement.role).where(RoleRequirement.factor_required.is_(True))
    held = set(session.scalars(demanded))
    return {role: role in held for role in ROLES}


def factor_required(session: Session, role: str) -> bool:
    """Whether everybody with `role` needs a second factor."""
    demanded = select(RoleRequirement.factor_required).where(RoleRequirement.role == role)
    return bool(session.scalar(demanded))
