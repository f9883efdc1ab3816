"""What all doors for programs have in common: refusals in words programs read, limits in headers, a log of every call.

`auth.guard` lets in; nothing here does. The application gives `keep`, which takes each call off the request's path.
"""

import logging
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request, request_started, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RoutingException

from api.problems import ERROR, JSON, PROTOBUF, refuse
from auth import keys, machines, quotas
from auth.origin import origin
from auth.people import loaded_person
from auth.recent import PasswordNeeded
from db.engine import DatabaseUnavailable
from db.guard import Denied
from db.services.api_logs import LoggedCall

Keep = Callable[[LoggedCall], None]
BEGUN, BODY = "quantum_door_begun", "quantum_door_body"
LOGGED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
AWAY_SECONDS = 5
LARGEST = 2**63  # nothing was sent that is larger, whatever a header says
# In place of werkzeug's words, which are about forms and typing.
WORDS: dict[type[HTTPException], str] = {
    NotFound: "There is nothing at this address.",
    MethodNotAllowed: "This address does not take this method.",
}
SEE = "See /api/v1/openapi.json."
FAILED = "This failed here, and it is not your fault. The server's log has the reason under {reference}."

log = logging.getLogger("quantum.api")


class Server(Flask):
    """Flask, but whatever a request under a programs' door ends with becomes an answer for programs.

    No error handler is asked there: rooms register theirs for people, each for its own kinds of errors.
    """

    def handle_user_exception(self, e: Exception) -> Any:
        is_answered = isinstance(e, HTTPException | DatabaseUnavailable | Denied)
        if not is_answered or isinstance(e, RoutingException) or not machines.at_their_door():
            return super().handle_user_exception(e)
        return answer(e)

    def handle_exception(self, e: Exception) -> Any:
        if not machines.at_their_door():
            return super().handle_exception(e)
        reference = secrets.token_hex(4)
        log.error("%s: %s", reference, type(e).__name__, exc_info=e)
        told = refuse(500, FAILED.format(reference=reference), logged=f"{type(e).__name__}, {reference}")
        return self.finalize_request(told, from_error_handler=True)


def init_app(server: Flask, keep: Keep) -> None:
    """Log everything under the programs' doors. Call it before `auth.init_app`, to have the last word."""
    request_started.connect(_begin, server, weak=False)
    server.after_request(lambda response: _finish(response, keep))


def answer(error: Exception) -> Response:
    """The answer to what a request under these doors ended with."""
    if isinstance(error, DatabaseUnavailable):
        log.error("%s", error)
        return refuse(
            503, "The database does not answer. Nothing was stored; send it again.", retry_after=AWAY_SECONDS
        )
    if isinstance(error, Denied):
        log.warning("%s", error)
        return refuse(403, "The role of this key's owner does not include this.", logged="no rule lets them")
    if not isinstance(error, HTTPException):
        raise error
    if error.response is not None and isinstance(error.response, Response):
        return error.response
    told = refuse(error.code or 500, _words(error), retry_after=_wait(error), **_more(error))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length", "retry-after"):
            told.headers[name] = value
    if error.code == 415 and machines.door_here() == "/v1":
        told.headers["Accept"], told.headers["Accept-Encoding"] = f"{PROTOBUF}, {JSON}", "gzip, identity"
    if error.code in (408, 413):
        told.headers["Connection"] = "close"  # the rest of the body is not waited for
    return told


def _words(error: HTTPException) -> str:
    for kind, words in WORDS.items():
        if isinstance(error, kind) and error.description == kind.description:
            return words if machines.door_here() == "/v1" else f"{words} {SEE}"
    return error.description or error.name


def _wait(error: HTTPException) -> int | None:
    if isinstance(error, quotas.OverLimit):
        return error.wait
    after = getattr(error, "retry_after", None)
    return after if isinstance(after, int) else None


def _more(error: HTTPException) -> dict[str, Any]:
    """What else a program can use, and what of it the log keeps."""
    if isinstance(error, keys.MissingScope):
        return {"scope": error.scope, "logged": f"scope {error.scope}"}
    if isinstance(error, PasswordNeeded):
        return {"logged": "the password was given too long ago"}
    if isinstance(error, machines.FactorOwed):
        return {"set_up": url_for("auth.second_factor"), "logged": "a second factor is owed"}
    refused = keys.refused_key()
    if error.code == 401 and refused is not None:
        return {"logged": f"key {refused.reason}"}
    return {}


# --- the log ----------------------------------------------------------------------------------------


class Counted:
    """A body of unknown length, counted as it is read."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.size = stream, 0

    def read(self, *most: int) -> bytes:
        return self._seen(self.stream.read(*most))

    def readline(self, *most: int) -> bytes:
        return self._seen(self.stream.readline(*most))

    def _seen(self, part: bytes) -> bytes:
        self.size += len(part)
        return part

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _begin(server: Flask, **_: Any) -> None:
    if not machines.at_their_door():
        return
    setattr(g, BEGUN, (time.perf_counter(), datetime.now(UTC)))
    if request.content_length is None and "wsgi.input" in request.environ:
        counted = Counted(request.environ["wsgi.input"])
        request.environ["wsgi.input"] = counted
        setattr(g, BODY, counted)


def _finish(response: Response, keep: Keep) -> Response:
    if not machines.at_their_door():
        return response
    response.headers.extend(quotas.headers(datetime.now(UTC)))
    if request.method in LOGGED_METHODS:
        keep(_call(response))
    else:
        log.warning("a request with the method %s was answered %d", request.method, response.status_code)
    return response


def _call(response: Response) -> LoggedCall:
    clock, at = g.get(BEGUN) or (time.perf_counter(), datetime.now(UTC))
    caller, refused, came = g.get(keys.CALLER), keys.refused_key(), origin()
    person = loaded_person()
    known = caller.key if caller else refused
    return LoggedCall(
        endpoint=machines.endpoint_here(),
        method=request.method,
        status=response.status_code,
        milliseconds=round((time.perf_counter() - clock) * 1000),
        at=at,
        request_bytes=_size_of_request(),
        response_bytes=response.calculate_content_length(),
        key_id=known.key_id if known else None,
        profile_id=known.profile_id if known else person.profile_id if person else None,
        address=came.address,
        user_agent=came.user_agent,
        error=g.get(ERROR) if response.status_code >= 400 else None,
        is_use=caller is not None,
    )


def _size_of_request() -> int | None:
    counted: Counted | None = g.get(BODY)
    size = request.content_length if counted is None else counted.size
    return size if size is None or size < LARGEST else None
