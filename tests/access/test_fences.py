"""Each of PostgreSQL's fences holds alone: grants, policies without grants and guards, guards without policies."""

import pytest

from tests.access import fences
from tests.access.attempts import TABLES
from tests.access.conftest import Place

pytestmark = pytest.mark.databases("postgresql")


@pytest.mark.parametrize("table", TABLES)
def test_logins_are_granted_what_somebody_on_them_may_and_no_column_more(place: Place, table: str) -> None:
    with fences.altered(place.connection("admin")) as cursor:
        assert list(fences.by_grants(cursor, table)) == []


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("fence", ["policies", "changes", "guard", "view"])
def test_a_fence_holds_alone(place: Place, fence: str, table: str) -> None:
    """Policies without grants and guards, of changes where every row is seen, guards without policies, the view."""
    for name, before, look in fences.stages(place.world, table):
        if name == fence:
            with fences.altered(place.connection("admin"), *before) as cursor:
                assert list(look(cursor)) == []


def test_another_role_ends_the_sign_ins_of_its_person(place: Place) -> None:
    with fences.altered(place.connection("admin")) as cursor:
        assert list(fences.role_changes(cursor, place.world)) == []
