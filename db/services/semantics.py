"""What a span says in the language of agents: who speaks, what kind of work, tokens, the other side.

Rules follow OpenTelemetry's GenAI conventions, OpenInference, OpenLLMetry (traceloop), IOA Observe and AutoGen.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from db.services.otlp import LONGEST_AGENT, Invalid, SpanRecord
from db.services.otlp_values import SIZE

# A run's UUID at the end of a name is not part of the name (AutoGen appends one).
RUN_SUFFIX = re.compile(r"[_-]?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
HANDOFF = re.compile(r"(?:handoff to |transfer_to_)(?P<to>.+)", re.IGNORECASE)
ASK = re.compile(r"ask_(?P<to>.+)")
ANYWHERE = ("gen_ai.agent.name", "agent.name", "gen_ai.agent.id", "agent_id")
ON_AGENT_SPANS = (
    "graph.node.id",
    "ioa_observe.entity.name",
    "traceloop.entity.name",
)
MODEL_OPERATIONS = {"chat", "generate_content", "text_completion", "embeddings"}
INPUT_TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
OUTPUT_TOKENS = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
MODELS = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name")


class Meaning(NamedTuple):
    """What one span says of itself.

    Attributes:
        named_agent: the agent it names as its own, without run-specific suffix; None when it names none.
        agent_id: value of gen_ai.agent.id, which may be an existing agent's id.
        category: agent, model, tool, retrieval, message, handoff or None.
        counterpart: the agent on the other side of a message, hand-off or agent used as a tool.
        input_tokens, output_tokens: as reported, on model spans only.
    """

    named_agent: str | None
    agent_id: str | None
    category: str | None
    counterpart: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    error_type: str | None


SILENT = Meaning(None, None, None, None, None, None, None, None)


def understand(span: SpanRecord) -> Meaning:
    """Read the attributes of one span. Raises Invalid for an agent name beyond the limit."""
    said = span.attributes
    if not said and not span.events:
        return SILENT
    kind = _kind(said)
    named = _first(said, ANYWHERE) or (_first(said, ON_AGENT_SPANS) if kind == "agent" else None)
    counterpart = None
    if said.get("messaging.operation") == "process" and said.get("recipient_agent_type"):
        kind, named = "message", str(said["recipient_agent_type"])
        counterpart = _first(said, ("sender_agent_type",))
    elif (to := _handoff(span, kind)) is not None:
        kind, counterpart = "handoff", to
        named = named or _first(said, ("gen_ai.handoff.from_agent",))
    elif kind == "tool" and (asked := ASK.fullmatch(_tool(span))):
        counterpart = asked["to"]
    if kind == "agent" and named is None:
        kind = None  # a container around agents, not one of them
    return Meaning(
        named_agent=_name(named),
        agent_id=_first(said, ("gen_ai.agent.id",)),
        category=kind,
        counterpart=_name(counterpart),
        model=_first(said, MODELS),
        input_tokens=_count(said, INPUT_TOKENS) if kind == "model" else None,
        output_tokens=_count(said, OUTPUT_TOKENS) if kind == "model" else None,
        error_type=_error_type(span),
    )


def named_in(said: Mapping[str, Any]) -> str | None:
    """The agent that attributes of any signal name, without run-specific suffix. Raises Invalid for a name beyond the
    limit."""
    return _name(_first(said, ANYWHERE))


def claimed_in(said: Mapping[str, Any]) -> str | None:
    """The value of gen_ai.agent.id, which may be an existing agent's id."""
    return _first(said, ("gen_ai.agent.id",))


def _kind(said: Mapping[str, Any]) -> str | None:
    operation = _first(said, ("gen_ai.operation.name",))
    kinds = {
        str(said[key]).lower()
        for key in ("openinference.span.kind", "ioa_observe.span.kind", "traceloop.span.kind")
        if key in said
    }
    if operation == "invoke_agent" or "agent" in kinds:
        return "agent"
    if operation in MODEL_OPERATIONS or kinds & {"llm", "embedding"} or "llm.request.type" in said:
        return "model"
    if operation == "execute_tool" or "tool" in kinds:
        return "tool"
    return "retrieval" if "retriever" in kinds or operation == "retrieval" else None


def _handoff(span: SpanRecord, kind: str | None) -> str | None:
    to = _first(span.attributes, ("gen_ai.handoff.to_agent",))
    if to or kind != "tool":
        return to
    match = HANDOFF.fullmatch(span.name) or HANDOFF.fullmatch(_tool(span))
    return match["to"] if match else None


def _tool(span: SpanRecord) -> str:
    return str(span.attributes.get("gen_ai.tool.name") or span.name.removesuffix(".tool"))


def _error_type(span: SpanRecord) -> str | None:
    if found := _first(span.attributes, ("error.type", "exception.type")):
        return found
    for event in span.events:
        if found := _first(event["attributes"], ("exception.type",)):
            return found
    return None


def _first(said: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = said.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return None


def _count(said: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    """A token count; senders write numbers as text too."""
    for key in keys:
        text = str(said.get(key, "")).strip()
        if text.isascii() and text.isdigit() and len(text) < 19:
            return int(text)
    return None


def _name(text: str | None) -> str | None:
    if text is None:
        return None
    name = RUN_SUFFIX.sub("", text) or text
    if len(name) > LONGEST_AGENT:
        raise Invalid(
            f"an agent's name has {len(name):,} characters, the limit is {LONGEST_AGENT}; shorten it", SIZE
        )
    return name
