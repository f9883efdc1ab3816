"""Money: invoices and transactions, exact and each currency for itself."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from db.functions import day_of, exact_total, list_length
from db.listing import Field, Listing, listed
from db.metric import Statement, Window, metric, series
from db.models import Invoice, Transaction

NEEDS = "finance:read"
CURRENCY = ("currency",)
MOST_CURRENCIES = 10
NO_INVOICE = "No invoice of this window is in this currency."
NO_STATUS = "No invoice of this window in this currency states whether it is paid."
NO_TRANSACTION = "No completed transaction of this window is in this currency."

invoices = listed(
    Listing(
        name="invoices",
        title="Invoices",
        model=Invoice,
        fields=(
            Field(Invoice.invoice_number, "Invoice number"),
            Field(Invoice.total, "Total", "money"),
            Field(Invoice.amount, "Amount before tax", "money"),
            Field(Invoice.tax, "Tax", "money"),
            Field(Invoice.currency, "Currency"),
            Field(Invoice.status, "Status", "word"),
            Field(Invoice.due_date, "Due", "day"),
            Field(Invoice.created_at, "Created", "moment"),
        ),
        search=(Invoice.invoice_number, Invoice.notes),
        filters=(Invoice.status, Invoice.currency),
        order=Invoice.created_at,
        currency=Invoice.currency,
        needs=NEEDS,
    )
)
transactions = listed(
    Listing(
        name="transactions",
        title="Transactions",
        model=Transaction,
        fields=(
            Field(Transaction.type, "Kind", "word"),
            Field(Transaction.amount, "Amount", "money"),
            Field(Transaction.currency, "Currency"),
            Field(Transaction.status, "Status", "word"),
            Field(Transaction.payment_method, "Payment method"),
            Field(Transaction.description, "Description"),
            Field(Transaction.created_at, "Created", "moment"),
        ),
        search=(Transaction.description, Transaction.external_transaction_id, Transaction.payment_method),
        filters=(Transaction.type, Transaction.status, Transaction.currency),
        order=Transaction.created_at,
        currency=Transaction.currency,
        needs=NEEDS,
    )
)


def currencies(session: Session, model: type[Invoice] | type[Transaction]) -> list[str]:
    """The currencies that occur in `model`, the most frequent first, at most ten; "" for rows that state none."""
    said = func.coalesce(model.currency, "")
    found = select(said).group_by(said).order_by(func.count().desc(), said).limit(MOST_CURRENCIES)
    return list(session.scalars(found))


def among(window: Window, *columns: Any, where: ColumnElement[bool] | None = None) -> Statement:
    """`columns` of the invoices dated in the window that fulfil `where`."""
    chosen: Statement = select(*columns).select_from(Invoice).where(window.covers(Invoice.created_at))
    return chosen if where is None else chosen.where(where)


def billed_in(currency: str) -> ColumnElement[bool]:
    """True for invoices in `currency`; "" are those that state none."""
    return func.coalesce(Invoice.currency, "") == currency


def _invoices(where: ColumnElement[bool] | None = None) -> Callable[..., Statement]:
    columns = (Invoice.invoice_number, Invoice.total, Invoice.currency, Invoice.status, Invoice.created_at)

    def rows(window: Window, currency: str | None = None) -> Statement:
        chosen = among(window, *columns, where=where).order_by(Invoice.created_at.desc(), Invoice.id)
        return chosen if currency is None else chosen.where(billed_in(currency))

    return rows


@metric(
    "finance.invoices",
    title="Invoices",
    unit="invoices",
    formula="count of rows",
    needs=NEEDS,
    evidence=_invoices(),
)
def invoice_count(window: Window) -> Statement:
    """Invoices dated in the window, credit notes included."""
    return among(window, func.count().label("value"))


@metric(
    "finance.credit_notes",
    title="Credit notes",
    unit="credit notes",
    formula="count of invoices with a negative total",
    excluded="Invoices with a total of zero or above.",
    needs=NEEDS,
    evidence=_invoices(Invoice.total < 0),
)
def credit_notes(window: Window) -> Statement:
    """Invoices dated in the window that give money back: those with a negative total."""
    return among(window, func.count().label("value"), where=Invoice.total < 0)


@metric(
    "finance.invoice_lines",
    title="Invoice lines",
    unit="lines",
    formula="sum of the lengths of the invoices' lists of items",
    needs=NEEDS,
    evidence=lambda window: among(
        window, Invoice.invoice_number, list_length(Invoice.items).label("lines"), Invoice.created_at
    ).order_by(Invoice.created_at.desc(), Invoice.id),
)
def invoice_lines(window: Window) -> Statement:
    """Lines of all invoices dated in the window, credit notes included."""
    return among(window, func.coalesce(func.sum(list_length(Invoice.items)), 0).label("value"))


@metric(
    "finance.invoiced",
    title="Invoiced",
    unit="money",
    formula="exact sum of the totals; credit notes count negatively",
    excluded="Invoices in other currencies.",
    least=1,
    few=NO_INVOICE,
    subject=CURRENCY,
    needs=NEEDS,
    evidence=_invoices(),
)
def invoiced(window: Window, currency: str) -> Statement:
    """What the invoices dated in the window come to in one currency, less what credit notes give back."""
    total = (exact_total(Invoice.total).label("value"), func.count().label("n"))
    return among(window, *total, where=billed_in(currency))


def _total_if(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    """The exact sum of the totals where the condition holds; 0 where it holds nowhere."""
    return exact_total(case((condition, Invoice.total), else_=0)).label("value")


@metric(
    "finance.credited",
    title="Credited",
    unit="money",
    formula="exact sum of the negative totals",
    excluded="Invoices in other currencies.",
    least=1,
    few=NO_INVOICE,
    subject=CURRENCY,
    needs=NEEDS,
    evidence=_invoices(Invoice.total < 0),
)
def credited(window: Window, currency: str) -> Statement:
    """What the credit notes dated in the window give back in one currency; 0 or below."""
    return among(window, _total_if(Invoice.total < 0), func.count().label("n"), where=billed_in(currency))


@metric(
    "finance.paid",
    title="Paid",
    unit="money",
    formula="exact sum of the totals of invoices with status paid",
    excluded="Invoices in other currencies, and those that state no status.",
    least=1,
    few=NO_STATUS,
    subject=CURRENCY,
    needs=NEEDS,
    evidence=_invoices(Invoice.status == "paid"),
)
def paid(window: Window, currency: str) -> Statement:
    """What was paid of the invoices dated in the window, in one currency. Invoices without a status do not count."""
    told = and_(billed_in(currency), Invoice.status.is_not(None))
    return among(window, _total_if(Invoice.status == "paid"), func.count().label("n"), where=told)


def _transactions(where: ColumnElement[bool] | None = None) -> Callable[..., Statement]:
    columns = (Transaction.id, Transaction.type, Transaction.amount, Transaction.currency, Transaction.status)

    def rows(window: Window, currency: str | None = None) -> Statement:
        chosen: Statement = select(*columns, Transaction.created_at).where(
            window.covers(Transaction.created_at)
        )
        for condition in (where, None if currency is None else moved_in(currency)):
            chosen = chosen if condition is None else chosen.where(condition)
        return chosen.order_by(Transaction.created_at.desc(), Transaction.id)

    return rows


def moved_in(currency: str) -> ColumnElement[bool]:
    """True for transactions in `currency`; "" are those that state none."""
    return func.coalesce(Transaction.currency, "") == currency


@metric(
    "finance.transactions",
    title="Transactions",
    unit="transactions",
    formula="count of rows",
    needs=NEEDS,
    evidence=_transactions(),
)
def transaction_count(window: Window) -> Statement:
    """Movements of money entered in the window, whatever became of them."""
    return select(func.count(Transaction.id).label("value")).where(window.covers(Transaction.created_at))


@metric(
    "finance.transacted",
    title="Transactions completed",
    unit="money",
    formula="exact sum of the amounts of transactions with status completed, signs as stored",
    excluded="Transactions in other currencies, and those that are not completed.",
    least=1,
    few=NO_TRANSACTION,
    subject=CURRENCY,
    needs=NEEDS,
    evidence=_transactions(Transaction.status == "completed"),
)
def transacted(window: Window, currency: str) -> Statement:
    """What the completed transactions entered in the window come to in one currency."""
    return select(exact_total(Transaction.amount).label("value"), func.count().label("n")).where(
        window.covers(Transaction.created_at), Transaction.status == "completed", moved_in(currency)
    )


@series(
    "finance.invoices_by_day",
    title="Invoices by day",
    unit="invoices",
    formula="count of invoices per day (UTC)",
    needs=NEEDS,
    evidence=_invoices(),
)
def invoices_by_day(window: Window) -> Statement:
    """How many invoices are dated on which day, credit notes included. A day without a bar had none."""
    day = day_of(Invoice.created_at)
    return among(window, day.label("at"), func.count().label("count")).group_by(day).order_by(day)


@series(
    "finance.invoices_by_status",
    title="Invoices by status",
    unit="invoices",
    formula="count of invoices per status",
    needs=NEEDS,
    evidence=_invoices(),
)
def invoices_by_status(window: Window) -> Statement:
    """Where the invoices dated in the window stand."""
    counted = among(window, Invoice.status.label("label"), func.count().label("count"))
    return counted.group_by(Invoice.status).order_by(func.count().desc(), Invoice.status)


@series(
    "finance.invoices_by_currency",
    title="Invoices by currency",
    unit="invoices",
    formula="count of invoices per currency",
    needs=NEEDS,
    evidence=_invoices(),
)
def invoices_by_currency(window: Window) -> Statement:
    """In which currencies the invoices dated in the window are. Their amounts are never added up across currencies."""
    counted = among(window, Invoice.currency.label("label"), func.count().label("count"))
    return counted.group_by(Invoice.currency).order_by(func.count().desc(), Invoice.currency)
