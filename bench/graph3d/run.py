"""The map, raw three.js and 3d-force-graph in turns in one page: rotation, first paint, bytes, idle frames.

Unit: CPU-milliseconds of Chromium's renderer (JavaScript) and graphics process (WebGL in software) from /proc.
Each candidate is warmed at the small size; then three rounds in shuffled order. Before a rotation is timed, one frame
is drawn and three animation frames pass.
"""

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import click
import plotly
from playwright.sync_api import Page, sync_playwright

from bench.graph3d.gen import SIZES, Graph, make
from bench.processes import browser_cpu_ms
from bench.report import CACHE, ROOT, Row, at_most, spread
from tests import chromium

HERE = Path(__file__).resolve().parent
PEERS = CACHE / "graph3d" / "peers.js"
SECTION = "Map in the browser"
CANDIDATES = ("ours", "three", "force", "plain")
ROUNDS = 3
FRAMES = {"139/400": 30, "1k/3k": 12}
IDLE_MS = 2000
FREE_RUNNING = ("--disable-frame-rate-limit", "--disable-gpu-vsync")
WORKING = ("renderer", "gpu-process")
# By size: rotation against three and 3d-force-graph, first paint against 3d-force-graph.
BUDGETS = {"139/400": (3.0, 1.0, 1.2), "1k/3k": (2.5, 0.6, 0.7)}
PAYLOAD = 0.75


@dataclass(frozen=True)
class Run:
    """One candidate once: CPU-ms until the first frame, CPU-ms per rotation frame, and JavaScript's part of that."""

    paint: float
    frame: float
    frame_js: float


def measure() -> list[Row]:
    _bundle()
    graphs = {size: make(size) for size in SIZES}
    with _page() as page:
        for name in CANDIDATES:
            _run(page, name, graphs["139/400"], 5)
        found = [row for size in SIZES for row in _compare(page, size, graphs[size])]
        found += _idle(page, graphs)
    return found + [_payload(size, graph) for size, graph in graphs.items()]


def _bundle() -> None:
    """peers.js out of the pinned packages; again only when they changed."""
    sources = [HERE / "peers.js", HERE / "package-lock.json"]
    if PEERS.exists() and PEERS.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return
    try:
        # Nothing of what is installed may run code of its own while it is installed.
        subprocess.run(
            ["npm", "ci", "--ignore-scripts"], cwd=HERE, check=True, capture_output=True, text=True
        )
        subprocess.run(["npm", "run", "build"], cwd=HERE, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise RuntimeError("the peers of the map are bundled with npm; install Node.js 20 or newer") from None
    except subprocess.CalledProcessError as error:
        raise RuntimeError(
            f"the peers could not be bundled: {(error.stderr or error.stdout).strip()}"
        ) from error


@contextmanager
def _page() -> Iterator[Page]:
    """An empty page with Plotly, the application's own map scripts, and the peers."""
    scripts = [
        HERE / "adapters.js",
        Path(plotly.__file__).parent / "package_data" / "plotly.min.js",
        ROOT / "assets" / "map-canvas.js",
        ROOT / "assets" / "map-data.js",
        ROOT / "assets" / "map-marks.js",
        ROOT / "assets" / "map.js",
        PEERS,
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.find()), args=[*chromium.FLAGS, *FREE_RUNNING]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_content(
            '<!doctype html><html lang="en" data-bs-theme="dark"><body style="margin:0"></body></html>'
        )
        for sheet in ("theme.css", "map.css"):
            page.add_style_tag(path=ROOT / "assets" / sheet)
        for script in scripts:
            page.add_script_tag(path=script)
        yield page
        browser.close()


def _compare(page: Page, size: str, graph: Graph) -> list[Row]:
    runs: dict[str, list[Run]] = {name: [] for name in CANDIDATES}
    order = random.Random(5)
    for _ in range(ROUNDS):
        for name in order.sample(CANDIDATES, len(CANDIDATES)):
            runs[name].append(_run(page, name, graph, FRAMES[size]))
    click.echo(
        f"  {size}: "
        + ", ".join(f"{name} {median(run.frame for run in runs[name]):.0f} CPU-ms" for name in runs)
    )
    to_three, to_force, paint = BUDGETS[size]
    return [
        _ratio(f"{size}: rotation frame against raw three.js", runs, "frame", "three", to_three),
        _ratio(
            f"{size}: rotation frame against 3d-force-graph, places fixed", runs, "frame", "force", to_force
        ),
        _ratio(f"{size}: first paint against 3d-force-graph", runs, "paint", "force", paint),
        _unsmoothed(size, runs),
        _script(size, runs),
    ]


def _ratio(metric: str, runs: dict[str, list[Run]], what: str, peer: str, limit: float) -> Row:
    own, other = ([getattr(run, what) for run in runs[name]] for name in ("ours", peer))
    ratio = median(own) / median(other)
    return at_most(SECTION, metric, spread(own, "CPU-ms"), spread(other, "CPU-ms"), ratio, limit)


def _unsmoothed(size: str, runs: dict[str, list[Run]]) -> Row:
    """Without a graphics card the map asks for a canvas without smooth edges: three.js beside it with the same."""
    own, other = ([run.frame for run in runs[name]] for name in ("ours", "plain"))
    metric = f"{size}: rotation frame beside raw three.js without smooth edges, as the map asks for here"
    return Row(SECTION, metric, spread(own, "CPU-ms"), spread(other, "CPU-ms"), median(own) / median(other))


def _script(size: str, runs: dict[str, list[Run]]) -> Row:
    """The part of a rotation frame that carries over to a machine with a graphics card."""
    own, other = ([run.frame_js for run in runs[name]] for name in ("ours", "force"))
    metric = f"{size}: JavaScript alone of a rotation frame, beside 3d-force-graph's"
    return Row(SECTION, metric, spread(own, "CPU-ms"), spread(other, "CPU-ms"), median(own) / median(other))


def _run(page: Page, name: str, graph: Graph, frames: int) -> Run:
    paint = _spent(page, "([name, text]) => bench.build(name, text)", [name, graph.payloads[name]])
    page.evaluate("() => bench.settle()")
    turned = _spent(page, "(count) => bench.rotate(count)", frames)
    page.evaluate("() => bench.dispose()")
    return Run(sum(paint), sum(turned) / frames, turned[0] / frames)


def _spent(page: Page, script: str, given: object) -> tuple[float, float]:
    """CPU-ms of the renderer and of the graphics process that a script took."""
    before, begin = browser_cpu_ms(), perf_counter()
    page.evaluate(script, given)
    after = browser_cpu_ms()
    spent = tuple(after.get(kind, 0.0) - before.get(kind, 0.0) for kind in WORKING)
    if not sum(spent):
        raise RuntimeError(
            f"no CPU time of Chromium was seen in {perf_counter() - begin:.1f} s; this needs /proc"
        )
    return spent[0], spent[1]


def _idle(page: Page, graphs: dict[str, Graph]) -> list[Row]:
    """Frames painted while nobody does anything."""
    painted = {}
    for name in ("ours", "force"):
        page.evaluate("([name, text]) => bench.build(name, text)", [name, graphs["139/400"].payloads[name]])
        painted[name] = page.evaluate("(ms) => bench.idle(ms)", IDLE_MS)
        page.evaluate("() => bench.dispose()")
    ours, force = painted["ours"], painted["force"]
    metric = "139/400: frames painted in 2 s while nobody does anything"
    return [Row(SECTION, metric, str(ours), f"3d-force-graph {force}", None, "0", ours == 0)]


def _payload(size: str, graph: Graph) -> Row:
    metric = (
        f"{size}: bytes of the figure against the same traces through Plotly's serialiser (float32, base64)"
    )
    ours, peer = f"{graph.sent / 1000:,.0f} kB", f"{graph.plotly_sent / 1000:,.0f} kB"
    ratio = graph.sent / graph.plotly_sent
    if size == "1k/3k":
        return at_most(SECTION, metric, ours, peer, ratio, PAYLOAD)
    return Row(SECTION, metric, ours, peer, ratio)


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
