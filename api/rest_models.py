"""What /api/v1 is asked and what it answers, as pydantic models: requests are held against them, the OpenAPI document
is made from them, and tests hold every answer against it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from db.metric import Window

MOST_PER_PAGE = 200
LONGEST_ID, LONGEST_LINE, LONGEST_TEXT = 500, 200, 2000
LONGEST_INTERVAL = 7 * 24 * 3600
UNSTORABLE = "remove the null character; no database keeps it"


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError(UNSTORABLE)
    return text


def _printable(text: str) -> str:
    if not text.strip():
        raise ValueError("write at least one character that can be seen")
    if not _storable(text).isprintable():
        raise ValueError("remove the characters that cannot be shown, such as line breaks and control codes")
    return text


def _window(text: str) -> str:
    try:
        Window.parse(text)
    except OverflowError:
        raise ValueError("the moment lies outside the calendar") from None
    return text


def _moment(said: Any) -> Any:
    if not isinstance(said, str):
        raise ValueError("write a moment like 2026-11-27T05:00:00Z")
    try:
        moment = datetime.fromisoformat(said)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("write a moment like 2026-11-27T05:00:00Z") from None


Text = Annotated[str, AfterValidator(_storable)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-27T05:00:00Z"]}),
]
WindowText = Annotated[
    str,
    AfterValidator(_window),
    WithJsonSchema({"type": "string", "format": "window", "examples": ["all", "24h"]}),
]
WINDOW_WORDS = (
    "all, 24h, 7d, 30d, 90d or START/END in ISO 8601, without END itself (UTC unless it carries an offset)."
)
Origin = Literal["catalogue", "person", "telemetry", "network"]
Squad = Literal["CORE", "GUARD", "ANALYST", "SPECIALIST", "CHAOS"]
Role = Literal["CORE", "GUARD", "ANALYST", "SPECIALIST"]
Level = Literal["debug", "info", "warning", "error", "critical"]
SpanStatus = Literal["unset", "ok", "error"]


class Strict(BaseModel):
    """Nothing but what is named: a mistyped filter must not silently bring everything."""

    model_config = ConfigDict(extra="forbid")


# --- what is asked ----------------------------------------------------------------------------------


class PageAsked(Strict):
    limit: int = Field(50, ge=1, le=MOST_PER_PAGE, description="How many rows at most.")
    cursor: str | None = Field(
        None,
        max_length=4100,
        description="Where the page begins, as `next` of the page before says it. Opaque: do not make one yourself.",
        json_schema_extra={"format": "cursor"},
    )


class NothingAsked(Strict):
    """No parameters."""


class AgentsAsked(PageAsked):
    origin: Origin | None = Field(None, description="Where the agent comes from.")
    squad: Squad | None = Field(None, description="The team it belongs to.")
    search: Text | None = Field(None, max_length=LONGEST_LINE, description="Part of its name or id.")
    operational: bool | None = Field(None, description="Whether it was heard within its limit, just now.")


class ConnectionsAsked(PageAsked):
    agent: Text | None = Field(None, max_length=LONGEST_ID, description="On either side.")
    evidence: Literal["measured", "imported", "declared"] = Field(
        "measured",
        description="How it is known: by calls in the window, by an imported network, or because a person said so.",
    )
    window: WindowText = Field("all", description=f"For measured ones: {WINDOW_WORDS}")


class NodesAsked(PageAsked):
    agent: Text | None = Field(None, max_length=LONGEST_ID, description="The agent it stands for.")
    kind: Literal["agent", "system", "hub", "relay", "sensor"] | None = Field(None, description="Its kind.")


class LogsAsked(PageAsked):
    agent: Text | None = Field(None, max_length=LONGEST_ID, description="The agent that wrote it.")
    level: Level | None = Field(None, description="Exactly this severity.")
    since: Moment | None = Field(None, description="Not before this moment.")
    until: Moment | None = Field(None, description="Before this moment.")


class SpansAsked(PageAsked):
    agent: Text | None = Field(None, max_length=LONGEST_ID, description="The agent it belongs to.")
    trace: str | None = Field(None, pattern="^[0-9a-f]{32}$", description="The trace, 32 hexadecimal digits.")
    status: SpanStatus | None = Field(None, description="What it reported of itself.")
    window: WindowText = Field("all", description=f"When it started: {WINDOW_WORDS}")


class AgentDeclared(Strict):
    """An agent as somebody declares it. PUT takes away what is left out."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Invoice reader", "squad": "ANALYST", "heartbeat_seconds": 30}]
        },
    )
    name: Annotated[str, AfterValidator(_printable)] = Field(
        min_length=1, max_length=LONGEST_LINE, pattern=r"\S", description="Its name as people see it."
    )
    role: Role | None = Field(None, description="Kind of work.")
    squad: Squad | None = Field(None, description="Team.")
    version: Text | None = Field(
        None, max_length=LONGEST_LINE, description="The version it declares of itself."
    )
    description: Text | None = Field(None, max_length=LONGEST_TEXT, description="What it is for.")
    heartbeat_seconds: int | None = Field(
        None,
        ge=1,
        le=LONGEST_INTERVAL,
        strict=True,
        description="Seconds between two heartbeats. It counts as operational for twice as long; 5 minutes where null.",
    )


class AgentChanged(Strict):
    """What to change of an agent; what is left out stays, null takes a fact away (RFC 7396)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"paused": True}]})
    name: Annotated[str, AfterValidator(_printable)] | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_LINE,
        pattern=r"\S",
        description="Its name; it cannot be taken away.",
    )
    role: Role | None = None
    squad: Squad | None = None
    version: Text | None = Field(None, max_length=LONGEST_LINE)
    description: Text | None = Field(None, max_length=LONGEST_TEXT)
    heartbeat_seconds: int | None = Field(None, ge=1, le=LONGEST_INTERVAL, strict=True)
    paused: bool | None = Field(
        None, strict=True, description="True: not operational, whatever is heard. False: goes on."
    )


class Beat(Strict):
    """A sign of life. All of it may be left out, the body too."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"sent_at": "2026-11-27T05:00:00Z", "interval_seconds": 30}]},
    )
    sent_at: Moment | None = Field(
        None, description="When it was sent, by the sender's clock; its drift follows from it."
    )
    interval_seconds: int | None = Field(
        None,
        ge=1,
        le=LONGEST_INTERVAL,
        strict=True,
        description="Seconds until the next one, promised from now on.",
    )


# --- what is answered -------------------------------------------------------------------------------


class FieldProblem(BaseModel):
    """One thing that could not be used."""

    model_config = ConfigDict(populate_by_name=True)
    where: Literal["query", "body", "header", "path"] = Field(description="Where it stood.")
    name: str = Field(description="Its name; empty for the body as a whole.")
    detail: str = Field(description="What is wrong, and what would be right.")


class Problem(BaseModel):
    """What went wrong, as RFC 9457 writes it."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "limit: Input should be less than or equal to 200",
                    "errors": [
                        {
                            "where": "query",
                            "name": "limit",
                            "detail": "Input should be less than or equal to 200",
                        }
                    ],
                }
            ]
        },
    )
    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = Field(None, description="What could not be used, one by one.")


class Agent(Strict):
    id: str
    name: str
    role: Role | None
    squad: Squad | None
    origin: Literal["catalogue", "person", "telemetry", "network", "system"]
    source: str | None = Field(description="The file or network in which it was first seen.")
    description: str | None
    status: str | None = Field(description="What it last said of itself; does not decide `operational`.")
    current_task: str | None
    version: str | None
    heartbeat_seconds: int | None
    paused_at: Moment | None
    last_active: Moment | None = Field(
        description="Its last heartbeat or own span; imported history is none."
    )
    operational: bool
    operational_until: Moment | None = Field(description="When it stops being so unless it is heard again.")
    reason: str | None = Field(description="Why it is not operational.")
    clock_drift_ms: int | None = Field(description="How far its clock is ahead of ours, when last seen.")
    clock_drift_at: Moment | None
    created_at: Moment
    updated_at: Moment


class Connection(Strict):
    caller: str
    callee: str
    kind: Literal["neural", "data", "command", "sync"]
    evidence: Literal["measured", "imported", "declared"]
    calls: int | None = Field(description="Recorded in the window; null where it is not measured.")
    errors: int | None
    n: int = Field(description="Calls whose latency is known.")
    p50_ms: float | None
    p95_ms: float | None
    reason: str | None = Field(description="Why a latency is null.")
    strength: float | None = Field(description="Of imported and declared ones, from 0 to 1.")


class Node(Strict):
    id: UUID
    name: str
    kind: str
    agent: str | None
    x: float | None
    y: float | None
    z: float | None
    positioned: str | None = Field(description="measured, computed or placed.")
    size: float | None
    status: str | None
    connections: int | None
    updated_at: Moment | None


class LogLine(Strict):
    id: UUID
    agent: str
    level: Level
    message: str
    attributes: dict[str, Any] | None
    created_at: Moment


class Span(Strict):
    trace_id: str
    span_id: str
    parent_span_id: str | None
    start: str = Field(description="ISO 8601 in UTC with nine decimals, by the sender's clock.")
    duration_ms: float
    agent: str | None
    attribution: str | None = Field(description="Why it belongs to that agent.")
    service: str
    name: str
    kind: str
    category: str | None
    status: SpanStatus
    status_message: str | None
    error_type: str | None
    is_task: bool
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    attributes: dict[str, Any]
    source: str
    received_at: Moment


class Page(Strict):
    """A page of rows; the Link header says `next` as well."""

    next: str | None = Field(description="The address of the next page on this host; null at the end.")


class AgentPage(Page):
    items: list[Agent]


class ConnectionPage(Page):
    items: list[Connection]


class NodePage(Page):
    items: list[Node]


class LogPage(Page):
    items: list[LogLine]


class SpanPage(Page):
    items: list[Span]


class Heard(Strict):
    """What is known of an agent after its heartbeat."""

    agent: str
    received_at: Moment = Field(description="By this application's clock.")
    operational: bool
    operational_until: Moment | None
    reason: str | None = Field(description="Why it is not operational all the same.")
    heartbeat_seconds: int | None
    clock_drift_ms: int | None = Field(
        description="How far the sender's clock is ahead; null when it told no time."
    )
    clock_is_off: bool = Field(description="True above 16 seconds either way.")


class MetricDefinition(Strict):
    key: str
    title: str
    unit: str
    definition: str
    formula: str
    windowed: bool = Field(description="False: it speaks of now, whatever the window.")
    subject: list[str] = Field(description="Parameters that say what it is about.")
    href: str


class MetricList(Strict):
    items: list[MetricDefinition]


class MetricWindow(Strict):
    start: Moment
    end: Moment


class MetricReading(Strict):
    """A number as it was read; `quantum metric KEY --json` prints the same."""

    key: str
    title: str
    unit: str
    value: float | int | None
    reason: str | None = Field(description="Why the value is null.")
    n: int
    interval: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        description="Wilson's 95 % interval, low and high."
    )
    measured_at: Moment
    window: MetricWindow | None
    sql: str = Field(description="The statement as it was sent.")
    params: dict[str, Any]
    tables: list[str]


class ListedColumn(Strict):
    name: str
    title: str
    kind: str


class ModuleListing(Strict):
    module: str
    name: str
    title: str
    scope: str = Field(description="What a key needs to read it.")
    href: str
    filters: list[str]
    columns: list[ListedColumn]


class ModuleList(Strict):
    items: list[ModuleListing]
