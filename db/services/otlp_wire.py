"""Protobuf requests item by item: only the three outer levels are walked here, each item is parsed by itself.

A parser asked for a whole request makes an object of some hundred bytes of every two that say "an empty message". Taken
one by one, the memory a request can cost is that of its largest item.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from db.services.otlp_values import SIZE, Invalid

RESOURCE, SCOPES = 1, 2  # field numbers, the same for each signal
SCOPE, ITEMS = 1, 2
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
BROKEN = "not a valid protobuf message (it breaks off or is of another kind); export it again"
Range = tuple[int, int]


class Limits(NamedTuple):
    """How large one item may be, in bytes, and how many resources, scopes and items there may be."""

    item: int = 64 * 1024 * 1024
    parts: int = 2**62


class Scoped(NamedTuple):
    """The items of one scope of one resource, each as its bytes."""

    resource: bytes
    scope: bytes
    items: list[Range]


FREE = Limits()


def scopes_of(data: bytes, limits: Limits = FREE) -> Iterator[Scoped]:
    """Each scope of a request with its items' places in `data`. Raises Invalid."""
    left = limits.parts
    for place, begin, end in _fields(data, 0, len(data)):
        found = _few_fields(data, begin, end, left) if place == 1 else []
        left -= 1 + len(found)
        if left < 0:
            raise _too_many()
        resource = b"".join(data[at:stop] for number, at, stop in found if number == RESOURCE)
        for number, at, stop in found:
            if number == SCOPES:
                inner = _few_fields(data, at, stop, left)
                left -= len(inner)
                items = [(first, last) for field, first, last in inner if field == ITEMS]
                yield Scoped(resource, b"".join(data[a:b] for field, a, b in inner if field == SCOPE), items)


def _few_fields(data: bytes, begin: int, end: int, most: int) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for each in _fields(data, begin, end):
        if len(found) >= most:
            raise _too_many()
        found.append(each)
    return found


def _too_many() -> Invalid:
    return Invalid("too many parts in one request; send smaller batches", SIZE)


def item(kind: Any, data: bytes, place: Range, limits: Limits = FREE) -> Any:
    """The message of one item. Raises Invalid for one beyond the limit, DecodeError for what is no such message."""
    begin, end = place
    if end - begin > limits.item:
        raise Invalid(f"it has {end - begin:,} bytes, the limit is {limits.item:,}; send less in one", SIZE)
    return kind.FromString(data[begin:end])


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of each field that has a length; the others are passed over."""
    while at < end:
        key, at = _varint(data, at, end)
        wire = key & 7
        if wire == LENGTH:
            size, at = _varint(data, at, end)
            if size > end - at:
                raise Invalid(BROKEN)
            yield key >> 3, at, at + size
            at += size
        elif wire == VARINT:
            _, at = _varint(data, at, end)
        elif wire in (FIXED64, FIXED32):
            at += 8 if wire == FIXED64 else 4
        else:
            raise Invalid(BROKEN)
    if at != end:
        raise Invalid(BROKEN)


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    raise Invalid(BROKEN)
