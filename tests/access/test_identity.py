"""Who asks is known for one transaction and forgotten with it, on a pool of few connections and behind pgbouncer."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

import db.guard
from db.engine import make_engine
from tests import pgbouncer
from tests.access.conftest import Place
from tests.access.identity import few, take_turns
from tests.databases import logins

pytestmark = pytest.mark.databases("postgresql")
THREADS, EACH = 6, 15


@pytest.fixture(scope="module")
def bouncer(place: Place) -> Iterator[str]:
    """The application's address by way of a pgbouncer with two connections to the server."""
    app = logins(place.url)["app"]
    try:
        with pgbouncer.running(app, 2) as folder:
            yield pgbouncer.through(app, folder)
    except pgbouncer.NoPgbouncer as error:
        pytest.skip(f"identity through pgbouncer: {error}")


@pytest.mark.parametrize("connections", [1, 3])
def test_people_who_share_connections_share_nothing_else(place: Place, connections: int) -> None:
    engine = few(logins(place.url)["app"], connections)
    found = take_turns(engine, THREADS, EACH)
    engine.dispose()
    assert found.leaks == []
    assert found.transactions == THREADS * EACH
    assert len(found.backends) <= connections


def test_people_who_share_connections_behind_pgbouncer_share_nothing_else(bouncer: str) -> None:
    engine = few(bouncer, THREADS)
    found = take_turns(engine, THREADS, EACH)
    engine.dispose()
    assert found.leaks == []
    assert found.transactions == THREADS * EACH
    assert len(found.backends) <= 2


def test_an_identity_that_outlived_its_transaction_would_be_seen(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = text(str(db.guard.IDENTITY).replace(", true)", ", false)"))
    monkeypatch.setattr(db.guard, "IDENTITY", lasting)
    engine = few(logins(place.url)["app"], 1)
    found = take_turns(engine, THREADS, EACH)
    engine.dispose()
    assert found.leaks


def test_statements_that_are_asked_often_work_behind_pgbouncer(bouncer: str) -> None:
    """psycopg prepares what it sends for the sixth time, where it was not told otherwise."""
    engine = make_engine(bouncer)
    for _ in range(3):
        with engine.connect() as one, engine.connect() as other:
            for _ in range(8):
                for connection in (one, other):
                    connection.execute(text("SELECT count(*) FROM deals WHERE value > :low"), {"low": 0})
                    connection.commit()
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.prepare_threshold is None
    engine.dispose()


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("told", "known"), [("none", None), ("None", None), ("7", 7)])
def test_an_address_says_when_to_prepare(told: str, known: int | None) -> None:
    engine = make_engine(f"postgresql+psycopg://somebody@/nowhere?host=/none&prepare_threshold={told}")
    _, options = engine.dialect.create_connect_args(engine.url)
    assert "prepare_threshold" not in options
    from db.engine import _preparing

    assert _preparing(told) == {"prepare_threshold": known}
    assert _preparing(None) == {}


@pytest.mark.databases("sqlite")
def test_a_wrong_word_for_when_to_prepare_is_said() -> None:
    with pytest.raises(ValueError, match="use none or a number"):
        make_engine("postgresql+psycopg://somebody@/nowhere?prepare_threshold=sometimes")
