"""How /api/v1 answers: JSON with a strong tag, pages with the way to the next one, refusals that name the field."""

import hmac
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NoReturn
from urllib.parse import urlencode

import orjson
from flask import Response, abort, current_app, request

from api.problems import problem
from db.keyset import BadCursor, Key, Slice, Values, cursor_of, question, values_of

JSON = "application/json"
SIGNED = 16  # hexadecimal digits of the signature under a cursor
PAGING = ("limit", "cursor")


def json_bytes(body: Any) -> bytes:
    """JSON as every door writes it: moments in UTC ending in Z, decimals as numbers."""
    return orjson.dumps(body, default=_plain, option=orjson.OPT_UTC_Z)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, IPv4Address | IPv6Address):  # networks of PostgreSQL are subclasses of these
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def answer(
    body: Any, status: int = 200, *, headers: Mapping[str, str] | None = None, tagged: Any = None
) -> Response:
    """`body` as JSON; 304 to whoever has it already.

    The tag is made of every byte, so it is strong. With `tagged`, which holds what matters of the body, it is made of
    that and weak: the bytes may differ where what they mean does not.
    """
    said = json_bytes(body)
    response = Response(said, status, headers=dict(headers or {}), mimetype=JSON)
    response.set_etag(tag_of(said if tagged is None else json_bytes(tagged)), weak=tagged is not None)
    if request.method in ("GET", "HEAD"):
        response.make_conditional(request)
    return response


def tag_of(said: bytes) -> str:
    """The tag of these bytes, without its quotation marks."""
    return sha256(said).hexdigest()[:32]


# --- refusals ---------------------------------------------------------------------------------------


def refuse(status: int, detail: str, **more: Any) -> NoReturn:
    """End the request with a problem."""
    abort(problem(status, detail, **more))


def refuse_fields(errors: Sequence[Mapping[str, str]], status: int = 422) -> NoReturn:
    """End the request with what could not be used; each has `where`, `name` and `detail`."""
    said = "; ".join(
        f"{each['name']}: {each['detail']}" if each["name"] else each["detail"] for each in errors
    )
    refuse(status, said[:2000], errors=list(errors), logged="fields")


def refuse_field(where: str, name: str, detail: str) -> NoReturn:
    """`refuse_fields` for a single one."""
    refuse_fields([{"where": where, "name": name, "detail": detail}])


def nothing_there(what: str, name: str) -> NoReturn:
    """404 for a row that is not there, or not for this person: the two are not told apart."""
    refuse(404, f"There is no {what} with this id, or this key does not show it.", logged=what, id=name)


# --- pages ------------------------------------------------------------------------------------------


def asked_here() -> str:
    """The mark of this request's question: its address and its filters."""
    filters = sorted((key, value) for key, value in request.args.items(multi=True) if key not in PAGING)
    return question(request.path, filters)


def begins_after(cursor: str | None, keys: Sequence[Key]) -> Values | None:
    """What the page of this cursor begins after; a cursor that was not made here for this question is refused."""
    if not cursor:
        return None
    said, _, signature = cursor.rpartition(".")
    try:
        if not hmac.compare_digest(signature.encode(), _signature(said).encode()):
            raise BadCursor
        return values_of(said, keys, asked_here())
    except BadCursor:
        refuse_field(
            "query",
            "cursor",
            "This cursor belongs to another question. Leave it out to begin anew, and follow `next` from there.",
        )


def page(items: list[Any], found: Slice) -> Response:
    """A page of rows with the way to the next one, in the body and as a Link header."""
    following = None
    if found.after is not None:
        said = cursor_of(found.after, asked_here())
        kept = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
        following = f"{request.path}?{urlencode([*kept, ('cursor', f'{said}.{_signature(said)}')])}"
    headers = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer({"items": items, "next": following}, headers=headers)


def _signature(said: str) -> str:
    """Only this server makes cursors, so none that it reads holds what it did not write."""
    key = str(current_app.secret_key).encode()
    return hmac.new(key, b"cursor\0" + said.encode("utf-8", "replace"), sha256).hexdigest()[:SIGNED]
