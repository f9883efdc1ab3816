"""Help desk: tickets, how fast they are resolved, and what is written on them."""

from components.figures.bars import category_bars, time_bars
from i18n import t
from pages._module import Chart, Module, register_page

WRITTEN = (
    lambda lang: t("What is written on tickets comes in from a file of comma-separated values:", lang),
    ".venv/bin/quantum import table ticket_messages FILE.csv",
)

register_page(
    Module(
        name="support",
        title=lambda lang: t("Support", lang),
        lead=lambda lang: t("Tickets, how fast they are resolved, and what is written on them.", lang),
        icon="support",
        order=30,
        needs="support:read",
        cards=(
            "support.tickets",
            "support.open_tickets",
            "support.resolved_tickets",
            "support.critical_tickets",
            "support.resolution_hours_p50",
            "support.messages",
            "support.internal_notes",
        ),
        charts=(
            Chart("support.tickets_by_priority", category_bars),
            Chart("support.tickets_by_status", category_bars),
            Chart("support.tickets_by_day", time_bars),
        ),
        listings=("tickets", "messages", "notes"),
        how=lambda lang: t(
            "Tickets come in from a file of comma-separated values, such as a log of incidents:", lang
        ),
        command=".venv/bin/quantum import table support_tickets FILE.csv --recipe incidents",
        ways={"messages": WRITTEN, "notes": WRITTEN},
    ),
    __name__,
)
