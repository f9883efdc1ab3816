"""Times pages: how long this application takes to answer their callbacks, and what their browsers report.

Programs' calls are not sampled here: their log holds every one with its time (api.door).
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dash import Dash
from flask import Flask, Response, abort, g, jsonify, request, request_finished, request_started
from werkzeug.exceptions import RequestEntityTooLarge

from auth import require_person
from auth.doors import SIGNED_IN, permitted
from auth.guard import CALLBACKS
from db.queries.answers import FIRST_PAINT, NUMBERS, SERVER_TIME
from db.timings import Timing
from pages._live import page_at
from pages._view import FAILED

Keep = Callable[[Timing], None]
REPORTED = "/measured"  # where assets/measure.js tells what the browser saw
BEGUN = "quantum_answer_begun"
LISTENER = "quantum_timing"
LARGEST_REPORT = 1000  # bytes
LONGEST_MS = 60_000.0
REPORTS_A_MINUTE = 30  # of one person, by one process
LONGEST_NAME = 200
ERRORS = ("timeout", "error")


def wire(app: Dash, keep: Keep) -> None:
    """Measure the answers of `app`, and take what browsers report."""
    server: Flask = app.server
    callback_map: Mapping[str, Any] = app.callback_map
    request_started.connect(_begin, server, weak=False)

    def finish(_: Flask, response: Response, **__: Any) -> None:
        timing = _answered(response, callback_map)
        if timing is not None:
            keep(timing)

    # The signal outlives applications, so it holds this one's listener weakly and the application holds it.
    server.extensions[LISTENER] = finish
    request_finished.connect(finish, server)
    server.add_url_rule(REPORTED, "measured", _reports(keep), methods=["POST"])


# --- server time -----------------------------------------------------------------------------------


def _begin(_: Flask, **__: Any) -> None:
    if request.path == CALLBACKS and request.method == "POST":
        setattr(g, BEGUN, (time.perf_counter(), datetime.now(UTC)))


def _answered(response: Response, callback_map: Mapping[str, Any]) -> Timing | None:
    """The time of a callback that was answered or failed; what was refused says nothing of either."""
    begun = g.get(BEGUN)
    failed = response.status_code >= 500 or bool(g.get(FAILED))
    if begun is None or (response.status_code >= 400 and not failed):
        return None
    clock, at = begun
    return Timing(
        kind=SERVER_TIME,
        ms=None if failed else (time.perf_counter() - clock) * 1000,
        fact="asked",
        about=_asked(callback_map),
        source="web",
        at=at,
        error="failed" if failed else None,
    )


def _asked(callback_map: Mapping[str, Any]) -> str:
    """The callback's own name, which no request chooses: what names none stays unnamed."""
    body = request.get_json(silent=True)
    output = body.get("output") if isinstance(body, dict) else None
    return output[:LONGEST_NAME] if isinstance(output, str) and output in callback_map else "unnamed"


# --- what the browser saw ----------------------------------------------------------------------------


class Turns:
    """How often each person reported within this minute."""

    def __init__(self, most: int = REPORTS_A_MINUTE, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._now = most, now
        self._minute, self._count = -1, dict[UUID, int]()
        self._lock = threading.Lock()

    def take(self, person: UUID) -> bool:
        """Whether this one is within the limit."""
        with self._lock:
            minute = int(self._now() // 60)
            if minute != self._minute:
                self._minute, self._count = minute, {}
            self._count[person] = self._count.get(person, 0) + 1
            return self._count[person] <= self._most


def _reports(keep: Keep) -> Callable[[], Response | tuple[Response, int, dict[str, str]]]:
    turns = Turns()

    @permitted(SIGNED_IN)
    def measured() -> Response | tuple[Response, int, dict[str, str]]:
        """What a browser measured of the page it just showed. Nothing of the person or the address is kept."""
        if not turns.take(require_person().profile_id):
            return jsonify(error="Too many reports; the page goes on without."), 429, {"Retry-After": "60"}
        for each in _reported(_body(), datetime.now(UTC)):
            keep(each)
        return Response(status=204)

    return measured


def _body() -> Mapping[str, Any]:
    request.max_content_length = LARGEST_REPORT
    if (request.content_length or 0) > LARGEST_REPORT:
        raise RequestEntityTooLarge
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400)
    return body


def _reported(body: Mapping[str, Any], at: datetime) -> list[Timing]:
    """The times of a report: by the name of the page, never by its address."""
    page = page_at(str(body.get("page") or "")[:LONGEST_NAME])
    paint, numbers, error = _time(body.get("paint")), _time(body.get("numbers")), body.get("error")
    if page is None or error not in (None, *ERRORS) or (paint is None and numbers is None and error is None):
        abort(400)
    name = str(page["module"]).removeprefix("pages.")
    told = {"fact": "page", "about": name, "source": "browser", "at": at}
    found = [Timing(FIRST_PAINT, paint, **told)] if paint is not None else []
    if error is not None:
        return [*found, Timing(NUMBERS, None, **told, error=error)]
    return [*found, Timing(NUMBERS, numbers, **told)] if numbers is not None else found


def _time(value: Any) -> float | None:
    """Milliseconds as a browser measures them; None where it did not. Ends the request for what is no such time."""
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 < value <= LONGEST_MS:
        abort(400)
    return float(value)
