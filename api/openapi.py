"""The description of every door for programs, made from the routes of /api/v1 themselves: OpenAPI 3.1."""

from collections.abc import Iterator
from copy import deepcopy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Flask, current_app
from spectree import SecurityScheme
from spectree.models import SecureType, SecuritySchemeData

from api.problems import PROBLEM, phrase
from api.rest_desk import PREFIX, Desk
from auth.doors import needed_by
from auth.keys import ANY, KEYED, OR_PERSON

BEARER = "key"
DESCRIPTION = """Read and declare the fleet, and let agents say that they are alive.

Send a key with every request: `Authorization: Bearer qk_...`. A key acts in the name of the person who made it and
never sees or does more than that person. Lists come in pages: follow `next` until it is null. Refusals are
`application/problem+json` (RFC 9457). Moments are ISO 8601 in UTC; what is unknown is null."""
TAGS = {
    "agents": "The fleet: what is configured, what was heard, and heartbeats.",
    "connections": "Who calls whom.",
    "nodes": "Places on the map.",
    "logs": "What agents wrote.",
    "spans": "What agents did.",
    "metrics": "Every number, with how it is made.",
    "modules": "The rows of each module, with a scope each.",
    "openapi.json": "This document.",
    "OpenTelemetry": "What agents report, by the OpenTelemetry protocol over HTTP (OTLP).",
}
WORDS = {
    304: "You have it already: the ETag you sent is the one it has now.",
    400: "The body cannot be read.",
    401: "No key, or one that is not accepted.",
    403: "The key, or the person behind it, may not do this.",
    404: "There is no such thing, or it is not for you.",
    409: "It cannot be done to this one.",
    412: "It is not as you said it is.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    422: "Something in the request cannot be used; `errors` names it.",
    429: "The limit of this key is reached; Retry-After says for how long.",
    503: "The database does not answer; Retry-After says when to try again.",
}
SCHEME = SecurityScheme(
    name=BEARER,
    data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer", bearer_format="qk_<prefix>_<secret>"),
)


def info() -> dict[str, Any]:
    """What SpecTree is told when it is made."""
    return {
        "title": "ALSHAM QUANTUM",
        "description": DESCRIPTION,
        "version": release(),
        "openapi_version": "3.1.0",
        "security_schemes": [SCHEME],
        "security": [{BEARER: []}],
    }


def release() -> str:
    try:
        return version("alsham-quantum")
    except PackageNotFoundError:
        return "0.1.0"


def document(desk: Desk) -> dict[str, Any]:
    """The whole document, of the application this request belongs to."""
    made: dict[str, Any] = deepcopy(desk.spec.spec)  # which two requests may be about at once
    scopes = _scopes(current_app, desk)
    for path, method, operation in _operations(made):
        _say_scope(operation, scopes[method, path])
        _say_answers(operation, method)
        operation["parameters"] = [_parameter(each) for each in operation["parameters"]]
        if operation["operationId"] == "heartbeat":
            operation["requestBody"]["required"] = False
    made["paths"] |= otlp_paths()
    made["tags"] = [{"name": name, "description": said} for name, said in TAGS.items()]
    return made


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _scopes(app: Flask, desk: Desk) -> dict[tuple[str, str], str]:
    """What each route declares that it needs, by method and path as the document writes them."""
    found = {}
    for rule in app.url_map.iter_rules():
        needs = needed_by(app.view_functions[rule.endpoint]) or ""
        path, _ = desk.spec.backend.parse_path(rule, None)
        for method in rule.methods or ():
            found[method.lower(), path] = needs.removeprefix(KEYED)
    return found


def _say_scope(operation: dict[str, Any], scope: str) -> None:
    words = {
        ANY: "Any key that is accepted.",
        OR_PERSON: "Any key that is accepted, and whoever is signed in.",
    }
    if operation["operationId"] == "heartbeat":
        words[ANY] = "Scope: `agent:{agent}` with this agent's id, or `fleet:write`."
    said = words.get(scope, f"Scope: `{scope}`.")
    operation["description"] = f"{operation['description']}\n\n{said}".strip()


def _say_answers(operation: dict[str, Any], method: str) -> None:
    for status, told in operation["responses"].items():
        number = int(status)
        told["description"] = WORDS.get(number, told["description"])
        if number >= 400:
            told["content"] = {PROBLEM: told["content"]["application/json"]}
            if number != 422:  # of which the model itself brings one
                told["content"][PROBLEM]["example"] = _example(number)
        if number in (200, 201):
            told["headers"] = {"ETag": _header("A tag of this answer, for If-None-Match and If-Match.")}
            if "next" in str(told["content"]) or "Page" in str(told["content"]):
                told["headers"]["Link"] = _header('The next page: <...>; rel="next".')
        if number in (429, 503):
            told["headers"] = {"Retry-After": _header("Seconds.")}
    if method == "get":
        operation["parameters"].append(_request_header("If-None-Match", "An ETag you have."))
    elif method in ("put", "patch"):
        operation["parameters"].append(
            _request_header("If-Match", "The ETag of the agent as you read it; 412 when it changed since.")
        )


def _example(status: int) -> dict[str, Any]:
    return {"type": "about:blank", "title": phrase(status), "status": status, "detail": WORDS[status]}


def _header(said: str) -> dict[str, Any]:
    return {"description": said, "schema": {"type": "string"}}


def _request_header(name: str, said: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "required": False, "description": said, "schema": schema}


def _parameter(given: dict[str, Any]) -> dict[str, Any]:
    """A parameter as it stands in an address: there is no null there, it is left out."""
    schema = dict(given["schema"] or {"type": "string", "minLength": 1})
    branches = [each for each in schema.pop("anyOf", []) if each != {"type": "null"}]
    if len(branches) == 1:
        schema = {**branches[0], **schema}
    elif branches:
        schema["anyOf"] = branches
    if schema.get("default", ...) is None:
        del schema["default"]
    schema.pop("title", None)
    said = schema.pop("description", "") or given.get("description") or _path_words(given)
    return {**given, "schema": schema, "description": said}


def _path_words(given: dict[str, Any]) -> str:
    return "The agent's id, percent-encoded or as it is." if given["name"] == "agent" else "The metric's key."


def otlp_paths() -> dict[str, Any]:
    """The doors of the OpenTelemetry protocol, whose bodies its own specification describes."""
    said = (
        "Bodies are {}, as protobuf or JSON, plain or gzip; answers come in the same type. 200 means stored."
    )
    return {
        f"/v1/{signal}": {
            "post": {
                "summary": f"Report {signal}.",
                "operationId": f"otlp_{signal}",
                "description": f"{said.format(message)}\n\nScope: `ingest`.",
                "tags": ["OpenTelemetry"],
                "security": [{BEARER: []}],
                "parameters": [],
                "requestBody": {
                    "required": True,
                    "content": {
                        kind: {"schema": {"type": "object"} if kind.endswith("json") else {}}
                        for kind in ("application/x-protobuf", "application/json")
                    },
                },
                "responses": {
                    "200": {"description": "Stored; `partial_success` counts what was refused."},
                    **{
                        str(status): {"description": WORDS[status]}
                        for status in (400, 401, 403, 413, 415, 429, 503)
                    },
                },
            }
        }
        for signal, message in (
            ("traces", "ExportTraceServiceRequest"),
            ("logs", "ExportLogsServiceRequest"),
            ("metrics", "ExportMetricsServiceRequest"),
        )
    }


__all__ = ["PREFIX", "document", "info"]
