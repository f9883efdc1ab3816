"""Programs with keys of people of every role, and a small fleet for them to read."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.api.rest.program import Program, key_for
from tests.people import make_person
from tests.reader import small_fleet

Programs = Callable[..., Program]


@pytest.fixture
def program(client: FlaskClient, engine: Engine) -> Programs:
    """A program with a key of `name`, who is made with `role` when asked for first; scopes are all of the fleet's."""
    people: dict[str, UUID] = {}

    def make(role: str = "admin", name: str = "", scopes: tuple[str, ...] | None = None) -> Program:
        name = name or role
        if name not in people:
            people[name] = make_person(engine, name, role)
        return Program(client, key_for(engine, people[name], scopes), people[name], name)

    return make


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> None:
    """The shop that calls a till twenty times."""
    small_fleet(engine, tmp_path)
