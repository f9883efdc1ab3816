"""One mutant of each kind is noticed; `make mutate-access` breaks every rule in every way."""

import pytest

from tests.access import fences, mutants
from tests.access.conftest import Place
from tests.access.mutants import Mutant, Slip


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("mutant", mutants.one_of_each(mutants.of_schema), ids=lambda each: each.kind)
def test_a_broken_schema_is_noticed(place: Place, mutant: Mutant) -> None:
    assert mutant.noticed(place.connection("admin"), place.world) is not None
    # And it is the mutant that is noticed: without it there is nothing wrong.
    assert list(fences.wrong(place.connection("admin"), place.world, mutant.table)) == []


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("slip", mutants.one_of_each(mutants.of_declaration), ids=lambda each: each.kind)
def test_a_broken_declaration_is_noticed(place: Place, slip: Slip) -> None:
    assert slip.noticed(place.url, place.world) is not None


def test_every_rule_is_broken_in_more_ways_than_one() -> None:
    assert len(list(mutants.of_schema())) > 1500
    assert len(list(mutants.of_declaration())) > 500
