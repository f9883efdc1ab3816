"""Tokens by our spans against what providers report, by whole days in UTC and by model.

Nothing is compared where one side is missing: a model that only one side names is counted apart.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, and_, cast, func, null, select, true, union_all
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Subquery

from db.functions import day_of_ns, lowered
from db.listing import Field, Listing, listed
from db.metric import METRICS, Reading, Statement, Window, metric, reading_of, to_ns
from db.models import ProviderUsage, Span
from db.queries.spans import not_own_parts

NEEDS = "usage:read"
SUBJECT = ("day", "model")
KINDS = {
    "input": (Span.input_tokens, ProviderUsage.input_tokens),
    "output": (Span.output_tokens, ProviderUsage.output_tokens),
}
NO_PAIR = "No day and model of this range is told by both sides."
NOT_OURS = "Our spans tell no tokens of this day and model."
NOT_THEIRS = "No provider's report tells tokens of this day and model."
ONE_SIDED = "One side is missing, so nothing is compared."
OWN_PARTS = (
    "The application's own parts. Model spans without tokens, and totals repeated on spans of other kinds."
)
ONE_ALONE = (
    "Days and models that only one side tells, and days that are not over. The application's own parts."
)
NO_COST = "No provider's report of this range states a cost in this currency."
MICRO = 1_000_000
DAY = timedelta(days=1)


reports = listed(
    Listing(
        name="reports",
        title="Providers' reports",
        model=ProviderUsage,
        fields=(
            Field(ProviderUsage.day, "Day", "day"),
            Field(ProviderUsage.provider, "Provider"),
            Field(ProviderUsage.model, "Model"),
            Field(ProviderUsage.input_tokens, "Input tokens", "number"),
            Field(ProviderUsage.output_tokens, "Output tokens", "number"),
            Field(ProviderUsage.cost, "Cost", "money"),
            Field(ProviderUsage.currency, "Currency"),
            Field(ProviderUsage.created_at, "Created", "moment"),
        ),
        search=(ProviderUsage.model, ProviderUsage.provider),
        filters=(ProviderUsage.provider, ProviderUsage.currency),
        order=ProviderUsage.created_at,
        currency=ProviderUsage.currency,
        needs=NEEDS,
    )
)


def days(window: Window) -> tuple[datetime | None, datetime]:
    """The whole days in UTC that the window touches and that are over."""
    today = _midnight(window.at)
    if window.start is None or window.end is None:
        return None, today
    end = _midnight(window.end)
    return _midnight(window.start), min(end if end == window.end.astimezone(UTC) else end + DAY, today)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _ours(window: Window) -> ColumnElement[bool]:
    start, end = days(window)
    after = Span.start_ns >= to_ns(start) if start is not None else true()
    return and_(after, Span.start_ns < to_ns(end), Span.category == "model", not_own_parts())


def _theirs(window: Window) -> ColumnElement[bool]:
    start, end = days(window)
    after = ProviderUsage.day >= start.date() if start is not None else true()
    return and_(after, ProviderUsage.day < end.date())


def both(window: Window) -> Subquery:
    """A row per day and model of the days: what our spans say and what providers report, null where nobody does."""
    silent = cast(null(), BigInteger)
    day: ColumnElement[str] = day_of_ns(Span.start_ns)
    model = lowered(func.coalesce(Span.model, ""))
    ours = (
        select(
            day.label("day"),
            model.label("model"),
            *_sums(0),
            silent.label("theirs_input"),
            silent.label("theirs_output"),
        )
        .where(_ours(window))
        .group_by(day, model)
    )
    day, model = cast(ProviderUsage.day, Text), lowered(ProviderUsage.model)
    theirs = (
        select(
            day.label("day"),
            model.label("model"),
            silent.label("ours_input"),
            silent.label("ours_output"),
            *_sums(1),
        )
        .where(_theirs(window))
        .group_by(day, model)
    )
    told = union_all(ours, theirs).subquery("told")
    each = select(
        told.c.day,
        told.c.model,
        *(
            func.max(told.c[f"{side}_{kind}"]).label(f"{side}_{kind}")
            for side in ("ours", "theirs")
            for kind in KINDS
        ),
    )
    return each.group_by(told.c.day, told.c.model).subquery("by_day_and_model")


def _sums(side: int) -> list[ColumnElement[Any]]:
    name = ("ours", "theirs")[side]
    return [
        cast(func.sum(columns[side]), BigInteger).label(f"{name}_{kind}") for kind, columns in KINDS.items()
    ]


# --- by day and model, and over all that both sides tell ----------------------------------------------

Value = Callable[[Any, Any], ColumnElement[Any]]
PARTS: dict[str, tuple[str, str, str, str, Value]] = {
    "ours": ("our spans", "tokens", "sum over model spans", NOT_OURS, lambda ours, theirs: ours),
    "theirs": (
        "providers",
        "tokens",
        "sum over the providers' reports",
        NOT_THEIRS,
        lambda ours, theirs: theirs,
    ),
    "difference": (
        "ours minus theirs",
        "tokens",
        "ours − theirs",
        ONE_SIDED,
        lambda ours, theirs: ours - theirs,
    ),
    "share": (
        "difference in percent",
        "percent",
        "100 × (ours − theirs) / theirs",
        ONE_SIDED,
        lambda ours, theirs: 100.0 * (ours - theirs) / func.nullif(theirs, 0),
    ),
}


def _declare(kind: str, part: str) -> None:
    words, unit, formula, missing, value = PARTS[part]
    noun = f"{kind.capitalize()} tokens"

    def of_one(window: Window, day: str, model: str) -> Statement:
        row = both(window)
        ours, theirs = row.c[f"ours_{kind}"], row.c[f"theirs_{kind}"]
        found = func.max(value(ours, theirs))
        chosen = select(found.label("value"), func.count(value(ours, theirs)).label("n"))
        return chosen.where(row.c.day == day, row.c.model == model)

    def of_all(window: Window) -> Statement:
        row = both(window)
        ours, theirs = row.c[f"ours_{kind}"], row.c[f"theirs_{kind}"]
        pairs = and_(ours.is_not(None), theirs.is_not(None))
        found = value(func.sum(ours), func.sum(theirs))
        total = found if part == "share" else cast(found, BigInteger)
        return select(total.label("value"), func.count().label("n")).where(pairs)

    of_one.__doc__ = f"{noun} of one day in UTC and one model: {words}. The day is over."
    of_all.__doc__ = (
        f"{noun} over the days and models that both sides tell: {words}. Whole days in UTC that the range touches and "
        "that are over."
    )
    of_row, of_pairs = f"usage.{kind}_{part}_of_day", f"usage.{kind}_{part}"
    apart = "" if part == "theirs" else OWN_PARTS
    more: dict[str, Any] = {"unit": unit, "formula": formula, "least": 1, "needs": NEEDS}
    metric(
        of_row,
        title=f"{noun} of the day, {words}",
        few=missing,
        subject=SUBJECT,
        excluded=apart,
        evidence=_reports,
        **more,
    )(of_one)
    metric(
        of_pairs, title=f"{noun}, {words}", few=NO_PAIR, excluded=ONE_ALONE, evidence=_pairs(kind), **more
    )(of_all)


def _reports(window: Window, day: str, model: str) -> Statement:
    columns = (ProviderUsage.provider, ProviderUsage.day, ProviderUsage.model)
    told = (ProviderUsage.input_tokens, ProviderUsage.output_tokens, ProviderUsage.source)
    chosen = select(*columns, *told).where(lowered(ProviderUsage.model) == model)
    return chosen.where(cast(ProviderUsage.day, Text) == day).order_by(
        ProviderUsage.provider, ProviderUsage.id
    )


def _pairs(kind: str) -> Callable[[Window], Statement]:
    def rows(window: Window) -> Statement:
        row = both(window)
        ours, theirs = row.c[f"ours_{kind}"], row.c[f"theirs_{kind}"]
        chosen = select(row.c.day, row.c.model, ours, theirs).where(ours.is_not(None), theirs.is_not(None))
        return chosen.order_by(row.c.day.desc(), row.c.model)

    return rows


for _kind in KINDS:
    for _part in PARTS:
        _declare(_kind, _part)


def _told(row: Subquery, side: str) -> ColumnElement[bool]:
    """The side says something of the row's tokens."""
    return row.c[f"{side}_input"].is_not(None) | row.c[f"{side}_output"].is_not(None)


def _one_sided(window: Window, side: str, other: str) -> Statement:
    row = both(window)
    chosen = select(row.c.day, row.c.model, row.c[f"{side}_input"], row.c[f"{side}_output"])
    return chosen.where(_told(row, side), ~_told(row, other)).order_by(row.c.day.desc(), row.c.model)


@metric(
    "usage.only_ours",
    title="Told by our spans alone",
    unit="pairs",
    formula="count of days and models of which no provider's report tells tokens",
    excluded="The application's own parts. Days that are not over.",
    needs=NEEDS,
    evidence=lambda window: _one_sided(window, "ours", "theirs"),
)
def only_ours(window: Window) -> Statement:
    """Days and models of which our spans tell tokens and no provider's report does. Nothing is compared there."""
    return select(func.count().label("value")).select_from(
        _one_sided(window, "ours", "theirs").order_by(None).subquery("alone")
    )


@metric(
    "usage.only_theirs",
    title="Told by providers alone",
    unit="pairs",
    formula="count of days and models of which no span of ours tells tokens",
    excluded="Days that are not over.",
    needs=NEEDS,
    evidence=lambda window: _one_sided(window, "theirs", "ours"),
)
def only_theirs(window: Window) -> Statement:
    """Days and models of which a provider reports tokens and no span of ours does. Nothing is compared there."""
    return select(func.count().label("value")).select_from(
        _one_sided(window, "theirs", "ours").order_by(None).subquery("alone")
    )


# --- costs -----------------------------------------------------------------------------------------


def _in(currency: str) -> ColumnElement[bool]:
    return func.coalesce(ProviderUsage.currency, "") == currency


@metric(
    "usage.cost_theirs",
    title="Cost, as providers report it",
    unit="money",
    formula="sum over the providers' reports, exact to six decimals",
    excluded="Reports in another currency or without a cost, and days that are not over.",
    least=1,
    few=NO_COST,
    subject=("currency",),
    needs=NEEDS,
    evidence=lambda window, currency: (
        select(ProviderUsage.provider, ProviderUsage.day, ProviderUsage.model, ProviderUsage.cost)
        .where(_theirs(window), _in(currency), ProviderUsage.cost.is_not(None))
        .order_by(ProviderUsage.day.desc(), ProviderUsage.id)
    ),
)
def cost_theirs(window: Window, currency: str) -> Statement:
    """What providers report to have charged in this currency, over the whole days in UTC that the range touches."""
    micro = func.sum(cast(func.round(ProviderUsage.cost * MICRO), BigInteger))
    n = func.count(ProviderUsage.cost)
    return select((micro * 1.0 / MICRO).label("value"), n.label("n")).where(_theirs(window), _in(currency))


def currencies(session: Session, window: Window) -> list[str]:
    """The currencies that reports of the range state costs in; "" for those that do not say which."""
    said = func.coalesce(ProviderUsage.currency, "")
    found = select(said).where(_theirs(window), ProviderUsage.cost.is_not(None)).group_by(said).order_by(said)
    return list(session.scalars(found))


# --- the page's rows ---------------------------------------------------------------------------------


def reconciled(
    session: Session, window: Window, page: int, size: int
) -> tuple[list[tuple[str, str, Mapping[str, Reading]]], int]:
    """One page of days and models, the newest day first, with their readings, and how many there are."""
    row = both(window)
    told = _told(row, "ours") | _told(row, "theirs")
    total = session.scalar(select(func.count()).select_from(row).where(told)) or 0
    values = [
        value(row.c[f"ours_{kind}"], row.c[f"theirs_{kind}"]).label(f"{kind}_{part}")
        for kind in KINDS
        for part, (*_, value) in PARTS.items()
    ]
    order = (row.c.day.desc(), row.c.model)
    chosen = select(row.c.day, row.c.model, *values).where(told).order_by(*order)
    found = session.execute(chosen.limit(size).offset((page - 1) * size)).mappings().all()
    return [(each["day"], each["model"], _readings(each, window)) for each in found], int(total)


def _readings(row: Mapping[Any, Any], window: Window) -> dict[str, Reading]:
    subject = (str(row["day"]), str(row["model"]))
    found = {}
    for kind in KINDS:
        for part in PARTS:
            value = row[f"{kind}_{part}"]
            key = f"usage.{kind}_{part}_of_day"
            told = {"value": value, "n": int(value is not None)}
            found[f"{kind}_{part}"] = reading_of(METRICS[key], told, window, subject)
    return found
