"""Incidents and accountability: security events, the audit log, sessions and people."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from db.functions import day_of
from db.listing import Children, Field, Listing, listed
from db.metric import Statement, Window, metric, series
from db.models import AuditEntry, Profile, ProfileCard, SecurityEvent, UserSession

NEEDS, SESSIONS, PEOPLE = "security:read", "sessions:read", "people:read"
MOST_SOURCES = 10
NO_SESSION = "No session is stored; every sign-in stores one."
UNRESOLVED = func.coalesce(SecurityEvent.resolved, False).is_(False)
FAILED_LOGIN = SecurityEvent.event_type == "login_failed"


def _username(of: Any) -> Any:
    return select(ProfileCard.username).where(ProfileCard.id == of).scalar_subquery()


events = listed(
    Listing(
        name="events",
        title="Security events",
        model=SecurityEvent,
        fields=(
            Field(SecurityEvent.event_type, "Event", "word"),
            Field(SecurityEvent.severity, "Severity", "word"),
            Field(SecurityEvent.description, "Description"),
            Field(SecurityEvent.ip_address, "Source address", "address"),
            Field(SecurityEvent.resolved, "Is resolved", "yes_no"),
            Field(SecurityEvent.created_at, "Created", "moment"),
        ),
        search=(SecurityEvent.description, SecurityEvent.ip_address),
        filters=(SecurityEvent.event_type, SecurityEvent.severity, SecurityEvent.resolved),
        order=SecurityEvent.created_at,
        needs=NEEDS,
    )
)
audit = listed(
    Listing(
        name="audit",
        title="Audit log",
        model=AuditEntry,
        fields=(
            Field(AuditEntry.action, "Action"),
            Field(AuditEntry.table_name, "Table"),
            Field(AuditEntry.record_id, "Record"),
            Field(AuditEntry.user_id, "Person", shows=_username(AuditEntry.user_id), name="person"),
            Field(AuditEntry.ip_address, "Source address", "address"),
            Field(AuditEntry.created_at, "Created", "moment"),
        ),
        search=(AuditEntry.table_name, AuditEntry.record_id, _username(AuditEntry.user_id)),
        filters=(AuditEntry.action, AuditEntry.table_name, _username(AuditEntry.user_id).label("person")),
        order=AuditEntry.created_at,
        compare=("old_data", "new_data"),
        needs=NEEDS,
    )
)
sessions = listed(
    Listing(
        name="sessions",
        title="Sessions",
        model=UserSession,
        fields=(
            Field(UserSession.user_id, "Person", shows=_username(UserSession.user_id), name="person"),
            Field(UserSession.ip_address, "Source address", "address"),
            Field(UserSession.is_active, "Active", "yes_no"),
            Field(UserSession.last_activity, "Last activity", "moment"),
            Field(UserSession.expires_at, "Expires", "moment"),
            Field(UserSession.created_at, "Created", "moment"),
        ),
        search=(UserSession.user_agent, UserSession.ip_address, _username(UserSession.user_id)),
        filters=(UserSession.is_active,),
        order=UserSession.last_activity,
        needs=SESSIONS,
    )
)
people = listed(
    Listing(
        name="people",
        title="People",
        model=Profile,
        fields=(
            Field(Profile.username, "User name"),
            Field(Profile.full_name, "Full name"),
            Field(Profile.role, "Role", "word"),
            Field(Profile.created_at, "Created", "moment"),
        ),
        search=(Profile.username, Profile.full_name),
        filters=(Profile.role,),
        order=Profile.created_at,
        children=(
            Children(sessions, UserSession.user_id),
            Children(events, SecurityEvent.user_id),
            Children(audit, AuditEntry.user_id),
        ),
        needs=PEOPLE,
    )
)


def among(window: Window, *columns: Any, where: ColumnElement[bool] | None = None) -> Statement:
    """`columns` of the events detected in the window that fulfil `where`."""
    chosen: Statement = (
        select(*columns).select_from(SecurityEvent).where(window.covers(SecurityEvent.created_at))
    )
    return chosen if where is None else chosen.where(where)


def _rows(where: ColumnElement[bool] | None = None) -> Any:
    columns = (
        SecurityEvent.id,
        SecurityEvent.event_type,
        SecurityEvent.ip_address,
        SecurityEvent.description,
        SecurityEvent.created_at,
    )
    order = (SecurityEvent.created_at.desc(), SecurityEvent.id)
    return lambda window: among(window, *columns, where=where).order_by(*order)


@metric(
    "security.events",
    title="Security events",
    unit="events",
    formula="count of rows",
    needs=NEEDS,
    evidence=_rows(),
)
def event_count(window: Window) -> Statement:
    """Security events of the window, resolved ones included."""
    return among(window, func.count().label("value"))


@metric(
    "security.unresolved",
    title="Unresolved events",
    unit="events",
    formula="count of events that nobody resolved",
    excluded="Events that somebody resolved.",
    needs=NEEDS,
    evidence=_rows(UNRESOLVED),
)
def unresolved(window: Window) -> Statement:
    """Security events of the window that nobody has dealt with so far."""
    return among(window, func.count().label("value"), where=UNRESOLVED)


@metric(
    "security.failed_logins",
    title="Failed sign-ins",
    unit="events",
    formula="count of events of type login_failed",
    excluded="Events of every other type.",
    needs=NEEDS,
    evidence=_rows(FAILED_LOGIN),
)
def failed_logins(window: Window) -> Statement:
    """Sign-ins of the window that were refused."""
    return among(window, func.count().label("value"), where=FAILED_LOGIN)


def _by_source(window: Window) -> Statement:
    known = SecurityEvent.ip_address.is_not(None)
    counted = among(window, SecurityEvent.ip_address.label("label"), func.count().label("count"), where=known)
    return counted.group_by(SecurityEvent.ip_address).order_by(func.count().desc(), SecurityEvent.ip_address)


@metric(
    "security.sources",
    title="Source addresses",
    unit="addresses",
    formula="count of distinct network addresses",
    excluded="Events that state no address.",
    needs=NEEDS,
    evidence=_by_source,
)
def sources(window: Window) -> Statement:
    """Network addresses from which at least one event of the window came. Events that state none do not count."""
    return among(window, func.count(SecurityEvent.ip_address.distinct()).label("value"))


@metric(
    "security.audit_entries",
    title="Audit entries",
    unit="entries",
    formula="count of rows",
    needs=NEEDS,
    evidence=lambda window: (
        select(AuditEntry.seq, AuditEntry.action, AuditEntry.table_name, AuditEntry.created_at)
        .where(window.covers(AuditEntry.created_at))
        .order_by(AuditEntry.seq.desc())
    ),
)
def audit_entries(window: Window) -> Statement:
    """What the audit log holds of the window: who did what to which record."""
    return select(func.count(AuditEntry.id).label("value")).where(window.covers(AuditEntry.created_at))


def usable(window: Window) -> ColumnElement[bool]:
    """True for sessions that are neither ended nor expired at the window's instant."""
    later = UserSession.expires_at > window.at
    return and_(UserSession.is_active.is_(True), or_(UserSession.expires_at.is_(None), later))


@metric(
    "security.active_sessions",
    title="Active sessions",
    unit="sessions",
    formula="count of stored sessions that are active and not expired",
    excluded="Sessions that have ended or expired.",
    windowed=False,
    least=1,
    few=NO_SESSION,
    needs=SESSIONS,
    evidence=lambda window: (
        select(UserSession.id, UserSession.user_id, UserSession.last_activity, UserSession.expires_at)
        .where(usable(window))
        .order_by(UserSession.last_activity.desc(), UserSession.id)
    ),
)
def active_sessions(window: Window) -> Statement:
    """Stored sessions that may be used now: neither ended nor expired."""
    active = func.sum(case((usable(window), 1), else_=0))
    return select(func.coalesce(active, 0).label("value"), func.count(UserSession.id).label("n"))


@series(
    "security.events_by_type",
    title="Events by type",
    unit="events",
    formula="count of events per type",
    needs=NEEDS,
    evidence=_rows(),
)
def events_by_type(window: Window) -> Statement:
    """What kind of events the window holds."""
    kind = SecurityEvent.event_type
    counted = among(window, kind.label("label"), func.count().label("count"))
    return counted.group_by(kind).order_by(func.count().desc(), kind)


@series(
    "security.events_by_source",
    title="Ten busiest source addresses",
    unit="events",
    formula="count of events per network address, the ten largest counts",
    excluded="Events that state no address, and all addresses but the ten busiest.",
    needs=NEEDS,
    evidence=_rows(SecurityEvent.ip_address.is_not(None)),
)
def events_by_source(window: Window) -> Statement:
    """From which network addresses most events of the window came. The others are left out."""
    return _by_source(window).limit(MOST_SOURCES)


@series(
    "security.events_by_day",
    title="Events by day",
    unit="events",
    formula="count of events per day (UTC)",
    needs=NEEDS,
    evidence=_rows(),
)
def events_by_day(window: Window) -> Statement:
    """How many events were detected on which day. A day without a bar had none."""
    day = day_of(SecurityEvent.created_at)
    return among(window, day.label("at"), func.count().label("count")).group_by(day).order_by(day)
