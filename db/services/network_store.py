"""A network that was read goes into the database: agents, places, connections; once, however often it comes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.models import Agent, AgentConnection, NetworkNode
from db.queries.agents import source
from db.services.network import SETTLING, count_connections, place_agents
from db.services.network_files import Edge, Node, Place
from db.services.otlp import Refusal

BATCH = 1000
MOST_TOLD = 100_000  # refusals kept with their text; all of them are counted
MOST_WORDS = 8
Key = tuple[str, str, str]  # source, target, kind


@dataclass
class Report:
    """What an import did. `refused` holds the first of the refusals, `why` counts all of them."""

    agents: int = 0
    agents_already: int = 0
    measured: int = 0
    computed: int = 0
    moved: int = 0
    connections: int = 0
    connections_already: int = 0
    connections_changed: int = 0
    rows: int = 0
    refused: list[Refusal] = field(default_factory=list)
    why: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def refuse(self, why: str, refusal: Refusal) -> None:
        self.why[why] += 1
        if len(self.refused) < MOST_TOLD:
            self.refused.append(refusal)

    def __str__(self) -> str:
        """What was stored, what was there already and what was refused, one line each."""
        places = f"measured places {self.measured:,} · computed {self.computed:,} · moved {self.moved:,}"
        why = " · ".join(f"{reason} {count:,}" for reason, count in self.why.most_common())
        lines = [
            f"agents: stored {self.agents:,} · already there {self.agents_already:,} · {places}",
            f"connections: stored {self.connections:,} · already there {self.connections_already:,}"
            f" · changed {self.connections_changed:,} · from {self.rows:,} rows",
            f"refused {self.why.total():,}" + (f" ({why})" if why else ""),
            *self.notes,
        ]
        return "\n".join(lines)


@dataclass
class Sum:
    """All rows of one pair and kind added up; `line` is where the first of them stands."""

    line: int
    weight: float | None = None
    rows: int = 0
    words: set[str] = field(default_factory=set)

    def add(self, edge: Edge) -> None:
        self.rows += 1
        if edge.weight is not None:
            self.weight = (self.weight or 0.0) + edge.weight
        if edge.word is not None and len(self.words) < MOST_WORDS:
            self.words.add(edge.word)


@dataclass
class Network:
    """What was read: nodes by their own id, which of them were refused, and the sums of the edges."""

    name: str
    prefix: str
    nodes: dict[str, Node] = field(default_factory=dict)
    outcast: set[str] = field(default_factory=set)
    sums: dict[Key, Sum] = field(default_factory=dict)


def store(unit: Session, network: Network, report: Report) -> None:
    """Put the network in and count into the report. What is there already and the same stays untouched."""
    if unit.get_bind().dialect.name == "postgresql":  # as settle_network does: one at a time
        unit.execute(select(func.pg_advisory_xact_lock(SETTLING)))
    _store_agents(unit, network, report)
    _store_places(unit, network, report)
    _store_connections(unit, network, report)
    place_agents(unit)
    count_connections(unit)


def rounded(place: Place) -> Place:
    """As the columns keep it."""
    return (round(place[0], 6), round(place[1], 6), round(place[2], 6))


def _of_network(network: Network) -> Any:
    return (Agent.origin == "network") & (source() == network.name)


def _store_agents(unit: Session, network: Network, report: Report) -> None:
    there = set(unit.scalars(select(Agent.id).where(_of_network(network))))
    rows = [
        {
            "id": network.prefix + node.id,
            "name": node.name,
            "origin": "network",
            "metadata": {"source": network.name}
            | ({"attributes": dict(node.attributes)} if node.attributes else {}),
        }
        for node in network.nodes.values()
        if network.prefix + node.id not in there
    ]
    report.agents, report.agents_already = len(rows), len(network.nodes) - len(rows)
    dialect = postgresql if unit.get_bind().dialect.name == "postgresql" else sqlite
    _execute(unit, dialect.insert(_table(Agent)).on_conflict_do_nothing(), rows)


def _store_places(unit: Session, network: Network, report: Report) -> None:
    """Measured places; what a person has placed by hand stays there."""
    held = {
        row.agent_id: row
        for row in unit.execute(
            select(
                NetworkNode.id,
                NetworkNode.agent_id,
                NetworkNode.position_x,
                NetworkNode.position_y,
                NetworkNode.position_z,
                NetworkNode.meta["position"].as_string().label("position"),
            )
            .join(Agent, Agent.id == NetworkNode.agent_id)
            .where(_of_network(network))
        )
    }
    new, moved = [], []
    for node in network.nodes.values():
        row = held.get(network.prefix + node.id)
        if row is None and node.place is None:
            report.computed += 1
        elif row is None:
            new.append(_place_row(network, node))
        elif node.place is not None and row.position != "placed" and _differs(row, node.place):
            moved.append(_place_row(network, node) | {"node": row.id})
    report.measured, report.moved = len(new), len(moved)
    table = _table(NetworkNode)
    _execute(unit, insert(table), new)
    columns = ("position_x", "position_y", "position_z", "metadata")
    changes: dict[str, Any] = {name: bindparam(name) for name in columns}
    _execute(unit, update(table).where(table.c.id == bindparam("node")).values(changes), moved)


def _place_row(network: Network, node: Node) -> dict[str, Any]:
    assert node.place is not None
    x, y, z = rounded(node.place)
    projection = {"projection": "latitude and longitude on a ball of radius 1"} if node.globe else {}
    return {
        "agent_id": network.prefix + node.id,
        "node_type": "agent",
        "node_name": node.name,
        "position_x": x,
        "position_y": y,
        "position_z": z,
        "metadata": {"position": "measured", "source": network.name} | projection,
    }


def _differs(row: Any, place: Place) -> bool:
    stored = (row.position_x, row.position_y, row.position_z)
    return row.position != "measured" or tuple(map(float, stored)) != rounded(place)


def _store_connections(unit: Session, network: Network, report: Report) -> None:
    """New rows in, changed ones brought up to the file; measured and declared ones keep their evidence."""
    heaviest = max((found.weight for found in network.sums.values() if found.weight is not None), default=0.0)
    held = {(row.agent_a_id, row.agent_b_id, row.connection_type): row for row in _held(unit, network)}
    new, changed = [], []
    for key, found in network.sums.items():
        wanted = _connection(network, key, found, heaviest)
        row = held.get((wanted["agent_a_id"], wanted["agent_b_id"], wanted["connection_type"]))
        if row is None:
            new.append(wanted)
        elif row.meta.get("evidence") != "imported" or not _changed(row, wanted):
            report.connections_already += 1
        else:
            changed.append(
                {"row": row.id, "new_strength": wanted["strength"], "new_meta": wanted["metadata"]}
            )
    report.connections, report.connections_changed = len(new), len(changed)
    table = _table(AgentConnection)
    _execute(unit, insert(table), new)
    changes: dict[str, Any] = {"strength": bindparam("new_strength"), "metadata": bindparam("new_meta")}
    _execute(unit, update(table).where(table.c.id == bindparam("row")).values(changes), changed)


def _held(unit: Session, network: Network) -> Iterable[Any]:
    return unit.execute(
        select(
            AgentConnection.id,
            AgentConnection.agent_a_id,
            AgentConnection.agent_b_id,
            AgentConnection.connection_type,
            AgentConnection.strength,
            AgentConnection.meta,
        )
        .join(Agent, Agent.id == AgentConnection.agent_a_id)
        .where(_of_network(network))
    )


def _connection(network: Network, key: Key, found: Sum, heaviest: float) -> dict[str, Any]:
    meta: dict[str, Any] = {"evidence": "imported", "source": network.name, "rows": found.rows}
    if found.weight is not None:
        meta["weight"] = found.weight
    if found.words:
        meta["stated"] = sorted(found.words)
    strength = round(found.weight / heaviest, 6) if found.weight is not None and heaviest else None
    return {
        "agent_a_id": network.prefix + key[0],
        "agent_b_id": network.prefix + key[1],
        "connection_type": key[2],
        "strength": strength,
        "metadata": meta,
    }


def _changed(row: Any, wanted: Mapping[str, Any]) -> bool:
    strength = None if row.strength is None else float(row.strength)
    return bool(strength != wanted["strength"] or row.meta != wanted["metadata"])


def _table(model: type[Any]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _execute(unit: Session, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    for some in batches(rows):
        unit.connection().execute(statement, list(some))


def batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(rows), BATCH):
        yield rows[begin : begin + BATCH]
