"""A real Chromium for the browser tests: find it, or as root on Debian install it, or say the remedy.

`python -m tests.chromium` does that before the tests; the tests themselves only look for it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_MACOS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
# No sandbox: it needs rights that root and most containers lack, and only our own pages are opened.
# The rest keeps the browser from calling home, and draws WebGL in software.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
REMEDY = "install it (Debian, as root: apt-get install chromium) or set QUANTUM_CHROMIUM to its path"


class NoChromium(Exception):
    """No browser to test with; the message says why and what to do."""


def find() -> Path:
    """The browser's program. Raises NoChromium."""
    chosen = os.environ.get("QUANTUM_CHROMIUM")
    if chosen:
        if not os.access(chosen, os.X_OK) or Path(chosen).is_dir():
            raise NoChromium(f"QUANTUM_CHROMIUM is {chosen!r}, which is no program; {REMEDY}")
        return Path(chosen)
    on_path = [Path(path) for name in NAMES if (path := shutil.which(name))]
    found = [*on_path, *(path for path in ON_MACOS if path.exists())]
    if found:
        return found[0]
    raise NoChromium(f"no Chromium on this machine; {REMEDY}")


def ensure() -> Path:
    """Like find(), and installs Debian's package first where that is possible."""
    try:
        return find()
    except NoChromium:
        if os.environ.get("QUANTUM_CHROMIUM") or os.geteuid() != 0 or not shutil.which("apt-get"):
            raise
    print("No Chromium yet: installing Debian's package (about 100 MB).", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "chromium"]):
        if subprocess.run(["apt-get", *command], env=environment).returncode:
            raise NoChromium(f"`apt-get {' '.join(command)}` failed; {REMEDY}")
    return find()


def main() -> int:
    try:
        print(f"Chromium for the browser tests: {ensure()}")
    except NoChromium as error:
        print(f"\n*** NO BROWSER TESTS: {error}. ***\n", file=sys.stderr, flush=True)
        return 1 if os.environ.get("CI") else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
