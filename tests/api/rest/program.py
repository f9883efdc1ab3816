"""A program that asks /api/v1 with a key."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from auth.permissions import Permission
from db.services.api_keys import make_key
from tests.sessions import session

FLEET = ("fleet:read", "fleet:write", "metrics:read")
MODULES = tuple(each for each in Permission if each.endswith(":read"))
PREFIX = "/api/v1"


def key_for(engine: Engine, person: UUID, scopes: Iterable[str] | None = None) -> str:
    """A new key in the name of `person`; with every scope unless some are named."""
    with session(engine, write=True) as unit:
        _, token = make_key(unit, person, "test", (*FLEET, *MODULES) if scopes is None else scopes)
    return token


class Program:
    """Whoever holds a key, in the name of `person`."""

    def __init__(self, client: FlaskClient, token: str, person: UUID, name: str) -> None:
        self.client, self.token, self.person, self.name = client, token, person, name

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        path = path if path.startswith("/api") else PREFIX + path
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.ask("GET", path, **options)

    def read(self, path: str) -> Any:
        """The answer's JSON; anything but 200 fails."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def walk(self, path: str) -> list[Any]:
        """Every row of a list, page by page."""
        rows, following = [], path
        while following:
            told = self.read(following)
            rows += told["items"]
            following = told["next"]
        return rows
