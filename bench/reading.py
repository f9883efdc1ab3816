"""Twenty people read the overview while programs report: what reporting adds to their waiting.

Each of the twenty is signed in with a session of their own and reads the overview of the recorded minute again every
fifteen seconds, each at another moment. Meanwhile an exporter sends spans that happen now, so that what is read stays
the same. Quiet is measured before and after, and the middle of the two is what reporting is held against.
"""

import re
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import click
import requests

from bench.databases import databases, shop_minute
from bench.ingest import await_count, count_spans
from bench.ours import Ours, serving
from bench.report import Row, at_most
from bench.sending import Sent, apart, bodies, percentile, renamed, send_all, steadily
from tests.people import make_person

SECTION = "Ingest"
PEOPLE, EVERY, STRETCH = 20, 15.0, 60.0
SPANS_PER_SECOND, BATCH = 2_000, 512
SLOWER, PASSWORD = 1.5, "violet harbour 47"
WINDOW = "?range=2022-08-22T03:00:00Z/2022-08-22T05:00:00Z"
STEP = 0.035  # seconds; a delayed acknowledgement takes 0.04
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def measure() -> list[Row]:
    file, what = shop_minute()
    click.echo(f"reading: {PEOPLE} people, {what}")
    found = bodies(file)
    with (
        databases() as made,
        tempfile.TemporaryDirectory(prefix="quantum-reading-") as folder,
        serving(made, "sqlite", Path(folder)) as ours,
    ):
        sent = send_all(ours.port, ours.headers, found, 1)
        await_count(ours, count_spans(found), sent)
        return [_reading(ours, found), _kept_alive(ours)]


def _reading(ours: Ours, found: list[bytes]) -> Row:
    people = [Person(ours, number) for number in range(PEOPLE)]
    _read(people, EVERY)  # whatever is made on first use is made
    before = _read(people, STRETCH)
    sent = Sent(perf_counter())
    with steadily(ours.port, ours.headers, renamed(found), BATCH / SPANS_PER_SECOND, sent):
        during = _read(people, STRETCH)
        rate = len(sent.took) * BATCH / (perf_counter() - sent.began)
    after = _read(people, STRETCH)
    quiet = (percentile(before, 0.95) + percentile(after, 0.95)) / 2
    busy = percentile(during, 0.95)
    click.echo(
        f"  before {percentile(before, 0.95) * 1000:.0f} ms, after {percentile(after, 0.95) * 1000:.0f} ms"
    )
    click.echo(f"  quiet {quiet * 1000:.0f} ms, while {rate:,.0f} spans/s come in {busy * 1000:.0f} ms")
    name = f"p95 of the overview, {PEOPLE} people each reading every {EVERY:.0f} s, while {rate:,.0f} spans/s come in"
    said = f"{busy * 1000:,.0f} ms ({len(during)} readings)"
    return at_most(SECTION, name, said, f"quiet {quiet * 1000:,.0f} ms", busy / quiet, SLOWER)


def _kept_alive(ours: Ours) -> Row:
    took = apart(ours.port, ours.headers, 200)
    slow = sum(each > STEP for each in took[5:])
    said = f"{percentile(took, 0.5) * 1000:.1f} ms, p95 {percentile(took, 0.95) * 1000:.1f} ms"
    name = "empty requests on a kept connection, head and body sent apart: none waits for an acknowledgement"
    return Row(SECTION, name, said, "", slow / len(took), f"<= 0.02 above {STEP * 1000:.0f} ms", slow <= 4)


@dataclass
class Person:
    """A signed-in browser without scripts, that asks for the overview's numbers."""

    ours: Ours
    number: int
    took: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        name = f"reader{self.number}"
        make_person(self.ours.engine, name, "user", PASSWORD)
        self.web = requests.Session()
        self.base = self.ours.server.url
        token = TOKEN.search(self.web.get(f"{self.base}/login").text)
        assert token is not None
        given = {"login": name, "password": PASSWORD, "csrf_token": token[1]}
        answer = self.web.post(f"{self.base}/login", data=given, allow_redirects=False)
        if answer.status_code != 302:
            raise RuntimeError(f"{name} cannot sign in: {answer.status_code}")
        self.web.get(f"{self.base}/")
        self.body = self._callback()

    def _callback(self) -> dict[str, Any]:
        """The request that fills the overview, as the page sends it."""
        entries = self.web.get(f"{self.base}/_dash-dependencies").json()
        entry = next(each for each in entries if each["output"] == "overview-body.children")

        def given(kind: str) -> list[dict[str, Any]]:
            return [
                each | {"value": WINDOW if each["property"] == "search" else None} for each in entry[kind]
            ]

        return {
            "output": entry["output"],
            "outputs": {"id": "overview-body", "property": "children"},
            "inputs": given("inputs"),
            "state": given("state"),
            "changedPropIds": ["url.search"],
        }

    def read(self) -> None:
        headers = {"X-CSRFToken": self.web.cookies.get("_csrf_token") or "", "Referer": f"{self.base}/"}
        begin = perf_counter()
        answer = self.web.post(f"{self.base}/_dash-update-component", json=self.body, headers=headers)
        self.took.append(perf_counter() - begin)
        if answer.status_code != 200 or "state-error" in answer.text:
            raise RuntimeError(f"the overview answered {answer.status_code}: {answer.text[:300]}")


def _read(people: list[Person], seconds: float) -> list[float]:
    """Everybody reads, each EVERY seconds beginning at a moment of their own; how long each reading took."""
    begin, failed = perf_counter(), []
    for person in people:
        person.took = []

    def reader(person: Person) -> None:
        due = begin + EVERY * person.number / len(people)
        while due < begin + seconds:
            sleep(max(0.0, due - perf_counter()))
            try:
                person.read()
            except (RuntimeError, requests.RequestException) as error:
                failed.append(error)
                return
            due += EVERY

    threads = [threading.Thread(target=reader, args=(person,), daemon=True) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return [each for person in people for each in person.took]


__all__ = ["measure"]


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
