"""/api-access: calls and their answers for those who read logs; keys, never their hashes, for those who read keys."""

import pytest
from sqlalchemy import Engine

from tests import module_rows, module_rows_b
from tests.reader import Reader, module_body, module_row, readings, words
from tests.sessions import session


def promoted(alice: Reader, engine: Engine, role: str) -> Reader:
    with session(engine, write=True) as unit:
        module_rows.promote(unit, "alice", role)
    return alice


@pytest.fixture
def admin(alice: Reader, engine: Engine) -> Reader:
    return promoted(alice, engine, "admin")


@pytest.fixture
def key(engine: Engine) -> str:
    """Some calls; the id of the key that made one."""
    with session(engine, write=True) as unit:
        return str(module_rows_b.api(unit).id)


@pytest.mark.databases("sqlite")
def test_an_empty_page_says_how_rows_get_in(admin: Reader) -> None:
    drawn = module_body(admin, "api-access")
    shown = readings(drawn["top"])
    assert shown["api.calls"] == "0" and shown["api.error_share"] == shown["api.response_p50_ms"] == ""
    assert "import table api_logs FILE.log --recipe access-log" in words(drawn["list"])
    said = words(module_body(admin, "api-access", "?range=all&lang=en&list=limits")["list"])
    assert "import table rate_limits FILE.csv" in said
    said = words(module_body(admin, "api-access", "?range=all&lang=en&list=keys")["list"])
    assert "quantum key create" in said and "import table" not in said


def test_it_counts_and_lists_calls(admin: Reader, key: str) -> None:
    drawn = module_body(admin, "api-access")
    shown = readings(drawn["top"])
    assert shown["api.calls"] == "26" and float(shown["api.response_p95_ms"]) == 21
    assert shown["api.failures"] == "2", "what failed lies in no percentile"
    assert shown["api.active_keys"] == "1" and shown["api.keys"] == "3"
    assert "/things" in words(drawn["list"]) and "10.0.0.1" in words(drawn["list"])
    said = words(module_body(admin, "api-access", "?lang=en&status_code=404")["list"])
    assert "1 row," in said and "/old" in said and "/things" not in said


def test_a_key_shows_its_calls_and_quotas_but_not_its_hash(admin: Reader, key: str) -> None:
    drawn = module_row(admin, "api-access", "keys", key)
    said = words(drawn)
    assert "reports" in said and "Calls 1 row" in said and "/things" in said and "77" in said
    listed = module_body(admin, "api-access", "?range=all&lang=en&list=keys")["list"]
    assert "revoked" in words(listed)
    for seen in (drawn, listed):
        assert "hash one" not in str(seen) and "key_hash" not in str(seen)


@pytest.mark.databases("sqlite")
def test_who_reads_logs_sees_no_key_of_others(alice: Reader, engine: Engine, key: str) -> None:
    observer = promoted(alice, engine, "observer")
    drawn = module_body(observer, "api-access")
    assert readings(drawn["top"])["api.calls"] == "26" and readings(drawn["top"])["api.keys"] == "0"
    assert "Of Keys, Rate limits, your role shows the rows that belong to you." in words(drawn["top"])
    asked = module_body(observer, "api-access", "?range=all&lang=en&list=keys")
    assert "reports" not in str(asked)
    assert "There is no such row" in words(module_row(observer, "api-access", "keys", key))


@pytest.mark.databases("sqlite")
def test_others_see_nothing_of_it(alice: Reader, key: str) -> None:
    drawn = module_body(alice, "api-access")
    assert "Your role shows the rows that belong to you." in words(drawn["top"])
    assert readings(drawn["top"])["api.calls"] == "0"
    assert "There is no such row" in words(module_row(alice, "api-access", "keys", key))
