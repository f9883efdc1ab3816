"""/api/v1/agents/{id}, written: declared, changed, paused; and its heartbeats."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from flask import Response, request

from api.rest_answers import answer, json_bytes, nothing_there, refuse, refuse_field, tag_of
from api.rest_desk import PREFIX, Desk
from api.rest_fleet import agent_json, is_storable
from api.rest_models import LONGEST_ID, Agent, AgentChanged, AgentDeclared, Beat, Heard, NothingAsked
from auth.keys import AGENT, ANY, Scope, require_scope
from db.engine import Session
from db.queries.fleet_lists import one_listed
from db.services.agents import OwnPart, change_agent, declare_agent, locked_agent
from db.services.liveness import beat
from db.services.network import place_agents

MOST_DRIFT_MS = 16_000
STALE = "The agent changed since you read it. Read it again, and send your change to what it is now."
T = TypeVar("T")
EXISTS = "The agent is there already, and you asked to make it only."


def add(desk: Desk) -> None:
    """Declare the routes at `desk`."""

    @desk.route(
        "PUT", "/agents/<named:agent>", Scope.FLEET_WRITE, {200: Agent, 201: Agent}, 400, 409, 412, 413, 415
    )
    def declare(agent: str, query: NothingAsked, json: AgentDeclared) -> Response:
        """Declare an agent, or make an existing one what the body says.

        What the body leaves out is taken away. If-Match with the ETag of the agent as you read it keeps you from
        overwriting somebody else's change; If-None-Match: * only makes a new one.
        """
        _refuse_impossible(agent)
        at = datetime.now(UTC)
        with desk.unit(write=True) as unit:
            _hold(unit, agent, at)
            is_new = _done(lambda: declare_agent(unit, agent, json.model_dump()))
            told = _told(unit, agent, at)
        if is_new:
            with desk.system() as unit:
                place_agents(unit)  # on the map, as the system does for those it observes
        where = {"Location": f"{PREFIX}/agents/{quote(agent, safe='')}"} if is_new else {}
        return answer(told, 201 if is_new else 200, headers=where)

    @desk.route(
        "PATCH", "/agents/<named:agent>", Scope.FLEET_WRITE, {200: Agent}, 400, 404, 409, 412, 413, 415
    )
    def change(agent: str, query: NothingAsked, json: AgentChanged) -> Response:
        """Change some of an agent, pause it, or let it go on."""
        if not is_storable(agent):
            nothing_there("agent", agent)
        given = json.model_dump(exclude_unset=True)
        for name in ("name", "paused"):
            if name in given and given[name] is None:
                refuse_field("body", name, "This cannot be taken away; leave it out to keep it.")
        paused = given.pop("paused", None)
        at = datetime.now(UTC)
        with desk.unit(write=True) as unit:
            _hold(unit, agent, at)
            is_there = _done(lambda: change_agent(unit, agent, given, paused=paused, at=at))
            told = _told(unit, agent, at) if is_there else None
        return answer(told or nothing_there("agent", agent))

    @desk.route("POST", "/agents/<named:agent>/heartbeat", ANY, {200: Heard}, 400, 404, 409, 413, 415)
    def heartbeat(agent: str, query: NothingAsked, json: Beat) -> Response:
        """Say that an agent is alive.

        It is operational from now until twice its interval has passed. A key with the scope `agent:` and this agent's
        id may say so, and any key with `fleet:write`.
        """
        if not desk.caller.may(f"{AGENT}{agent}"):
            require_scope(Scope.FLEET_WRITE)
        at = datetime.now(UTC)
        with desk.system() as unit:
            row = one_listed(unit, at, agent) if is_storable(agent) else None
            if row is None:
                nothing_there("agent", agent)
            if row["origin"] == "system":
                _refuse_own_part(OwnPart())
            beat(unit, agent, at, sent_at=json.sent_at, interval=json.interval_seconds)
            told = _told(unit, agent, at)
        return answer(_heard(told, at, told_time=json.sent_at is not None))


def _heard(told: Mapping[str, Any], at: datetime, *, told_time: bool) -> dict[str, Any]:
    drift = told["clock_drift_ms"] if told_time else None
    kept = ("operational", "operational_until", "reason", "heartbeat_seconds")
    return {
        "agent": told["id"],
        "received_at": at,
        **{name: told[name] for name in kept},
        "clock_drift_ms": drift,
        "clock_is_off": drift is not None and abs(drift) > MOST_DRIFT_MS,
    }


def _told(unit: Session, agent: str, at: datetime) -> dict[str, Any]:
    """The agent as it is now, in this transaction."""
    row = one_listed(unit, at, agent)
    assert row is not None
    return agent_json(row)


def _hold(unit: Session, agent: str, at: datetime) -> None:
    """Keep the agent from changing until this is done, and hold the request's conditions against it: 412."""
    row = _done(lambda: locked_agent(unit, agent)) if is_storable(agent) else None
    wanted, unwanted = request.if_match, request.if_none_match
    if unwanted.star_tag and row is not None:
        refuse(412, EXISTS)
    if "If-Match" not in request.headers:
        return  # one that cannot be read is a condition all the same, which nothing fulfils
    tag = tag_of(json_bytes(_told(unit, agent, at))) if row is not None else None
    # What is sent compressed has the same tag with the encoding behind it.
    if tag is None or not (
        wanted.star_tag or tag in {each.partition(":")[0] for each in wanted.as_set() if each}
    ):
        refuse(412, STALE)


def _done(act: Callable[[], T]) -> T:
    try:
        return act()
    except OwnPart as error:
        _refuse_own_part(error)


def _refuse_own_part(error: OwnPart) -> NoReturn:
    refuse(409, str(error))


def _refuse_impossible(agent: str) -> None:
    if len(agent) > LONGEST_ID or not agent.isprintable() or not agent.strip():
        refuse_field("path", "agent", f"Use 1 to {LONGEST_ID} characters that can be shown.")
