"""Any address without a page."""

import dash
from dash import dcc, html

from auth.doors import SIGNED_IN
from components.shell import page_header
from components.states import empty
from i18n import t
from pages._view import View, page, titled

dash.register_page(__name__, path="/404", title=titled(lambda lang: t("Page not found", lang)))


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """What happened, and the way back."""
    home = dcc.Link(t("To the overview", view.lang), href=view.link("/"), className="btn btn-primary")
    why = t(
        "There is no page at {path}. It may have been typed wrongly, or what it showed may be gone.",
        view.lang,
        path=view.path[:120],
    )
    return html.Div(
        [
            page_header(t("Page not found", view.lang), lang=view.lang),
            html.Div(
                empty(
                    t("Nothing at this address", view.lang),
                    why,
                    action=home,
                    lang=view.lang,
                    icon_name="search",
                ),
                className="frame",
            ),
        ],
        className="is-timeless",
    )
