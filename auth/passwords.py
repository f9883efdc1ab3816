"""Passwords as Argon2id hashes (OWASP's floor: 19 MiB, two passes, one lane).

Hashing takes tens of milliseconds on purpose: do it outside any transaction.
"""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


def hash_password(password: str) -> str:
    """The Argon2id hash of `password`, with its parameters and a salt of its own."""
    return str(HASHER.hash(_octets(password)))


def verify(password_hash: str | None, password: str) -> bool:
    """Whether `password` matches. None (nobody by that name) takes the same work and is False."""
    try:
        matches = bool(HASHER.verify(password_hash or nobody(), _octets(password)))
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return bool(HASHER.check_needs_rehash(password_hash))


@cache
def nobody() -> str:
    """The hash that is compared when there is no account. Ask for it early: the first time it has to be made."""
    return hash_password("nobody's password")


def _octets(password: str) -> bytes:
    """One spelling for what keyboards compose differently (é as one character or as two)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
