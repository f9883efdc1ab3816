"""Programmatic access: calls, how they were answered, keys and quotas.

Its address is not /api: everything below that is for programs, which get no forms.
"""

from dash import dcc, html
from dash.development.base_component import Component

from components.figures.bars import category_bars, time_bars
from db.queries.kept import API
from i18n import t
from pages._module import Chart, Module, register_page
from pages._view import View


def _own_keys(view: View) -> Component:
    """The ways to where keys are made and ended, and to where every door is described."""
    return html.P(
        [
            dcc.Link(t("Make and end your keys", view.lang), href=view.link("/profile/keys")),
            dcc.Link(
                t("Read and try every door in the API reference", view.lang), href=view.link("/docs/api")
            ),
        ],
        className="key-ways",
    )


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
            "api.response_p99_ms",
            "api.failures",
            "api.active_keys",
            "api.keys",
        ),
        charts=(
            Chart("api.calls_by_status", category_bars),
            Chart("api.calls_by_endpoint", category_bars),
            Chart("api.calls_by_day", time_bars),
        ),
        listings=("calls", "keys", "limits"),
        families=(API,),
        more=lambda unit, view: [_own_keys(view)],
        how=lambda lang: t(
            "Each call of a program with a key becomes a row here. An access log of a web server comes in with:",
            lang,
        ),
        command=".venv/bin/quantum import table api_logs FILE.log --recipe access-log",
        ways={
            "keys": (
                lambda lang: t(
                    "No key was made in this database. Make one under Profile, Your keys, or at the console:",
                    lang,
                ),
                ".venv/bin/quantum key create --user EMAIL --name NAME --scope ingest",
            ),
            "limits": (
                lambda lang: t("Rate limits come in from a file of comma-separated values:", lang),
                ".venv/bin/quantum import table rate_limits FILE.csv",
            ),
        },
    ),
    __name__,
)
