"""How long a refused sign-in takes for a name that exists and for one that does not.

    python -m tests.campaigns.sign_in_timing [-n 500] [--database sqlite|postgresql]

Requests alternate through the whole application without a network between, so nothing hides a difference. Each is a
first failure: what was counted is forgotten outside the time that is measured. Printed are both medians, their
difference with a 95 % interval (bootstrap with a fixed seed), and the p-value of a Mann-Whitney test. Exit status 1
when the medians differ by 5 ms or more.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from flask.testing import FlaskClient
from scipy.stats import bootstrap, mannwhitneyu
from sqlalchemy import Engine, delete

from app import create_app
from auth.passwords import hash_password
from db.engine import make_engine
from db.models import SecurityEvent, SignInLimit
from db.services.accounts import register_account
from settings import load
from tests import postgres
from tests.databases import KINDS, Databases
from tests.sessions import session

MOST_MS = 5.0
WARM_UP = 20
LOGINS = ("known-person", "absent-person")  # of one length
PASSWORD, WRONG = "a password of the campaign", "another of the same length"


@contextmanager
def database(kind: str) -> Iterator[str]:
    """A new database of this kind with the schema and one account."""
    server = postgres.start() if kind == "postgresql" else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = Databases(Path(folder), lambda: server.url if server else "")
            with made.migrated(kind) as url:
                yield url
            made.close()
    finally:
        if server:
            server.stop()


def make_account(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        name = LOGINS[0]
        given = {"email": f"{name}@example.com", "username": name, "full_name": None}
        register_account(unit, **given, password_hash=hash_password(PASSWORD))  # type: ignore[arg-type]


def forget(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.execute(delete(SignInLimit))
        unit.execute(delete(SecurityEvent))


def refused(client: FlaskClient, token: str, login: str) -> float:
    """Milliseconds that one refusal took."""
    given = {"csrf_token": token, "login": login, "password": WRONG}
    began = time.perf_counter_ns()
    answer = client.post("/login", data=given)
    took = (time.perf_counter_ns() - began) / 1e6
    if answer.status_code != 400:
        raise AssertionError(f"{login}: status {answer.status_code}, expected 400")
    return took


def measure(url: str, n: int) -> tuple[list[float], list[float]]:
    """`n` times of either side in milliseconds; which of the two goes first alternates, too."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load({"QUANTUM_ENV": "test", "QUANTUM_DATABASE_URL": url, "QUANTUM_DATA_DIR": folder})
        engine = make_engine(url)
        make_account(engine)
        client = create_app(settings).server.test_client()
        token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
        took: dict[str, list[float]] = {login: [] for login in LOGINS}
        gc.disable()
        for turn in range(-WARM_UP, n):
            for login in LOGINS if turn % 2 else LOGINS[::-1]:
                forget(engine)
                gc.collect(0)
                milliseconds = refused(client, token, login)
                if turn >= 0:
                    took[login].append(milliseconds)
            if turn % 50 == 0:
                print(f"\r{max(turn, 0)} of {n}", end="", file=sys.stderr, flush=True)
        gc.enable()
        print("\r" + " " * 30 + "\r", end="", file=sys.stderr)
        engine.dispose()
    return took[LOGINS[0]], took[LOGINS[1]]


def report(kind: str, known: list[float], unknown: list[float]) -> bool:
    """Print what was found; True when the difference is small enough."""
    sides = (np.asarray(known), np.asarray(unknown))

    def apart(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(np.median(a, axis=axis) - np.median(b, axis=axis))

    interval = bootstrap(
        sides, apart, n_resamples=2000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    difference = float(apart(*sides))
    print(f"{kind}: n = {len(known)} known, {len(unknown)} unknown")
    print(f"  median known    {np.median(sides[0]):8.3f} ms")
    print(f"  median unknown  {np.median(sides[1]):8.3f} ms")
    print(
        f"  difference      {difference:+8.3f} ms (95 % interval {interval.low:+.3f} to {interval.high:+.3f})"
    )
    print(f"  Mann-Whitney p  {mannwhitneyu(*sides).pvalue:8.3f}")
    return abs(difference) < MOST_MS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-n", type=int, default=500, help="attempts per side (500)")
    parser.add_argument("--database", choices=KINDS, action="append", help="both unless named")
    asked = parser.parse_args()
    fine = []
    for kind in asked.database or KINDS:
        with database(kind) as url:
            fine.append(report(kind, *measure(url, asked.n)))
    return 0 if all(fine) else 1


if __name__ == "__main__":
    raise SystemExit(main())
