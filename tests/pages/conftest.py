"""Alice, signed in, and a small fleet for her to look at."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.reader import Reader, small_fleet


@pytest.fixture
def alice(client: FlaskClient) -> Reader:
    """Alice, signed in."""
    return Reader(client)


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> None:
    """The small fleet, imported."""
    small_fleet(engine, tmp_path)
