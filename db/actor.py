"""Who is asking: a person with a role, the application itself, the operator at the console, or nobody."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

__all__ = ["NOBODY", "OPERATOR", "SYSTEM", "Actor", "Kind"]


class Kind(StrEnum):
    """In whose name a unit of work is done.

    PERSON: someone signed in. SYSTEM: the application's own work (sign-up, ingest, collectors, request log).
    OPERATOR: the person at the console, who seeds and brings files in. NOBODY: a stranger, who sees nothing.
    """

    NOBODY = "nobody"
    PERSON = "person"
    SYSTEM = "system"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Actor:
    """In whose name a session reads and writes. `profile_id` and `role` are set for a person and only then.

    The rest goes into the audit log and decides nothing: where the request came from, and, for the system, the person
    whose wish it carries out (`behalf`).
    """

    kind: Kind
    profile_id: UUID | None = None
    role: str | None = None
    address: str | None = field(default=None, compare=False)
    user_agent: str | None = field(default=None, compare=False)
    behalf: UUID | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        is_person = self.kind is Kind.PERSON
        if (self.profile_id is not None) is not is_person or (self.role is not None) is not is_person:
            raise ValueError("a person has a profile and a role; nobody else has either")

    @classmethod
    def person(cls, profile_id: UUID, role: str) -> "Actor":
        """Someone signed in."""
        return cls(Kind.PERSON, profile_id, role)

    @property
    def acting(self) -> UUID | None:
        """The profile of the person whose act it is; None where it is nobody's."""
        return self.profile_id or self.behalf

    @property
    def is_person(self) -> bool:
        return self.kind is Kind.PERSON


NOBODY = Actor(Kind.NOBODY)
SYSTEM = Actor(Kind.SYSTEM)
OPERATOR = Actor(Kind.OPERATOR)
