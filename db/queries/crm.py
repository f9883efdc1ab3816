"""Sales: deals and what happened on them."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select

from db.functions import day_of, exact_total
from db.listing import Children, Field, Listing, listed, stated
from db.metric import Statement, Window, metric, series
from db.models import Deal, DealActivity
from db.queries.fleet import pooled

NEEDS = "crm:read"
OPEN = ("lead", "negotiation")
NO_END = "No deal of this window was won or lost."
NO_VALUE = "No open deal of this window states a value."

activities = listed(
    Listing(
        name="activities",
        title="Activities",
        model=DealActivity,
        fields=(
            Field(DealActivity.created_at, "Created", "moment"),
            Field(DealActivity.activity_type, "Activity", "word"),
            Field(DealActivity.description, "Description"),
        ),
        search=(DealActivity.description,),
        filters=(DealActivity.activity_type,),
        order=DealActivity.created_at,
        needs=NEEDS,
    )
)
deals = listed(
    Listing(
        name="deals",
        title="Deals",
        model=Deal,
        fields=(
            Field(Deal.client_name, "Client"),
            Field(Deal.status, "Status", "word"),
            Field(Deal.stage, "Stage"),
            Field(Deal.value, "Value", "money"),
            Field(Deal.probability, "Probability (%)", "number"),
            Field(Deal.close_date, "Closing day", "day"),
            Field(Deal.created_at, "Created", "moment"),
        ),
        search=(Deal.client_name, Deal.stage, Deal.notes),
        filters=(Deal.status, Deal.stage),
        order=Deal.created_at,
        children=(Children(activities, DealActivity.deal_id),),
        needs=NEEDS,
    )
)


def among(window: Window, *columns: Any, where: ColumnElement[bool] | None = None) -> Statement:
    """`columns` of the deals created in the window that fulfil `where`."""
    chosen: Statement = select(*columns).select_from(Deal).where(window.covers(Deal.created_at))
    return chosen if where is None else chosen.where(where)


def _rows(where: ColumnElement[bool] | None = None) -> Any:
    columns = (Deal.id, Deal.client_name, Deal.status, Deal.stage, Deal.value, Deal.created_at)
    return lambda window: among(window, *columns, where=where).order_by(Deal.created_at.desc(), Deal.id)


@metric("crm.deals", title="Deals", unit="deals", formula="count of rows", needs=NEEDS, evidence=_rows())
def deal_count(window: Window) -> Statement:
    """Deals created in the window, whatever became of them."""
    return among(window, func.count().label("value"))


@metric(
    "crm.open_deals",
    title="Open deals",
    unit="deals",
    formula="count of deals with status lead or negotiation",
    excluded="Deals won or lost.",
    needs=NEEDS,
    evidence=_rows(Deal.status.in_(OPEN)),
)
def open_deals(window: Window) -> Statement:
    """Deals created in the window that are neither won nor lost."""
    return among(window, func.count().label("value"), where=Deal.status.in_(OPEN))


@metric(
    "crm.won_deals",
    title="Deals won",
    unit="deals",
    formula="count of deals with status closed",
    excluded="Deals lost or still open.",
    needs=NEEDS,
    evidence=_rows(Deal.status == "closed"),
)
def won_deals(window: Window) -> Statement:
    """Deals created in the window that were won."""
    return among(window, func.count().label("value"), where=Deal.status == "closed")


@metric(
    "crm.win_rate",
    title="Win rate",
    unit="percent",
    formula="100 × deals won / (deals won + deals lost); Wilson 95 % interval",
    excluded="Deals that are still open.",
    least=1,
    few=NO_END,
    wilson=True,
    needs=NEEDS,
    evidence=_rows(Deal.status.in_(("closed", "lost"))),
)
def win_rate(window: Window) -> Statement:
    """Share of the deals created in the window and ended since that were won. Open ones do not count."""
    outcome = case((Deal.status == "closed", 1), else_=0).label("outcome")
    ended = among(window, outcome, where=Deal.status.in_(("closed", "lost"))).subquery("ended")
    return pooled(ended.c.outcome)


@metric(
    "crm.open_value",
    title="Value of open deals",
    unit="money",
    formula="exact sum of the stated values; rows carry no currency",
    excluded="Deals won or lost, and open deals whose source states no value.",
    least=1,
    few=NO_VALUE,
    needs=NEEDS,
    evidence=_rows(and_(Deal.status.in_(OPEN), stated(Deal.meta, "value"))),
)
def open_value(window: Window) -> Statement:
    """What the open deals created in the window are worth together, as entered. A deal whose source states no value
    does not count."""
    total = (exact_total(Deal.value).label("value"), func.count().label("n"))
    return among(window, *total, where=and_(Deal.status.in_(OPEN), stated(Deal.meta, "value")))


@metric(
    "crm.activities",
    title="Activities",
    unit="activities",
    formula="count of rows",
    needs=NEEDS,
    evidence=lambda window: (
        select(DealActivity.id, DealActivity.deal_id, DealActivity.activity_type, DealActivity.created_at)
        .where(window.covers(DealActivity.created_at))
        .order_by(DealActivity.created_at.desc(), DealActivity.id)
    ),
)
def activity_count(window: Window) -> Statement:
    """What people noted on deals in the window: notes, e-mails, calls, meetings and changes."""
    counted = select(func.count().label("value")).select_from(DealActivity)
    return counted.where(window.covers(DealActivity.created_at))


@series(
    "crm.deals_by_status",
    title="Deals by status",
    unit="deals",
    formula="count of deals per status",
    needs=NEEDS,
    evidence=_rows(),
)
def deals_by_status(window: Window) -> Statement:
    """How many deals created in the window stand where."""
    counted = among(window, Deal.status.label("label"), func.count().label("count"))
    return counted.group_by(Deal.status).order_by(func.count().desc(), Deal.status)


@series(
    "crm.deals_by_day",
    title="Deals by day",
    unit="deals",
    formula="count of deals per day (UTC) of their creation",
    needs=NEEDS,
    evidence=_rows(),
)
def deals_by_day(window: Window) -> Statement:
    """How many deals were created on which day. A day without a bar had none."""
    day = day_of(Deal.created_at)
    return among(window, day.label("at"), func.count().label("count")).group_by(day).order_by(day)
