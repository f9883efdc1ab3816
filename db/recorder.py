"""The recorder: what a person changes in a session is written to the audit log in the same transaction, or not at all.

`session` in db/engine.py starts it for everybody's own writes. It takes what the ORM is about to write, and refuses
statements that go past the ORM, because of those it would not know what was before. What it took is appended right
before the commit, so that the chain is held for a moment only; when that fails, nothing is committed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ClauseElement, Connection, event, insert, inspect, select, text
from sqlalchemy.orm import InstanceState, Mapper, Session

from db.actor import SYSTEM, Actor
from db.append_only import KEPT
from db.base import uuid7
from db.chain import FIRST, Entry, clean, plain
from db.models import AuditEntry

# Their values never reach the log, only that they were set or changed.
SECRETS = frozenset(
    {"code_hash", "key_hash", "password_hash", "secret", "secrets", "token_hash", "totp_secret"}
)
# What closing an account destroys. The log is never rewritten, so it holds none of it in the first place: that it was
# set or changed, by whom and when is kept, what it said is not.
PERSONAL = {
    "account_links": frozenset({"email"}),
    "auth_account": frozenset({"email"}),
    "profiles": frozenset(
        {"avatar_url", "bio", "company", "full_name", "location", "preferences", "username"}
    ),
}
LEFT_OUT = "left_out"
WRITES = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|REPLACE|MERGE|TRUNCATE|COPY)\b"
    r"|\s*WITH\b.*\b(INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|UPDATE\s+\S+\s+SET)\b",
    re.IGNORECASE | re.DOTALL,
)
ACTOR, RECORDER = "actor", "recorder"


class UnrecordedWrite(Exception):
    """A person's session was asked to write what could not be recorded; nothing was written."""


@dataclass(frozen=True)
class Act:
    """What was done to what. `old` and `new` are the row before and after, or its changed columns, by name.

    `by` is the profile of who did it; None means whoever the session works for.
    """

    action: str
    table: str
    record: object = None
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    by: UUID | None = None


@dataclass(frozen=True)
class _Taken:
    act: Act
    transaction: Any  # the savepoint or transaction it happened in


class Recorder:
    """Of one session: who it works for, and what was done in it since the last commit."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self.session, self.actor = session, actor
        self.taken: list[_Taken] = []
        self.there: dict[InstanceState[Any], dict[str, Any]] = {}
        self.is_watching = False  # takes every change of a mapped row, and refuses what cannot be taken
        self.is_open = False  # whether the ORM, or the recorder itself, is writing

    def take(self, act: Act) -> None:
        """Have `act` appended with this transaction."""
        Session.connection(self.session)  # a transaction, so that there is something to commit
        transaction = self.session.get_nested_transaction() or self.session.get_transaction()
        self.taken.append(_Taken(act, transaction))

    # --- what happens in the session ---

    def refuse(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not self.is_open and WRITES.match(statement):
            raise UnrecordedWrite(
                "A person's change goes through mapped rows, so that the audit log can tell what was before."
            )

    def before(self, session: Session) -> None:
        """Note what is there now, of what will be changed or deleted."""
        for row in [*session.new, *session.dirty, *session.deleted]:
            if _table(inspect(row).mapper) in KEPT:
                raise UnrecordedWrite("Only the system appends to the audit log.")
        self.there.clear()
        for row in session.deleted:
            state = inspect(row)
            self.there[state] = _values(session, state, _columns(state.mapper))
        for row in session.dirty:
            state = inspect(row)
            changed = _changed(state)
            if changed and row not in session.deleted:
                known = {key: old for key, old in changed.items() if old is not _UNKNOWN}
                asked = _values(session, state, [key for key in changed if key not in known], fresh=True)
                self.there[state] = known | asked
        self.is_open = True

    def after(self, session: Session) -> None:
        self.is_open = False
        for row in session.new:
            state = inspect(row)
            given = _values(session, state, _columns(state.mapper))
            self.take(
                _act("INSERT", state, None, {key: each for key, each in given.items() if each is not None})
            )
        for state, old in self.there.items():
            if state.obj() in session.deleted:
                self.take(_act("DELETE", state, old, None))
            else:
                self.take(_act("UPDATE", state, old, _values(session, state, list(old))))
        self.there.clear()

    def append(self, session: Session) -> None:
        """The session commits: flush what is left, then append. Savepoints are left to the transaction round them."""
        if session.in_nested_transaction():
            return
        session.flush()
        if not self.taken:
            return
        acts = [each.act for each in self.taken]
        self.is_open = True
        try:
            append(Session.connection(session), acts, self.actor)
        finally:
            self.is_open = False
        self.taken.clear()

    def forget(self, rolled_back: Any) -> None:
        self.is_open = False
        self.taken = [each for each in self.taken if not _is_within(each.transaction, rolled_back)]


def recorder(session: Session) -> Recorder:
    """The session's recorder, begun in the name it works in where there is none yet."""
    found = session.info.get(RECORDER)
    if found is None:
        found = session.info[RECORDER] = Recorder(session, session.info.get(ACTOR, SYSTEM))
    assert isinstance(found, Recorder)
    return found


def begin(session: Session, actor: Actor, *, write: bool) -> Session:
    """Note who `session` works for; what a person writes in it is recorded from now on."""
    session.info[ACTOR] = actor
    if write and actor.is_person:
        recorder(session).is_watching = True
    return session


# --- what happens in sessions; where nobody records, nothing more is done -------------------------------------------


def _recorder(session: Session, *, watching: bool = False) -> Recorder | None:
    found: Recorder | None = session.info.get(RECORDER)
    return found if found is not None and (found.is_watching or not watching) else None


@event.listens_for(Session, "after_begin")
def _begun(session: Session, transaction: object, connection: Connection) -> None:
    found = _recorder(session, watching=True)
    if found is not None:
        event.listen(connection, "before_cursor_execute", found.refuse)


@event.listens_for(Session, "before_flush")
def _flushing(session: Session, *_: object) -> None:
    found = _recorder(session, watching=True)
    if found is not None:
        found.before(session)


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, *_: object) -> None:
    found = _recorder(session, watching=True)
    if found is not None:
        found.after(session)


@event.listens_for(Session, "before_commit")
def _committing(session: Session) -> None:
    found = _recorder(session)
    if found is not None:
        found.append(session)


@event.listens_for(Session, "after_soft_rollback")
def _rolled_back(session: Session, rolled_back: object) -> None:
    found = _recorder(session)
    if found is not None:
        found.forget(rolled_back)


# --- reading rows -------------------------------------------------------------------------------------------------

_UNKNOWN: Any = object()


def _table(mapper: Mapper[Any]) -> str:
    return str(mapper.class_.__tablename__)


def _columns(mapper: Mapper[Any]) -> list[str]:
    return [each.key for each in mapper.column_attrs]


def _changed(state: InstanceState[Any]) -> dict[str, Any]:
    """Changed attributes with the value before, as far as the session knows it."""
    found = {}
    for key in _columns(state.mapper):
        history = state.attrs[key].history
        if history.has_changes():
            found[key] = history.deleted[0] if history.deleted else _UNKNOWN
    return found


def _values(
    session: Session, state: InstanceState[Any], keys: Sequence[str], *, fresh: bool = False
) -> dict[str, Any]:
    """Values of a row; what the object does not hold is read from the database, but for secrets: the log only names
    them, and nobody's login may read them.
    """
    held = {} if fresh else {key: state.dict[key] for key in keys if key in state.dict}
    held = {key: value for key, value in held.items() if not isinstance(value, ClauseElement)}
    mapper = state.mapper
    missing = [key for key in keys if key not in held]
    unread = [key for key in missing if mapper.column_attrs[key].columns[0].name in SECRETS]
    held |= dict.fromkeys(unread)
    missing = [key for key in missing if key not in unread]
    if missing:
        identity = mapper.primary_key_from_instance(state.obj())
        here = [column == value for column, value in zip(mapper.primary_key, identity, strict=True)]
        columns = [mapper.column_attrs[key].columns[0] for key in missing]
        row = Session.connection(session).execute(select(*columns).where(*here)).one_or_none()
        held |= dict(zip(missing, row if row is not None else [None] * len(missing), strict=True))
    return {key: held[key] for key in keys}


def _act(action: str, state: InstanceState[Any], old: Any, new: Any) -> Act:
    mapper = state.mapper
    key = ",".join(str(each) for each in mapper.primary_key_from_instance(state.obj()))
    return Act(action, _table(mapper), key, _named(mapper, old), _named(mapper, new))


def _named(mapper: Mapper[Any], values: dict[str, Any] | None) -> dict[str, Any] | None:
    """By the names of the columns."""
    if values is None:
        return None
    return {mapper.column_attrs[key].columns[0].name: value for key, value in values.items()}


def kept_of(table: str, data: Mapping[str, Any] | None) -> Any:
    """A row of `table` as the log keeps it: secret and personal columns are only named."""
    if data is None:
        return None
    hidden = (SECRETS | PERSONAL.get(table, frozenset())) & data.keys()
    kept = {key: value for key, value in data.items() if key not in hidden}
    return plain(kept | ({LEFT_OUT: sorted(hidden)} if hidden else {}))


def _is_within(transaction: Any, other: Any) -> bool:
    while transaction is not None:
        if transaction is other:
            return True
        transaction = transaction.parent
    return False


# --- appending ----------------------------------------------------------------------------------------------------


def append(connection: Connection, acts: Sequence[Act], actor: Actor) -> None:
    """Append `acts` in this transaction. Until it ends, whoever else appends waits."""
    seq, last, at = _head(connection)
    for act in acts:
        seq, at = seq + 1, max(at, datetime.now(UTC))  # a clock put back does not put the log out of order
        entry = Entry(
            seq=seq,
            previous_hash=last,
            id=uuid7(),
            user_id=act.by or actor.acting,
            action=act.action,
            table_name=act.table,
            record_id=None if act.record is None else clean(str(act.record)),
            old_data=kept_of(act.table, act.old),
            new_data=kept_of(act.table, act.new),
            ip_address=actor.address,
            user_agent=None if actor.user_agent is None else clean(actor.user_agent),
            created_at=at,
        )
        last = entry.row_hash
        _store(connection, entry)


def _head(connection: Connection) -> tuple[int, str, datetime]:
    """Place, hash and moment of the last entry."""
    found: Any
    if connection.dialect.name == "postgresql":
        found = connection.execute(text("SELECT seq, row_hash, created_at FROM audit_head()")).one()
    else:
        columns = (AuditEntry.seq, AuditEntry.row_hash, AuditEntry.created_at)
        found = connection.execute(select(*columns).order_by(AuditEntry.seq.desc()).limit(1)).one_or_none()
    if found is None or found.seq is None:
        return 0, FIRST, datetime.min.replace(tzinfo=UTC)
    return found.seq, found.row_hash, found.created_at


def _store(connection: Connection, entry: Entry) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT audit_append(:entry)"), {"entry": entry.text})
    else:
        connection.execute(insert(AuditEntry).values(**vars(entry), row_hash=entry.row_hash))
