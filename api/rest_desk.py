"""What the routes of /api/v1 share: how one is declared, in whose name it reads, and how requests are held against
their models.

    @desk.get("/agents", Scope.FLEET_READ, AgentPage)
    def agents(query: AgentsAsked) -> Response:
        \"\"\"List the fleet. ...\"\"\"
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson
from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError
from spectree import Response as Answers
from spectree import SpecTree
from spectree.model_adapter.pydantic_adapter import PydanticModelAdapter
from spectree.plugins.base import Context
from spectree.plugins.flask_plugin import FlaskPlugin
from werkzeug.routing import PathConverter

from api.rest_answers import refuse, refuse_fields
from api.rest_models import Problem
from auth import people
from auth.keys import Caller, keyed, require_caller
from db.actor import SYSTEM, Actor
from db.engine import Engine, Session, session

PREFIX = "/api/v1"
LARGEST_BODY = 64 * 1024
BODIES = ("application/json", "application/merge-patch+json")
ALWAYS = (401, 403, 429, 503)  # what every door may answer
BEARER = [{"key": list[str]()}]
Run = Callable[..., Response]


class NamedConverter(PathConverter):
    """An id as it is, slashes and all: `/agents/shop/till` and `/agents/shop%2Ftill` are the same agent."""

    regex, part_isolating = "(?s:.+?)", False


class Asking(FlaskPlugin):
    """Holds requests against their models and says what is wrong field by field.

    Answers are not held against theirs on each request: the tests do that.
    """

    def request_validation(
        self, request: Any, query: Any, json: Any, form: Any, headers: Any, cookies: Any
    ) -> None:
        request.context = Context(
            held_against(query, "query", _arguments()) if query else None,
            held_against(json, "body", _body()) if json else None,
            None,
            None,
            None,
        )

    def validate_response(self, resp: Any, resp_model: Any, *_: Any) -> tuple[Any, None]:
        return resp, None


class Remembering(PydanticModelAdapter):
    """Makes the schema of each model once: every route would make those of its answers again."""

    def json_schema(self, model: Any, *, ref_template: str, mode: Any = "validation") -> dict[str, Any]:
        """The model's schema, which whoever asks copies before changing it."""
        return _schema(model, ref_template, mode)


@cache
def _schema(model: Any, ref_template: str, mode: Any) -> dict[str, Any]:
    made: dict[str, Any] = PydanticModelAdapter().json_schema(model, ref_template=ref_template, mode=mode)
    return made


ADAPTER: Any = Remembering()


def held_against(model: type[BaseModel], where: str, given: Any) -> BaseModel:
    """`given` as the model has it; what does not fit ends the request with 422."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        known = ", ".join(model.model_fields) or "none"
        refuse_fields([_field_problem(each, where, known) for each in error.errors(include_url=False)[:20]])


def _field_problem(error: Mapping[str, Any], where: str, known: str) -> dict[str, str]:
    name = ".".join(str(part) for part in error["loc"])[:200]
    detail = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        detail = f"There is no such {'parameter' if where == 'query' else 'member'} here. Known are: {known}."
    elif error["type"] == "missing":
        detail = "This is missing."
    elif error["type"] == "model_type":
        detail = "Send a JSON object."
    return {"where": where, "name": name, "detail": detail}


def _arguments() -> dict[str, Any]:
    """The query's parameters; one that stands there twice as a list, which none takes."""
    named = {key: request.args.getlist(key) for key in request.args}
    return {key: values[0] if len(values) == 1 else values for key, values in named.items()}


def _body() -> Any:
    """The body as strict JSON; without one an empty object."""
    request.max_content_length = LARGEST_BODY
    sent = request.get_data()
    if not sent:
        return {}
    if request.mimetype not in BODIES:
        refuse(415, f"Send JSON: Content-Type: {BODIES[0]}.")
    try:
        return orjson.loads(sent)
    except orjson.JSONDecodeError as error:
        refuse(400, f"The body is no valid JSON: {error}.", logged="no valid JSON")


@dataclass(frozen=True)
class Desk:
    """Where routes are declared, and the databases as each role signs in to them."""

    door: Blueprint
    spec: SpecTree
    engine: Engine
    staff_engine: Engine

    def get(self, rule: str, scope: str, body: type[BaseModel], *also: int) -> Callable[[Run], Run]:
        """A read: answers `body`, 304 to whoever has it already, and `also` these refusals."""
        return self.route("GET", rule, scope, {200: body, 304: None}, *also)

    def route(
        self, method: str, rule: str, scope: str, bodies: Mapping[int, type[BaseModel] | None], *also: int
    ) -> Callable[[Run], Run]:
        """Declare the decorated function as a route that needs `scope`."""

        def declare(run: Run) -> Run:
            said = {**bodies, **dict.fromkeys((*also, *ALWAYS), Problem)}
            answers = Answers(**{f"HTTP_{status}": model for status, model in sorted(said.items())})
            validated = self.spec.validate(
                resp=answers,
                tags=[rule.split("/")[1]],
                security=BEARER,
                operation_id=run.__name__,
            )(run)
            view: Run = keyed(scope)(validated)
            self.door.add_url_rule(rule, run.__name__, view, methods=[method])
            return view

        return declare

    @property
    def caller(self) -> Caller:
        return require_caller()

    def engine_of(self, role: str) -> Engine:
        """The database as a role signs in to it: who sees others' rows has a login of its own."""
        return self.engine if role == "user" else self.staff_engine

    @contextmanager
    def unit(self, *, write: bool = False) -> Iterator[Session]:
        """A unit of work in the name of the person behind the key."""
        actor: Actor = self.caller.actor
        with session(self.engine_of(str(actor.role)), actor, write=write) as unit:
            yield unit

    @contextmanager
    def system(self) -> Iterator[Session]:
        """A unit of work in the system's name, for what the person behind the key may do but not write themselves."""
        actor = replace(people.located(SYSTEM), behalf=self.caller.key.profile_id)
        with session(people.system_engine(), actor, write=True) as unit:
            yield unit


def new_desk(name: str, engine: Engine, staff_engine: Engine, **info: Any) -> Desk:
    """A desk with a blueprint of its own."""
    door = Blueprint(name, __name__, url_prefix=PREFIX)
    spec = SpecTree(
        "flask",
        backend=Asking,
        mode="strict",
        model_adapter=ADAPTER,
        validation_error_model=Problem,
        naming_strategy=lambda model: model.__name__,
        nested_naming_strategy=lambda parent, child: child,
        page_templates={},
        **info,
    )

    backend: Any = spec.backend

    def begin(state: Any) -> None:
        state.app.url_map.converters["named"] = NamedConverter
        backend.blueprint_state = state

    door.record(begin)
    return Desk(door, spec, engine, staff_engine)
