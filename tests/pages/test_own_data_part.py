"""The profile page leads to the file with one's data and to closing the account, in the language it is read in."""

import pytest

from tests.reader import Reader, hrefs, words

pytestmark = pytest.mark.databases("sqlite")


def test_both_ways_are_there_and_keep_language_and_theme(alice: Reader) -> None:
    drawn = alice.body("profile", "?lang=pt-BR&theme=light")
    assert "Exportar meus dados" in words(drawn) and "Encerrar minha conta" in words(drawn)
    ways = [each for each in hrefs(drawn) if each.startswith("/account/")]
    assert ways == ["/account/export?lang=pt-BR&theme=light", "/account/close?lang=pt-BR&theme=light"]
    for way in ways:
        page = alice.get(way)
        assert page.status_code == 200 and '<html lang="pt-BR" data-bs-theme="light"' in page.text
