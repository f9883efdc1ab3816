"""What the screen says, in every language it speaks.

The English text is the key; `locales/<language>.json` holds the other side. It stands beside settings because the
server-rendered forms of `auth` and the Dash pages share one catalogue. A text without a translation is shown in
English, and a test fails.
"""

import json
import re
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "pt-BR")
NAMES = {"en": "English", "pt-BR": "Português"}
_SNAKE = re.compile(r"[a-z]+(?:_[a-z]+)+")
_LOCALES = Path(__file__).parent / "locales"


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Every English text with its translation; empty for English itself."""
    if lang not in LANGUAGES:
        raise ValueError(f"lang {lang!r} is not spoken here; choose one of {', '.join(LANGUAGES)}")
    if lang == "en":
        return {}
    texts: dict[str, str] = json.loads((_LOCALES / f"{lang}.json").read_text(encoding="utf-8"))
    return texts


def t(text: str, lang: str, /, **values: object) -> str:
    """The English `text` in `lang`, its `{placeholders}` filled. Call it with a literal, so that a test can find it."""
    return _fill(catalogue(lang).get(text, text), values)


def tn(one: str, many: str, n: int, lang: str, /, **values: object) -> str:
    """`one` or `many` by the plural rule of `lang` (Portuguese counts 0 and 1 as one).

    `{n}` is filled with `n` as it stands; where it may pass a thousand, use `{count}` and hand over the grouped number.
    """
    singular = n in (0, 1) if lang == "pt-BR" else n == 1
    return t(one if singular else many, lang, **({"n": n} | values))


def declared(text: str, lang: str) -> str:
    """A text declared in a registry (a metric's title, sentence, formula, unit or reason) in `lang`.

    A word out of a column's fixed set, such as in_progress, is spelled with blanks in English too; text that no
    catalogue knows is somebody's data and stays as it is.
    """
    known = catalogue(lang).get(text)
    if known is not None:
        return known
    of_a_set = _SNAKE.fullmatch(text) and any(text in catalogue(each) for each in LANGUAGES)
    return text.replace("_", " ") if of_a_set else text


def negotiate(query: str | None, preference: str | None, accept_language: str | None) -> str:
    """The language to answer in: the address says it first, then the person, then the browser, then English."""
    for wish in (query, preference, *_accepted(accept_language or "")):
        spoken = _spoken(wish)
        if spoken:
            return spoken
    return "en"


def _spoken(wish: str | None) -> str | None:
    tag = (wish or "").strip().replace("_", "-").lower()
    for lang in LANGUAGES:
        if tag == lang.lower() or (tag and tag.split("-")[0] == lang.lower().split("-")[0]):
            return lang
    return None


def _accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header, most wanted first; a weight that is no number counts as none."""
    weighed: list[tuple[float, str]] = []
    for part in header[:1000].split(","):
        tag, _, parameters = part.partition(";")
        found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameters) if parameters else None
        weight = 1.0 if not parameters else float(found[1]) if found else 0.0
        if tag.strip() and weight > 0:
            weighed.append((weight, tag))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]


def _fill(text: str, values: dict[str, object]) -> str:
    """Placeholders replaced by plain substitution: a value that holds braces stays what it is."""
    return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], found[0])), text) if values else text
