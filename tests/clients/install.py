"""What the real clients of the tests are made of: frameworks for agents in Python, and the SDK for JavaScript.

`python -m tests.clients.install` installs both into tests/clients/.cache before the tests; the tests themselves only
look for them. AutoGen pins an older protobuf than the application, so they cannot share an environment. Node.js is
looked for, or as root on Debian installed, as Chromium is for the browser tests.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache"
FRAMEWORKS, REQUIREMENTS = CACHE / "frameworks", HERE / "frameworks" / "requirements.txt"
CREWAI, OF_CREWAI = CACHE / "crewai", HERE / "frameworks" / "crewai.txt"
JAVASCRIPT, LOCK = CACHE / "js", HERE / "js" / "package-lock.json"
OLDEST_NODE = 18
NODE_REMEDY = f"install Node.js {OLDEST_NODE} or newer with npm (Debian, as root: apt-get install nodejs npm)"
NETWORK_REMEDY = "run `make test` once with a network: what is fetched is kept"


class NotInstalled(Exception):
    """A client is not there; the message says why and what to do."""


def frameworks() -> Path:
    """The Python that has the frameworks. Raises NotInstalled."""
    if not _is_fresh(FRAMEWORKS, REQUIREMENTS):
        raise NotInstalled(f"no frameworks in {FRAMEWORKS.relative_to(HERE.parent.parent)}; {NETWORK_REMEDY}")
    return FRAMEWORKS / "bin" / "python"


def javascript() -> tuple[Path, Path]:
    """Node.js and the folder whose node_modules has the SDK. Raises NotInstalled."""
    node = _node()
    if not _is_fresh(JAVASCRIPT, LOCK):
        raise NotInstalled(f"no SDK in {JAVASCRIPT.relative_to(HERE.parent.parent)}; {NETWORK_REMEDY}")
    return node, JAVASCRIPT


def install_frameworks() -> Path:
    """Like `frameworks`, and installs it first where it is missing or other versions are asked for."""
    if not _is_fresh(FRAMEWORKS, REQUIREMENTS):
        print("No frameworks for agents yet: installing them beside the tests (about 180 MB).", flush=True)
        _install_python(FRAMEWORKS, REQUIREMENTS)
    return frameworks()


def install_crewai() -> Path:
    """The Python that has CrewAI, which is installed first where it is missing. Raises NotInstalled."""
    if not _is_fresh(CREWAI, OF_CREWAI):
        print("No CrewAI yet: installing it beside the tests (about 860 MB).", flush=True)
        _install_python(CREWAI, OF_CREWAI)
    return CREWAI / "bin" / "python"


def _install_python(folder: Path, pinned: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=True)
    options = ["--disable-pip-version-check", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    _run([str(folder / "bin" / "python"), "-m", "pip", "install", *options, "-r", str(pinned)])
    _mark(folder, pinned)


def install_javascript() -> tuple[Path, Path]:
    """Like `javascript`, and installs Debian's Node.js and the SDK first where that is possible."""
    _ensure_node()
    if not _is_fresh(JAVASCRIPT, LOCK):
        print(
            "No OpenTelemetry for JavaScript yet: installing it beside the tests (about 70 MB).", flush=True
        )
        shutil.rmtree(JAVASCRIPT, ignore_errors=True)
        JAVASCRIPT.mkdir(parents=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / "js" / name, JAVASCRIPT)
        # Nothing of what is installed may run code of its own while it is installed.
        _run(["npm", "ci", "--ignore-scripts"], JAVASCRIPT)
        _mark(JAVASCRIPT, LOCK)
    return javascript()


def _node() -> Path:
    found = shutil.which("node")
    if found is None:
        raise NotInstalled(f"no Node.js on this machine; {NODE_REMEDY}")
    said = subprocess.run([found, "--version"], capture_output=True, text=True).stdout.strip()
    if int(said.removeprefix("v").partition(".")[0] or 0) < OLDEST_NODE:
        raise NotInstalled(f"Node.js is {said}; {NODE_REMEDY}")
    return Path(found)


def _ensure_node() -> None:
    if shutil.which("node") and shutil.which("npm"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NotInstalled(f"no Node.js with npm on this machine; {NODE_REMEDY}")
    print("No Node.js yet: installing Debian's packages.", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "nodejs", "npm"]):
        if subprocess.run(["apt-get", *command], env=environment).returncode:
            raise NotInstalled(f"`apt-get {' '.join(command)}` failed; {NODE_REMEDY}")


def _run(command: Sequence[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NotInstalled(f"`{' '.join(command[:4])}` failed ({' '.join(last)}); {NETWORK_REMEDY}")


def _is_fresh(folder: Path, pinned: Path) -> bool:
    mark = folder / "installed"
    return mark.exists() and mark.read_text() == pinned.read_text()


def _mark(folder: Path, pinned: Path) -> None:
    """Written last: half an installation is none."""
    (folder / "installed").write_text(pinned.read_text())


def main() -> int:
    code = 0
    steps: tuple[Callable[[], object], ...] = (install_frameworks, install_javascript)
    for step in steps:
        try:
            step()
        except NotInstalled as error:
            print(f"\n*** A REAL CLIENT IS NOT TESTED: {error}. ***\n", file=sys.stderr, flush=True)
            code = 1 if os.environ.get("CI") else 0
    return code


if __name__ == "__main__":
    sys.exit(main())
