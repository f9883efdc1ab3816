"""What one did: the audit log's entries about one's own actions, as a list and one by one."""

from typing import Any
from urllib.parse import unquote

import dash
from dash import Output, callback, html
from dash.development.base_component import Component

from auth.doors import SIGNED_IN
from auth.events import note_hidden_row
from components.attributes import attributes
from components.format import moment, number
from components.measured import unmeasured
from components.shell import page_header
from components.states import empty, skeleton
from components.tables import data_table
from db.engine import Session
from db.listing import Children, Page, Wish, read_page, read_row
from db.models import AuditEntry
from db.queries.security import audit
from i18n import declared, t, tn
from pages._module import whole
from pages._rows import columns_of, row_page
from pages._view import ASKED, View, load, notices, page, person, titled

NAME = "activity"
OWN = Children(audit, AuditEntry.user_id)


def title(lang: str) -> str:
    """What the page is called."""
    return t("Your activity", lang)


@page(SIGNED_IN)
def layout(view: View) -> html.Div:
    """The outline. No data."""
    lead = t("What you changed here, as the audit log keeps it. Nobody can change these entries.", view.lang)
    return html.Div(
        [
            page_header(title(view.lang), lead, lang=view.lang),
            html.Div(skeleton("table"), id="activity-body"),
        ],
        className="is-rangeless",
    )


@page(SIGNED_IN)
def row_layout(view: View) -> html.Div:
    """The outline of one entry. No data."""
    return html.Div(skeleton("table"), id="activity-row")


dash.register_page(__name__, path=f"/{NAME}", title=titled(title), layout=layout)
dash.register_page(
    f"{__name__}.row",
    path_template=f"/{NAME}/<listing>/<row>",
    path=f"/{NAME}/row",
    title=titled(title),
    layout=row_layout,
)


@callback(Output("activity-body", "children"), *ASKED)
@load(SIGNED_IN)
def answer(unit: Session, view: View) -> list[Component]:
    """One's own entries, the newest first."""
    wish = Wish(order=view.args.get("sort", ""), page=whole(view.args.get("page", "")))
    found = read_page(unit, audit, wish, OWN.belongs_to(str(person().profile_id)))
    return [*notices(view), _table(found, wish, view) if found.total else _nothing(view)]


@callback(Output("activity-row", "children"), *ASKED)
@load(SIGNED_IN)
def answer_row(unit: Session, view: View) -> Any:
    """One entry; another person's is not told from one that does not exist."""
    parts = [unquote(part) for part in view.path.strip("/").split("/")]
    key = parts[2] if len(parts) == 3 and parts[1] == audit.name else ""
    row = read_row(unit, audit, key)
    if row is None or row["user_id"] != person().profile_id:
        note_hidden_row(audit, key)
        words = t("It may have been deleted, or the address was typed wrongly.", view.lang)
        return html.Div(empty(t("There is no such row", view.lang), words, lang=view.lang), className="frame")
    return row_page(NAME, title, audit, row, view)


def _table(found: Page, wish: Wish, view: View) -> Component:
    summary = tn(
        "{count} row, whatever the range · measured {at}",
        "{count} rows, whatever the range · measured {at}",
        found.total,
        view.lang,
        count=number(found.total, view.lang),
        at=moment(view.now, view.lang, view.zone),
    )
    table = data_table(
        [column for column in columns_of(NAME, audit, view) if column.key != "person"],
        found.rows,
        lang=view.lang,
        stored=True,
        caption=declared(audit.title, view.lang),
        search=view.search,
        path=f"/{NAME}",
        sort=wish.order or f"-{audit.order.key}",
        page=found.number,
        pages=found.pages,
        total=found.total,
        id="activity-table",
    )
    return html.Div(
        [html.P(summary, className="list-summary", **attributes(unmeasured("shown"))), table],
        className="module-list",
    )


def _nothing(view: View) -> Component:
    why = t("Whatever you change from now on is listed here.", view.lang)
    return html.Div(empty(t("No entry yet", view.lang), why, lang=view.lang), className="frame")
