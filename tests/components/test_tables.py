"""Tables whose state is the address."""

from components.links import link_to, with_query
from components.tables import Column, data_table, keyset_pager, pager
from tests.components.readings import one, parts, text

COLUMNS = [
    Column("name", "Agent", sort=True),
    Column("calls", "Calls", sort=True, align="end"),
    Column("squad", "Squad"),
]
ROWS = [{"name": "frontend", "calls": 0, "squad": None}, {"name": "cart", "calls": 12, "squad": "CORE"}]


def test_a_link_changes_what_it_means_to_and_keeps_the_rest() -> None:
    assert with_query("?range=7d&q=a+b&page=3", page=None, sort="-calls") == "?range=7d&q=a+b&sort=-calls"
    assert with_query("?range=7d", range=None) == ""
    assert (
        with_query(None, range="2022-08-22T03:53:00Z/2022-08-22T03:55:00Z")
        == "?range=2022-08-22T03:53:00Z/2022-08-22T03:55:00Z"
    )
    assert with_query("", q="a&b=c") == "?q=a%26b%3Dc"


def test_a_link_to_another_page_carries_the_view_and_leaves_the_page_s_own_behind() -> None:
    assert (
        link_to("/map", "?range=7d&sort=name&lang=pt-BR&theme=light", focus="x")
        == "/map?range=7d&lang=pt-BR&theme=light&focus=x"
    )
    assert link_to("/", "") == "/"


def test_headers_say_and_turn_the_order() -> None:
    drawn = data_table(
        COLUMNS, ROWS, lang="en", caption="Agents", search="?q=x&page=4", path="/agents", sort="calls"
    )
    heads = [part for part in parts(drawn) if part["type"] == "Th"]
    assert [head.get("aria-sort") for head in heads] == ["none", "ascending", None]
    links = [part["href"] for part in parts(drawn) if part["type"] == "Link"]
    assert links == ["/agents?q=x&sort=name", "/agents?q=x&sort=-calls"]


def test_a_missing_cell_is_a_dash_and_zero_is_zero() -> None:
    drawn = data_table(COLUMNS, ROWS, lang="en", caption="Agents")
    cells = [part for part in parts(drawn) if part["type"] == "Td"]
    assert [text(cell["children"]) for cell in cells] == ["frontend", "0", "—", "cart", "12", "CORE"]
    assert [cell["data-label"] for cell in cells[:3]] == ["Agent", "Calls", "Squad"]


def test_what_is_missing_steps_back_behind_what_is_there() -> None:
    drawn = data_table([Column("n", "Calls")], [{"n": None}, {"n": 0}], lang="en", caption="Calls")
    assert [part["className"] for part in parts(drawn) if "cell" in str(part.get("className")).split()] == [
        "cell is-none",
        "cell",
    ]


def test_long_text_is_marked_for_narrow_screens() -> None:
    rows = [{"n": "a" * 41}, {"n": "a" * 40}]
    drawn = data_table([Column("n", "Text")], rows, lang="en", caption="Text")
    cells = [part["className"] for part in parts(drawn) if part["type"] == "Td"]
    assert cells == ["align-start is-long", "align-start"]


def test_the_first_page_offers_no_way_back() -> None:
    drawn = pager("?sort=name", "/agents", 1, 3, 139, "pt-BR")
    assert [part["href"] for part in parts(drawn) if part["type"] == "Link"] == [
        "/agents?sort=name&page=2",
        "/agents?sort=name&page=3",
    ]
    assert "139 linhas" in text(drawn) and "Página 1 de 3" in text(drawn)


def test_the_last_page_offers_no_way_on_and_page_one_needs_no_number() -> None:
    drawn = pager("?page=2", "/agents", 2, 2, None, "en")
    assert [part["href"] for part in parts(drawn) if part["type"] == "Link"] == ["/agents", "/agents"]
    assert [part["title"] for part in parts(drawn) if part["type"] == "Link"] == [
        "First page",
        "Previous page",
    ]


def test_a_single_page_has_no_pager_unless_it_counts() -> None:
    assert pager("", "", 1, 1, None, "en") is None
    assert text(pager("", "", 1, 1, 1, "en")) == "1 row"


def test_paging_by_key() -> None:
    assert keyset_pager(None, None, "en") is None
    assert one(keyset_pager(None, "?before=9", "en"), type="Link")["href"] == "?before=9"
