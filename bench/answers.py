"""What is known of who sent what, and of tokens, once the same files were sent to all: ours beside the peers.

Both peers are asked by their own database: what is not there, no page can show.
"""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import click

from bench.databases import databases, shop_minute
from bench.ingest import await_count, count_spans
from bench.ours import Ours, serving
from bench.peers import MLFLOW, PEERS, PHOENIX, Running
from bench.report import Row
from bench.sending import bodies, send_all
from tests.fuzz.documents import shared_folder

SECTION = "Answers"
RUNS = "data/traces/agent-runs.otlp.jsonl.gz"
SERVICES, TOKENS = 10, (34_133, 881)
# Where a service or an agent's name could stand in a peer's row of a span.
OF_MLFLOW = "SELECT count(DISTINCT json_extract(content, '$.attributes.\"service.name\"')) FROM spans"
OF_PHOENIX = "SELECT count(DISTINCT json_extract(attributes, '$.service.name')) FROM spans"


def measure() -> list[Row]:
    runs = shared_folder() / RUNS
    shop, _ = shop_minute()
    click.echo("answers: the shop minute and the recorded runs of agents, sent to all")
    rows = [*_services(shop), _after_a_kill(shop)]
    return rows + (list(_tokens(runs)) if runs.is_file() else [])


def _services(file: Path) -> Iterator[Row]:
    def ours(server: Ours) -> str:
        return str(server.ask("SELECT count(*) FROM agents WHERE origin = 'telemetry'")[0][0])

    def mlflow(server: Running) -> str:
        return str(server.ask(OF_MLFLOW)[0][0])

    def phoenix(server: Running) -> str:
        return str(server.ask(OF_PHOENIX)[0][0])

    told = _asked(file, ours, mlflow, phoenix, most=3)
    name = f"services told apart in the first requests of the shop minute ({SERVICES} are in the whole)"
    yield Row(SECTION, name, told[0], f"MLflow {told[1]}, Phoenix {told[2]}", None, "> 0", int(told[0]) > 0)


def _after_a_kill(file: Path) -> Row:
    """Acknowledged spans that are still there when the server is killed as soon as the last was acknowledged."""
    what = bodies(file)
    spans = count_spans(what)
    left = {}
    with databases() as made, tempfile.TemporaryDirectory(prefix="quantum-killed-") as folder:
        with serving(made, "sqlite", Path(folder)) as server:
            send_all(server.port, server.headers, what, 1)
            server.server.kill()
            left["ours"] = server.count()
        for peer in PEERS:
            (place := Path(folder) / peer.pinned).mkdir()
            with peer.running(place) as running:
                send_all(running.port, running.headers, what, 1)
                os.killpg(running.pid, signal.SIGKILL)
                left[peer.name] = running.count()
            click.echo(
                f"  {peer.name}: {left[peer.name]:,} of {spans:,} acknowledged spans left after kill -9"
            )
    others = ", ".join(f"{name} {count:,}" for name, count in left.items() if name != "ours")
    name = f"spans left of {spans:,} acknowledged ones, the server killed at once"
    return Row(SECTION, name, f"{left['ours']:,}", others, None, f"{spans:,}", left["ours"] == spans)


def _tokens(file: Path) -> Iterator[Row]:
    def ours(server: Ours) -> str:
        read, written = server.ask("SELECT sum(input_tokens), sum(output_tokens) FROM spans")[0]
        return f"{int(read):,} / {int(written):,}"

    def mlflow(server: Running) -> str:
        found = server.ask(
            "SELECT count(*) FROM trace_request_metadata WHERE key = 'mlflow.trace.tokenUsage'"
        )
        return "none" if not found[0][0] else f"of {found[0][0]} traces"

    def phoenix(server: Running) -> str:
        read, written = server.ask(
            "SELECT sum(llm_token_count_prompt), sum(llm_token_count_completion) FROM spans"
        )[0]
        return f"{read or 0:,} / {written or 0:,}"

    told = _asked(file, ours, mlflow, phoenix)
    wanted = f"{TOKENS[0]:,} / {TOKENS[1]:,}"
    yield Row(SECTION, "tokens in and out of the recorded runs of agents", told[0],
              f"MLflow {told[1]}, Phoenix {told[2]}", None, wanted, told[0] == wanted)  # fmt: skip


def _asked(
    file: Path,
    ours: Callable[[Ours], str],
    mlflow: Callable[[Running], str],
    phoenix: Callable[[Running], str],
    most: int | None = None,
) -> tuple[str, str, str]:
    """The three answers after the file was sent to each, or its first requests."""
    what = bodies(file)[:most]
    spans = count_spans(what)
    with databases() as made, tempfile.TemporaryDirectory(prefix="quantum-answers-") as folder:
        with serving(made, "sqlite", Path(folder)) as server:
            await_count(server, spans, send_all(server.port, server.headers, what, 1))
            own = ours(server)
        theirs = []
        for peer, ask in ((MLFLOW, mlflow), (PHOENIX, phoenix)):
            peer.install()
            (place := Path(folder) / peer.pinned).mkdir()
            begin = perf_counter()
            with peer.running(place) as running:
                await_count(running, spans, send_all(running.port, running.headers, what, 1))
                theirs.append(ask(running))
            click.echo(f"  {peer.name}: {theirs[-1]} ({perf_counter() - begin:.0f} s)")
    return own, theirs[0], theirs[1]


if __name__ == "__main__":
    for line in measure():
        click.echo(line)
