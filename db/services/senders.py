"""Who sent spans, stored once: the process, the library that made them and the door they came by."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.models import Sender

Origin = tuple[str | None, Mapping[str, Any]]  # scope and resource


def digest_of(source: str, scope: str | None, resource: Mapping[str, Any]) -> str:
    """What a sender is found by; the order of its attributes says nothing."""
    said = orjson.dumps([source, scope, resource], option=orjson.OPT_SORT_KEYS)
    return blake2b(said, digest_size=16).hexdigest()


class Senders:
    """The senders of one batch. Spans of one request share their resource, which is looked at once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._noted: dict[tuple[str | None, int], tuple[str, Origin]] = {}
        self._origins: dict[str, Origin] = {}
        self._ids: dict[str, int] = {}

    def note(self, scope: str | None, resource: Mapping[str, Any]) -> None:
        """Somebody of the batch."""
        key = scope, id(resource)
        if key not in self._noted:
            digest, origin = digest_of(self.source, scope, resource), (scope, resource)
            self._noted[key] = digest, origin  # held, so that no other resource gets this one's id()
            self._origins[digest] = origin

    def store(self, session: Session) -> None:
        """Everybody noted has a number afterwards, whoever stored them."""
        self._find(session)
        missing = sorted(self._origins.keys() - self._ids.keys())
        if missing:
            dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
            # In the order of their digests, so that two processes that bring the same ones wait for each other in turn.
            session.execute(
                dialect.insert(Sender).on_conflict_do_nothing(), [self._row(each) for each in missing]
            )
            self._find(session)

    def number(self, scope: str | None, resource: Mapping[str, Any]) -> int:
        """The number of somebody noted and stored."""
        return self._ids[self._noted[scope, id(resource)][0]]

    def _find(self, session: Session) -> None:
        found = session.execute(select(Sender.digest, Sender.id).where(Sender.digest.in_(self._origins)))
        self._ids = {row.digest: row.id for row in found}

    def _row(self, digest: str) -> dict[str, Any]:
        scope, resource = self._origins[digest]
        return {"digest": digest, "source": self.source, "scope": scope, "resource": resource}


def senders_of(source: str) -> Any:
    """Select of the numbers of all who came in by one door."""
    return select(Sender.id).where(Sender.source == source)


def sender_of(session: Session, source: str) -> int:
    """The number of the one sender that has neither library nor resource: a part of this application."""
    senders, nothing = Senders(source), dict[str, Any]()
    senders.note(None, nothing)
    senders.store(session)
    return senders.number(None, nothing)


__all__ = ["Senders", "digest_of", "sender_of", "senders_of"]
