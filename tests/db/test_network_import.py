"""Networks in: what must come out of the real files, and what a file may get wrong."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from db.catalogue.loader import seed
from db.engine import make_engine
from db.metric import Window, read
from db.models import Agent, AgentConnection, NetworkNode
from db.queries.agents import AgentFilter, agent_page
from db.queries.connections import network
from db.services.network_files import Columns
from db.services.network_import import Given, Report, import_network
from db.services.otlp import Invalid
from db.services.otlp_files import import_files
from tests.databases import Databases
from tests.otlp import request, span, write
from tests.sessions import session

ALL = Window.parse("all")


@pytest.fixture(scope="module")
def facts(shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "data" / "facts.json").read_text())
    return found


@pytest.fixture(scope="module")
def three(
    databases: Databases, database_kind: str, shared_data: Path
) -> Iterator[tuple[Engine, list[list[Report]]]]:
    """Worm, estate and, on SQLite, airlines in one database beside the catalogue, each imported twice."""
    folder = shared_data / "data" / "network"
    files = [
        Given(folder / "celegans-neurons.csv", folder / "celegans-connections.csv.gz"),
        Given(None, folder / "jaeger-service-dependencies.json.gz", "estate/"),
        Given(
            folder / "openflights-airports.dat.gz",
            folder / "openflights-routes.dat.gz",
            "airport/",
            Columns(source="from_id", target="to_id"),
            ("id", "name", "city", "country", "iata", "icao", "latitude", "longitude"),
            ("airline", "airline_id", "from", "from_id", "to", "to_id"),
        ),
    ]
    with databases.migrated(database_kind) as url:
        engine = make_engine(url)
        with session(engine, write=True) as unit:
            seed(unit)
        some = files if database_kind == "sqlite" else files[:2]
        yield engine, [[import_network(engine, given) for _ in range(2)] for given in some]
        engine.dispose()


def value(engine: Engine, key: str) -> float | int | None:
    with session(engine) as unit:
        return read(unit, key, ALL).value


def count(engine: Engine, column: Any, *where: Any) -> int:
    with session(engine) as unit:
        return int(unit.scalar(select(func.count(column)).where(*where)) or 0)


# --- the real files -------------------------------------------------------------------------------


def test_the_worm_comes_out_as_the_interfaces_say(three: Any, facts: dict[str, Any]) -> None:
    engine, (worm, *_) = three
    known = facts["network/celegans"]
    assert (worm[0].agents, worm[0].measured, worm[0].computed) == (known["nodes_listed"], 302, 0)
    assert (worm[0].connections, worm[0].rows) == (5759, known["edges_with_both_ends_in_neuron_file"] - 47)
    assert worm[0].why == {"end not listed": known["edges_with_an_unlisted_end"], "self-loop": 47}
    said = [refusal.reason for refusal in worm[0].refused]
    assert len(said) == 1620 and sum("leads to itself" in reason for reason in said) == 47
    assert "'hyp' is not listed in celegans-neurons.csv" in "".join(said)
    again = worm[1]
    assert (again.agents, again.agents_already, again.connections, again.connections_already) == (
        0,
        302,
        0,
        5759,
    )
    assert (again.connections_changed, again.moved) == (0, 0)
    with session(engine) as unit:
        places = unit.execute(
            select(NetworkNode.position_x, NetworkNode.position_y, NetworkNode.position_z)
            .join(Agent, Agent.id == NetworkNode.agent_id)
            .where(Agent.meta["source"].as_string() == "celegans-neurons")
        ).all()
    axes = np.array(places, dtype=float)
    for at, axis in enumerate(("x_um", "y_um", "z_um")):
        stated = known["xyz"][axis]
        assert axes[:, at].min() == pytest.approx(stated["min"], abs=1e-6)
        assert axes[:, at].max() == pytest.approx(stated["max"], abs=1e-6)
        assert axes[:, at].mean() == pytest.approx(stated["mean"], abs=2e-6)


def test_the_worm_keeps_kinds_weights_and_what_the_file_says_of_a_neuron(three: Any) -> None:
    engine, _ = three
    worm = AgentConnection.meta["source"].as_string() == "celegans-neurons"
    with session(engine) as unit:
        kinds = dict(
            unit.execute(
                select(AgentConnection.connection_type, func.count())
                .where(worm)
                .group_by(AgentConnection.connection_type)
            ).all()
        )
        strongest = unit.scalar(select(func.max(AgentConnection.strength)).where(worm))
        heaviest = unit.scalar(select(func.max(AgentConnection.meta["weight"].as_float())).where(worm))
        one = unit.scalars(
            select(AgentConnection).where(
                worm,
                AgentConnection.agent_a_id == "I1L",
                AgentConnection.agent_b_id == "I2L",
                AgentConnection.connection_type == "neural",
            )
        ).one()
        neuron = unit.get(Agent, "ADAL")
        assert set(kinds) == {"neural", "sync"} and sum(kinds.values()) == 5759
        assert strongest == 1
        assert one.meta == {
            "evidence": "imported",
            "source": "celegans-neurons",
            "rows": 1,
            "weight": 10.0,
            "stated": ["chemical"],
        }
        assert float(one.strength or 0) == pytest.approx(10 / heaviest, abs=1e-6)
        assert (one.latency_ms, one.status) == (None, None)
        assert neuron is not None and neuron.origin == "network"
        assert neuron.meta["attributes"] == {"kind": "Interneuron"}
        assert (neuron.status, neuron.efficiency, neuron.last_active) == (None, None, None)


def test_the_estate_comes_in_and_its_places_are_labelled_computed(three: Any, facts: dict[str, Any]) -> None:
    engine, (_, estate, *_) = three
    known = facts["network/jaeger-service-dependencies.json.gz"]
    assert (estate[0].agents, estate[0].computed, estate[0].measured) == (known["nodes_listed"], 1238, 0)
    assert (estate[0].connections, estate[0].refused) == (known["distinct_directed_pairs"], [])
    assert (estate[1].agents, estate[1].connections, estate[1].computed) == (0, 0, 0)
    rows = AgentConnection.meta["source"].as_string() == "estate"
    with session(engine) as unit:
        weights = unit.scalar(select(func.sum(AgentConnection.meta["weight"].as_float())).where(rows))
        kinds = set(unit.scalars(select(AgentConnection.connection_type).where(rows)))
    assert (weights, kinds) == (known["call_count_total"], {"data"})
    position = NetworkNode.meta["position"].as_string()
    assert (
        count(engine, NetworkNode.id, NetworkNode.agent_id.like("estate/%"), position == "computed") == 1238
    )


@pytest.mark.databases("sqlite")
def test_airports_stand_on_a_ball_and_routes_of_a_pair_are_one_connection(
    three: Any, facts: dict[str, Any]
) -> None:
    engine, (*_, air) = three
    known = facts["network/openflights"]
    assert (air[0].agents, air[0].measured) == (known["airports"], known["airports"])
    assert air[0].why == {
        "end not listed": known["edges_with_an_unlisted_end"],
        "self-loop": known["self_loops"],
        "without an id": known["route_rows"] - known["route_rows_with_both_ids"],
    }
    assert air[0].rows + air[0].why.total() == known["route_rows"]
    assert (air[0].connections, air[1].connections_already) == (36_906, 36_906)
    with session(engine) as unit:
        frankfurt = unit.scalars(
            select(NetworkNode).where(NetworkNode.node_name == "Frankfurt am Main Airport")
        ).one()
        place = [float(at or 0) for at in (frankfurt.position_x, frankfurt.position_y, frankfurt.position_z)]
        row = unit.scalars(
            select(AgentConnection).where(AgentConnection.agent_a_id == "airport/340").limit(1)
        ).one()
    lat, lon = np.radians(50.033333), np.radians(8.570556)
    assert np.allclose(place, [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], atol=1e-5)
    assert "latitude" in (frankfurt.meta or {})["projection"]
    assert row.strength is None and "weight" not in row.meta and row.meta["rows"] >= 1


def test_imported_is_neither_observed_nor_operational(three: Any) -> None:
    engine, reports = three
    assert value(engine, "fleet.connections_imported") == sum(first.connections for first, _ in reports)
    for key in ("fleet.agents_observed", "fleet.agents_operational", "fleet.connections", "calls.count"):
        assert value(engine, key) == 0, key
    assert value(engine, "fleet.agents_configured") == 139
    with session(engine) as unit:
        listed, total = agent_page(unit, ALL, AgentFilter(origin="network"))
    assert total == sum(first.agents for first, _ in reports) and {row.state for row in listed} == {"unknown"}


@pytest.mark.databases("sqlite")
def test_the_map_shows_them_and_says_what_it_leaves_out(three: Any) -> None:
    engine, _ = three
    with session(engine) as unit:
        drawn = network(unit, ALL, AgentFilter(origin="network"))
        found = network(unit, ALL, AgentFilter(search="estate/"))
    assert len(drawn.nodes) == 2000 and drawn.left_out == 302 + 1238 + 7698 - 2000
    assert len(found.nodes) == 1238 and len(found.edges) == 4271
    assert {edge["evidence"] for edge in found.edges} == {"imported"}


def test_a_measured_network_takes_no_room_from_computed_places(three: Any) -> None:
    """The worm is 720 micrometres long; what the layout places afterwards still stands beside the catalogue."""
    engine, _ = three
    with session(engine) as unit:
        places = unit.execute(
            select(NetworkNode.position_x, NetworkNode.position_y, NetworkNode.position_z).where(
                NetworkNode.meta["position"].as_string() == "computed"
            )
        ).all()
    assert np.abs(np.array(places, dtype=float)).max() < 60


# --- what a file may get wrong --------------------------------------------------------------------


@pytest.fixture
def bring(engine: Engine, tmp_path: Path) -> Any:
    """Import texts as files: `bring(nodes=..., edges=..., **Given's own)`."""

    def run(nodes: str | bytes | None = None, edges: str | bytes | None = None, **more: Any) -> Report:
        paths: list[Path | None] = []
        for name, content in (("nodes.csv", nodes), ("edges.csv", edges)):
            path = tmp_path / name
            if content is not None:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            paths.append(path if content is not None else None)
        return import_network(engine, Given(*paths, **more))

    return run


def reasons(report: Report) -> str:
    return "\n".join(map(str, report.refused))


def connections(engine: Engine) -> dict[tuple[str, str, str], Any]:
    with Session(engine) as unit:
        rows = unit.scalars(select(AgentConnection)).all()
    return {(row.agent_a_id, row.agent_b_id, row.connection_type): row for row in rows}


def test_parallel_edges_are_added_up_and_kinds_kept_apart(bring: Any, engine: Engine) -> None:
    rows = [
        "source,target,weight,kind",
        "a,b,2,chemical",
        "a,b,3,chemical",
        "a,b,1,electrical",
        "b,a,4,peptide",
    ]
    report = bring("id\na\nb\nc\n", "\n".join(rows))
    found = connections(engine)
    assert (report.connections, report.rows, report.refused) == (3, 4, [])
    assert found["a", "b", "neural"].meta["weight"] == 5 and found["a", "b", "neural"].meta["rows"] == 2
    assert float(found["b", "a", "neural"].strength or 0) == 0.8
    assert found["b", "a", "neural"].meta["stated"] == ["peptide"]
    assert found["a", "b", "sync"].meta["weight"] == 1


def test_the_same_file_with_other_weights_changes_only_what_differs(bring: Any, engine: Engine) -> None:
    bring("id,x,y,z\na,1,1,1\nb,2,2,2\n", "source,target,weight\na,b,2\nb,a,4\n")
    report = bring("id,x,y,z\na,1,1,1\nb,2,2,3\n", "source,target,weight\na,b,3\nb,a,4\n")
    assert (report.connections_changed, report.connections_already, report.moved) == (1, 1, 1)
    assert float(connections(engine)["a", "b", "neural"].strength or 0) == 0.75


def test_a_place_set_by_hand_and_a_measured_connection_stay(
    bring: Any, engine: Engine, tmp_path: Path
) -> None:
    bring("id,x,y,z\na,1,1,1\nb,2,2,2\n")
    with session(engine, write=True) as unit:
        unit.execute(
            update(NetworkNode).where(NetworkNode.agent_id == "a").values(meta={"position": "placed"})
        )
        unit.add(
            AgentConnection(
                agent_a_id="a", agent_b_id="b", connection_type="neural", meta={"evidence": "declared"}
            )
        )
    report = bring("id,x,y,z\na,9,9,9\nb,2,2,2\n", "source,target,weight\na,b,3\n")
    assert (report.moved, report.connections, report.connections_already) == (0, 0, 1)
    assert connections(engine)["a", "b", "neural"].meta == {"evidence": "declared"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b,NaN,1,1", "is not a finite number"),
        ("b,inf,1,1", "is not a finite number"),
        ("b,1e300,1,1", "larger unit"),
        ("b,far,1,1", "is not a number"),
        ("b,1_0,1,1", "is not a number"),
        ("b,١,1,1", "is not a number"),
        ("b,,1,1", "x is missing; give all coordinates or none"),
        ("a,2,2,2", "stands already in line 2"),
        (",1,1,1", "id is empty"),
        ("b,1,1,1,1,1", "6 fields where the first line names 4"),
        ("b" * 300 + ",1,1,1", "has 300 characters"),
    ],
)
def test_a_wrong_node_is_refused_by_line_and_the_others_stay(bring: Any, row: str, reason: str) -> None:
    report = bring(f"id,x,y,z\na,1,1,1\n{row}\nc,3,3,3\n", "source,target\na,c\na,b\n")
    assert report.agents == 2 and report.measured == 2 and report.connections == 1
    assert reason in reasons(report) and "nodes.csv:3:" in reasons(report)
    assert "edges.csv:3: target 'b' is not listed" in reasons(report)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,a,1", "leads to itself"),
        ("a,zz,1", "target 'zz' is not listed in nodes.csv"),
        ("yy,a,1", "source 'yy' is not listed in nodes.csv"),
        ("a,,1", "target is empty"),
        ("a,b,-1", "must lie between 0"),
        ("a,b,nan", "not a finite number"),
        ("a,b,1e300", "must lie between 0"),
        ("a,b,", "weight is empty"),
        ("a,b,many", "is not a number"),
    ],
)
def test_a_wrong_edge_is_refused_by_line_and_the_others_stay(bring: Any, row: str, reason: str) -> None:
    report = bring("id\na\nb\n", f"source,target,weight\n{row}\nb,a,1\n")
    assert report.connections == 1 and report.agents == 2
    assert "edges.csv:2: " in reasons(report) and reason in reasons(report)


def test_equal_places_are_kept_and_said_and_missing_ones_computed(bring: Any, engine: Engine) -> None:
    report = bring("id,x,y,z\na,1,1,1\nb,1,1,1\nc,,,\nd,\\N,\\N,\\N\n")
    assert (report.agents, report.measured, report.computed) == (4, 2, 2)
    assert "1 nodes stand where another one stands already, such as b on a" in str(report)
    with Session(engine) as unit:
        found = dict(
            unit.execute(select(NetworkNode.agent_id, NetworkNode.meta["position"].as_string())).all()
        )
    assert found == {"a": "measured", "b": "measured", "c": "computed", "d": "computed"}


def test_islands_of_the_layout_stand_apart(bring: Any, engine: Engine) -> None:
    bring(None, "source,target\n" + "".join(f"i{n},j{n}\n" for n in range(30)))
    with Session(engine) as unit:
        rows = unit.execute(
            select(NetworkNode.position_x, NetworkNode.position_y, NetworkNode.position_z)
        ).all()
    places = np.array(rows, dtype=float)
    near = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(60) * 9
    assert len(places) == 60 and near.min() > 0.5


def test_an_agent_from_elsewhere_is_never_taken_over(bring: Any, engine: Engine, tmp_path: Path) -> None:
    import_files(engine, [write(tmp_path / "t.jsonl", request(span(1), service="shop"))])
    listed = bring("id\nshop\nb\n", "source,target\nshop,b\nb,c\n")
    assert (
        "nodes.csv:2: 'shop' is already an agent of origin telemetry; tell them apart with --prefix"
        in reasons(listed)
    )
    assert "source 'shop' was refused itself" in reasons(listed)
    implied = bring(None, "source,target\nshop,q\nq,r\n")
    assert implied.connections == 1 and "origin telemetry" in reasons(implied)
    mixed = bring("id\nq\n", None, prefix="")
    assert "already an agent of network edges" in reasons(mixed)
    assert bring("id\nshop\nq\n", None, prefix="mine/").agents == 2
    with Session(engine) as unit:
        assert unit.get_one(Agent, "shop").origin == "telemetry"


@pytest.mark.databases("sqlite")
def test_semicolons_decimal_commas_quotes_blanks_and_a_byte_order_mark(bring: Any, engine: Engine) -> None:
    nodes = '\ufeffid;name;x;y;z\n\n"a";"Smith; John";1,5;2,5;0\n  b  ;=1+1;2;2;2\n'
    assert bring(nodes, "source;target;weight\na;b;0,5\n").agents == 2
    with Session(engine) as unit:
        names = dict(unit.execute(select(Agent.id, Agent.name)).all())
        at = unit.scalar(select(NetworkNode.position_x).where(NetworkNode.agent_id == "a"))
    assert names == {"a": "Smith; John", "b": "=1+1"} and float(at or 0) == 1.5


@pytest.mark.databases("sqlite")
def test_another_encoding_is_read_and_said(bring: Any, engine: Engine) -> None:
    report = bring("id,name\na,Åse\nb,plain\n".encode("cp1252"))
    assert report.agents == 2 and "not UTF-8 and were read as Windows-1252" in str(report)
    with Session(engine) as unit:
        assert set(unit.scalars(select(Agent.name))) == {"Åse", "plain"}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("nodes", "edges", "reason"),
    [
        (b"", None, "is empty"),
        ("x,y\n1,2\n", None, "name it with --id"),
        ("id,id\n1,2\n", None, "the field 'id' is there twice"),
        ("id\na\n", "a,b\n1,2\n", "name them with --source and --target"),
        ("id\na\n", "[1, 2", "not valid JSON"),
        ("id\na\n", '{"rows": []}', "no list of edges"),
        (None, '{"nodes": [{"id": 1, "x": -Infinity}], "links": []}', "write null where it says Infinity"),
        (None, gzip.compress(b"source,target\na,b\n" * 5000, mtime=0)[:60], "damaged or cut off"),
        (b"i" * 5_000_000, None, "more than 4 MiB"),
        (None, None, "name a file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(bring: Any, nodes: Any, edges: Any, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        bring(nodes, edges)


@pytest.mark.databases("sqlite")
def test_options_that_name_nothing_are_refused(bring: Any) -> None:
    for more, reason in (
        ({"columns": Columns(weight="w8")}, "no column 'w8' for --weight; it has: 'source', 'target'"),
        ({"columns": Columns(id="name")}, "--id names a column of --nodes, which is not given"),
        ({"prefix": "p" * 100}, "--prefix"),
    ):
        with pytest.raises(Invalid, match=reason):
            bring(None, "source,target\na,b\n", **more)


@pytest.mark.databases("sqlite")
def test_rows_that_break_are_told_and_the_rest_is_read(bring: Any) -> None:
    report = bring(b"id,name\na,one\nb,\0two\nc," + b"x" * 5_000_000 + b"\nd,four\ne\nf,six\n")
    said = reasons(report)
    assert "nodes.csv:3: a NUL byte" in said and "nodes.csv:4: a line of more than 4 MiB" in said
    assert "nodes.csv:6: 1 fields where the first line names 2" in said
    assert report.agents == 3 and report.why["unreadable"] == 3


@pytest.mark.databases("sqlite")
def test_a_document_of_nodes_and_links(bring: Any, engine: Engine) -> None:
    document = {
        "nodes": [{"id": 1, "x": 0, "y": 0.5, "z": 2}, {"id": 2, "x": 1, "y": 1, "z": 1}, 7],
        "links": [
            {"source": 1, "target": 2, "value": 3, "type": "sync"},
            {"source": 1, "target": 9, "value": 1},
        ],
    }
    report = bring(None, json.dumps(document))
    assert (report.agents, report.measured, report.connections) == (2, 2, 1)
    assert "item 3: a JSON int where an object belongs" in reasons(report)
    assert "item 2: target '9' is not listed" in reasons(report)
    assert connections(engine)["1", "2", "sync"].meta["weight"] == 3


@pytest.mark.databases("sqlite")
def test_places_nowhere_on_earth(bring: Any) -> None:
    report = bring("id,lat,lon\na,91,0\nb,0,181\nc,-90,180\n")
    assert report.measured == 1 and reasons(report).count("nowhere on Earth") == 2


@pytest.mark.databases("sqlite")
def test_the_position_in_the_file_is_told_while_it_is_read(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "edges.csv"
    path.write_text("source,target\n" + "".join(f"a{n},b{n}\n" for n in range(4500)))
    told: list[tuple[int, int, int]] = []
    import_network(engine, Given(None, path), lambda *at: told.append(at))
    assert [rows for _, _, rows in told] == [2000, 4000]
    assert all(0 < done <= total == path.stat().st_size for done, total, _ in told)
