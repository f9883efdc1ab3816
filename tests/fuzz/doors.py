"""Every door, found by looking: forms on pages, callbacks Dash knows, pages, rows, addresses and the words they read.

Nothing is listed here by name. A form, page or callback that is added tomorrow is found tomorrow.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import dash

from db.metric import METRICS, SERIES
from tests.fuzz.nasty import in_json
from tests.fuzz.world import ADMIN, PASSWORD, STRANGER, USER, Call, World
from tests.reader import elements

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("auth", "pages", "api")
FORM_WORD = re.compile(r"""\bform(?:\.get\(|\[)["'](\w+)["']""")
QUERY_WORD = re.compile(r"""\b(?:args|asked)(?:\.get\(|\[)["'](\w+)["']""")
UPDATE = "/_dash-update-component"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND")
# What goes through, by a field's name or else its type: a form is best tried one hostile field at a time.
USUAL = {"login": USER, "username": "fuzz-one", "email": "fuzz@example.com", "password": PASSWORD}
# fmt: off
HEADERS = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "Host", "If-None-Match", "Origin",
    "Range", "Referer", "User-Agent", "X-CSRFToken", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
)
# fmt: on


@dataclass(frozen=True)
class Door:
    """One way in. `fields` are the parts that can be replaced, `base` is a request that goes through."""

    name: str
    kind: str
    base: Call
    fields: tuple[str, ...]
    form: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""
    addresses: tuple[str, ...] = ()
    entries: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Found:
    """What the crawl saw: values by component and property, addresses inside the application, words of queries."""

    known: dict[tuple[str, str], Any] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    forms: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)
    proofs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    holders: dict[str, set[str]] = field(default_factory=dict)


@cache
def discover(world: World) -> tuple[list[Door], Found]:
    """All doors, and what was seen on the way."""
    found = Found(words=set(_source_words(QUERY_WORD)))
    _crawl_pages(world, found)
    _crawl_callbacks(world, found)
    doors = [*_forms(world, found), *_callbacks(world, found), *_pages(world, found), *_rules(world)]
    names = [door.name for door in doors]
    if len(names) != len(set(names)):
        raise AssertionError(sorted(each for each in names if names.count(each) > 1))
    return doors, found


def _source_words(pattern: re.Pattern[str]) -> Iterator[str]:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            yield from pattern.findall(path.read_text(encoding="utf-8"))


# --- the crawl ------------------------------------------------------------------------------------


def _crawl_pages(world: World, found: Found) -> None:
    """Server-rendered pages with their forms, and the outline of every page of the application."""
    for who in (STRANGER, ADMIN):
        for path in _plain_paths(world):
            answer = world.try_out(Call("GET", path, who=who))
            if answer.kind == "text/html" and answer.status < 500:
                reader = _Forms(path)
                reader.feed(answer.text)
                for form in reader.forms:
                    found.forms.setdefault((who, form.action), form.fields)
    for entry in dash.page_registry.values():
        _outline(world, found, entry["path"])


def _plain_paths(world: World) -> list[str]:
    """Addresses of the URL map that are whole as they stand."""
    rules = world.app.server.url_map.iter_rules()
    return sorted({rule.rule for rule in rules if "GET" in (rule.methods or ()) and not rule.arguments})


def _outline(world: World, found: Found, path: str) -> None:
    """What the page at `path` draws before its data comes."""
    tree = _asked(world, {"_pages_location.pathname": path, "_pages_location.search": ""}, path)
    for each in elements(tree):
        told = each["props"].get("id")
        if told is not None:
            found.holders.setdefault(_spelled(told), set()).add(path)
    _note(found, tree)
    if path == "/":
        _note(found, json.loads(world.try_out(Call("GET", "/_dash-layout")).body))


def _asked(world: World, given: Mapping[str, Any], referer: str) -> Any:
    """The answer of Dash's page router."""
    entry = next(each for each in dependencies(world) if "_pages_content.children" in each["output"])
    answer = world.try_out(callback_call(world, entry, {**given}, referer))
    return json.loads(answer.body) if answer.kind == "application/json" else None


def _crawl_callbacks(world: World, found: Found) -> None:
    """Twice: the first answers bring the rows whose pages the second asks for."""
    asked: set[tuple[str, str]] = set()
    for _ in range(2):
        for entry in dependencies(world):
            for address in _own_addresses(entry, found)[:5]:
                if (entry["output"], address) in asked:
                    continue
                asked.add((entry["output"], address))
                given = {"url.search": "?range=all&lang=en", "url.pathname": address.partition("?")[0]}
                answer = world.try_out(callback_call(world, entry, given, address))
                if answer.kind == "application/json" and answer.status == 200:
                    _note(found, json.loads(answer.body))


def _note(found: Found, tree: Any) -> None:
    for each in elements(tree):
        props = each["props"]
        if each["type"] == "Form" and props.get("action"):
            inner = [inside["props"] for inside in elements(props.get("children"))]
            named = [(one["name"], str(one.get("value") or "")) for one in inner if one.get("name")]
            found.forms.setdefault((ADMIN, props["action"]), named)
        if props.get("id") is not None:
            for name, value in props.items():
                if name not in ("id", "children"):
                    found.known[_spelled(props["id"]), name] = value
            found.known[_spelled(props["id"]), "id"] = props["id"]
        for name in ("data-query-key", "data-query-set"):
            if props.get(name):
                found.words.add(props[name])
        href = props.get("href")
        if isinstance(href, str) and href.startswith("/") and not href.startswith("/assets"):
            found.addresses.add(href)
            found.words |= {key for key, _ in parse_qsl(urlsplit(href).query)}
        if "data-metric" in props:
            found.proofs.setdefault((props["data-metric"], props.get("data-subject", "")), _proof(props))


def _proof(props: Mapping[str, Any]) -> dict[str, Any]:
    """What the browser asks when this value is clicked (assets/clientside.js)."""
    return {
        "key": props["data-metric"],
        "window": props.get("data-window") or None,
        "subject": json.loads(props.get("data-subject") or "[]"),
        "value": props.get("data-value") or None,
        "at": props.get("data-measured-at") or None,
        "asked": 1,
    }


def _spelled(told: Any) -> str:
    return told if isinstance(told, str) else json.dumps(told, sort_keys=True, separators=(",", ":"))


# --- callbacks ------------------------------------------------------------------------------------


@cache
def dependencies(world: World) -> list[dict[str, Any]]:
    """The callbacks the server answers, as the browser is told of them."""
    told = json.loads(world.try_out(Call("GET", "/_dash-dependencies")).body)
    return [entry for entry in told if not entry["clientside_function"]]


def callback_call(world: World, entry: Mapping[str, Any], given: Mapping[str, Any], referer: str) -> Call:
    body = callback_body(entry, given)
    headers = {"X-CSRFToken": world.tokens[ADMIN], "Referer": f"http://localhost{_ascii(referer)}"}
    return Call("POST", UPDATE, body=in_json(body), kind="application/json", headers=headers)


def callback_body(
    entry: Mapping[str, Any], given: Mapping[str, Any], known: Mapping[tuple[str, str], Any] | None = None
) -> dict[str, Any]:
    """A request as the browser makes it: `given` by "id.property", else what was seen, else what its kind suggests."""
    output = entry["output"]
    several = output.startswith("..")
    names = output.strip(".").split("...") if several else [output]
    outputs = [_target(*name.rpartition(".")[::2]) for name in names]
    inputs = [_part(part, given, known or {}) for part in entry["inputs"]]
    state = [_part(part, given, known or {}) for part in entry["state"]]
    first = inputs[0][0] if inputs and isinstance(inputs[0], list) and inputs[0] else inputs[0]
    changed = [f"{_spelled(first['id'])}.{first['property']}"] if isinstance(first, dict) else []
    return {
        "output": output,
        "outputs": outputs if several else outputs[0],
        "inputs": inputs,
        "state": state,
        "changedPropIds": changed,
    }


def _target(spelled: str, prop: str) -> dict[str, Any]:
    return {
        "id": json.loads(spelled) if spelled.startswith("{") else spelled,
        "property": prop.partition("@")[0],
    }


def _part(part: Mapping[str, Any], given: Mapping[str, Any], known: Mapping[tuple[str, str], Any]) -> Any:
    told, prop = part["id"], part["property"]
    if not told.startswith("{"):
        return {"id": told, "property": prop, "value": given.get(f"{told}.{prop}", _usual(told, prop, known))}
    pattern = json.loads(told)
    fitting = [key for key, name in known if name == "id" and _fits(pattern, key)]
    ids = [json.loads(key) for key in sorted(fitting)[:3]] or [_made(pattern)]
    parts = [{"id": each, "property": prop, "value": _usual(_spelled(each), prop, known)} for each in ids]
    return parts[0] if any(value == ["MATCH"] for value in pattern.values()) else parts


def _usual(told: str, prop: str, known: Mapping[tuple[str, str], Any]) -> Any:
    counted = {"n_clicks": 1, "n_submit": 1, "n_blur": 1, "n_clicks_timestamp": 1, "n_intervals": 1}
    if prop in counted:
        return counted[prop]
    return known.get((told, prop), {"pathname": "/", "search": "?range=all&lang=en", "id": told}.get(prop))


def _fits(pattern: Mapping[str, Any], spelled: str) -> bool:
    if not spelled.startswith("{"):
        return False
    told = json.loads(spelled)
    return set(told) == set(pattern) and all(
        isinstance(value, list) or told[key] == value for key, value in pattern.items()
    )


def _made(pattern: Mapping[str, Any]) -> dict[str, Any]:
    return {key: "1" if isinstance(value, list) else value for key, value in pattern.items()}


def _own_addresses(entry: Mapping[str, Any], found: Found) -> list[str]:
    """Where a callback's parts stand: the pages that hold one of its ids, and the addresses those answer."""
    ids = {name.rpartition(".")[0] for name in entry["output"].strip(".").split("...")}
    pages = {page for told in ids for page in found.holders.get(told, ())}
    mine = sorted(each for each in found.addresses if page_of(each) in pages)
    return [*mine[:: max(1, len(mine) // 12)], *sorted(pages)] or ["/"]


def page_of(address: str) -> str:
    """The path under which the page that answers `address` is registered."""
    path = urlsplit(address).path
    for entry in dash.page_registry.values():
        template = entry.get("path_template")
        if path == entry["path"] or (template and re.fullmatch(re.sub("<.*?>", ".+", template), path)):
            return str(entry["path"])
    return ""


def _ascii(address: str) -> str:
    return address.encode("utf-8", "surrogatepass").decode("latin-1")


def _callbacks(world: World, found: Found) -> Iterator[Door]:
    for entry in dependencies(world):
        body = callback_body(entry, {}, found.known)
        parts = [
            *(f"inputs {place} {part['property']}" for place, part in enumerate(entry["inputs"])),
            *(f"state {place} {part['property']}" for place, part in enumerate(entry["state"])),
        ]
        ids = [
            f"id {kind} {place}"
            for kind in ("inputs", "state")
            for place, part in enumerate(entry[kind])
            if part["id"].startswith("{")
        ]
        proof = ["proof"] if entry["output"] == "proof-body.children" else []
        fields = (*parts, *ids, *proof, "changedPropIds", "outputs", "output", "body", "referer", "header")
        headers = {"X-CSRFToken": world.tokens[ADMIN], "Referer": "http://localhost/"}
        base = Call("POST", UPDATE, kind="application/json", headers=headers)
        yield Door(
            f"callback {entry['output']}",
            "callback",
            base,
            fields,
            body=body,
            addresses=tuple(_own_addresses(entry, found)),
        )


def metrics() -> list[str]:
    return sorted([*METRICS, *SERIES])


# --- forms ----------------------------------------------------------------------------------------


@dataclass
class _Form:
    action: str
    fields: list[tuple[str, str]]


class _Forms(HTMLParser):
    """The forms of a page that are posted, with what their fields hold."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.forms: list[_Form] = []
        self._open: _Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "").lower() == "post":
            self._open = _Form(urlsplit(given.get("action") or self.path).path, [])
            self.forms.append(self._open)
        elif (
            self._open is not None and tag in ("input", "select", "textarea", "button") and given.get("name")
        ):
            kind = given["name"] if given["name"] in USUAL else given.get("type", "")
            self._open.fields.append((given["name"], given.get("value") or USUAL.get(kind, "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def _forms(world: World, found: Found) -> Iterator[Door]:
    """A door per form, with the fields it shows and those that any form's code reads."""
    read = sorted(set(_source_words(FORM_WORD)))
    for (who, action), fields in sorted(found.forms.items()):
        shown = [name for name, _ in fields]
        given = [(name, world.tokens[who] if name == "csrf_token" else value) for name, value in fields]
        more = [name for name in read if name not in shown]
        names = (*(f"field {name}" for name in (*shown, *more)), "extra", "body", "query", "header")
        base = Call("POST", action, kind="application/x-www-form-urlencoded", who=who)
        yield Door(f"form {action} ({who})", "form", base, names, form=tuple(given))


# --- pages and everything else in the URL map -----------------------------------------------------


def _pages(world: World, found: Found) -> Iterator[Door]:
    words = tuple(sorted(found.words))
    for entry in dash.page_registry.values():
        template = entry.get("path_template") or ""
        parts = tuple(f"part {name}" for name in re.findall("<(.*?)>", template))
        fields = (*(f"word {word}" for word in words), *parts, "query", "header")
        samples = tuple(sorted(each for each in found.addresses if page_of(each) == entry["path"])[:40])
        yield Door(
            f"page {template or entry['path']}",
            "page",
            Call("GET", entry["path"], query="range=all"),
            fields,
            template=template,
            addresses=samples,
            entries=tuple(_entries_of(world, found, entry["path"])),
        )


def _entries_of(world: World, found: Found, path: str) -> Iterator[Mapping[str, Any]]:
    """The router, and the callbacks that fill this page."""
    for entry in dependencies(world):
        if "_pages_content.children" in entry["output"] or path in _own_addresses(entry, found):
            yield entry


def _rules(world: World) -> Iterator[Door]:
    """Every rule of the URL map with every method, its parts replaced."""
    for rule in sorted({each.rule: each for each in world.app.server.url_map.iter_rules()}.values(), key=str):
        parts = tuple(f"part {name}" for name in sorted(rule.arguments))
        path = re.sub(r"<(?:\w+(?:\([^)]*\))?:)?\w+>", "x", rule.rule)
        template = re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"<\1>", rule.rule)
        yield Door(
            f"rule {rule.rule}",
            "rule",
            Call("GET", path),
            (*parts, "method", "query", "body", "header"),
            template=template,
        )


def filled(template: str, values: Mapping[str, str]) -> str:
    """A path with its parts replaced, as the server is told it: octets as latin-1."""
    path = re.sub("<(.*?)>", lambda part: values.get(part[1], "x"), template)
    return path.encode("utf-8", "surrogatepass").decode("latin-1")
