"""Null characters in addresses: PostgreSQL refuses them, so no page may hand one on."""

import pytest
from sqlalchemy import Engine

from tests.module_rows import promote
from tests.reader import Reader, module_body, module_row, words
from tests.sessions import session


@pytest.fixture
def admin(alice: Reader, engine: Engine) -> Reader:
    with session(engine, write=True) as unit:
        promote(unit, "alice", "admin")
    return alice


@pytest.mark.parametrize("word", ["search", "status"])
def test_a_query_s_null_character_is_left_out(admin: Reader, word: str) -> None:
    drawn = module_body(admin, "support", f"?range=all&lang=en&{word}=a%00b")
    assert "Nothing matches" in words(drawn["list"])
    assert "%00" not in str(drawn) and "\0" not in str(drawn)


@pytest.mark.parametrize("address", ["/agents?search=a%00b", "/map?search=a%00b&caller=%00&callee=%00"])
def test_a_filter_s_null_character_is_left_out(admin: Reader, address: str) -> None:
    path, _, query = address.partition("?")
    output = next(
        each["output"]
        for each in admin.get("/_dash-dependencies").get_json()
        if each["output"].startswith(f"..{path.strip('/')}-") and not each["clientside_function"]
    )
    answer = admin.post(output, {"url.search": f"?range=all&{query}"}, referer=address)
    assert answer.status_code == 200 and "This could not be shown" not in answer.text


def test_a_row_of_a_null_character_is_no_row(admin: Reader) -> None:
    for listing in ("tickets", "none"):
        assert "There is no such row" in words(module_row(admin, "support", listing, "a%00b"))


def test_an_agent_of_a_null_character_is_none(admin: Reader) -> None:
    given = {"url.search": "?lang=en", "url.pathname": "/agents/a%00b"}
    answer = admin.post("agent-body.children", given)
    assert "No such agent" in words(answer.get_json()["response"]["agent-body"]["children"])
