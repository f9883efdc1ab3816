"""A server with a key."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.api.reporter import Reporter, key_of


@pytest.fixture
def reporter(client: FlaskClient, engine: Engine) -> Reporter:
    return Reporter(client, key_of(engine))
