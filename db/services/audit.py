"""Accountability: who did what to which record, written with the deed.

What a person writes in their own session is recorded by itself (db/recorder.py). For the rest there are two calls, in
the transaction of the deed: `record` for what changes no row by itself, such as an export, and `note` for what a
service does, which writes only where the recorder does not see it: in the sessions of the system and the operator.
"""

from sqlalchemy.orm import Session

from db.recorder import RECORDER, Act, recorder

__all__ = ["Act", "note", "record"]


def record(session: Session, act: Act) -> None:
    """Append `act` when this transaction commits; if it cannot be, nothing is committed.

    Who did it, from where: the actor of the session, unless `act.by` names a person.
    """
    recorder(session).take(act)


def note(session: Session, act: Act) -> None:
    """`record`, unless the session is a person's own: there the change of the row is recorded already."""
    found = session.info.get(RECORDER)
    if found is None or not found.is_watching:
        record(session, act)
