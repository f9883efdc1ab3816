"""A person with an authenticator app: what the tests of the second factor do over and over."""

import re
from datetime import UTC, datetime, timedelta

import pyotp
from flask import Flask
from sqlalchemy import Engine, select, update

from auth.people import TOUCHED
from db.models import SecondFactor, UserSession
from tests.auth.conftest import Visitor
from tests.sessions import session

STEP = 30


def code(secret: str, steps: int = 0) -> str:
    """What the app shows now, or so many steps later."""
    return pyotp.TOTP(secret).at(datetime.now(UTC), counter_offset=steps)


def secret_shown(page: str) -> str:
    found = re.search(r'class="door-key"[^>]*>([^<]+)<', page)
    assert found, "no key is shown"
    return found[1].replace(" ", "")


def codes_shown(page: str) -> list[str]:
    return re.findall(r"<li>([A-Z2-9-]+)</li>", page)


def enrol(visitor: Visitor) -> tuple[str, list[str]]:
    """Set the factor up as a person does; returns its secret and the recovery codes."""
    secret = secret_shown(visitor.get("/second-factor").text)
    answer = visitor.send("/second-factor", code=code(secret))
    assert answer.status_code == 200
    return secret, codes_shown(answer.text)


def forget_steps(engine: Engine) -> None:
    """As if the codes used so far had been used long ago."""
    with session(engine, write=True) as unit:
        unit.execute(update(SecondFactor).values(last_step=SecondFactor.last_step - 1000))


def set_sessions_back(engine: Engine, server: Flask, by: timedelta) -> None:
    """As if every password had been given `by` earlier."""
    with session(engine, write=True) as unit:
        for row in unit.scalars(select(UserSession)):
            row.confirmed_at = row.confirmed_at and row.confirmed_at - by
    server.extensions[TOUCHED].clear()
