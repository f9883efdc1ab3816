"""Others that take OpenTelemetry's spans over HTTP, each in an environment of its own below bench/.cache."""

import os
import sqlite3
import subprocess
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import click

from bench.processes import stop
from bench.report import CACHE
from tests.served import free_port

HERE = Path(__file__).resolve().parent
PATIENCE = 180.0


@dataclass(frozen=True)
class Peer:
    """A server of somebody else: how it is started, and where its spans can be counted."""

    name: str
    pinned: str
    command: tuple[str, ...]
    database: str
    headers: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        return CACHE / self.pinned / "bin" / "python"

    @property
    def version(self) -> str:
        lines = (HERE / f"{self.pinned}.in").read_text().split()
        return lines[0].partition("==")[2]

    def install(self) -> None:
        """Into an environment of its own, on first use and when other versions are asked for."""
        wanted = HERE / f"{self.pinned}.txt"
        mark = self.python.parent.parent / "installed"
        if mark.exists() and mark.read_text() == wanted.read_text():
            return
        click.echo(f"ingest: installing {self.name} {self.version} (about 850 MB)")
        venv.create(self.python.parent.parent, with_pip=True, clear=True, symlinks=True)
        options = ["--disable-pip-version-check", "--quiet", "--no-deps", "-r", str(wanted)]
        subprocess.run([str(self.python), "-m", "pip", "install", *options], check=True)
        mark.write_text(wanted.read_text())

    @contextmanager
    def running(self, folder: Path) -> Iterator["Running"]:
        """A server with an empty database in `folder`."""
        ports = [free_port(), free_port()]
        values = {"folder": str(folder), "port": str(ports[0]), "other": str(ports[1])}
        command = [str(self.python.parent / self.command[0]), *self.command[1:]]
        environment = {name: value.format(**values) for name, value in self.environment.items()}
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "QUANTUM_"))
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [part.format(**values) for part in command],
                env=clean | environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            found = Running(
                self.name, ports[0], process.pid, folder, folder / self.database, dict(self.headers)
            )
            found.await_door()
            yield found
        finally:
            stop(process)


@dataclass(frozen=True)
class Running:
    """A server that listens: its door, its processes, its folder, and the file its spans are counted in."""

    name: str
    port: int
    pid: int
    folder: Path
    database: Path
    headers: dict[str, str]

    def await_door(self) -> None:
        """Until it takes an empty request."""
        from bench.sending import Door

        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            try:
                door = Door(self.port, self.headers)
                if door.send(b"")[0] < 500:
                    door.close()
                    return
            except OSError:
                pass
            sleep(0.2)
        raise RuntimeError(f"{self.name} does not answer: {(self.folder / 'log').read_text()[-2000:]}")

    def count(self) -> int:
        """How many spans its database has now."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30) as connection:
            return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30) as connection:
            return connection.execute(statement).fetchall()

    def octets(self) -> int:
        """What its folder takes on disk once its journal is folded in; of a server that has ended."""
        with sqlite3.connect(self.database, timeout=30) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "log"]
        return sum(path.stat().st_size for path in files)


MLFLOW = Peer(
    "MLflow",
    "mlflow",
    (
        "mlflow", "server", "--backend-store-uri", "sqlite:///{folder}/mlflow.db",
        "--default-artifact-root", "{folder}/artifacts", "--host", "127.0.0.1", "--port", "{port}",
    ),
    "mlflow.db",
    headers={"x-mlflow-experiment-id": "0"},
    environment={"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
)  # fmt: skip
PHOENIX = Peer(
    "Phoenix",
    "phoenix",
    ("phoenix", "serve"),
    "phoenix.db",
    environment={
        "PHOENIX_WORKING_DIR": "{folder}",
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": "{port}",
        "PHOENIX_GRPC_PORT": "{other}",
        "PHOENIX_TELEMETRY_ENABLED": "false",
    },
)
PEERS = (MLFLOW, PHOENIX)
