"""The chain of audit entries: one text per entry, and a hash over it that depends on every entry before.

The text is JSON after RFC 8785 (no spaces, keys in order, UTF-8) of these keys, each named as its column: action,
created_at, id, ip_address, new_data, old_data, previous_hash, record_id, seq, table_name, user_agent, user_id.
- seq counts from 1 without a gap; previous_hash is the row_hash of the entry before it, "" for the first.
- id and user_id are UUIDs in lower case with hyphens; ip_address is written as Python's ipaddress does.
- created_at is UTC with six digits after the second and a Z: 2026-11-27T01:02:03.000004Z.
- old_data and new_data are objects that hold texts, whole numbers below 2^53, true, false, null, lists and objects only
  (see `plain`), so that they come back from either database as they were stored.
- What is unknown is null.
row_hash is the SHA-256 of that text, in hexadecimal.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from uuid import UUID

FIRST = ""  # what stands in place of the hash before the first entry
SAFE = 1 << 53  # JSON numbers from here on differ between readers
Data = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One audit entry as it is hashed and stored; the attributes are the columns of audit_log."""

    seq: int
    previous_hash: str
    id: UUID
    user_id: UUID | None
    action: str
    table_name: str
    record_id: str | None
    old_data: Any
    new_data: Any
    ip_address: str | None
    user_agent: str | None
    created_at: datetime

    @property
    def text(self) -> str:
        """The text the hash is made of."""
        said = asdict(self)
        said |= {
            "id": str(self.id),
            "user_id": None if self.user_id is None else str(self.user_id),
            "ip_address": spelled(self.ip_address),
            "created_at": instant(self.created_at),
        }
        return json.dumps(_ordered(said), ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @property
    def row_hash(self) -> str:
        return sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


def _ordered(value: Any) -> Any:
    """Keys in the order of RFC 8785, which compares UTF-16."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _ordered(value[key]) for key in keys}
    return [_ordered(each) for each in value] if isinstance(value, list) else value


def instant(moment: datetime) -> str:
    """A moment in the chain's spelling."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def spelled(address: Any) -> str | None:
    """A network address in one spelling; what is none stays as it is."""
    if address is None:
        return None
    try:
        found: IPv4Address | IPv6Address = ip_address(str(address))
    except ValueError:
        return str(address)
    return str((isinstance(found, IPv6Address) and found.ipv4_mapped) or found)


def plain(value: Any) -> Any:
    """`value` as the log keeps it: the same after a round trip through either database.

    Moments, days, decimals, fractions and ids become texts, so do whole numbers of 2^53 and beyond; characters that no
    database keeps become U+FFFD; bytes are only counted.
    """
    match value:
        case None | bool():
            return value
        case Enum():
            return plain(value.value)
        case int():
            return value if -SAFE < value < SAFE else str(value)
        case str():
            return clean(value)
        case datetime():
            return instant(value) if value.tzinfo else value.isoformat()
        case date() | UUID() | Decimal() | float():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return f"{len(value)} bytes"
        case Mapping():
            return {clean(str(key)): plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each) for each in value]
    return clean(str(value))


def clean(text: str) -> str:
    """Without what PostgreSQL or UTF-8 cannot hold."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
