"""How many people there are, by role, and who administers without a second factor."""

from sqlalchemy import ColumnElement, and_, exists, func, not_, select

from db.metric import Statement, Window, metric
from db.models import AuthAccount, Profile, SecondFactor

NEEDS = "people:admin"


def _rows(*where: ColumnElement[bool]) -> Statement:
    columns = (Profile.id, Profile.username, Profile.role, Profile.created_at)
    return select(*columns).where(*where).order_by(Profile.created_at.desc(), Profile.id)


@metric(
    "people.count",
    title="People",
    unit="people",
    formula="count of profiles",
    windowed=False,
    needs=NEEDS,
    evidence=lambda window: _rows(),
)
def people(window: Window) -> Statement:
    """Everybody who has a profile here, closed accounts included."""
    return select(func.count(Profile.id).label("value"))


@metric(
    "people.with_role",
    title="People with this role",
    unit="people",
    formula="count of profiles that hold the role",
    excluded="People who hold another role.",
    windowed=False,
    subject=("role",),
    needs=NEEDS,
    evidence=lambda window, role: _rows(Profile.role == role),
)
def with_role(window: Window, role: str) -> Statement:
    """People who hold one role now. Everybody holds exactly one; an account that is closed keeps its role."""
    return select(func.count(Profile.id).label("value")).where(Profile.role == role)


def _unprotected() -> ColumnElement[bool]:
    mine = (AuthAccount.id == Profile.auth_user_id, AuthAccount.is_active.is_(True))
    on = (SecondFactor.account_id == Profile.auth_user_id, SecondFactor.confirmed_at.is_not(None))
    return and_(Profile.role == "admin", exists().where(*mine), not_(exists().where(*on)))


@metric(
    "people.admins_without_factor",
    title="Administrators without a second factor",
    unit="people",
    formula="count of administrators who can sign in and whose second factor is not on",
    excluded="Accounts that cannot sign in.",
    windowed=False,
    needs=NEEDS,
    by_system=True,
    evidence=lambda window: _rows(_unprotected()),
)
def admins_without_factor(window: Window) -> Statement:
    """Administrators whose password alone opens this installation. Accounts that cannot sign in do not count."""
    return select(func.count(Profile.id).label("value")).where(_unprotected())
