"""What programs are told when something is refused: problem+json (RFC 9457) under /api, a Status under /v1.

    return problem(404, "There is no agent with this id.", agent=agent_id)
    return otlp_status(400, "The body is no valid protobuf message.")
    return refuse(503, "The database does not answer.", retry_after=5)     # whichever the path asks for

What is raised as werkzeug's HTTPException under these paths becomes such an answer by itself (`api.door`); its
`description` is the detail. The log of requests keeps the title and `logged`, never the detail: that may repeat what
was sent.
"""

from http import HTTPStatus
from typing import Any

import orjson
from flask import Response, g, request

PROBLEM, PROTOBUF, JSON = "application/problem+json", "application/x-protobuf", "application/json"
ERROR = "quantum_logged_error"
# google.rpc.Code of each HTTP status, as gRPC's own mapping has it.
CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 409: 10, 413: 8, 415: 3, 429: 8, 501: 12, 503: 14}
UNKNOWN, INTERNAL = 2, 13


def problem(
    status: int,
    detail: str,
    *,
    type: str = "about:blank",
    title: str | None = None,
    retry_after: int | None = None,
    logged: str | None = None,
    **more: Any,
) -> Response:
    """A problem details object; `more` are its further members, such as `errors` or `scope`."""
    note(status, logged)
    told = {"type": type, "title": title or phrase(status), "status": status, "detail": detail, **more}
    answer = Response(orjson.dumps(told, option=orjson.OPT_INDENT_2), status, content_type=PROBLEM)
    return _waiting(answer, retry_after)


def otlp_status(
    status: int, detail: str, *, retry_after: int | None = None, logged: str | None = None
) -> Response:
    """A google.rpc.Status in the caller's type: JSON for who sent JSON, protobuf for everybody else."""
    note(status, logged)
    code = CODES.get(status, INTERNAL if status >= 500 else UNKNOWN)
    if request.mimetype == JSON:
        answer = Response(orjson.dumps({"code": code, "message": detail}), status, mimetype=JSON)
    else:
        answer = Response(_status_message(code, detail), status, mimetype=PROTOBUF)
    return _waiting(answer, retry_after)


def refuse(
    status: int, detail: str, *, retry_after: int | None = None, logged: str | None = None, **more: Any
) -> Response:
    """`otlp_status` under /v1, `problem` everywhere else."""
    if request.path == "/v1" or request.path.startswith("/v1/"):
        return otlp_status(status, detail, retry_after=retry_after, logged=logged)
    return problem(status, detail, retry_after=retry_after, logged=logged, **more)


def note(status: int, logged: str | None = None) -> None:
    """What the log of requests says of this error; only words of this program."""
    setattr(g, ERROR, f"{phrase(status)}: {logged}" if logged else phrase(status))


def phrase(status: int) -> str:
    """The status in words."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def _waiting(answer: Response, seconds: int | None) -> Response:
    if seconds is not None:
        answer.headers["Retry-After"] = str(max(1, seconds))
    return answer


def _status_message(code: int, detail: str) -> bytes:
    """google.rpc.Status as protobuf: its two fields, written here so that no further package is needed for them."""
    text = detail.encode("utf-8", "replace")
    return bytes([0x08, code, 0x12]) + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])
