"""Jobs run by hand: what they are given in tests."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from settings import load
from workers.forgetting import forget
from workers.schedule import Work


def given(engine: Engine, at: datetime | None = None, **settings: Any) -> Work:
    """The work of a job at an instant, with settings by the names of the environment."""
    return Work(engine, load({"QUANTUM_ENV": "test", **settings}), at or datetime.now(UTC))


def forget_old(engine: Engine, at: datetime, *, api_log_days: int = 90) -> None:
    """Let the job of that name run once."""
    forget(given(engine, at, QUANTUM_API_LOG_DAYS=str(api_log_days)))
