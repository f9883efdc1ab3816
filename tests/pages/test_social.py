"""/social: what it counts of posts and trends, and how both get in."""

import pytest
from sqlalchemy import Engine

from db.listing import LISTINGS, Wish, read_page
from tests import module_rows
from tests.reader import Reader, module_body, module_row, readings, words
from tests.sessions import session


@pytest.fixture
def posts(engine: Engine) -> str:
    """Some posts; the key of one that states no counts."""
    with session(engine, write=True) as unit:
        module_rows.social(unit)
        (row,) = read_page(unit, LISTINGS["posts"], Wish(search="13")).rows
        return str(row["row_key"])


@pytest.mark.databases("sqlite")
def test_an_empty_page_says_how_posts_and_trends_get_in(alice: Reader) -> None:
    drawn = module_body(alice, "social")
    shown = readings(drawn["top"])
    assert shown["social.posts"] == "0" and shown["social.likes"] == "" and shown["social.trends"] == "0"
    assert "No post of this window states its likes." in words(drawn["top"])
    assert "import table social_posts FILE.csv --recipe facebook-posts" in words(drawn["list"])
    said = words(module_body(alice, "social", "?lang=en&list=trends")["list"])
    assert "import table social_trends FILE.csv" in said


def test_everybody_signed_in_sees_posts_and_their_counts(alice: Reader, posts: str) -> None:
    drawn = module_body(alice, "social")
    shown = readings(drawn["top"])
    wanted = {"social.posts": "4", "social.likes": "33", "social.comments": "6", "social.shares": "1"}
    assert wanted.items() <= shown.items() and shown["social.interactions"] == "17.5"
    said = words(drawn["list"])
    assert "video" in said and "facebook" in said and "t3" in said
    said = words(module_body(alice, "social", "?lang=en&platform=reddit")["list"])
    assert "t3" in said and "facebook" not in said


@pytest.mark.databases("sqlite")
def test_what_a_post_does_not_state_is_a_dash(alice: Reader, posts: str) -> None:
    said = words(module_row(alice, "social", "posts", posts))
    assert "Likes —" in said and "Posted —" in said and "Type photo" in said


@pytest.mark.databases("sqlite")
def test_trends_are_a_list_of_their_own(alice: Reader, posts: str) -> None:
    said = words(module_body(alice, "social", "?lang=pt-BR&list=trends")["list"])
    assert "ceramics" in said and "120" in said and "positivo" in said


@pytest.mark.databases("sqlite")
def test_a_window_leaves_out_posts_of_other_times_and_of_no_known_time(alice: Reader, posts: str) -> None:
    shown = readings(module_body(alice, "social", f"?range={module_rows.IN_JUNE}&lang=en")["top"])
    assert shown["social.posts"] == "2" and shown["social.likes"] == "23"
