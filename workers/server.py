"""The process that serves: gunicorn with threads, one worker, the application built inside it."""

import gc
import sys
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from settings import Settings

THREADS = 16
# Exporters send every few seconds over a connection they keep, and browsers ask again and again: one that was closed
# meanwhile would be found out only by a request that fails. Waiting connections hold no thread.
KEEP_ALIVE_SECONDS = 75
SWITCH_SECONDS = 0.0005
# A batch of spans makes tens of thousands of objects, and few of them in circles: Python's own 700 is for small ones.
THRESHOLDS = (10_000, 20, 20)


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, told what to serve by `build` instead of by a module's name."""

    def __init__(self, build: Callable[[], Any], options: dict[str, Any]) -> None:
        self.build = build
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.build()


def run(
    current: Settings,
    build: Callable[[], Any],
    ready: Callable[[Any], None],
    done: Callable[[Any], None],
) -> None:
    """Serve until stopped. `ready` gets what was built once the first page can be asked for, `done` gets it when no
    more will be; both run in the process that serves."""
    options = {
        "bind": f"{current.host}:{current.port}",
        "worker_class": "gthread",
        "workers": 1,
        "threads": THREADS,
        "keepalive": KEEP_ALIVE_SECONDS,
        "timeout": 120,
        "graceful_timeout": 10,
        "loglevel": "warning",
        "control_socket_disable": True,
        "post_worker_init": lambda worker: _begin(worker.wsgi, ready),
        "worker_exit": lambda server, worker: done(worker.wsgi) if hasattr(worker, "wsgi") else None,
    }
    Server(build, options).run()


def _begin(served: Any, ready: Callable[[Any], None]) -> None:
    """Threads that compute hand the interpreter on ten times as often as they would, to those that wait for a database
    or a socket and come back to it: these give it away again at once."""
    sys.setswitchinterval(SWITCH_SECONDS)
    ready(served)
    _spare_the_collector()


def _spare_the_collector() -> None:
    """What is there now stays until the end: to look through it again took a fifth of a second each time, in the middle
    of somebody's request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
