"""A real pgbouncer for the tests of identity: find it, or as root on Debian install it, or say the remedy.

`python -m tests.pgbouncer` does that before the tests; the tests themselves only look for it. It listens on a socket in
a private temporary folder only and runs as an ordinary account, since it refuses to run as root.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.databases import PARTS, written
from tests.postgres import NoPostgres, ordinary_account

REMEDY = "install it (Debian, as root: apt-get install pgbouncer) or put it on PATH"
START_SECONDS = 30
PORT = 6432  # of the socket's name; nothing listens on the network
CONFIGURATION = """
[databases]
* = host={server}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/people.txt
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
"""


class NoPgbouncer(Exception):
    """No pgbouncer to test with; the message says why and what to do."""


def find() -> Path:
    """The program. Raises NoPgbouncer."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NoPgbouncer(f"no pgbouncer on this machine; {REMEDY}")
    return Path(found)


def ensure() -> Path:
    """Like find(), and installs Debian's package first where that is possible."""
    try:
        return find()
    except NoPgbouncer:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise
    print("No pgbouncer yet: installing Debian's package.", flush=True)
    # RUNLEVEL: the package would start a service of its own, which nobody asked for.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "pgbouncer"]):
        if subprocess.run(["apt-get", *command], env=environment).returncode:
            raise NoPgbouncer(f"`apt-get {' '.join(command)}` failed; {REMEDY}")
    return find()


@contextmanager
def running(server_url: str, connections: int, people: Sequence[str] = tuple(PARTS)) -> Iterator[str]:
    """A pgbouncer by transaction before a server, with this many connections to it for each login; gives its folder.

    Raises NoPgbouncer.
    """
    folder = Path(
        tempfile.mkdtemp(prefix="quantum-bouncer-", dir="/tmp" if os.access("/tmp", os.W_OK) else None)
    )
    try:
        account = ordinary_account(folder)
    except NoPostgres as error:
        raise NoPgbouncer(str(error)) from error
    socket = make_url(server_url).query["host"]
    (folder / "people.txt").write_text("".join(f'"quantum_tests_{part}" ""\n' for part in people))
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(server=socket, folder=folder, port=PORT, size=connections))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [find(), configuration], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, **account
        )
    try:
        _await_ready(folder, process, make_url(server_url).database or "")
        yield str(folder)
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def through(url: str, folder: str) -> str:
    """The address of a database by way of the pgbouncer in `folder`."""
    asked = {"host": folder, "port": str(PORT), "prepare_threshold": "none"}
    return written(make_url(url).set(query=asked))


def _await_ready(folder: Path, process: "subprocess.Popen[bytes]", database: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            psycopg.connect(
                host=str(folder), port=PORT, user="quantum_tests_app", dbname=database, prepare_threshold=None
            ).close()
            return
        time.sleep(0.05)
    raise NoPgbouncer(f"pgbouncer did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")


def main() -> int:
    try:
        print(f"pgbouncer for the tests of identity: {ensure()}")
    except NoPgbouncer as error:
        print(f"\n*** NOT TESTED THROUGH PGBOUNCER: {error}. ***\n", file=sys.stderr, flush=True)
        return 1 if os.environ.get("CI") else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
