"""What a page says of numbers that speak of the reader's own rows only. Which ones these are, `db.policies` says."""

from collections.abc import Iterable

from dash import html
from dash.development.base_component import Component

from components.icons import icon
from db.guard import sees_all
from db.listing import Listing
from i18n import declared, t
from pages._view import View, actor


def own_rows(view: View, listings: Iterable[Listing]) -> Component | None:
    """A sentence for near the head of a page with these lists; None where the reader's role sees all of their rows."""
    known = list(listings)
    own = [each for each in known if is_narrowed([each.model.__tablename__])]
    if not own:
        return None
    if len(own) == len(known):
        return said(t("Your role shows the rows that belong to you.", view.lang))
    names = ", ".join(declared(each.title, view.lang) for each in own)
    return said(t("Of {lists}, your role shows the rows that belong to you.", view.lang, lists=names))


def is_narrowed(tables: Iterable[str]) -> bool:
    """Whether the reader sees only some rows of one of these tables."""
    return any(not sees_all(actor(), table) for table in tables)


def said(words: str) -> Component:
    """The sentence as it is drawn."""
    return html.P([icon("profile"), html.Span(words)], className="own-rows")
