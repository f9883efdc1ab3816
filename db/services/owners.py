"""Whom spans belong to: their own name, else the closest named ancestor's, else their service. No database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db.services.calls import Known
from db.services.otlp import SpanRecord
from db.services.relatives import SpanKey
from db.services.semantics import Meaning

UNKNOWN_SERVICE = "unknown_service"
Names = Mapping[tuple[str, str], str]  # (service, name of an agent) → its id
Owner = tuple[str | None, str | None]  # agent and why


@dataclass(slots=True)
class Arrival:
    """A new span with its meaning, and what is settled about it."""

    record: SpanRecord
    meaning: Meaning
    agent_id: str | None = None
    attribution: str | None = None
    unsettled: bool = False
    is_attributed: bool = False
    parent: Known | None = None
    settled: Known | None = None

    def known(self) -> Known:
        """As later spans will find it; asked for only once its agent is settled."""
        if self.settled is None:
            self.settled = self._known()
        return self.settled

    def _known(self) -> Known:
        record, meaning = self.record, self.meaning
        return Known(
            record.trace_id,
            record.span_id,
            record.start_ns,
            record.parent_span_id,
            record.duration_ns,
            record.service,
            record.status,
            meaning.category,
            meaning.named_agent,
            meaning.counterpart,
            self.agent_id,
            self.attribution,
            self.unsettled,
        )


def attribute(new: Sequence[Arrival], stored: Mapping[SpanKey, Known], names: Names) -> None:
    """Give every new span its agent and its parent; `stored` holds the parents that were there before."""
    by_key = {(each.record.trace_id, each.record.span_id): each for each in new}
    for each in new:
        _attribute(each, by_key, stored, names)
    parents: list[Arrival | Known | None] = []
    for each in new:
        key = (each.record.trace_id, each.record.parent_span_id or "")
        parent = by_key.get(key) or stored.get(key)
        parents.append(parent)
        if each.attribution == "own" and each.record.parent_span_id is not None:
            each.unsettled = parent is None or (parent.unsettled and parent.attribution != "own")
    for each, parent in zip(new, parents, strict=True):
        each.parent = parent.known() if isinstance(parent, Arrival) else parent


def _attribute(
    each: Arrival, new: Mapping[SpanKey, Arrival], stored: Mapping[SpanKey, Known], names: Names
) -> None:
    """Walks up to the nearest name without recursion; all that lie between inherit the same."""
    chain: list[Arrival] = []
    inherited: str | None = None
    is_unsure = False
    step: Arrival | None = each
    while step is not None and not step.is_attributed:
        step.is_attributed = True
        if step.meaning.named_agent is not None:
            step.agent_id = names[(step.record.service, step.meaning.named_agent)]
            step.attribution = "own"
            break
        chain.append(step)
        key = (step.record.trace_id, step.record.parent_span_id or "")
        above = new.get(key)
        if above is None:
            inherited, is_unsure = _from_stored(step, stored.get(key))
        step = above
    if step is not None:
        inherited = step.agent_id if step.attribution in ("own", "ancestor") else None
        is_unsure = step.unsettled and step.attribution != "own"
    for link in chain:
        link.agent_id, link.attribution = owner_of(inherited, link.record.service)
        link.unsettled = is_unsure


def _from_stored(step: Arrival, above: Known | None) -> tuple[str | None, bool]:
    """What a span inherits from a parent that is not among the new ones, and whether that may still change."""
    if above is None:
        return None, step.record.parent_span_id is not None
    return above.agent_id if above.attribution in ("own", "ancestor") else None, above.is_unsure


def owner_of(inherited: str | None, service: str) -> Owner:
    """The agent of a span that names none, and why."""
    if inherited is not None:
        return inherited, "ancestor"
    return (None, None) if is_unknown(service) else (service, "service")


def is_unknown(service: str) -> bool:
    """True for the name SDKs send when nobody set one (`unknown_service`, `unknown_service:python`)."""
    return service == UNKNOWN_SERVICE or service.startswith(f"{UNKNOWN_SERVICE}:")


def after_parent(child: Known, parent: Known) -> Known:
    """A stored span as it is once its parent is known, or known better."""
    if child.attribution == "own":
        return child._replace(unsettled=parent.is_unsure)
    named = parent.attribution in ("own", "ancestor")
    agent_id, attribution = owner_of(parent.agent_id if named else None, child.service)
    return child._replace(agent_id=agent_id, attribution=attribution, unsettled=parent.is_unsure)


def agents_of(new: Sequence[Arrival], names: Names) -> dict[str, dict[str, Any]]:
    """What is known of the agents these spans speak of, by id."""
    rows: dict[str, dict[str, Any]] = {}
    for each in new:
        service, meaning = each.record.service, each.meaning
        if meaning.named_agent is not None:
            agent = names[(service, meaning.named_agent)]
            rows.setdefault(agent, {"name": meaning.named_agent, "service": service})
        elif each.attribution == "service" and service not in rows:
            rows[service] = {"name": service, "service": service}
        if meaning.category == "message" and meaning.counterpart:
            other = f"{service}/{meaning.counterpart}"
            rows.setdefault(other, {"name": meaning.counterpart, "service": service})
    return rows
