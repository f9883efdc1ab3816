"""Second factors as conditions inside other reads."""

from sqlalchemy import ColumnElement, and_, exists, not_

from db.models import AuthAccount, Profile, RoleRequirement, SecondFactor


def owes_factor() -> ColumnElement[bool]:
    """True for people whose role demands a second factor and who have none; over AuthAccount and Profile."""
    demanded = exists().where(RoleRequirement.role == Profile.role, RoleRequirement.factor_required.is_(True))
    there = exists().where(SecondFactor.account_id == AuthAccount.id, SecondFactor.confirmed_at.is_not(None))
    return and_(demanded, not_(there))
