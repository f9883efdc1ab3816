"""/api/v1/metrics: every number's definition, and each number as it reads now."""

from typing import Any

from flask import Response
from pydantic import Field, create_model

from api.rest_answers import answer, nothing_there, refuse, refuse_field
from api.rest_desk import PREFIX, Desk
from api.rest_models import (
    LONGEST_ID,
    WINDOW_WORDS,
    MetricList,
    MetricReading,
    NothingAsked,
    Strict,
    Text,
    WindowText,
)
from auth import people
from auth.keys import Scope
from auth.permissions import allows
from db.actor import SYSTEM
from db.engine import session
from db.metric import METRICS, Metric, Window
from db.proof import as_json

# Whatever any number is about, as parameters: an agent, a caller and a callee, a currency …
SUBJECTS = sorted({name for each in METRICS.values() for name in each.subject})
FIELDS: dict[str, Any] = {
    name: (Text | None, Field(None, max_length=LONGEST_ID, description=f"For numbers about one {name}."))
    for name in SUBJECTS
}
MetricAsked: Any = create_model(
    "MetricAsked",
    __base__=Strict,
    window=(WindowText, Field("all", description=WINDOW_WORDS)),
    **FIELDS,
)


def add(desk: Desk) -> None:
    """Declare the routes at `desk`."""

    @desk.get("/metrics", Scope.METRICS_READ, MetricList)
    def metrics(query: NothingAsked) -> Response:
        """List the numbers this key may read, with how each is made."""
        role = desk.caller.key.role
        return answer({"items": [_definition(each) for each in METRICS.values() if allows(role, each.needs)]})

    def metric(key: str, query: Any) -> Response:
        """Read one number.

        The answer is that of `quantum metric KEY --json`, as far as the person behind the key sees the rows. A number
        about something needs it as a parameter, such as `agent`; its definition names it under `subject`.
        """
        declared = METRICS.get(key) or nothing_there("metric", key)
        if not allows(desk.caller.key.role, declared.needs):
            refuse(403, f"The role of this key's owner does not hold {declared.needs}, which this needs.")
        told = _read(desk, declared, Window.parse(query.window), _subject(declared, query))
        return answer(told, tagged={name: value for name, value in told.items() if name != "measured_at"})

    metric.__annotations__["query"] = MetricAsked
    desk.get("/metrics/<key>", Scope.METRICS_READ, MetricReading, 404)(metric)


def _definition(declared: Metric) -> dict[str, Any]:
    return {
        "key": declared.key,
        "title": declared.title,
        "unit": declared.unit,
        "definition": declared.sentence,
        "formula": declared.formula,
        "windowed": declared.windowed,
        "subject": list(declared.subject),
        "href": f"{PREFIX}/metrics/{declared.key}",
    }


def _subject(declared: Metric, query: Any) -> tuple[str, ...]:
    """What the number is about, in its own order; what it is not about is refused."""
    for name in SUBJECTS:
        given = getattr(query, name)
        if name in declared.subject and not given:
            refuse_field(
                "query", name, f"{declared.key} speaks of {' and '.join(declared.subject)}; say which."
            )
        if name not in declared.subject and given is not None:
            about = " and ".join(declared.subject) or "the whole"
            refuse_field("query", name, f"{declared.key} speaks of {about}; leave this out.")
    return tuple(getattr(query, name) for name in declared.subject)


def _read(desk: Desk, declared: Metric, window: Window, subject: tuple[str, ...]) -> dict[str, Any]:
    """The number as the person behind the key sees it; by the system where no person's session can read it."""
    if not declared.by_system:
        with desk.unit() as unit:
            return as_json(unit, declared.key, window, subject)
    if not declared.needs:
        refuse(403, "Nobody is named who may know this number.")
    with session(people.system_engine(), SYSTEM) as unit:
        return as_json(unit, declared.key, window, subject)
