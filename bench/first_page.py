"""The first page in a real browser, cold and again: requests, bytes on the wire, bytes as the browser reads them.

`quantum serve` serves (gunicorn); Chromium's own network events count, headers included. The page is the overview
with the shop minute in it, so that charts and the map are part of it.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import click
from playwright.sync_api import BrowserContext, sync_playwright

from bench.databases import shop_minute
from bench.report import ROOT, Row, at_least
from db.engine import make_engine
from db.schema import upgrade
from db.services.otlp_files import import_files
from tests import chromium

SECTION = "First page"
LEAST_SAVED = 0.70
YEAR_S = 31_536_000
PASSWORD = "violet harbour 47"
LAST_FIGURE = "#overview-map .js-plotly-plot"
STARTING_S, LOADING_S = 60, 120


@dataclass
class Loaded:
    """What came for one page: URL, bytes on the wire, bytes unpacked, from the browser's own store, cache-control."""

    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Those that went over the wire."""
        return [each for each in self.requests if not each["kept"]]

    @property
    def wire(self) -> int:
        return sum(each["wire"] for each in self.asked)

    @property
    def plain(self) -> int:
        return sum(each["plain"] for each in self.requests)


def measure() -> list[Row]:
    click.echo("first page: quantum serve and Chromium")
    with tempfile.TemporaryDirectory(prefix="quantum-bench-") as folder, _served(Path(folder)) as address:
        return _rows(*_twice(address))


def _twice(address: str) -> tuple[Loaded, Loaded]:
    """The overview with nothing kept, and once more."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium.find()), args=list(chromium.FLAGS))
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        _sign_up(context, address)
        _forget(context)
        cold, warm = (_load(context, f"{address}/?range=all") for _ in range(2))
        browser.close()
    return cold, warm


def _rows(cold: Loaded, warm: Loaded) -> list[Row]:
    named = [each for each in cold.requests if _fingerprinted(each["url"])]
    short = [each["url"] for each in named if not _kept_for_long(each["cache"])]
    if short or not named:
        raise AssertionError(f"a fingerprinted file may not be kept for a year: {short or 'there is none'}")
    again = [each["url"] for each in warm.asked if _fingerprinted(each["url"])]
    saved = 1 - cold.wire / cold.plain
    return [
        Row(SECTION, "cold: requests", f"{len(cold.requests)}"),
        at_least(
            SECTION,
            "cold: share saved by compression, headers counted as sent",
            f"{_kb(cold.wire)} on the wire",
            f"{_kb(cold.plain)} plain",
            saved,
            LEAST_SAVED,
        ),
        Row(
            SECTION,
            "warm: requests over the wire",
            f"{len(warm.asked)} of {len(warm.requests)}",
            f"cold {len(cold.asked)}",
            len(warm.asked) / len(cold.asked),
        ),
        Row(
            SECTION,
            "warm: bytes on the wire",
            _kb(warm.wire),
            f"cold {_kb(cold.wire)}",
            warm.wire / cold.wire,
        ),
        Row(
            SECTION,
            "fingerprinted files kept for a year, none asked for again",
            f"{len(named)} files, {len(again)} asked for again",
            budget="all, 0",
            holds=not again,
        ),
    ]


def _kb(count: int) -> str:
    return f"{count / 1000:,.0f} kB"


def _fingerprinted(url: str) -> bool:
    """Dash names the version in the file's name, or in `?m=` for our own files."""
    parts = urlsplit(url)
    named = parts.path.startswith("/_dash-component-suites/") and ".v" in parts.path and "m1" in parts.path
    return named or (parts.path.startswith("/assets/") and "m" in parse_qs(parts.query))


def _kept_for_long(cache: str) -> bool:
    said = dict(part.strip().partition("=")[::2] for part in cache.split(","))
    return int(said.get("max-age") or 0) >= YEAR_S


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The application as a person starts it, with the shop minute stored."""
    url = f"sqlite:///{folder / 'quantum.db'}"
    upgrade(url)
    engine = make_engine(url)
    import_files(engine, [shop_minute()[0]])
    engine.dispose()
    port = _free_port()
    own = {
        "QUANTUM_ENV": "demo",
        "QUANTUM_DATABASE_URL": url,
        "QUANTUM_DATA_DIR": str(folder),
        "QUANTUM_PORT": str(port),
    }
    environ = {key: value for key, value in os.environ.items() if not key.startswith("QUANTUM_")} | own
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "cli.py", "serve"], cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await(f"http://127.0.0.1:{port}/login", server, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTING_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urlopen(address, timeout=10).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the application did not start: {log.read_text(errors='replace')[-2000:]}")


def _sign_up(context: BrowserContext, address: str) -> None:
    """An account of its own; the sign-in stays with the context."""
    page = context.new_page()
    page.goto(f"{address}/register")
    page.fill("input[name=email]", "reader@example.com")
    page.fill("input[name=username]", "reader")
    page.fill("input[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.wait_for_url(lambda url: "/register" not in url, timeout=LOADING_S * 1000)
    page.close()


def _forget(context: BrowserContext) -> None:
    """Empty the browser's store of files: what signing up loaded would make the first page warm."""
    page = context.new_page()
    context.new_cdp_session(page).send("Network.clearBrowserCache")
    page.close()


def _load(context: BrowserContext, address: str) -> Loaded:
    """Open the address in a new tab and watch until the map, its last figure, is drawn."""
    page = context.new_page()
    seen: dict[str, dict[str, Any]] = {}
    network = context.new_cdp_session(page)
    network.send("Network.enable")

    def entry(event: dict[str, Any]) -> dict[str, Any]:
        return seen.setdefault(
            event["requestId"], {"url": "", "wire": 0, "plain": 0, "kept": False, "cache": ""}
        )

    def answered(event: dict[str, Any]) -> None:
        response = event["response"]
        headers = {name.lower(): value for name, value in response["headers"].items()}
        known = entry(event)
        known.update(url=response["url"], cache=headers.get("cache-control", ""))
        known["kept"] = known["kept"] or response.get("fromDiskCache", False)

    def came(event: dict[str, Any]) -> None:
        entry(event)["plain"] += event["dataLength"]

    def finished(event: dict[str, Any]) -> None:
        entry(event)["wire"] = event["encodedDataLength"]

    network.on("Network.responseReceived", answered)
    network.on("Network.requestServedFromCache", lambda event: entry(event).update(kept=True))
    network.on("Network.dataReceived", came)
    network.on("Network.loadingFinished", finished)
    page.goto(address)
    page.locator(LAST_FIGURE).first.wait_for(state="attached", timeout=LOADING_S * 1000)
    page.wait_for_load_state("networkidle")
    page.close()
    return Loaded([each for each in seen.values() if each["url"].startswith("http")])


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
