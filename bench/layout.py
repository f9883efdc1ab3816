"""Where agents stand: CPU time against igraph's Fruchterman-Reingold in 3D, and what the layout promises at 139."""

import random
import subprocess
import sys
from time import process_time
from typing import Any

import click
import numpy as np

from bench.graph3d.gen import SIZES
from bench.report import CACHE, ROOT, Row, at_least, at_most, spread
from db.layout import squad_layout
from tests.db.test_layout import hub_graph, neighbours_kept, purity

ROUNDS = 3
SECTION = "Layout"
PACKAGES = CACHE / "python"
REQUIREMENTS = ROOT / "bench" / "requirements.txt"
CPU, PURITY, NEIGHBOURS = 0.05, 0.98, 0.55


def measure() -> list[Row]:
    click.echo("layout: the squad layout and igraph")
    return [_against_igraph("1k/3k"), *_promises("139/400")]


def _against_igraph(size: str) -> Row:
    igraph = _igraph()
    agents, connections, squads = SIZES[size]
    groups, edges = hub_graph(agents, connections, squads, seed=1)
    peer = igraph.Graph(n=agents, edges=edges)
    squad_layout(groups, edges)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_cpu_ms(lambda: squad_layout(groups, edges)))
        random.seed(7)  # igraph asks Python's generator
        theirs.append(_cpu_ms(lambda: peer.layout_fruchterman_reingold_3d()))
    ratio = float(np.median(ours) / np.median(theirs))
    said = spread(ours, "CPU-ms"), f"igraph {spread(theirs, 'CPU-ms', 0)}"
    return at_most(SECTION, f"{size}: layout against igraph's Fruchterman-Reingold 3D", *said, ratio, CPU)


def _promises(size: str) -> list[Row]:
    agents, connections, squads = SIZES[size]
    groups, edges = hub_graph(agents, connections, squads, seed=1)
    places = squad_layout(groups, edges)
    one_more = {number: tuple(map(float, place)) for number, place in enumerate(places)}
    joined = squad_layout([*groups, groups[0]], [*edges, (0, agents)], pinned=one_more)
    moved = float(np.abs(joined[:agents] - places).max())
    pure, kept = purity(groups, places), neighbours_kept(edges, places)
    return [
        at_least(
            SECTION,
            f"{size}: share of the ten nearest that are of the same squad",
            f"{pure:.3f}",
            "",
            pure,
            PURITY,
        ),
        at_least(
            SECTION,
            f"{size}: share of graph neighbours among the nearest",
            f"{kept:.3f}",
            "",
            kept,
            NEIGHBOURS,
        ),
        Row(SECTION, f"{size}: way that agents move when one joins", f"{moved:g}", "", None, "0", moved == 0),
    ]


def _cpu_ms(work: Any) -> float:
    begin = process_time()
    work()
    return (process_time() - begin) * 1000


def _igraph() -> Any:
    """igraph, installed beside the bench on first use."""
    mark = PACKAGES / "requirements.txt"
    if not mark.exists() or mark.read_text() != REQUIREMENTS.read_text():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--quiet",
            "--upgrade",
        ]
        subprocess.run(
            [*command, "--no-deps", "--target", str(PACKAGES), "-r", str(REQUIREMENTS)], check=True
        )
        mark.write_text(REQUIREMENTS.read_text())
    sys.path.append(str(PACKAGES))
    import igraph

    return igraph


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
