"""A small server behind the doors: everything of `auth` without the application's own pages."""

import re
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

import auth
from api import health
from auth.doors import SIGNED_IN, permitted
from auth.people import require_person
from settings import Settings

PASSWORD = "violet harbour 47"


class Visitor:
    """A browser without scripts: keeps cookies, fetches a form's token before sending it."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def send(self, path: str, **fields: str) -> TestResponse:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        if token is None:
            raise AssertionError(f"{path} holds no form")
        return self.client.post(path, data={"csrf_token": token[1], **fields})

    def register(self, name: str = "alice", path: str = "/register", **fields: str) -> TestResponse:
        given = {"email": f"{name}@example.com", "username": name, "full_name": "", "password": PASSWORD}
        return self.send(path, **(given | fields))

    def login(self, login: str = "alice", password: str = PASSWORD, **fields: str) -> TestResponse:
        return self.send("/login", login=login, password=password, **fields)

    def logout(self) -> TestResponse:
        token = self.client.get_cookie("_csrf_token")
        return self.client.post("/logout", data={"csrf_token": token.value if token else ""})


def make_server(settings: Settings, engine: Engine) -> Flask:
    server = Flask("tests.auth.small", static_folder=None)
    auth.init_app(server, engine, settings)
    server.register_blueprint(health.blueprint(engine))

    @server.get("/")
    @permitted(SIGNED_IN)
    def home() -> str:
        return f"<p>{require_person().username}</p>"

    @server.get("/who")
    @permitted(SIGNED_IN)
    def who() -> Any:
        person = require_person()
        return jsonify(role=person.role, preferences=person.preferences)

    @server.post("/_dash-update-component")
    @permitted(SIGNED_IN)
    def callback() -> Any:
        return jsonify(request.get_json())

    @server.route("/api/v1/things", methods=["GET", "POST", "PUT", "DELETE"])
    @permitted(SIGNED_IN)
    def things() -> Any:
        return jsonify(things=[])

    @server.get("/assets/<path:name>")
    @permitted(SIGNED_IN)
    def asset(name: str) -> Any:
        return f"/* {name} */", 200, {"Content-Type": "text/css"}

    return server


@pytest.fixture
def server(settings: Settings, engine: Engine) -> Flask:
    return make_server(settings, engine)


@pytest.fixture
def visitor(server: Flask) -> Visitor:
    return Visitor(server.test_client())


@pytest.fixture
def other(server: Flask) -> Visitor:
    """A second browser."""
    return Visitor(server.test_client())
