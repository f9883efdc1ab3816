"""Sales: deals, how they stand, and what happened on them."""

from components.figures.bars import category_bars, time_bars
from i18n import t
from pages._module import Chart, Module, register_page

register_page(
    Module(
        name="crm",
        title=lambda lang: t("CRM", lang),
        lead=lambda lang: t("Deals, how they stand, and what happened on them.", lang),
        icon="crm",
        order=20,
        needs="crm:read",
        cards=(
            "crm.deals",
            "crm.open_deals",
            "crm.won_deals",
            "crm.win_rate",
            "crm.open_value",
            "crm.activities",
        ),
        charts=(Chart("crm.deals_by_status", category_bars), Chart("crm.deals_by_day", time_bars)),
        listings=("deals",),
        how=lambda lang: t(
            "Deals come in from a file of comma-separated values, such as a sales campaign:", lang
        ),
        command=".venv/bin/quantum import table deals FILE.csv --recipe bank-campaign",
    ),
    __name__,
)
