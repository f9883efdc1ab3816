"""Marks on the time line: those of a window that are about given series."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from db.measured_series import SeriesKey
from db.metric import Window
from db.models import Annotation

MOST = 200


def marks_in(session: Session, window: Window, keys: Sequence[SeriesKey]) -> list[Mapping[str, Any]]:
    """Marks that touch the window and are about one of the series, or about all; the earliest first, at most 200."""
    row = Annotation
    about = [
        and_(
            or_(row.metric_type.is_(None), row.metric_type == key.metric),
            or_(row.source.is_(None), row.source == key.source) if key.source else row.source.is_(None),
        )
        for key in keys
    ]
    conditions = [or_(*about)]
    if window.start is not None and window.end is not None:
        conditions += [row.starts_at < window.end, func.coalesce(row.ends_at, row.starts_at) >= window.start]
    found = session.execute(
        select(
            row.starts_at,
            row.ends_at,
            row.kind,
            row.label,
            row.metric_type.label("metric"),
            row.source,
            row.note,
            row.origin,
        )
        .where(*conditions)
        .order_by(row.starts_at, row.id)
        .limit(MOST)
    )
    return [dict(each) for each in found.mappings()]
