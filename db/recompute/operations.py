"""Calls of programs, their keys, security events, the audit log and sessions once more."""

from collections.abc import Iterator, Sequence
from typing import Any

from db.models import ApiKey, ApiLog, AuditEntry, SecurityEvent, UserSession
from db.recompute.base import Again, Rows, counted, covers, recomputes, share
from db.recompute.beyond import API
from db.window import Window


def _distinct(rows: Rows, windows: Sequence[Window], moment: Any, column: Any) -> dict[Window, int]:
    """How many different values a column has, of those that have one."""
    found: dict[Window, set[str]] = {window: set() for window in windows}
    for at, value in rows.each(moment, column):
        for window in windows if value is not None else ():
            if covers(window, at):
                found[window].add(str(value))
    return {window: len(values) for window, values in found.items()}


@recomputes("api.calls", "api.error_share", "api.clients", reads=(API,))
def calls(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    sums = counted(
        rows,
        windows,
        (ApiLog.created_at, ApiLog.status_code),
        {"all": lambda row: 1, "failed": lambda row: int((row.status_code or 0) >= 400)},
    )
    clients = _distinct(rows, windows, ApiLog.created_at, ApiLog.ip_address)
    for window in windows:
        n = sums.of(window, "all")
        yield Again("api.calls", window, n)
        yield Again("api.error_share", window, share(sums.of(window, "failed"), n), n)
        yield Again("api.clients", window, clients[window])


@recomputes("api.keys", "api.active_keys")
def keys(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    stored = list(rows.each(ApiKey.is_active, ApiKey.expires_at))
    for window in windows:
        yield Again("api.keys", window, len(stored))
        yield Again("api.active_keys", window, _usable(stored, window))


def _usable(stored: Sequence[Any], window: Window) -> int:
    return sum(
        row.is_active is True and (row.expires_at is None or row.expires_at > window.at) for row in stored
    )


@recomputes("security.events", "security.unresolved", "security.failed_logins", "security.sources")
def events(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    sums = counted(
        rows,
        windows,
        (SecurityEvent.created_at, SecurityEvent.event_type, SecurityEvent.resolved),
        {
            "events": lambda row: 1,
            "unresolved": lambda row: None if row.resolved else 1,
            "failed_logins": lambda row: 1 if row.event_type == "login_failed" else None,
        },
    )
    sources = _distinct(rows, windows, SecurityEvent.created_at, SecurityEvent.ip_address)
    for window in windows:
        for name in ("events", "unresolved", "failed_logins"):
            yield Again(f"security.{name}", window, sums.of(window, name))
        yield Again("security.sources", window, sources[window])


@recomputes("security.audit_entries", "security.active_sessions")
def accountability(rows: Rows, windows: Sequence[Window]) -> Iterator[Again]:
    entries = counted(rows, windows, (AuditEntry.created_at, AuditEntry.id), {"entries": lambda row: 1})
    sessions = list(rows.each(UserSession.is_active, UserSession.expires_at))
    for window in windows:
        yield Again("security.audit_entries", window, entries.of(window, "entries"))
        yield Again("security.active_sessions", window, _usable(sessions, window), len(sessions))
