"""The description of the doors: valid OpenAPI 3.1, and exactly what the URL map has."""

import re
from typing import Any

import pytest
from dash import Dash
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from auth.doors import needed_by
from auth.keys import ANY, KEYED, OR_PERSON
from tests.api.rest.conftest import Programs

pytestmark = pytest.mark.databases("sqlite")
SAID_OTHERWISE = {ANY, OR_PERSON}


@pytest.fixture
def document(program: Programs) -> dict[str, Any]:
    told: dict[str, Any] = program().read("/openapi.json")
    return told


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): each for path, at in document["paths"].items() for method, each in at.items()
    }


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OPENAPI_31_VALIDATOR.validate(document)
    broken = document | {"paths": {"agents": 5}}
    assert not OPENAPI_31_VALIDATOR.is_valid(broken)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(re.findall(r"'\$ref': '#/components/schemas/([^']+)'", str(document)))
    assert found and found <= set(document["components"]["schemas"])
    assert "$defs" not in str(document)


def test_it_has_every_route_and_no_other(app: Dash, document: dict[str, Any]) -> None:
    described = {key for key in operations(document) if key[1].startswith("/api/v1")}
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.server.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1") and rule.endpoint != "rest.nothing"
    }
    assert described == routes
    assert ("POST", "/v1/traces") in operations(document)


def test_each_operation_names_its_scope_its_key_and_its_refusals(app: Dash, document: dict[str, Any]) -> None:
    needs = {
        rule.endpoint.removeprefix("rest."): (needed_by(app.server.view_functions[rule.endpoint]) or "")
        for rule in app.server.url_map.iter_rules()
    }
    names = [each["operationId"] for each in operations(document).values()]
    assert len(names) == len(set(names))
    for (_, path), each in operations(document).items():
        assert each["summary"] and each["description"], path
        assert each["security"] == [{"key": []}]
        assert {"401", "403", "429", "503"} <= set(each["responses"]), path
        if not path.startswith("/api"):
            continue
        scope = needs[each["operationId"]].removeprefix(KEYED)
        assert scope in SAID_OTHERWISE or f"Scope: `{scope}`" in each["description"], path
        for status, answer in each["responses"].items():
            kinds = set(answer.get("content", {}))
            assert kinds == ({"application/problem+json"} if int(status) >= 400 else kinds), (path, status)
            assert int(status) in (304,) or kinds, (path, status)
        for parameter in each["parameters"]:
            assert parameter["description"] and "null" not in str(parameter["schema"].get("anyOf", "")), path
    beat = operations(document)["POST", "/api/v1/agents/{agent}/heartbeat"]
    assert "agent:{agent}" in beat["description"] and "fleet:write" in beat["description"]
    assert beat["requestBody"]["required"] is False
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_bodies_bring_examples_that_are_accepted(
    program: Programs, document: dict[str, Any], fleet: None
) -> None:
    me = program()
    for (method, path), each in operations(document).items():
        if "requestBody" not in each or not path.startswith("/api"):
            continue
        name = each["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        examples = document["components"]["schemas"][name]["examples"]
        for example in examples:
            answer = me.ask(method, path.replace("{agent}", "shop"), json=example)
            assert answer.status_code in (200, 201), (path, answer.text)


def test_it_is_made_anew_for_each_application_and_the_same_every_time(program: Programs) -> None:
    assert program().get("/openapi.json").data == program().get("/openapi.json").data
