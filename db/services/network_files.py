"""What a network's rows mean: nodes with their places, edges with their kinds and weights. No database."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from db.services.network_rows import Refused, Table, table
from db.services.otlp import LONGEST_AGENT, LONGEST_NAME, Invalid
from db.services.otlp_files import source_name
from db.services.table_files import named, shown

FARTHEST = 1e9  # what both databases keep with six digits behind the point
HEAVIEST = 1e15
MISSING = {"", "\\n", "?", "na", "n/a", "null", "none"}
MOST_ATTRIBUTES = 32
LONGEST_VALUE = 1024
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
Place = tuple[float, float, float]

# What a column is called where nobody says so; the first that occurs is taken.
KNOWN_AS: dict[str, tuple[str, ...]] = {
    "id": ("id", "node", "node_id", "neuron", "agent", "agent_id", "service", "key", "name", "label"),
    "name": ("name", "label", "title"),
    "x": ("x", "pos_x", "position_x"),
    "y": ("y", "pos_y", "position_y"),
    "z": ("z", "pos_z", "position_z"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "lng", "long", "longitude"),
    "source": ("source", "from", "parent", "caller", "src", "pre", "source_id"),
    "target": ("target", "to", "child", "callee", "dst", "post", "target_id"),
    "weight": ("weight", "callcount", "call_count", "calls", "count", "value"),
    "kind": ("kind", "type", "connection_type"),
}
CALLS = {"callcount", "call_count", "calls"}
KINDS = {
    "neural": "neural",
    "data": "data",
    "command": "command",
    "sync": "sync",
    "chemical": "neural",
    "electrical": "sync",
}


@dataclass(frozen=True)
class Columns:
    """Which column of the files holds what; None where it is to be found by its usual names."""

    id: str | None = None
    name: str | None = None
    x: str | None = None
    y: str | None = None
    z: str | None = None
    lat: str | None = None
    lon: str | None = None
    source: str | None = None
    target: str | None = None
    weight: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One node as listed. `place` is None where the file gives none; `globe` when latitude and longitude gave it."""

    line: int
    id: str
    name: str
    place: Place | None
    globe: bool
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Edge:
    """One row of a list of edges. `weight` is None where the file has no weights; `word` is the file's own kind."""

    line: int
    source: str
    target: str
    weight: float | None
    kind: str
    word: str | None


def holds_nodes(path: Path) -> bool:
    """True when the file is a JSON document with a list of nodes of its own. Raises Invalid."""
    with table(path, "nodes", (), lambda done, total, rows: None) as found:
        return found.numbered and bool(found.header)


def nodes(found: Table, columns: Columns) -> Iterator[Node | tuple[int, Refused]]:
    """The nodes of a table. Raises Invalid when it has no column for their ids."""
    names = _columns(found, columns, ("id", "name", "x", "y", "z", "lat", "lon"))
    if names["id"] is None:
        raise Invalid(
            "no column holds the nodes' ids; name it with --id, and for a file without a header line"
        )
    if names["name"] == names["id"]:
        names["name"] = None
    used = set(names.values())
    for line, row in found.rows:
        if isinstance(row, Refused):
            yield line, row
            continue
        try:
            yield _node(line, row, names, used)
        except Refused as error:
            yield line, error


def _called(found: Table, field: str, wish: str | None) -> str | None:
    """The column that holds `field`: the one named, else the first with a usual name. Raises Invalid."""
    if wish is not None:
        if wish not in found.header:
            raise Invalid(f"there is no column {shown(wish)} for --{field}; it has: {named(found.header)}")
        return wish
    known = {_plain(name, field): name for name in reversed(found.header)}
    return next((known[name] for name in KNOWN_AS[field] if name in known), None)


def _plain(name: str, field: str) -> str:
    """The column's name in small letters; of a coordinate, without its unit ("x_um")."""
    low = name.strip().lower()
    return low[0] if field in "xyz" and re.fullmatch(rf"{field}[_ (\[]+\w+[)\]]?", low) else low


def _columns(found: Table, columns: Columns, fields: Sequence[str]) -> dict[str, str | None]:
    names = {field: _called(found, field, getattr(columns, field)) for field in fields}
    found.require([name for name in names.values() if name])
    return names


def _node(line: int, row: Mapping[str, Any], names: Mapping[str, str | None], used: set[str | None]) -> Node:
    id_ = identity(row.get(names["id"] or ""), "id")
    name = _text(row.get(names["name"] or ""))
    place, globe = _place(id_, row, names)
    others = ((key, _text(value)) for key, value in row.items() if key and key not in used)
    attributes = {key[:80]: text[:LONGEST_VALUE] for key, text in others if not _missing(text)}
    return Node(
        line,
        id_,
        (name or id_)[:LONGEST_NAME],
        place,
        globe,
        dict(islice(attributes.items(), MOST_ATTRIBUTES)),
    )


def identity(value: Any, field: str) -> str:
    """A node's id as text. Raises Refused."""
    text = _text(value)
    if text in ("", "\\N"):
        raise Refused("without an id", f"{field} is empty; every row needs one")
    if len(text) > LONGEST_AGENT:
        raise Refused(
            "id too long", f"{field} has {len(text):,} characters, at most {LONGEST_AGENT} are kept"
        )
    if CONTROL.search(text):
        raise Refused("unreadable", f"{field} {text!r:.80} holds control characters; take them out")
    return text


def _text(value: Any) -> str:
    return (
        "" if value is None or isinstance(value, (list, dict)) else str(value).replace("\0", "\ufffd").strip()
    )


def _missing(text: str) -> bool:
    return text.lower() in MISSING


def _place(id_: str, row: Mapping[str, Any], names: Mapping[str, str | None]) -> tuple[Place | None, bool]:
    """Where the node stands: x, y, z, or latitude and longitude on a ball of radius 1. None where nothing is said."""
    axes = [axis for axis in "xyz" if names[axis]]
    if len(axes) >= 2:
        given = _numbers(id_, row, names, axes)
        if given is None:
            return None, False
        at = dict(zip(axes, given, strict=True))
        return (at.get("x", 0.0), at.get("y", 0.0), at.get("z", 0.0)), False
    if not (names["lat"] and names["lon"]):
        return None, False
    given = _numbers(id_, row, names, ("lat", "lon"))
    if given is None:
        return None, True
    if abs(given[0]) > 90 or abs(given[1]) > 180:
        raise Refused(
            "position", f"{id_}: latitude {given[0]:g} and longitude {given[1]:g} are nowhere on Earth"
        )
    lat, lon = map(math.radians, given)
    return (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)), True


def _numbers(
    id_: str, row: Mapping[str, Any], names: Mapping[str, str | None], wanted: Sequence[str]
) -> list[float] | None:
    texts = {field: _text(row.get(names[field] or "")) for field in wanted}
    absent = [field for field, text in texts.items() if _missing(text)]
    if len(absent) == len(texts):
        return None
    if absent:
        raise Refused("position", f"{id_}: {' and '.join(absent)} is missing; give all coordinates or none")
    found = [_number(text, f"{id_}: {names[field]}", "position") for field, text in texts.items()]
    far = next((value for value in found if abs(value) >= FARTHEST), None)
    if far is not None:
        raise Refused(
            "position", f"{id_}: the coordinate {far:g} lies beyond {FARTHEST:g}; give it in a larger unit"
        )
    return found


def _number(text: str, what: str, why: str) -> float:
    try:
        if not text.isascii() or "_" in text:  # float() reads more than people write as numbers: 1_0, ١
            raise ValueError
        found = float(text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError:
        raise Refused(why, f"{what} {text!r:.60} is not a number") from None
    if not math.isfinite(found):
        raise Refused(
            why, f"{what} {text!r:.60} is not a finite number; leave it empty where nothing was measured"
        )
    return found


def edges(found: Table, columns: Columns) -> Iterator[Edge | tuple[int, Refused]]:
    """The edges of a table. Raises Invalid when it has no columns for their two ends."""
    names = _columns(found, columns, ("source", "target", "weight", "kind"))
    absent = [field for field in ("source", "target") if names[field] is None]
    if absent and found.header:
        options = " and ".join(f"--{field}" for field in absent)
        raise Invalid(f"no column holds the edges' ends; name them with {options}")
    usual = "data" if (names["weight"] or "").strip().lower() in CALLS else "neural"
    for line, row in found.rows:
        if isinstance(row, Refused):
            yield line, row
            continue
        try:
            yield _edge(line, row, names, usual)
        except Refused as error:
            yield line, error


def _edge(line: int, row: Mapping[str, Any], names: Mapping[str, str | None], usual: str) -> Edge:
    source = identity(row.get(names["source"] or ""), "source")
    target = identity(row.get(names["target"] or ""), "target")
    word = _text(row.get(names["kind"] or ""))[:80]
    said = None if _missing(word) else word
    kind = usual if said is None else KINDS.get(said.lower(), "neural")
    return Edge(line, source, target, _weight(row, names["weight"], source, target), kind, said)


def _weight(row: Mapping[str, Any], column: str | None, source: str, target: str) -> float | None:
    if column is None:
        return None
    text, what = _text(row.get(column)), f"{source} → {target}: {column}"
    if _missing(text):
        raise Refused("weight", f"{what} is empty; fill it in, or name another column with --weight")
    found = _number(text, what, "weight")
    if not 0 <= found < HEAVIEST:
        raise Refused("weight", f"{what} {text:.60} must lie between 0 and {HEAVIEST:g}")
    return found


def network_name(path: Path, prefix: str) -> str:
    """What the map calls the group: the prefix without its punctuation, else the file's name without its endings."""
    own = prefix.strip(" /:._-|#")
    if own:
        return own
    name = source_name(path)
    for ending in (".csv", ".tsv", ".txt", ".dat"):
        name = name.removesuffix(ending)
    return name or path.name
