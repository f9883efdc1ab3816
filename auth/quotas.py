"""How often a key may ask: counted in the database at every request (`db.services.rate_limits`), before its scope is
looked at, so that a key without any is limited, too.

A key over its limit is then refused from memory for a few seconds at a time: a flood costs no write per request, and a
limit that an administrator raised is soon seen. Some of these refusals are held back for a moment: who asks again and
again without waiting would otherwise be answered as fast as there is a processor, and the others would wait for it.
"""

import math
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from flask import Flask, current_app, g
from werkzeug.exceptions import TooManyRequests

from auth import machines, people
from auth.doors import needed_here
from auth.keys import AGENT, KEYED, Caller, Scope, unauthorized
from db.actor import SYSTEM
from db.engine import session
from db.services import rate_limits
from db.services.rate_limits import Limits, Quota
from settings import Settings

QUOTAS, QUOTA = "quantum_quotas", "quantum_quota"
REMEMBERED_SECONDS = 3.0
HELD_SECONDS, MOST_HELD = 0.25, 4  # so many of the server's threads at most
MOST_REMEMBERED = 10_000
MOST_COUNTED = 2**31 - 1  # what the columns of rate_limits hold
DAY_OF_REPORTS, DAY_OF_REQUESTS = 24, 10  # programs report day and night; people's tools ask by day


@dataclass
class Quotas:
    """What is allowed where a key has no limit of its own, and who is over it."""

    reports_per_hour: int
    requests_per_hour: int
    refused: dict[tuple[UUID, str], tuple[float, Quota]] = field(default_factory=dict)
    held: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_HELD))

    def hold(self) -> None:
        """Let this refusal wait a moment, unless enough of them do."""
        if self.held.acquire(blocking=False):
            try:
                time.sleep(HELD_SECONDS)
            finally:
                self.held.release()


class OverLimit(TooManyRequests):
    """The key asked too often; `quota` says when it may ask again."""

    def __init__(self, quota: Quota, now: datetime) -> None:
        self.wait = max(1, math.ceil((cast(datetime, quota.refused_until) - now).total_seconds()))
        self.quota = quota
        which, most = (
            ("day", quota.limits.per_day) if quota.left_day == 0 else ("hour", quota.limits.per_hour)
        )
        super().__init__(f"This key may ask here {most} times per {which}. Ask again in {self.wait} seconds.")


def init_app(server: Flask, settings: Settings) -> None:
    """Let limits be known by the settings."""
    server.extensions[QUOTAS] = Quotas(settings.reports_per_hour, settings.requests_per_hour)


def spend(caller: Caller) -> None:
    """Count this request of the key. Raises OverLimit, and then nothing is counted; Unauthorized for a key that is no
    more.
    """
    known: Quotas = current_app.extensions[QUOTAS]
    endpoint, now = machines.endpoint_here(), datetime.now(UTC)
    key = (caller.key_id, endpoint)
    quota = _remembered(known, key, now)
    if quota is not None:
        known.hold()
    else:
        limits = limits_of(known, needed_here(), endpoint, caller.key.rate_limit)
        try:
            with session(people.system_engine(), SYSTEM, write=True) as unit:
                quota = rate_limits.spend(unit, caller.key_id, endpoint, limits, now)
        except rate_limits.KeyIsGone as error:
            raise unauthorized() from error
        _remember(known, key, quota)
    setattr(g, QUOTA, quota)
    if quota.refused_until is not None:
        raise OverLimit(quota, now)


def limits_of(known: Quotas, needs: str | None, endpoint: str, own: int | None) -> Limits:
    """The limits of a key at a route that needs so; `own` is the key's own limit per hour.

    A key that is shared by a fleet sends the heartbeats of all its agents to one address.
    """
    scope = (needs or "").removeprefix(KEYED)
    reports = scope == Scope.INGEST or scope.startswith(AGENT) or endpoint.endswith("/heartbeat")
    hour = own or (known.reports_per_hour if reports else known.requests_per_hour)
    day = hour * (DAY_OF_REPORTS if reports else DAY_OF_REQUESTS)
    return Limits(min(hour, MOST_COUNTED), min(day, MOST_COUNTED))


def headers(now: datetime) -> dict[str, str]:
    """RateLimit and RateLimit-Policy of this answer, as the IETF's draft has them; none where nothing was counted."""
    quota: Quota | None = g.get(QUOTA)
    if quota is None:
        return {}
    hour, day = (math.ceil((end - now).total_seconds()) for end in (quota.hour_ends, quota.day_ends))
    return {
        "RateLimit-Policy": f'"hour";q={quota.limits.per_hour};w=3600, "day";q={quota.limits.per_day};w=86400',
        "RateLimit": f'"hour";r={quota.left_hour};t={max(hour, 0)}, "day";r={quota.left_day};t={max(day, 0)}',
    }


def _remembered(known: Quotas, key: tuple[UUID, str], now: datetime) -> Quota | None:
    until, quota = known.refused.get(key, (0.0, None))
    if quota is None or time.monotonic() >= until or now >= cast(datetime, quota.refused_until):
        return None
    return quota


def _remember(known: Quotas, key: tuple[UUID, str], quota: Quota) -> None:
    if quota.refused_until is None:
        known.refused.pop(key, None)
        return
    if len(known.refused) >= MOST_REMEMBERED:
        known.refused.clear()
    known.refused[key] = (time.monotonic() + REMEMBERED_SECONDS, quota)
