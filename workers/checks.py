"""The checks that people defined: asked when due, a few at a time, measured from the moment they were planned for."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from db.actor import SYSTEM
from db.engine import session
from db.services.checks import Due, Outcome, keep_outcomes, take_due
from workers.probing import Answer, Network, Refused, Target, ask, look_up
from workers.schedule import Work, job

AT_ONCE = 8
ROUNDS_SECONDS = 15.0
FEWEST_HOSTS = 3  # when none of so many gives any answer, it is this machine that has no network

Look = Callable[[str, Sequence[Network]], Target]
Ask = Callable[[Target, float], Answer]


@job("checks", every=timedelta(seconds=10))
def run_checks(work: Work) -> Mapping[str, Any]:
    """Ask whatever is due; `asked` is how many that were, `refused` how many of them this application would not ask."""
    began, asked, refused, away = time.monotonic(), 0, 0, 0
    while not work.is_ending() and time.monotonic() - began < ROUNDS_SECONDS:
        with session(work.engine, SYSTEM, write=True) as unit:
            due = take_due(unit, datetime.now(UTC), AT_ONCE)
        if not due:
            break
        outcomes = ask_all(due, work.settings.check_networks)
        if is_away(due, outcomes):
            away += len(outcomes)
            continue
        with session(work.engine, SYSTEM, write=True) as unit:
            keep_outcomes(unit, outcomes)
        asked += len(outcomes)
        refused += sum(each.refusal is not None for each in outcomes)
    return {"asked": asked, "refused": refused, "without_network": away}


def ask_all(
    due: Sequence[Due], allowed: Sequence[Network], *, look: Look = look_up, put: Ask = ask
) -> list[Outcome]:
    """Ask all of them side by side."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda each: ask_one(each, allowed, look=look, put=put), due))


def ask_one(
    due: Due,
    allowed: Sequence[Network],
    *,
    look: Look = look_up,
    put: Ask = ask,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Ask one; the time until the answer counts from the planned moment, so that waiting for one's turn counts."""
    late, began = max(0.0, (now() - due.planned).total_seconds()), time.monotonic()
    try:
        target = look(due.url, allowed)
    except Refused as error:
        return Outcome(due.id, due.planned, refusal=str(error))
    except OSError:
        return Outcome(due.id, due.planned, error="name not known")
    looked = time.monotonic() - began
    answer = put(target, max(0.1, due.timeout_seconds - looked))
    if answer.status is None:
        return Outcome(due.id, due.planned, error=answer.error)
    milliseconds = round(1000 * (late + looked + answer.seconds), 3)
    is_up = answer.status == due.expected_status
    wrong = None if is_up else f"HTTP {answer.status}"
    return Outcome(due.id, due.planned, is_up, answer.status, milliseconds, wrong)


def is_away(due: Sequence[Due], outcomes: Sequence[Outcome]) -> bool:
    """Whether nothing at all could be reached, which says nothing about those that were asked."""
    hosts = {urlsplit(each.url).hostname for each in due}
    return len(hosts) >= FEWEST_HOSTS and all(
        each.status is None and each.refusal is None for each in outcomes
    )
