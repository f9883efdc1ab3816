"""What logs and metrics have in common on the way in: resources, their scopes, and ids made of content.

Both encodings take one way: a protobuf message becomes the very document that OTLP/JSON would have been.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from db.services.otlp import service_of
from db.services.otlp_values import Invalid, as_dict, as_list, attributes, clean, protobuf_attributes
from db.services.otlp_wire import Limits, item, scopes_of

HEXADECIMAL = ("trace_id", "span_id", "parent_span_id")


class Names(NamedTuple):
    """What a signal calls its levels in JSON."""

    resources: str
    scopes: str
    items: str


@dataclass(frozen=True)
class Origin:
    """The process and the library an item comes from; `key` stands for both in an item's identity."""

    resource: Mapping[str, Any]
    service: str
    scope: str | None
    key: bytes


Found = Iterator[tuple[Any, Origin] | Invalid]


def items_of(document: Mapping[str, Any], names: Names) -> Found:
    """Every item of a JSON request with where it comes from. Raises Invalid where the envelope itself is none."""
    for outer in as_list(document.get(names.resources)):
        scopes = as_list(as_dict(outer).get(names.scopes))
        try:
            resource = attributes(as_dict(as_dict(outer).get("resource")).get("attributes"))
            service = service_of(resource)
        except Invalid as error:
            yield error.about(
                "resource", sum(len(as_list(as_dict(each).get(names.items))) for each in scopes)
            )
            continue
        for inner in scopes:
            scope = clean(as_dict(as_dict(inner).get("scope")).get("name")) or None
            origin = Origin(resource, service, scope, digest(resource, scope))
            for each in as_list(as_dict(inner).get(names.items)):
                yield each, origin


def wire_items_of(data: bytes, kind: type[Message], limits: Limits) -> Found:
    """Every item of a protobuf request, of this kind, as JSON would have it. Raises Invalid."""
    try:
        for each in scopes_of(data, limits):
            try:
                resource = protobuf_attributes(Resource.FromString(each.resource).attributes)
                service = service_of(resource)
            except Invalid as error:
                yield error.about("resource", len(each.items))
                continue
            scope = clean(InstrumentationScope.FromString(each.scope).name) or None
            origin = Origin(resource, service, scope, digest(resource, scope))
            for place in each.items:
                try:
                    yield as_json(item(kind, data, place, limits)), origin
                except Invalid as error:
                    yield error
    except DecodeError as error:
        raise Invalid(f"not a valid protobuf message ({error}); export it again") from None


class Identities:
    """Ids made of content: what is sent again gets the id it has.

    Items of one request that say exactly the same are told apart by their number, so none of them is lost and the same
    request sent again still adds nothing.
    """

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def of(self, *content: Any) -> UUID:
        """An identifier (RFC 9562, version 8) of `content` and of how often this request said so before."""
        key = digest(*content)
        self._seen[key] += 1
        return content_id(key, self._seen[key])


def content_id(*content: Any) -> UUID:
    """An identifier (RFC 9562, version 8) that follows from `content` alone."""
    number = int.from_bytes(digest(*content))
    return UUID(int=number & ~(0xF << 76) & ~(0b11 << 62) | 0x8 << 76 | 0b10 << 62)


def digest(*content: Any) -> bytes:
    """16 bytes that stand for `content`; the order in which attributes were sent makes no difference."""
    return blake2b(
        orjson.dumps(content, default=bytes.hex, option=orjson.OPT_SORT_KEYS), digest_size=16
    ).digest()


def as_json(message: Message) -> dict[str, Any]:
    """Field by field under the JSON name; numbers stay numbers, ids become hexadecimal and other bytes base64."""
    return {field.json_name: _plain(field, held) for field, held in message.ListFields()}


def _plain(field: FieldDescriptor, held: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return [as_json(each) for each in held] if field.is_repeated else as_json(held)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return held.hex() if field.name in HEXADECIMAL else b64encode(held).decode()
    return list(held) if field.is_repeated else held
