"""Every text on screen has its Portuguese, none is left over, and both sides fill the same placeholders."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from i18n import LANGUAGES, catalogue, negotiate, t, tn

ROOT = Path(__file__).parent.parent
ROOMS = ("pages", "components", "auth", "workers")
TEMPLATE_CALL = re.compile(r"\b(?:t|tn)\(\s*((?:(['\"])(?:\\.|(?!\2).)*\2\s*,?\s*)+)")
LITERAL = re.compile(r"(['\"])((?:\\.|(?!\1).)*)\1")


def sources() -> Iterator[Path]:
    yield ROOT / "app.py"
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def calls(source: str) -> Iterator[tuple[ast.Call, int]]:
    """Every call of t() or tn(), with how many of its first arguments are texts."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("t", "tn"):
                yield node, 2 if name == "tn" else 1


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    for node, count in calls(path.read_text(encoding="utf-8")):
        for argument in node.args[:count]:
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            assert isinstance(argument, ast.Constant) and isinstance(argument.value, str), (
                f"{where}: t() and tn() take literal texts; a text declared in a registry goes through declared()"
            )
            yield argument.value, where


def template_texts() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "auth").rglob("*.html")):
        for call in TEMPLATE_CALL.finditer(path.read_text(encoding="utf-8")):
            for literal in LITERAL.finditer(call[1]):
                yield ast.literal_eval(literal[0]), str(path.relative_to(ROOT))


def declared_texts() -> Iterator[tuple[str, str]]:
    import db.queries  # noqa: F401  fills the registries
    from db import metric
    from db.listing import LISTINGS, words
    from db.policies import every_rule
    from db.queries import ingest
    from db.rules import Who
    from db.services import uptime_complaints
    from db.services.account_fields import Complaint

    for entry in [*metric.METRICS.values(), *metric.SERIES.values()]:
        for field in ("title", "unit", "sentence", "formula", "excluded"):
            text = getattr(entry, field, None)
            if text:
                yield text, f"db.metric {entry.key}.{field}"
    for complaint in Complaint:
        yield str(complaint), "db.services.account_fields.Complaint"
    for refusal in uptime_complaints.Complaint:
        yield str(refusal), "db.services.uptime_complaints.Complaint"
    for listing in LISTINGS.values():
        yield listing.title, f"db.listing {listing.name}.title"
        for field in listing.fields:
            yield field.title, f"db.listing {listing.name}.{field.key}"
        for word in words(listing):
            yield word, f"db.listing {listing.name}, a word of its columns"
    nobodys = (Who.SYSTEM, Who.OPERATOR, Who.DEFINER)  # of whom no page for people speaks
    for rule in [each for each in every_rule() if each.who not in nobodys]:
        for text in (rule.limit, rule.ours):
            if text:
                yield text, f"db.policies {rule.name}"
    for reason in metric.REASONS:
        yield reason, "db.metric.REASONS"
    for words_of in metric.RESOLUTIONS:
        yield words_of, "db.metric.RESOLUTIONS"
    for reason in ingest.REASONS:
        yield reason, "db.queries.ingest.REASONS"


def used() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sources():
        found.update(texts_of(path))
    found.update(template_texts())
    found.update(declared_texts())
    return found


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_every_text_is_translated_and_none_is_left_over(lang: str) -> None:
    wanted, there = used(), catalogue(lang)
    missing = [f"{where}: {text!r}" for text, where in wanted.items() if text not in there]
    assert not missing, "\n".join(["not translated:", *missing])
    assert not set(there) - set(wanted), "translated but used nowhere"


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_both_sides_fill_the_same_placeholders(lang: str) -> None:
    def names(text: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", text))

    assert [text for text, other in catalogue(lang).items() if names(text) != names(other)] == []


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_no_translation_is_empty_and_the_file_is_sorted(lang: str) -> None:
    assert all(other.strip() for other in catalogue(lang).values())
    assert list(catalogue(lang)) == sorted(catalogue(lang))


def test_a_value_with_braces_stays_what_it_is() -> None:
    assert t("Reference {reference}", "en", reference="{n} {reference}") == "Reference {n} {reference}"


def test_plurals_follow_the_language() -> None:
    def said(n: int, lang: str) -> str:
        return tn("{count} agent", "{count} agents", n, lang, count=n)

    assert [said(n, "en") for n in (0, 1, 2)] == ["0 agents", "1 agent", "2 agents"]
    assert [said(n, "pt-BR") for n in (0, 1, 2)] == ["0 agente", "1 agente", "2 agentes"]
    assert tn("{n} of them", "{n} of them", 3, "en") == "3 of them"


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'de'"):
        t("Overview", "de")


@pytest.mark.parametrize(
    ("query", "preference", "header", "lang"),
    [
        ("pt-BR", "en", "en", "pt-BR"),
        ("PT", None, None, "pt-BR"),
        ("xx", "pt_BR", "en", "pt-BR"),
        (None, None, "fr;q=0.9, pt;q=0.8, en;q=0.7", "pt-BR"),
        (None, None, "pt;q=0, en;q=0.1", "en"),
        (None, None, "pt;q=nonsense,en-GB;q=0.2", "en"),
        (None, None, ";;q=,,", "en"),
        (None, None, None, "en"),
    ],
)
def test_the_language_is_negotiated(
    query: str | None, preference: str | None, header: str | None, lang: str
) -> None:
    assert negotiate(query, preference, header) == lang
