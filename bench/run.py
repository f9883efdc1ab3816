"""`make bench`: every measurement, one after the other, into bench/RESULTS.md. Exit 1 when a budget is missed.

`python -m bench.run layout map` measures these parts only and writes nothing.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

import click

from bench import access, comparison, first_page, import_rate, layout, machines, pages, rest, store_rate
from bench.databases import shop_minute
from bench.graph3d import run as graph3d
from bench.report import RESULTS, ROOT, Row, write

PARTS: dict[str, Callable[[], list[Row]]] = {
    "import": import_rate.measure,
    "ingest": machines.measure,
    "store": store_rate.measure,
    "pages": pages.measure,
    "rest": rest.measure,
    "access": access.measure,
    "first-page": first_page.measure,
    "layout": layout.measure,
    "map": graph3d.measure,
}


def main(wanted: Sequence[str]) -> int:
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        raise SystemExit(f"There is no part {unknown[0]!r}. Known are: {', '.join(PARTS)}")
    begin, rows, loads = perf_counter(), [], []
    for name in wanted or PARTS:
        loads.append(os.getloadavg()[0])
        part = perf_counter()
        rows += PARTS[name]()
        click.echo(f"{name}: {perf_counter() - part:.0f} s", err=True)
    if wanted:
        for row in rows:
            click.echo(f"{row.metric}: {row.ours} | {row.peer} | {row.ratio} {row.budget} {row.verdict}")
    else:
        click.echo(write(rows, perf_counter() - begin, loads, _notes(loads)))
        comparison.write()
        click.echo(f"Written to {RESULTS.relative_to(ROOT)} and {comparison.PAGE.relative_to(ROOT)}.")
    return 1 if any(row.holds is False for row in rows) else 0


def _notes(loads: Sequence[float]) -> list[str]:
    cores = os.cpu_count() or 1
    notes = [
        f"Data of import and pages: {shop_minute()[1]}.",
        "Import: the peer inserts the very rows that the import wrote, ready made in memory, in batches of the same "
        "size; it neither reads a file nor checks, attributes or looks up anything. The ratio is the median of the "
        "three rounds' ratios.",
        "Store: as the import, with protobuf bodies as they come over HTTP, in batches of 512.",
        "Pages: `ours` is the larger fleet, `peer` the smaller one, on the same database; a query is a statement sent, "
        "a row one that came back. CRM has a tenth as many deals as there are spans. PostgreSQL is vacuumed and "
        "analysed before, as it would do by itself within minutes.",
        "Row security: three tables of a million rows each, a thousand people. `ours` is the statement the application "
        "sends, on its own login; the peer is the same statement with its filter written by hand, on a login that row "
        "security does not bind. Each round's figure is its fastest execution.",
        f"Map: peers are {_peers()}; igraph {_igraph_version()}. CPU-ms are those of Chromium's renderer and of its "
        "graphics process, which draws WebGL in software here. A graphics card takes the second part away.",
        "Map: the application's figure carries hulls, rings, dots to point at, curved lines, names and texts for "
        "hover; the peers draw points or spheres and straight lines only.",
        *comparison.NOTES,
        "Not measured yet: updates of the state (they belong to live updates) and 10,000 nodes (to level of detail).",
    ]
    if max(loads) > cores:
        notes.insert(0, f"**Others were working on this machine** (load up to {max(loads):.1f} on {cores} cores): "
                        "times are too long, and ratios of wall time may be off.")  # fmt: skip
    return notes


def _peers() -> str:
    wanted = json.loads((ROOT / "bench" / "graph3d" / "package.json").read_text())["devDependencies"]
    return ", ".join(f"{name} {pinned}" for name, pinned in wanted.items() if name != "esbuild")


def _igraph_version() -> str:
    lines = layout.REQUIREMENTS.read_text().splitlines()
    return next(line.removeprefix("igraph==") for line in lines if line.startswith("igraph=="))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
