"""/api/v1: the fleet, its numbers and the modules' rows for programs with a key, and the document that describes it."""

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict

from api import openapi, rest_agents, rest_fleet, rest_metrics, rest_modules
from api.rest_answers import answer
from api.rest_desk import new_desk
from api.rest_models import NothingAsked
from auth.keys import OR_PERSON
from db.engine import Engine

DOCUMENT = "/openapi.json"


class OpenApi(BaseModel):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")
    openapi: str
    info: dict[str, object]
    paths: dict[str, object]


def blueprint(engine: Engine, staff_engine: Engine) -> Blueprint:
    """The door; people read through `engine`, those who see others' rows through `staff_engine`."""
    desk = new_desk("rest", engine, staff_engine, **openapi.info())
    for room in (rest_fleet, rest_agents, rest_metrics, rest_modules):
        room.add(desk)

    @desk.get(DOCUMENT, OR_PERSON, OpenApi)
    def openapi_document(query: NothingAsked) -> Response:
        """Read this document."""
        if "made" not in made:
            made["made"] = openapi.document(desk)
        return answer(made["made"])

    made: dict[str, object] = {}

    return desk.door
