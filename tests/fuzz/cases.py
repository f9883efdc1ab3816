"""A case: one request through one door with one part replaced by a hostile value, often others too."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from hypothesis import strategies as st

from tests.fuzz import nasty
from tests.fuzz.doors import HEADERS, METHODS, Door, Found, callback_body, filled, metrics
from tests.fuzz.world import ADMIN, STRANGER, USER, Call, World

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
KINDS = (
    FORM,
    JSON,
    "multipart/form-data; boundary=x",
    "text/plain",
    "",
    "application/json; charset=utf-16",
    "image/png",
)
RAW = (
    *(
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe{}",
        b"{}" * 1000,
        b"[" * 100_000,
        b'{"a":' * 5000,
        b"1" * 6000,
    ),
    *(
        b'{"output":"\\ud800"}',
        b"a=%ed%a0%80&b=%00",
        b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\nx\r\n--x--',
    ),
    *(b"&".join(b"a%d=1" % place for place in range(2000)), b"--x\r\n\r\n", b"csrf_token=" + b"A" * 50_000),
)
draw_from = st.sampled_from


def cases(world: World, door: Door, part: str, found: Found) -> st.SearchStrategy[Call]:
    """Requests through `door` with its `part` replaced."""
    makers = {"form": _form, "callback": _callback, "page": _page, "rule": _rule}
    return makers[door.kind](world, door, part, found)


def _maybe(base: st.SearchStrategy[Call], site: str) -> st.SearchStrategy[Call]:
    """Sometimes with a hostile header, too."""
    return st.one_of(
        base, base, base, st.builds(_with_header, base, draw_from(HEADERS), nasty.texts(f"{site} header"))
    )


def _with_header(call: Call, name: str, text: str) -> Call:
    return replace(call, headers={**call.headers, name: nasty.in_header(text)})


def _any_query(found: Found, site: str) -> st.SearchStrategy[str]:
    """A query of words that are read, with hostile values; now and then one that is no query at all."""
    pair = st.tuples(draw_from(nasty.turned(sorted(found.words), site)), nasty.texts(site))
    made = st.lists(pair, min_size=1, max_size=4).map(nasty.in_query)
    return st.one_of(made, made, nasty.texts(f"{site} raw").map(_as_query))


def _as_query(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1").replace("\n", "").replace("\r", "")


@st.composite
def _one_header(draw: Any, site: str) -> tuple[str, str]:
    return draw(draw_from(nasty.turned(HEADERS, site))), draw(nasty.texts(site))


# --- forms ----------------------------------------------------------------------------------------


def _form(world: World, door: Door, part: str, found: Found) -> st.SearchStrategy[Call]:
    @st.composite
    def case(draw: Any) -> Call:
        kind, _, name = part.partition(" ")
        fields, call = list(door.form), door.base
        if kind == "field":
            fields = _replaced(
                fields, name, draw(nasty.texts(f"{door.name} {part}")), draw(st.integers(0, 9))
            )
        for _ in range(draw(st.integers(0, 2))):
            other = draw(draw_from(fields))[0] if fields else "login"
            if other != "csrf_token":
                fields = _replaced(fields, other, draw(nasty.texts(f"{door.name} other")), 1)
        if kind == "extra":
            fields += [(draw(nasty.texts("extra name")), draw(nasty.texts("extra value")))] * draw(
                st.integers(1, 3)
            )
        body, said = nasty.in_query(fields).encode(), FORM
        if kind == "body":
            body, said = draw(st.one_of(draw_from(RAW), st.binary(max_size=200))), draw(draw_from(KINDS))
        query = draw(_any_query(found, door.name)) if kind == "query" else ""
        call = replace(call, body=body, kind=said, query=query)
        return _with_header(call, *draw(_one_header(door.name))) if kind == "header" else call

    return _maybe(case(), door.name)


def _replaced(fields: list[tuple[str, str]], name: str, text: str, how: int) -> list[tuple[str, str]]:
    """The field with another value; left out, or given twice, now and then."""
    if how == 9:
        return [each for each in fields if each[0] != name]
    kept = fields if how == 8 else [each for each in fields if each[0] != name]
    return [*kept, (name, text)]


# --- callbacks ------------------------------------------------------------------------------------


def _callback(world: World, door: Door, part: str, found: Found) -> st.SearchStrategy[Call]:
    site = f"{door.name} {part}"

    @st.composite
    def case(draw: Any) -> Call:
        body: Any = copy.deepcopy(dict(door.body))
        address = draw(draw_from(nasty.turned(door.addresses, site)))
        _set_address(body, address)
        _put(draw, body, part, site, found)
        spots = [each for each in door.fields if each.startswith(("inputs ", "state "))]
        for _ in range(draw(st.integers(0, 1))):
            _put(draw, body, draw(draw_from(spots)), f"{site} other", found)
        call = replace(
            door.base, who=draw(draw_from(nasty.turned((ADMIN, ADMIN, ADMIN, USER, STRANGER), site)))
        )
        call = replace(
            call,
            headers={"X-CSRFToken": world.tokens[call.who], "Referer": f"http://localhost{_wire(address)}"},
        )
        if part == "referer":
            call = _with_header(call, "Referer", draw(_referers(site, found)))
        if part == "header":
            call = _with_header(call, *draw(_one_header(site)))
        if part == "body":
            raw = st.one_of(draw_from(RAW), nasty.values(site).map(nasty.in_json), st.binary(max_size=100))
            return replace(call, body=draw(raw), kind=draw(draw_from((JSON, JSON, JSON, *KINDS))))
        return replace(call, body=nasty.in_json(body))

    return _maybe(case(), site)


def _wire(address: str) -> str:
    return address.encode("utf-8", "surrogatepass").decode("latin-1")


def _set_address(body: dict[str, Any], address: str) -> None:
    """The callback is asked from this page: its path and query, where the callback is told them."""
    parts = urlsplit(address)
    told = {"pathname": parts.path, "search": f"?{parts.query}" if parts.query else "?range=all&lang=en"}
    for each in (*body["inputs"], *body["state"]):
        if isinstance(each, dict) and each["property"] in told:
            each["value"] = told[each["property"]]


def _referers(site: str, found: Found) -> st.SearchStrategy[str]:
    paths = st.one_of(draw_from(nasty.turned(sorted(found.addresses) or ["/"], site)), nasty.texts(site))
    whole = st.builds(lambda path, query: f"http://localhost{path}?{query}", paths, _any_query(found, site))
    return st.one_of(whole, paths.map(lambda path: f"http://localhost/{path}"), nasty.texts(f"{site} raw"))


def _put(draw: Any, body: dict[str, Any], part: str, site: str, found: Found) -> None:
    """Replace one part of a callback's request."""
    kind, _, rest = part.partition(" ")
    if kind in ("inputs", "state"):
        place, _, prop = rest.partition(" ")
        at = body[kind][int(place)]
        _put_value(draw, at, prop, site, found)
    elif kind == "id":
        where, _, place = rest.partition(" ")
        _put_id(draw, body, where, int(place), site)
    elif kind == "proof":
        body["inputs"][0]["value"] = _proof(draw, found, site)
    elif kind in ("changedPropIds", "outputs", "output"):
        body[kind] = draw(st.one_of(nasty.values(site), st.lists(nasty.texts(site), max_size=3)))


def _put_value(draw: Any, at: Any, prop: str, site: str, found: Found) -> None:
    hostile = nasty.values(site)
    if prop == "search":
        hostile = st.one_of(_any_query(found, site).map("?{}".format), hostile)
    if prop == "pathname":
        hostile = st.one_of(
            nasty.texts(site).map("/{}".format), draw_from(sorted(found.addresses) or ["/"]), hostile
        )
    if isinstance(at, list):
        for each in at:
            each["value"] = draw(hostile)
    else:
        at["value"] = draw(hostile)


def _put_id(draw: Any, body: dict[str, Any], where: str, place: int, site: str) -> None:
    """Another component than any that was drawn: in the pattern's own shape, or in none."""
    at = body[where][place]
    first = at[0] if isinstance(at, list) else at
    shaped = {key: draw(nasty.values(f"{site} {key}")) for key in first["id"]}
    kept = {key: first["id"][key] for key in first["id"] if draw(st.booleans())}
    first["id"] = draw(st.one_of(st.just(shaped | kept), nasty.values(site)))
    if where == "inputs":
        told = nasty.in_json(first["id"]).decode() if isinstance(first["id"], dict) else str(first["id"])
        body["changedPropIds"] = [f"{told}.{first['property']}"]


def _proof(draw: Any, found: Found, site: str) -> dict[str, Any]:
    """What a click on a value asks, with some of it replaced."""
    asked = dict(draw(draw_from(nasty.turned(list(found.proofs.values()), site))))
    if draw(st.booleans()):
        asked["key"] = draw(draw_from(nasty.turned(metrics(), site)))
    for name in draw(
        st.lists(draw_from(["key", "window", "subject", "value", "at"]), min_size=1, max_size=3)
    ):
        asked[name] = draw(nasty.values(f"{site} {name}"))
        if name == "subject" and draw(st.booleans()):
            asked[name] = draw(st.lists(nasty.texts(site), max_size=3))
        if name == "window" and draw(st.booleans()):
            asked[name] = draw(draw_from(nasty.WINDOWS))
    return asked


# --- pages and rules ------------------------------------------------------------------------------


def _page(world: World, door: Door, part: str, found: Found) -> st.SearchStrategy[Call]:
    site = f"{door.name} {part}"

    @st.composite
    def case(draw: Any) -> Call:
        kind, _, name = part.partition(" ")
        pairs = [("range", "all"), ("lang", draw(draw_from(("en", "pt-BR"))))]
        if kind == "word":
            pairs = [each for each in pairs if each[0] != name] + [(name, draw(nasty.texts(site)))]
        query = draw(_any_query(found, site)) if kind == "query" else nasty.in_query(pairs)
        path = door.base.path
        if door.addresses and draw(st.booleans()):
            path = urlsplit(draw(draw_from(door.addresses))).path
        if kind == "part":
            path = filled(door.template, _parts(draw, door, name, site))
        call = _by(draw, world, door, path, query)
        return _with_header(call, *draw(_one_header(site))) if kind == "header" else call

    return _maybe(case(), site)


def _parts(draw: Any, door: Door, name: str, site: str) -> dict[str, str]:
    """The parts of the path; the others often those of a real row."""
    real: dict[str, str] = {}
    if door.addresses:
        names = door.template.strip("/").split("/")
        at = urlsplit(draw(draw_from(door.addresses))).path.strip("/").split("/")
        real = {
            each.strip("<>"): value for each, value in zip(names, at, strict=False) if each.startswith("<")
        }
    return {**real, name: draw(nasty.texts(site))}


def _by(draw: Any, world: World, door: Door, path: str, query: str) -> Call:
    """The page itself, its frame, or one of the callbacks that fill it."""
    who = draw(draw_from((ADMIN, ADMIN, ADMIN, USER, STRANGER)))
    way = draw(draw_from(nasty.turned(("page", "frame", "data", "data"), f"{door.name} {query}")))
    referer = {
        "Referer": nasty.in_header(f"http://localhost{path}?{query}".replace("\r", "").replace("\n", ""))
    }
    if way == "page":
        return Call("GET", path, query=query, who=who)
    if way == "frame" or not door.entries:
        return Call("GET", "/_dash-layout", headers=referer, who=who)
    entry: Mapping[str, Any] = draw(draw_from(door.entries))
    told = {
        f"{where}.{name}": value
        for where in ("url", "_pages_location")
        for name, value in (("search", f"?{query}"), ("pathname", path))
    }
    body = nasty.in_json(callback_body(entry, told))
    headers = {**referer, "X-CSRFToken": world.tokens[who]}
    return Call("POST", "/_dash-update-component", body=body, kind=JSON, headers=headers, who=who)


def _rule(world: World, door: Door, part: str, found: Found) -> st.SearchStrategy[Call]:
    site = f"{door.name} {part}"

    @st.composite
    def case(draw: Any) -> Call:
        kind, _, name = part.partition(" ")
        path = filled(door.template, {name: draw(nasty.texts(site))}) if kind == "part" else door.base.path
        method = (
            draw(draw_from(METHODS)) if kind in ("method", "body") or draw(st.integers(0, 3)) == 0 else "GET"
        )
        query = draw(_any_query(found, site)) if kind == "query" else ""
        who = draw(draw_from(nasty.turned((ADMIN, USER, STRANGER), site)))
        headers = {"X-CSRFToken": world.tokens[who]} if draw(st.booleans()) else {}
        call = Call(method, path, query=query, headers=headers, who=who)
        if kind == "body":
            call = replace(
                call,
                body=draw(st.one_of(draw_from(RAW), st.binary(max_size=100))),
                kind=draw(draw_from(KINDS)),
            )
        return _with_header(call, *draw(_one_header(site))) if kind == "header" else call

    return _maybe(case(), site)
