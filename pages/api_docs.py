"""The reference of the doors for programs, to read and to try: Swagger UI, served from here, over our own description.

The browser does the rest (assets/api-docs.js): it fetches both from this server, and asks no other.
"""

import dash
from dash import ClientsideFunction, Input, Output, clientside_callback, dcc, html

from auth.doors import SIGNED_IN
from components.attributes import attributes
from components.measured import unmeasured
from components.shell import page_header
from components.states import skeleton
from i18n import t
from pages._view import View, page, titled

ROOT = "api-docs"

dash.register_page(__name__, path="/docs/api", title=titled(lambda lang: t("API reference", lang)))


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline; the browser fills it."""
    lead = t(
        "Every door for programs, to read and to try with a key of yours. "
        "The key you type here is kept until you leave this page and sent to this server only.",
        view.lang,
    )
    keys = dcc.Link(
        t("Make and end your keys", view.lang), href=view.link("/profile/keys"), className="btn btn-quiet"
    )
    raw = html.A("openapi.json", href="/api/v1/openapi.json", target="_blank", className="btn btn-quiet")
    failed = html.P(
        t("The reference could not be loaded. Load the page again, or read openapi.json.", view.lang),
        className="notice",
        role="alert",
        id=f"{ROOT}-failed",
        hidden=True,
    )
    return html.Div(
        [
            page_header(t("API reference", view.lang), lead, lang=view.lang),
            html.Div([keys, raw], className="api-docs-ways"),
            failed,
            html.Div(skeleton("table"), id=ROOT),
        ],
        className="is-timeless",
        **attributes(unmeasured("definition")),
    )


clientside_callback(
    ClientsideFunction("apidocs", "show"), Output(f"{ROOT}-failed", "hidden"), Input(ROOT, "id")
)
