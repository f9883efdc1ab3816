"""What the profile page says of one's own data: take it along, or close the account. Both are forms of the doors
(auth/own_data.py), which ask for the password."""

from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from i18n import t
from pages._view import View


def own_data_part(view: View) -> Component:
    """The panel with both ways."""
    lang = view.lang
    body = [
        html.P(t("One file with everything that is kept about you.", lang), className="muted"),
        _way(view, "/account/export", t("Export my data", lang)),
        html.P(
            t("Your name and address are erased; what you worked on stays without them.", lang),
            className="muted own-data-close",
        ),
        _way(view, "/account/close", t("Close my account", lang)),
    ]
    return html.Section(
        [
            html.Header(html.H2(t("Your data", lang)), className="frame-head"),
            html.Div(body, className="frame-body"),
        ],
        className="frame profile-own-data",
    )


def _way(view: View, path: str, words: str) -> Component:
    """A link to a form of the doors, which does not know what one chose here."""
    seen = urlencode({"lang": view.lang, "theme": view.theme})
    return html.A(words, href=f"{path}?{seen}", className="btn btn-quiet")
