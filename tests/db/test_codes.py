"""The first-admin code opens one door once."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from db.models import OneTimeCode, Profile
from db.services import accounts, codes
from tests.sessions import session

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def issue(engine: Engine, now: datetime = NOW) -> str | None:
    with session(engine, write=True) as unit:
        return codes.issue_first_admin_code(unit, now)


def redeem(engine: Engine, code: str, now: datetime = NOW) -> bool:
    with session(engine, write=True) as unit:
        return codes.redeem(unit, code, now)


def make_admin(engine: Engine, name: str = "root") -> None:
    with session(engine, write=True) as unit:
        accounts.register_account(
            unit,
            email=f"{name}@example.com",
            username=name,
            full_name=None,
            password_hash="x",
            role="admin",
        )


def test_the_code_reads_well_and_is_stored_as_a_hash(engine: Engine) -> None:
    code = issue(engine)
    assert code is not None and re.fullmatch(r"([2-9A-HJ-NP-Z]{4}-){2}[2-9A-HJ-NP-Z]{4}", code)
    with session(engine) as unit:
        stored = unit.scalars(select(OneTimeCode)).one()
    assert re.fullmatch("[0-9a-f]{64}", stored.code_hash)
    assert (stored.expires_at - NOW, stored.used_at) == (timedelta(minutes=60), None)


def test_it_works_once_however_it_is_typed(engine: Engine) -> None:
    code = issue(engine)
    assert code is not None
    assert redeem(engine, f" {code.lower().replace('-', ' ')} ")
    assert not redeem(engine, code)


@pytest.mark.parametrize(("minutes", "good"), [(0, True), (59, True), (60, False), (6000, False)])
def test_it_is_good_for_sixty_minutes(engine: Engine, minutes: int, good: bool) -> None:
    code = issue(engine)
    assert code is not None
    assert redeem(engine, code, NOW + timedelta(minutes=minutes)) is good


@pytest.mark.parametrize("code", ["", "----", "AAAA-AAAA-AAAA", "%", "x" * 1_000_000, "\ud800", "\x00"])
def test_no_other_code_works(engine: Engine, code: str) -> None:
    issue(engine)
    assert not redeem(engine, code)


def test_a_new_code_ends_the_one_before(engine: Engine) -> None:
    old, new = issue(engine), issue(engine, NOW + timedelta(minutes=1))
    assert old is not None and new is not None
    later = NOW + timedelta(minutes=2)
    assert not redeem(engine, old, later)
    assert redeem(engine, new, later)


def test_with_an_admin_there_is_no_code_and_none_works(engine: Engine) -> None:
    code = issue(engine)
    make_admin(engine)
    assert code is not None
    assert issue(engine) is None
    assert not redeem(engine, code)


def test_rolled_back_the_code_is_good_again(engine: Engine) -> None:
    code = issue(engine)
    assert code is not None
    with pytest.raises(RuntimeError), session(engine, write=True) as unit:
        assert codes.redeem(unit, code, NOW)
        raise RuntimeError
    assert redeem(engine, code)


def test_of_many_with_good_codes_one_becomes_admin(engine: Engine) -> None:
    """Even where two codes are good at once, as two starts at the same moment might leave them."""
    first = issue(engine)
    assert first is not None
    with session(engine, write=True) as unit:
        second = "WXYZ-2345-ABCD"
        unit.add(
            OneTimeCode(
                purpose="first_admin", code_hash=codes._digest(second), expires_at=NOW + timedelta(hours=1)
            )
        )
    start = threading.Barrier(12)

    def run(number: int) -> None:
        start.wait()
        with session(engine, write=True) as unit:
            if codes.redeem(unit, (first, second)[number % 2], NOW):
                accounts.register_account(
                    unit,
                    email=f"racer{number}@example.com",
                    username=f"racer{number}",
                    full_name=None,
                    password_hash="x",
                    role="admin",
                )

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).where(Profile.role == "admin")) == 1


def test_two_starts_at_once_leave_one_good_code(engine: Engine) -> None:
    issued: list[str | None] = []
    start = threading.Barrier(6)

    def run() -> None:
        start.wait()
        issued.append(issue(engine))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(issued)) == 6
    with session(engine) as unit:
        good = select(func.count()).where(OneTimeCode.used_at.is_(None), OneTimeCode.expires_at > NOW)
        assert unit.scalar(good) == 1
