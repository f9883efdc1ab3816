"""Finance: invoices and transactions, each currency for itself."""

from collections.abc import Sequence

from components.figures.bars import category_bars, time_bars
from db.engine import Session
from db.models import Invoice, Transaction
from db.queries.finance import currencies
from i18n import t
from pages._module import Chart, Module, register_page
from pages._view import View

COUNTS = ("finance.invoices", "finance.credit_notes", "finance.invoice_lines", "finance.transactions")
OF_INVOICES = ("finance.invoiced", "finance.credited", "finance.paid")


def cards(unit: Session, view: View) -> Sequence[tuple[str, tuple[str, ...]]]:
    """The sums of every currency that occurs, after them what needs none."""
    billed = [(key, (currency,)) for currency in currencies(unit, Invoice) for key in OF_INVOICES]
    moved = [("finance.transacted", (currency,)) for currency in currencies(unit, Transaction)]
    return [*billed, *moved, *[(key, ()) for key in COUNTS]]


register_page(
    Module(
        name="finance",
        title=lambda lang: t("Finance", lang),
        lead=lambda lang: t("Invoices and transactions, exact, and each currency for itself.", lang),
        icon="money",
        order=80,
        needs="finance:read",
        cards=cards,
        charts=(
            Chart("finance.invoices_by_status", category_bars),
            Chart("finance.invoices_by_currency", category_bars),
            Chart("finance.invoices_by_day", time_bars),
        ),
        listings=("invoices", "transactions"),
        how=lambda lang: t(
            "Invoices come in from a file of comma-separated values with one row per line of an invoice:",
            lang,
        ),
        command=".venv/bin/quantum import table invoices FILE.csv --recipe online-retail",
        ways={
            "transactions": (
                lambda lang: t("Transactions come in from a file of comma-separated values:", lang),
                ".venv/bin/quantum import table transactions FILE.csv",
            ),
        },
    ),
    __name__,
)
