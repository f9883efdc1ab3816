"""Programmatic access: calls, how they were answered, keys and quotas.

Its address is not /api: everything below that is for programs, which get no forms.
"""

from components.figures.bars import category_bars, time_bars
from i18n import t
from pages._module import Chart, Module, register_page

register_page(
    Module(
        name="api-access",
        title=lambda lang: t("API", lang),
        lead=lambda lang: t("Calls by programs, how they were answered, and the keys they came with.", lang),
        icon="key",
        order=60,
        needs="api:logs:read",
        cards=(
            "api.calls",
            "api.error_share",
            "api.clients",
            "api.response_p50_ms",
            "api.response_p95_ms",
            "api.active_keys",
            "api.keys",
        ),
        charts=(
            Chart("api.calls_by_status", category_bars),
            Chart("api.calls_by_endpoint", category_bars),
            Chart("api.calls_by_day", time_bars),
        ),
        listings=("calls", "keys", "limits"),
        how=lambda lang: t("Calls come in from the access log of a web server:", lang),
        command=".venv/bin/quantum import table api_logs FILE.log --recipe access-log",
        ways={
            "keys": (
                lambda lang: t("No key was made in this database, and no file can bring one.", lang),
                "",
            ),
            "limits": (
                lambda lang: t("Rate limits come in from a file of comma-separated values:", lang),
                ".venv/bin/quantum import table rate_limits FILE.csv",
            ),
        },
    ),
    __name__,
)
