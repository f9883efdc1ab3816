"""Damage done to a good body: in its tree, in its text, in its octets, in its packing and in what is said about it."""

import gzip
import json
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.fuzz.documents import SIGNALS, Signal, documents, in_protobuf

JSON, PROTOBUF = "application/json", "application/x-protobuf"
KINDS = (
    JSON,
    PROTOBUF,
    JSON,
    PROTOBUF,
    JSON,
    PROTOBUF,
    f"{JSON}; charset=utf-8",
    "text/plain",
    "",
    'a/b;c="',
)
HUGE = "9" * 5000
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**53, 2**63, 2**64, -(2**63) - 1, 10**40, 1e308, -0.0, "", "0", "-1", "NaN",
    "Infinity", "1e5", " 7 ", "0x10", "1_000", "٣", HUGE, "x" * 70_000, "\x00", "a\x00b", "\ud800", "\u202e", "😀",
    "%s", "'; --", "__proto__", "constructor", "../..", [], {}, [[]], [None], {"": ""}, {"__proto__": {"x": 1}},
    {"stringValue": None}, {"intValue": "x"}, {"intValue": HUGE}, {"doubleValue": "NaN"}, {"bytesValue": "???"},
    {"arrayValue": None}, {"kvlistValue": {"values": [{}]}}, {"arrayValue": {"values": [None]}}, {"unknownValue": 1},
    {"stringValue": "a", "intValue": "1"}, "00000000000000000000000000000000", "0000000000000000", "G" * 32, "ab",
    "AB" * 16, "SPAN_KIND_SERVER", "STATUS_CODE_ERROR", "SEVERITY_NUMBER_INFO", "18446744073709551615",
    "18446744073709551616", -5,
)  # fmt: skip
KEYS = (
    "__proto__",
    "constructor",
    "",
    "\x00",
    "trace_id",
    "start_time_unix_nano",
    "traceID",
    "x" * 5000,
    "value",
    "é",
    "$",
)
Tree = Any


@dataclass(frozen=True)
class Body:
    """One request's body and what its headers say of it; `how` names the damage."""

    path: str
    kind: str
    packing: str
    octets: bytes
    how: str


class Damage:
    """Makes the body of a number: the same seed and number give the same body."""

    def __init__(self, seed: int, paths: Collection[str] = tuple(signal.path for signal in SIGNALS)) -> None:
        """`paths` are the doors bodies go to."""
        self.seed = seed
        self.good = documents()
        self.signals = [signal for signal in SIGNALS if signal.path in paths]

    def body(self, number: int) -> Body:
        chance = Random(f"{self.seed}:{number}")
        signal = chance.choice((self.signals[0], *self.signals))
        how: list[str] = []
        octets, kind = self._encoded(chance, signal, how)
        for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 1, 2, 6))):
            octets = _bitten(chance, octets, how)
        octets, packing = _packed(chance, octets, how)
        if chance.random() < 0.04:
            kind = chance.choice(KINDS)
            how.append(f"said to be {kind!r}")
        other = chance.choice(self.signals) if chance.random() < 0.03 else signal
        return Body(other.path, kind, packing, octets, ", ".join(how) or "as it was")

    def _encoded(self, chance: Random, signal: Signal, how: list[str]) -> tuple[bytes, str]:
        document = _copied(chance.choice(self.good[signal.name]))
        if chance.random() < 0.45:
            octets = in_protobuf(signal, document)
            if chance.random() < 0.3:
                octets = _with_fields(chance, signal, octets, how)
            return octets, PROTOBUF
        for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
            document = _changed(chance, document, how)
        text = json.dumps(document, ensure_ascii=chance.random() < 0.5)
        return _text(chance, text, how).encode("utf-8", "surrogatepass"), JSON


def _changed(chance: Random, document: Tree, how: list[str]) -> Tree:
    """One place of the tree made wrong."""
    places = list(_places(document))
    if not places:
        return _value(chance)
    held, key = chance.choice(places)
    what = chance.randrange(8)
    if what == 5 and any(told.startswith("tree 5") for told in how):
        what = 0  # nested twice would be deeper than the standard library writes
    how.append(f"tree {what} at {str(key)[:20]}")
    if what <= 2:
        held[key] = _value(chance)
    elif what == 3:
        del held[key]
    elif what == 4:
        held[key] = _copied([held[key]] * chance.choice((2, 3, 200)))
    elif what == 5:
        held[key] = _nested(chance, held[key])
    elif what == 6 and isinstance(held, dict):
        held[chance.choice(KEYS)] = _copied(held[key]) if chance.random() < 0.5 else _value(chance)
    else:
        other, name = chance.choice(places)
        held[key] = _copied(other[name]) if name in range(len(other)) or name in other else None
    return document


def _value(chance: Random) -> Tree:
    """One of VALUES, as a copy that may be changed."""
    return _copied(chance.choice(VALUES))


def _copied(tree: Tree) -> Tree:
    """By way of text, which takes deeper trees than `copy.deepcopy` does."""
    return json.loads(json.dumps(tree))


def _places(part: Tree, deepest: int = 40) -> Iterator[tuple[Tree, Any]]:
    """Every place of a tree where something stands, as (holder, key); not those within what was nested for ever."""
    entries = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in entries:
        yield part, key
        if deepest:
            yield from _places(value, deepest - 1)


def _nested(chance: Random, value: Tree) -> Tree:
    kind = chance.randrange(4)
    for _ in range(chance.choice((3, 17, 40, 150))):
        value = (
            [value],
            {"arrayValue": {"values": [value]}},
            {"kvlistValue": {"values": [{"key": "k", "value": value}]}},
            {"value": value},
        )[kind]
    return value


def _text(chance: Random, text: str, how: list[str]) -> str:
    what = chance.randrange(45)
    if what > 8:
        return text
    how.append(f"text {what}")
    if what == 0:  # the same key twice, with another value
        at = text.find('"', chance.randrange(len(text)))
        end = text.find('":', at + 1)
        return f"{text[:at]}{text[at : end + 2]}null,{text[at:]}" if 0 <= at < end else text
    if what == 1:
        return "\ufeff" + text
    if what == 2:
        return text * 2
    if what == 3:
        return f"[{text}]"
    if what == 4:
        depth = chance.choice((100, 1000, 100_000))
        return "[" * depth + text
    if what == 5:
        return text.replace('"stringValue"', chance.choice(('"intValue"', '"string_value"', '"STRINGVALUE"')))
    if what == 6:
        return text.replace(":", chance.choice((":\n\t ", ": NaN,", "::")))
    if what == 7:
        return chance.choice(("", " ", "null", "0", '"x"', "{}", "[]", "true", "{", '{"resourceSpans":{}}'))
    return text.replace("1", HUGE, chance.randrange(1, 4))


def _with_fields(chance: Random, signal: Signal, octets: bytes, how: list[str]) -> bytes:
    """A protobuf message with fields nobody knows, a message in itself again and again, or the same one many times."""
    what = chance.randrange(4)
    how.append(f"fields {what}")
    if what == 0:
        number, wire = chance.choice((1, 15, 99, 536_870_911)), chance.randrange(6)
        return octets + _varint(number << 3 | wire) + chance.randbytes(chance.randrange(12))
    if what == 1:
        for _ in range(chance.choice((5, 60, 150))):
            octets = b"\x0a" + _varint(len(octets)) + octets
        return octets
    if what == 2:
        return octets * chance.choice((2, 20))
    return b"\x0a" + _varint(chance.choice((2**31, 2**35, 2**63, 1))) + octets


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _bitten(chance: Random, octets: bytes, how: list[str]) -> bytes:
    if not octets:
        return chance.randbytes(chance.randrange(64))
    what, at = chance.randrange(7), chance.randrange(len(octets))
    end = min(len(octets), at + chance.randrange(1, 40))
    how.append(f"octets {what} at {at}")
    if what == 0:
        return octets[:at]
    if what <= 2:
        flipped = octets[at] ^ (1 << chance.randrange(8))
        return octets[:at] + bytes([flipped]) + octets[at + 1 :]
    if what == 3:
        return octets[:at] + chance.randbytes(end - at) + octets[end:]
    if what == 4:
        return octets[:at] + octets[end:]
    if what == 5:
        return octets[:end] + octets[at:end] * chance.randrange(1, 9) + octets[end:]
    return octets[:at] + chance.choice((b"\x00", b"\xff" * 11, b"\xed\xa0\x80", b"\x80" * 20)) + octets[at:]


def _packed(chance: Random, octets: bytes, how: list[str]) -> tuple[bytes, str]:
    """The body as a header Content-Encoding says it is packed, or not quite so."""
    what = chance.randrange(40)
    if what > 15:
        return octets, ""
    packed = gzip.compress(octets, compresslevel=1, mtime=0)
    if what <= 7:
        return packed, "gzip"
    how.append(f"packing {what}")
    if what == 8:
        return packed[: chance.randrange(len(packed))], "gzip"
    if what == 9:
        at = chance.randrange(len(packed))
        return packed[:at] + bytes([packed[at] ^ (1 << chance.randrange(8))]) + packed[at + 1 :], "gzip"
    if what == 10:
        return octets, "gzip"
    if what == 11:
        return packed + chance.choice((packed, b"\x00" * 9, b"more")), "gzip"
    if what == 12:
        return gzip.compress(packed, compresslevel=1, mtime=0), "gzip"
    if what == 13:
        return zlib.compress(octets), chance.choice(("deflate", "gzip", "br", "zstd"))
    if what == 14:
        return packed, chance.choice(("GZIP", "gzip, gzip", "identity", "x", "", " gzip "))
    return gzip.compress(octets + b" " * chance.choice((10_000, 1_000_000)), compresslevel=1, mtime=0), "gzip"
