"""Alice, signed in, and a small fleet for her to look at."""

from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.administrator import as_role
from tests.people import make_person
from tests.reader import Reader, small_fleet


@pytest.fixture
def alice(client: FlaskClient) -> Reader:
    """Alice, signed in."""
    return Reader(client)


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> None:
    """The small fleet, imported."""
    small_fleet(engine, tmp_path)


@pytest.fixture
def root(alice: Reader, engine: Engine) -> Reader:
    """Alice, who administers."""
    return as_role(alice, engine, "admin")


@pytest.fixture
def bob(engine: Engine) -> UUID:
    """Bob, who has an account."""
    return make_person(engine, "bob", password="copper lantern 93")
