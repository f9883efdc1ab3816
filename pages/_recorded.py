"""What the pages of measurements and logs share: all time as a stretch that can be drawn, and where the rows lie."""

from datetime import datetime, timedelta

from dash import html
from dash.development.base_component import Component

from components.format import moment
from components.icons import icon
from components.states import elsewhere
from db.engine import Session
from db.metric import Window, iso
from db.queries.kept import LOGS, beyond
from i18n import t
from pages._view import View

Extent = tuple[datetime, datetime]  # the first and the last row


def bounded(window: Window, found: Extent) -> Window:
    """All time as the stretch from the first row to the last, so that a chart has a width."""
    if window.start is not None:
        return window
    start = found[0].replace(microsecond=0)
    end = found[1].replace(microsecond=0) + timedelta(seconds=1)
    return Window.parse(f"{iso(start)}/{iso(end)}", window.at)


def elsewhere_of(view: View, found: Extent) -> Component:
    """Where the rows are, when the chosen range holds none of them."""
    start, end = found[0].replace(second=0, microsecond=0), found[1].replace(second=0, microsecond=0)
    end += timedelta(minutes=1)
    return elsewhere(
        start,
        end,
        href=view.with_query(range=f"{iso(start)}/{iso(end)}", page=None, before=None),
        all_href=view.with_query(range="all", page=None, before=None),
        lang=view.lang,
        zone=view.zone,
    )


def kept_singly(unit: Session, view: View, family: str) -> Component | None:
    """Where the range begins before single rows are kept: the numbers of these pages are of single rows."""
    reach, lang = beyond(unit, view.window, family), view.lang
    if reach is None:
        return None
    since = moment(reach.since, lang, view.zone)
    kept = (
        t("Single log lines are kept since {since}.", lang, since=since)
        if family == LOGS
        else t("Single measurements are kept since {since}.", lang, since=since)
    )
    words = f"{kept} {t('What was before is not in the numbers here.', lang)}"
    return html.Div(
        [icon("warning"), html.Div(html.Span(words), className="notice-text")], className="notice"
    )
