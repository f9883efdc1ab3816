"""Networks in: agents of origin network, their places, and the connections a file states between them.

Nobody saw a call on an imported connection, so nothing here makes an agent observed or operational.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, select

from db.actor import OPERATOR
from db.engine import session
from db.models import Agent
from db.queries.agents import source
from db.services import audit
from db.services import network_files as files
from db.services.network_files import Columns, Edge, Node, Place
from db.services.network_rows import Progress, Refused, table
from db.services.network_store import Network, Report, Sum, batches, rounded, store
from db.services.otlp import LONGEST_AGENT, Invalid, Refusal

LONGEST_PREFIX = 80
OF_NODES = ("id", "name", "x", "y", "z", "lat", "lon")
OF_EDGES = ("source", "target", "weight", "kind")
SELF_LOOP, UNLISTED, TWICE, TAKEN = "self-loop", "end not listed", "id twice", "id taken"


@dataclass(frozen=True)
class Given:
    """What to import and how to read it; at least one of the two files."""

    nodes: Path | None = None
    edges: Path | None = None
    prefix: str = ""
    columns: Columns = field(default_factory=Columns)
    nodes_header: Sequence[str] = ()
    edges_header: Sequence[str] = ()


def import_network(engine: Engine, given: Given, progress: Progress | None = None) -> Report:
    """Import a network; what was valid is kept, what was not is told by file and line.

    An agent's id is prefix + id. Nodes with coordinates stand where the file says ("measured"), the others where the
    layout puts them ("computed"). Rows of one pair and kind are added up; strength is their weight divided by the
    largest of the file, null where the file has no weights. The same file again changes nothing.

    Raises Invalid when a file cannot be read at all or a named column is not there, and DatabaseUnavailable.
    """
    report, told = Report(), progress or (lambda done, total, rows: None)
    given = _completed(given)
    network = Network(files.network_name(given.nodes or given.edges or Path(), given.prefix), given.prefix)
    if given.nodes is not None:
        _read_nodes(engine, given, network, report, told)
    if given.edges is not None:
        _read_edges(given, network, report, told)
    if given.nodes is None:
        _refuse_taken_ends(engine, given, network, report)
    _note_equal_places(network, report)
    with session(engine, OPERATOR, write=True) as unit:
        store(unit, network, report)
        if not (report.agents or report.connections or report.connections_changed or report.moved):
            return report
        files_read = [path.name for path in (given.nodes, given.edges) if path is not None]
        imported = {"files": files_read, "prefix": given.prefix, "report": str(report)}
        audit.record(unit, audit.Act("IMPORT", "agent_connections", new=imported))
    return report


def _completed(given: Given) -> Given:
    """A JSON document may hold both lists. Raises Invalid when nothing is given or an option has no use."""
    if given.nodes is None and given.edges is None:
        raise Invalid("name a file with --nodes, --edges or both")
    if len(given.prefix) > LONGEST_PREFIX or files.CONTROL.search(given.prefix):
        raise Invalid(f"--prefix may have up to {LONGEST_PREFIX} characters and none of control")
    if given.nodes is None and given.edges is not None and files.holds_nodes(given.edges):
        given = Given(**{**vars(given), "nodes": given.edges})
    elif given.edges is None and given.nodes is not None and files.holds_nodes(given.nodes):
        given = Given(**{**vars(given), "edges": given.nodes})
    for path, part, columns in ((given.nodes, "--nodes", OF_NODES), (given.edges, "--edges", OF_EDGES)):
        idle = next(
            (name for name in columns if path is None and getattr(given.columns, name) is not None), None
        )
        if idle:
            raise Invalid(f"--{idle} names a column of {part}, which is not given")
    return given


# --- reading --------------------------------------------------------------------------------------


def _read_nodes(engine: Engine, given: Given, network: Network, report: Report, told: Progress) -> None:
    path = given.nodes
    assert path is not None
    with table(path, "nodes", given.nodes_header, told) as found:
        for node in files.nodes(found, given.columns):
            if not isinstance(node, Node):
                report.refuse(node[1].why, found.refusal(*node))
                continue
            reason = _wrong_id(node.id, network)
            if reason is None:
                network.nodes[node.id] = node
            else:
                report.refuse(TWICE, found.refusal(node.line, reason))
        report.notes += [f"{path}: {note}" for note in found.notes()]
        for id_, reason in _taken(engine, network, list(network.nodes)):
            network.outcast.add(id_)
            report.refuse(TAKEN, found.refusal(network.nodes.pop(id_).line, reason))


def _wrong_id(id_: str, network: Network) -> str | None:
    if id_ in network.nodes:
        return f"the id {id_!r} stands already in line {network.nodes[id_].line}; give every node its own"
    if len(network.prefix + id_) > LONGEST_AGENT:
        return f"prefix and id {id_!r:.60} have more than {LONGEST_AGENT} characters together"
    return None


def _taken(engine: Engine, network: Network, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Ids that belong to agents from elsewhere: importing never changes what somebody else made."""
    with session(engine, OPERATOR) as unit:
        for some in batches(ids):
            wanted = {network.prefix + id_: id_ for id_ in some}
            rows = unit.execute(select(Agent.id, Agent.origin, source()).where(Agent.id.in_(wanted)))
            for agent, origin, first_seen in rows:
                if origin != "network" or first_seen != network.name:
                    where = f"network {first_seen}" if origin == "network" else f"origin {origin}"
                    yield (
                        wanted[agent],
                        f"{agent!r} is already an agent of {where}; tell them apart with --prefix",
                    )


def _read_edges(given: Given, network: Network, report: Report, told: Progress) -> None:
    path = given.edges
    assert path is not None
    listing = given.nodes.name if given.nodes is not None else None
    with table(path, "edges", given.edges_header, told) as found:
        for edge in files.edges(found, given.columns):
            if not isinstance(edge, Edge):
                report.refuse(edge[1].why, found.refusal(*edge))
                continue
            if listing is None:
                _imply(edge, network)
            wrong = _wrong_edge(edge, network, listing)
            if wrong is not None:
                report.refuse(wrong.why, found.refusal(edge.line, wrong))
                continue
            report.rows += 1
            network.sums.setdefault((edge.source, edge.target, edge.kind), Sum(edge.line)).add(edge)
        report.notes += [f"{path}: {note}" for note in found.notes()]


def _imply(edge: Edge, network: Network) -> None:
    """Without a list of nodes every end of an edge is one."""
    for id_ in (edge.source, edge.target):
        if id_ not in network.nodes and len(network.prefix + id_) <= LONGEST_AGENT:
            network.nodes[id_] = Node(edge.line, id_, id_, None, False, {})


def _wrong_edge(edge: Edge, network: Network, listing: str | None) -> Refused | None:
    for end, id_ in (("source", edge.source), ("target", edge.target)):
        if id_ in network.nodes:
            continue
        if id_ in network.outcast:
            return Refused(UNLISTED, f"{end} {id_!r} was refused itself; mend that row and import again")
        if listing is None:
            return Refused(
                UNLISTED, f"prefix and {end} {id_!r:.60} have more than {LONGEST_AGENT} characters"
            )
        return Refused(
            UNLISTED, f"{end} {id_!r} is not listed in {listing}; add it there or leave this row out"
        )
    if edge.source == edge.target:
        return Refused(
            SELF_LOOP, f"{edge.source} leads to itself; a connection joins two agents, leave this row out"
        )
    return None


def _refuse_taken_ends(engine: Engine, given: Given, network: Network, report: Report) -> None:
    for id_, reason in _taken(engine, network, list(network.nodes)):
        node = network.nodes.pop(id_)
        network.outcast.add(id_)
        report.refuse(TAKEN, Refusal(str(given.edges), node.line, reason))
    if not network.outcast:
        return
    for key in [key for key in network.sums if not network.outcast.isdisjoint(key[:2])]:
        dropped = network.sums.pop(key)
        report.rows -= dropped.rows
        reason = f"{key[0]} → {key[1]}: one of them was refused, so was the connection"
        report.refuse(UNLISTED, Refusal(str(given.edges), dropped.line, reason))


def _note_equal_places(network: Network, report: Report) -> None:
    at: dict[Place, str] = {}
    shared: list[tuple[str, str]] = []
    for node in network.nodes.values():
        if node.place is not None:
            first = at.setdefault(rounded(node.place), node.id)
            if first != node.id:
                shared.append((first, node.id))
    if shared:
        one, other = shared[0]
        report.notes.append(
            f"{len(shared):,} nodes stand where another one stands already, such as {other} on {one}; "
            "they are kept there"
        )
