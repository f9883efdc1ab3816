"""What the pages of measurements and logs share: all time as a stretch that can be drawn, and where the rows lie."""

from datetime import datetime, timedelta

from dash.development.base_component import Component

from components.states import elsewhere
from db.metric import Window, iso
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
