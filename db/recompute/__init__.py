"""Every number, and every bar of every chart, once more by another way: plain arithmetic in Python over rows fetched by
simple selects, one table at a time. Nothing here uses the Select of a metric or what it is made of, so that both would
have to be wrong alike.

A file per domain says `@recomputes("domain.noun", ...)` over one function that yields what it found; `verify` compares
it with what the metrics show. Rows are streamed, and what is kept of them does not grow with their number.
"""

from db.recompute import (
    answers,
    business,
    charts,
    charts_of_time,
    fleet,
    measurements,
    operations,
    people,
    spans,
    tasks,
    uptime,
    usage,
    watched,
)
from db.recompute.compare import BEYOND, DIFFERS, Line, verify

__all__ = [
    "BEYOND",
    "DIFFERS",
    "Line",
    "answers",
    "business",
    "charts",
    "charts_of_time",
    "fleet",
    "measurements",
    "operations",
    "people",
    "spans",
    "tasks",
    "uptime",
    "usage",
    "verify",
    "watched",
]
