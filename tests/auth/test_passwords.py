"""Passwords are kept as Argon2id hashes that are dear to guess."""

import unicodedata

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from auth.passwords import hash_password, is_outdated, verify


def test_the_parameters_meet_the_floor() -> None:
    found = extract_parameters(hash_password("violet harbour 47"))
    assert found.type is Type.ID
    assert found.memory_cost >= 19 * 1024 and found.time_cost >= 2 and found.parallelism == 1
    assert found.salt_len >= 16 and found.hash_len >= 32


def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password("violet harbour 47") != hash_password("violet harbour 47")


def test_only_the_password_matches() -> None:
    kept = hash_password("violet harbour 47")
    assert verify(kept, "violet harbour 47")
    assert not verify(kept, "Violet harbour 47")
    assert not verify(kept, "")


@pytest.mark.parametrize("password", ["with\x00null", "🐙" * 40, " leading and trailing "])
def test_any_characters_count(password: str) -> None:
    kept = hash_password(password)
    assert verify(kept, password)
    assert not verify(kept, password.strip().split("\x00")[0] + "x")


def test_one_password_on_two_keyboards() -> None:
    typed = "coração de açúcar"
    assert verify(hash_password(typed), unicodedata.normalize("NFD", typed))


def test_nobodys_password_is_never_right() -> None:
    assert not verify(None, "nobody's password")


@pytest.mark.parametrize("kept", ["", "x", "$argon2id$v=19$broken"])
def test_a_hash_that_is_none_matches_nothing(kept: str) -> None:
    assert not verify(kept, "violet harbour 47")


def test_weaker_hashes_are_known() -> None:
    from argon2 import PasswordHasher

    assert is_outdated(PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("x"))
    assert not is_outdated(hash_password("x"))
