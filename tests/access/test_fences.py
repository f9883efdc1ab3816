"""Each of PostgreSQL's fences holds alone: grants, policies without grants and guards, guards without policies."""

import pytest

from tests.access import fences
from tests.access.attempts import TABLES
from tests.access.conftest import Place
from tests.access.expected import EXPECTED

pytestmark = pytest.mark.databases("postgresql")
REAL = [each for each in TABLES if each != "profile_directory"]
CHANGED = [each for each in REAL if "update" in EXPECTED.get(each, {}) and fences.is_guarded(each)]


@pytest.mark.parametrize("table", TABLES)
def test_logins_are_granted_what_somebody_on_them_may_and_no_column_more(place: Place, table: str) -> None:
    with fences.altered(place.connection("admin")) as cursor:
        assert list(fences.by_grants(cursor, table)) == []


@pytest.mark.parametrize("table", REAL)
def test_policies_keep_rows_by_themselves(place: Place, table: str) -> None:
    without = [*fences.granted(table), *fences.unguarded(table)]
    with fences.altered(place.connection("admin"), *without) as cursor:
        assert list(fences.by_policies(cursor, place.world, table)) == []


@pytest.mark.parametrize("table", CHANGED)
def test_guards_keep_changes_by_themselves(place: Place, table: str) -> None:
    without = [*fences.granted(table), *fences.open_to_change(table)]
    with fences.altered(place.connection("admin"), *without) as cursor:
        assert list(fences.by_guard(cursor, place.world, table)) == []


def test_another_role_ends_the_sign_ins_of_its_person(place: Place) -> None:
    with fences.altered(place.connection("admin")) as cursor:
        assert list(fences.role_changes(cursor, place.world)) == []
