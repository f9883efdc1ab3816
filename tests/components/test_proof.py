"""The query of a proof, as it is shown: further in by bracket, folded where long, and still the same query."""

from components.proof import LONGEST_LINE, indented

FLAT = """SELECT outer_one.value
FROM (SELECT inner_one.x AS value
FROM spans
WHERE spans.name = 'a ( b') AS outer_one"""


def test_an_inner_query_stands_further_in() -> None:
    assert indented(FLAT).splitlines() == [
        "SELECT outer_one.value",
        "FROM (SELECT inner_one.x AS value",
        "  FROM spans",
        "  WHERE spans.name = 'a ( b') AS outer_one",
    ]


def test_a_long_line_is_folded_between_its_words() -> None:
    flat = "SELECT " + ", ".join(f"agents.column_{number}" for number in range(12))
    shown = indented(flat)
    assert max(map(len, shown.splitlines())) <= LONGEST_LINE
    assert shown.split() == flat.split()


def test_a_text_in_quotes_is_never_folded() -> None:
    flat = "SELECT " + "'" + "two  blanks " * 10 + "'"
    assert indented(flat) == flat
