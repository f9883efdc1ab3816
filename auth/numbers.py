"""Numbers that only the system can read, for those whose permission says that they may know them."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import abort

from auth import people
from auth.permissions import allows
from db.actor import SYSTEM
from db.engine import Session, session
from db.metric import METRICS, Metric, Reading, Series, Subject, Window, read


@contextmanager
def reader_of(declared: Metric | Series, own: Session) -> Iterator[Session]:
    """The session that reads this number for whoever is asking: their `own`, or the system's where it must be."""
    if not declared.by_system:
        yield own
        return
    if not declared.needs or not allows(people.require_person().role, declared.needs):
        abort(403)
    with session(people.system_engine(), SYSTEM) as unit:
        yield unit


def read_for(own: Session, key: str, window: Window, subject: Subject = ()) -> Reading:
    """`db.metric.read` for whoever is asking."""
    with reader_of(METRICS[key], own) as unit:
        return read(unit, key, window, subject)
