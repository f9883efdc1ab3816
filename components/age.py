"""How old a number is. The browser counts on (assets/age.js), asking nobody; hovering tells the exact instant."""

from datetime import datetime

from dash import html

from components.attributes import attributes
from components.format import moment
from i18n import t


def age(instant: datetime, lang: str, zone: str) -> html.Time:
    """ "measured 12 sec. ago"; where no script runs, the instant itself. No screen reader is told of every second."""
    exact = moment(instant, lang, zone)
    return html.Time(
        t("measured {at}", lang, at=exact),
        dateTime=instant.isoformat(),
        title=exact,
        className="age",
        **attributes({"data-age": t("measured {age}", lang), "aria-live": "off"}),
    )
