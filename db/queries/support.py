"""Help desk: tickets, how fast they are resolved, and what is written on them."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select

from db.functions import day_of, seconds_between
from db.listing import Children, Field, Listing, listed
from db.metric import Statement, Window, metric, nearest_rank, series
from db.models import SupportTicket, TicketMessage
from db.queries.people import username_of

NEEDS = "support:read"
OPEN = SupportTicket.status.in_(("open", "in_progress"))
RESOLVED = SupportTicket.status.in_(("resolved", "closed"))
TIMED = and_(SupportTicket.created_at.is_not(None), SupportTicket.resolved_at.is_not(None))
NO_RESOLUTION = "No ticket of this window states when it was resolved."
# A message that does not say so counts as internal: closed by default.
FOR_ALL = TicketMessage.is_internal.is_(False)
INTERNAL = TicketMessage.is_internal.is_distinct_from(False)


def _written(name: str, title: str, where: ColumnElement[bool]) -> Listing:
    """Messages on tickets that fulfil `where`, as a list of their own."""
    return listed(
        Listing(
            name=name,
            title=title,
            model=TicketMessage,
            fields=(
                Field(TicketMessage.created_at, "Sent", "moment"),
                Field(
                    TicketMessage.user_id, "Author", shows=username_of(TicketMessage.user_id), name="author"
                ),
                Field(TicketMessage.message, "Message"),
            ),
            search=(TicketMessage.message, username_of(TicketMessage.user_id)),
            filters=(),
            order=TicketMessage.created_at,
            where=lambda: where,
            needs=NEEDS,
        )
    )


messages = _written("messages", "Messages", FOR_ALL)
notes = _written("notes", "Internal notes", INTERNAL)
tickets = listed(
    Listing(
        name="tickets",
        title="Tickets",
        model=SupportTicket,
        fields=(
            Field(SupportTicket.subject, "Subject"),
            Field(SupportTicket.status, "Status", "word"),
            Field(SupportTicket.priority, "Priority", "word"),
            Field(SupportTicket.sentiment_score, "Sentiment score", "number"),
            Field(
                SupportTicket.assigned_to,
                "Assigned to",
                shows=username_of(SupportTicket.assigned_to),
                name="assignee",
            ),
            Field(SupportTicket.created_at, "Created", "moment"),
            Field(SupportTicket.resolved_at, "Resolved", "moment"),
        ),
        search=(SupportTicket.subject, SupportTicket.description, username_of(SupportTicket.assigned_to)),
        filters=(SupportTicket.status, SupportTicket.priority),
        order=SupportTicket.created_at,
        children=(Children(messages, TicketMessage.ticket_id), Children(notes, TicketMessage.ticket_id)),
        needs=NEEDS,
    )
)


def among(window: Window, *columns: Any, where: ColumnElement[bool] | None = None) -> Statement:
    """`columns` of the tickets created in the window that fulfil `where`."""
    chosen: Statement = (
        select(*columns).select_from(SupportTicket).where(window.covers(SupportTicket.created_at))
    )
    return chosen if where is None else chosen.where(where)


def _rows(where: ColumnElement[bool] | None = None) -> Any:
    stated = (SupportTicket.id, SupportTicket.subject, SupportTicket.status, SupportTicket.priority)
    moments = (SupportTicket.created_at, SupportTicket.resolved_at)
    newest = (SupportTicket.created_at.desc().nulls_last(), SupportTicket.id)
    return lambda window: among(window, *stated, *moments, where=where).order_by(*newest)


@metric(
    "support.tickets", title="Tickets", unit="tickets", formula="count of rows", needs=NEEDS, evidence=_rows()
)
def ticket_count(window: Window) -> Statement:
    """Tickets created in the window, whatever became of them."""
    return among(window, func.count().label("value"))


@metric(
    "support.open_tickets",
    title="Open tickets",
    unit="tickets",
    formula="count of tickets with status open or in_progress",
    excluded="Tickets that are resolved or closed.",
    needs=NEEDS,
    evidence=_rows(OPEN),
)
def open_tickets(window: Window) -> Statement:
    """Tickets created in the window that still wait for an answer or are being worked on."""
    return among(window, func.count().label("value"), where=OPEN)


@metric(
    "support.resolved_tickets",
    title="Resolved tickets",
    unit="tickets",
    formula="count of tickets with status resolved or closed",
    excluded="Tickets that are still open.",
    needs=NEEDS,
    evidence=_rows(RESOLVED),
)
def resolved_tickets(window: Window) -> Statement:
    """Tickets created in the window whose status says resolved or closed, whether or not the moment is stated."""
    return among(window, func.count().label("value"), where=RESOLVED)


@metric(
    "support.critical_tickets",
    title="Critical tickets",
    unit="tickets",
    formula="count of tickets with priority critical",
    excluded="Tickets with another priority, or none.",
    needs=NEEDS,
    evidence=_rows(SupportTicket.priority == "critical"),
)
def critical_tickets(window: Window) -> Statement:
    """Tickets created in the window with the highest priority, open or not."""
    return among(window, func.count().label("value"), where=SupportTicket.priority == "critical")


@metric(
    "support.resolution_hours_p50",
    title="Time to resolution, median",
    unit="hours",
    formula="nearest rank: the ⌈0.50·n⌉-th smallest of resolved_at − created_at, in hours",
    excluded="Tickets that do not state when they were created and resolved.",
    least=1,
    few=NO_RESOLUTION,
    needs=NEEDS,
    evidence=_rows(TIMED),
)
def resolution_hours_p50(window: Window) -> Statement:
    """Half of the tickets created in the window that state when they were resolved took no longer than this."""
    hours = (seconds_between(SupportTicket.created_at, SupportTicket.resolved_at) / 3600.0).label("x")
    return nearest_rank(among(window, hours, where=TIMED), 50)


def _written_rows(where: ColumnElement[bool]) -> Any:
    columns = (TicketMessage.id, TicketMessage.ticket_id, TicketMessage.created_at)
    newest = (TicketMessage.created_at.desc().nulls_last(), TicketMessage.id)
    return lambda window: (
        select(*columns).where(window.covers(TicketMessage.created_at), where).order_by(*newest)
    )


@metric(
    "support.messages",
    title="Messages",
    unit="messages",
    formula="count of messages with is_internal false",
    excluded="Internal notes, and messages that do not say whether they are internal.",
    needs=NEEDS,
    evidence=_written_rows(FOR_ALL),
)
def message_count(window: Window) -> Statement:
    """Messages sent in the window that the person who asked can read; internal notes do not count."""
    return select(func.count().label("value")).where(window.covers(TicketMessage.created_at), FOR_ALL)


@metric(
    "support.internal_notes",
    title="Internal notes",
    unit="notes",
    formula="count of messages with is_internal not false",
    excluded="Messages that the person who asked can read.",
    needs=NEEDS,
    evidence=_written_rows(INTERNAL),
)
def note_count(window: Window) -> Statement:
    """Messages written in the window for the people who handle tickets, not for the person who asked."""
    return select(func.count().label("value")).where(window.covers(TicketMessage.created_at), INTERNAL)


@series(
    "support.tickets_by_priority",
    title="Tickets by priority",
    unit="tickets",
    formula="count of tickets per priority, the most urgent first",
    needs=NEEDS,
    evidence=_rows(),
)
def tickets_by_priority(window: Window) -> Statement:
    """How urgent the tickets created in the window are."""
    urgency = case({"critical": 1, "high": 2, "normal": 3, "low": 4}, value=SupportTicket.priority, else_=5)
    counted = among(window, SupportTicket.priority.label("label"), func.count().label("count"))
    return counted.group_by(SupportTicket.priority).order_by(func.min(urgency))


@series(
    "support.tickets_by_status",
    title="Tickets by status",
    unit="tickets",
    formula="count of tickets per status",
    needs=NEEDS,
    evidence=_rows(),
)
def tickets_by_status(window: Window) -> Statement:
    """How many tickets created in the window stand where."""
    counted = among(window, SupportTicket.status.label("label"), func.count().label("count"))
    return counted.group_by(SupportTicket.status).order_by(func.count().desc(), SupportTicket.status)


@series(
    "support.tickets_by_day",
    title="Tickets by day",
    unit="tickets",
    formula="count of tickets per day (UTC) of their creation",
    excluded="Tickets that state no moment of creation.",
    needs=NEEDS,
    evidence=_rows(SupportTicket.created_at.is_not(None)),
)
def tickets_by_day(window: Window) -> Statement:
    """How many tickets were created on which day. A day without a bar had none."""
    day = day_of(SupportTicket.created_at)
    known = SupportTicket.created_at.is_not(None)
    counted = among(window, day.label("at"), func.count().label("count"), where=known)
    return counted.group_by(day).order_by(day)
