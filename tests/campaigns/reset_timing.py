"""How long asking for a new password takes for a name that exists and for one that does not.

    python -m tests.campaigns.reset_timing [-n 500] [--database sqlite|postgresql]

As sign_in_timing.py, whose numbers it prints: requests alternate through the whole application, each is a first
request, and what was counted and what waits is forgotten outside the time that is measured.
"""

import argparse
import gc
import tempfile
import time
from dataclasses import replace

from flask.testing import FlaskClient
from sqlalchemy import Engine, delete

from app import create_app
from db.engine import make_engine
from db.models import SignInLimit
from db.models.links import OutgoingMail
from settings import load
from tests import smtp
from tests.campaigns.sign_in_timing import LOGINS, WARM_UP, database, make_account, report
from tests.databases import KINDS
from tests.sessions import session


def forget(engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.execute(delete(SignInLimit))
        unit.execute(delete(OutgoingMail))


def asked(client: FlaskClient, token: str, login: str) -> float:
    """Milliseconds that one request took."""
    began = time.perf_counter_ns()
    answer = client.post("/forgot", data={"csrf_token": token, "login": login})
    took = (time.perf_counter_ns() - began) / 1e6
    if answer.status_code != 200:
        raise AssertionError(f"{login}: status {answer.status_code}, expected 200")
    return took


def measure(url: str, n: int) -> tuple[list[float], list[float]]:
    """`n` times of either side in milliseconds; which of the two goes first alternates, too."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load({"QUANTUM_ENV": "test", "QUANTUM_DATABASE_URL": url, "QUANTUM_DATA_DIR": folder})
        engine = make_engine(url)
        make_account(engine)
        mailing = replace(settings, mail=smtp.Postbox().mail(), public_url="https://quantum.example.com")
        client = create_app(mailing).server.test_client()
        token = client.get("/forgot").text.split('name="csrf_token" value="')[1].split('"')[0]
        took: dict[str, list[float]] = {login: [] for login in LOGINS}
        gc.disable()
        for turn in range(-WARM_UP, n):
            for login in LOGINS if turn % 2 else LOGINS[::-1]:
                forget(engine)
                gc.collect(0)
                milliseconds = asked(client, token, login)
                if turn >= 0:
                    took[login].append(milliseconds)
        gc.enable()
        engine.dispose()
    return took[LOGINS[0]], took[LOGINS[1]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-n", type=int, default=500, help="requests per side (500)")
    parser.add_argument("--database", choices=KINDS, action="append", help="both unless named")
    given = parser.parse_args()
    fine = []
    for kind in given.database or KINDS:
        with database(kind) as url:
            fine.append(report(kind, *measure(url, given.n)))
    return 0 if all(fine) else 1


if __name__ == "__main__":
    raise SystemExit(main())
