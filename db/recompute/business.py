"""Deals, invoices, tickets, posts, points and models once more."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from db.models import (
    Achievement,
    AiModel,
    Deal,
    DealActivity,
    Invoice,
    LeaderboardEntry,
    Prediction,
    SocialPost,
    SocialTrend,
    SupportTicket,
    TicketMessage,
    TrainingExample,
    Transaction,
    UserStats,
)
from db.recompute.base import Again, Ranks, Rows, counted, covers, recomputes, share
from db.window import Window

MILLISECOND_HOURS = 0.0011 / 3600  # moments are kept to the millisecond


def _one_if(condition: bool) -> int | None:
    return 1 if condition else None


# --- customers ----------------------------------------------------------------------------------------------


@recomputes(
    "crm.deals", "crm.open_deals", "crm.won_deals", "crm.win_rate", "crm.open_value", "crm.activities"
)
def crm(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    deals = counted(
        rows,
        windows,
        (Deal.created_at, Deal.status, Deal.value, Deal.meta),
        {
            "deals": lambda row: 1,
            "open": lambda row: _one_if(row.status in ("lead", "negotiation")),
            "won": lambda row: _one_if(row.status == "closed"),
            "lost": lambda row: _one_if(row.status == "lost"),
            "value": lambda row: (
                row.value if row.status in ("lead", "negotiation") and _states_value(row) else None
            ),
        },
    )
    notes = counted(rows, windows, (DealActivity.created_at, DealActivity.id), {"notes": lambda row: 1})
    for window in windows:
        won, lost = deals.of(window, "won"), deals.of(window, "lost")
        yield Again("crm.deals", window, deals.of(window, "deals"))
        yield Again("crm.open_deals", window, deals.of(window, "open"))
        yield Again("crm.won_deals", window, won)
        yield Again("crm.win_rate", window, share(won, won + lost), won + lost)
        yield Again("crm.open_value", window, deals.of(window, "value"), deals.of(window, ("value", "n")))
        yield Again("crm.activities", window, notes.of(window, "notes"))


def _states_value(deal: Any) -> bool:
    unstated = (deal.meta or {}).get("unstated")
    return unstated is None or "value" not in str(unstated).split(" ")


# --- money --------------------------------------------------------------------------------------------------


@recomputes(
    "finance.invoices",
    "finance.credit_notes",
    "finance.invoice_lines",
    "finance.invoiced",
    "finance.credited",
    "finance.paid",
)
def invoices(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    totals: dict[Window, dict[tuple[str, str], Any]] = {window: {} for window in windows}
    currencies: set[str] = set()
    columns = (Invoice.created_at, Invoice.total, Invoice.currency, Invoice.status, Invoice.items)
    for row in rows.each(*columns):
        currency = row.currency or ""
        currencies.add(currency)
        for window in windows:
            if covers(window, row.created_at):
                for name, amount in _of_invoice(row).items():
                    for whose in ("*", currency):
                        place = (name, whose)
                        totals[window][place] = totals[window].get(place, 0) + amount
    for window in windows:
        sums = totals[window]
        yield Again("finance.invoices", window, sums.get(("n", "*"), 0))
        yield Again("finance.credit_notes", window, sums.get(("notes", "*"), 0))
        yield Again("finance.invoice_lines", window, sums.get(("lines", "*"), 0))
        for currency in sorted(currencies):
            n, told = sums.get(("n", currency), 0), sums.get(("told", currency), 0)
            for key, name, many in (
                ("invoiced", "all", n),
                ("credited", "credit", n),
                ("paid", "paid", told),
            ):
                value = sums.get((name, currency), 0) if many else None
                yield Again(f"finance.{key}", window, value, many, (currency,))


def _of_invoice(row: Any) -> dict[str, Any]:
    total = Decimal(row.total)
    return {
        "n": 1,
        "notes": int(total < 0),
        "lines": len(row.items) if isinstance(row.items, list) else 0,
        "told": int(row.status is not None),
        "all": total,
        "credit": min(total, Decimal(0)),
        "paid": total if row.status == "paid" else Decimal(0),
    }


@recomputes("finance.transactions", "finance.transacted")
def transactions(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    stored = (Transaction.created_at, Transaction.amount, Transaction.currency, Transaction.status)
    currencies = sorted({row.currency or "" for row in rows.each(Transaction.currency)})
    terms: dict[str, Any] = {"all": lambda row: 1}
    terms |= {currency: _completed_in(currency) for currency in currencies}
    sums = counted(rows, windows, stored, terms)
    for window in windows:
        yield Again("finance.transactions", window, sums.of(window, "all"))
        for currency in currencies:
            n = sums.of(window, (currency, "n"))
            value = sums.of(window, currency) if n else None
            yield Again("finance.transacted", window, value, n, (currency,))


def _completed_in(currency: str) -> Any:
    def amount(row: Any) -> Any:
        return row.amount if row.status == "completed" and (row.currency or "") == currency else None

    return amount


# --- support ------------------------------------------------------------------------------------------------


@recomputes(
    "support.tickets",
    "support.open_tickets",
    "support.resolved_tickets",
    "support.critical_tickets",
    "support.resolution_hours_p50",
    "support.messages",
    "support.internal_notes",
)
def support(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    ticket = SupportTicket
    tickets = counted(
        rows,
        windows,
        (ticket.created_at, ticket.status, ticket.priority),
        {
            "tickets": lambda row: 1,
            "open_tickets": lambda row: _one_if(row.status in ("open", "in_progress")),
            "resolved_tickets": lambda row: _one_if(row.status in ("resolved", "closed")),
            "critical_tickets": lambda row: _one_if(row.priority == "critical"),
        },
    )
    written = counted(
        rows,
        windows,
        (TicketMessage.created_at, TicketMessage.is_internal),
        {
            "messages": lambda row: _one_if(row.is_internal is False),
            "internal_notes": lambda row: _one_if(row.is_internal is not False),
        },
    )
    hours = _hours(rows, windows)
    for window in windows:
        for name in ("tickets", "open_tickets", "resolved_tickets", "critical_tickets"):
            yield Again(f"support.{name}", window, tickets.of(window, name))
        for name in ("messages", "internal_notes"):
            yield Again(f"support.{name}", window, written.of(window, name))
        ranks = hours[window]
        key = "support.resolution_hours_p50"
        yield Again(key, window, ranks.value(50), ranks.n, within=MILLISECOND_HOURS)


def _hours(rows: Rows, windows: Sequence[Window]) -> dict[Window, Ranks]:
    ranks = {window: Ranks(50) for window in windows}
    for see in ("count", "collect"):
        for created, resolved in rows.each(SupportTicket.created_at, SupportTicket.resolved_at):
            if created is not None and resolved is not None:
                for window in windows:
                    if covers(window, created):
                        getattr(ranks[window], see)((resolved - created).total_seconds() / 3600)
        if see == "count":
            for each in ranks.values():
                each.aim()
    return ranks


# --- networks -----------------------------------------------------------------------------------------------


@recomputes(
    "social.posts", "social.likes", "social.comments", "social.shares", "social.interactions", "social.trends"
)
def social(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    names = {"likes": "likes_count", "comments": "comments_count", "shares": "shares_count"}
    columns = (SocialPost.posted_at, *(getattr(SocialPost, name) for name in names.values()))
    posts = counted(
        rows,
        windows,
        columns,
        {
            "posts": lambda row: 1,
            "likes": lambda row: row.likes_count,
            "comments": lambda row: row.comments_count,
            "shares": lambda row: row.shares_count,
            "all": lambda row: None if None in row[1:] else sum(row[1:]),
        },
    )
    trends = counted(rows, windows, (SocialTrend.recorded_at, SocialTrend.id), {"trends": lambda row: 1})
    for window in windows:
        yield Again("social.posts", window, posts.of(window, "posts"))
        yield Again("social.trends", window, trends.of(window, "trends"))
        for name in names:
            yield Again(f"social.{name}", window, posts.of(window, name), posts.of(window, (name, "n")))
        n = posts.of(window, ("all", "n"))
        yield Again("social.interactions", window, posts.of(window, "all") / n if n else None, n)


# --- points -------------------------------------------------------------------------------------------------


@recomputes(
    "gamification.people",
    "gamification.points",
    "gamification.tasks_completed",
    "gamification.achievements",
    "gamification.achievement_points",
    "gamification.rankings",
)
def gamification(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    totals = list(rows.each(UserStats.xp_points, UserStats.total_tasks_completed))
    points = [row.xp_points for row in totals if row.xp_points is not None]
    tasks = [row.total_tasks_completed for row in totals if row.total_tasks_completed is not None]
    awards = [row for row in rows.each(Achievement.is_active, Achievement.points) if row.is_active]
    worth = [row.points for row in awards if row.points is not None]
    entry = LeaderboardEntry
    ranked = counted(rows, windows, (entry.recorded_at, entry.id), {"entries": lambda row: 1})
    for window in windows:
        yield Again("gamification.people", window, len(totals))
        yield Again("gamification.points", window, sum(points), len(points))
        yield Again("gamification.tasks_completed", window, sum(tasks), len(tasks))
        yield Again("gamification.achievements", window, len(awards))
        yield Again("gamification.achievement_points", window, sum(worth), len(worth))
        yield Again("gamification.rankings", window, ranked.of(window, "entries"))


# --- models -------------------------------------------------------------------------------------------------


@recomputes(
    "ai.models",
    "ai.deployed_models",
    "ai.accuracy_best",
    "ai.predictions",
    "ai.prediction_correct_share",
    "ai.examples",
)
def ai(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    models = list(rows.each(AiModel.status, AiModel.accuracy))
    told = [row.accuracy for row in models if row.accuracy is not None]
    said = counted(
        rows,
        windows,
        (Prediction.created_at, Prediction.is_correct),
        {
            "all": lambda row: 1,
            "right": lambda row: _one_if(row.is_correct is True),
            "judged": lambda row: _one_if(row.is_correct is not None),
        },
    )
    examples = counted(
        rows, windows, (TrainingExample.created_at, TrainingExample.id), {"all": lambda row: 1}
    )
    for window in windows:
        judged = said.of(window, "judged")
        yield Again("ai.models", window, len(models))
        yield Again("ai.deployed_models", window, sum(row.status == "deployed" for row in models))
        yield Again("ai.accuracy_best", window, max(told) * 100 if told else None, len(told))
        yield Again("ai.predictions", window, said.of(window, "all"))
        yield Again("ai.prediction_correct_share", window, share(said.of(window, "right"), judged), judged)
        yield Again("ai.examples", window, examples.of(window, "all"))
