"""Once a minute per thing and process: a program that keeps asking with a key that is over would fill the records."""

import time
from collections.abc import Hashable

from flask import Flask, current_app

SELDOM = "quantum_seldom"
EVERY_SECONDS, MOST_KEPT = 60.0, 10_000


def init_app(server: Flask) -> None:
    """Nothing was noted yet."""
    server.extensions[SELDOM] = {}


def is_due(*thing: Hashable) -> bool:
    """Whether this was not asked about within the last minute; from now on it was."""
    noted: dict[Hashable, float] = current_app.extensions.setdefault(SELDOM, {})
    now = time.monotonic()
    if now - noted.get(thing, -EVERY_SECONDS) < EVERY_SECONDS:
        return False
    if len(noted) >= MOST_KEPT:
        noted.clear()
    noted[thing] = now
    return True
