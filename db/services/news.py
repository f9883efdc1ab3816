"""What this process stored and nobody has drawn conclusions from yet: counted in memory, so that asking costs nothing.

Connections and places on the map follow from stored calls. Working them out for every batch would cost more than
storing it; the collector does it a few seconds later, and only when something came.
"""

from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Pool, event
from sqlalchemy.orm import Session

_stored: "WeakKeyDictionary[Pool, int]" = WeakKeyDictionary()
_lock = Lock()


def tell(session: Session) -> None:
    """Spans are stored in the session's transaction; it counts once that is committed."""
    bind = session.get_bind()
    pool = bind.engine.pool
    event.listen(session, "after_commit", lambda _: _count(pool), once=True)


def _count(pool: Pool) -> None:
    with _lock:
        _stored[pool] = _stored.get(pool, 0) + 1


def stored_batches(engine: Engine) -> int:
    """How many batches with something new this process has stored through the engine's connections."""
    return _stored.get(engine.pool, 0)
