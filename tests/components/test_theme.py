"""The two places that hold colours agree, and every pair that carries meaning can be told apart."""

import colorsys
import re
from pathlib import Path

import pytest

from components.icons import NAMES
from components.theme import (
    FURTHER_SQUADS,
    LATENCY_STEPS,
    SQUAD_TOKENS,
    THEMES,
    TOKENS,
    color,
    squad_color,
    squad_colors,
    status_color,
    translucent,
)

ASSETS = Path(__file__).parents[2] / "assets"
SQUADS = [f"squad-{number}" for number in range(1, 10)]
WORDS = [
    (words, ground)
    for words in ("text", "muted", "faint", "accent", "error")
    for ground in ("bg", "surface", "raised")
]
WORDS += [(words, "accent-soft") for words in ("text", "muted", "accent")]
STATES = ["ok", "busy", "warn", "error"]


def css_tokens(theme: str) -> dict[str, str]:
    css = (ASSETS / "theme.css").read_text(encoding="utf-8")
    block = re.search(rf'html\[data-bs-theme="{theme}"\] {{(.*?)\n}}', css, re.S)
    assert block
    return dict(re.findall(r"--q-([a-z0-9-]+): (#[0-9a-f]{6});", block[1]))


def luminance(hex_color: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(hex_color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def hue(hex_color: str) -> float:
    red, green, blue = (int(hex_color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return colorsys.rgb_to_hls(red, green, blue)[0] * 360


@pytest.mark.parametrize("theme", THEMES)
def test_python_and_css_hold_the_same_colours(theme: str) -> None:
    assert css_tokens(theme) == TOKENS[theme]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("words", "ground"), WORDS)
def test_words_can_be_read(theme: str, ground: str, words: str) -> None:
    assert contrast(color(theme, words), color(theme, ground)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_a_button_can_be_read(theme: str) -> None:
    assert contrast(color(theme, "on-accent"), color(theme, "accent-fill")) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    "mark", [*STATES, "idle", "unknown", *SQUADS, *LATENCY_STEPS, "chart", "line-strong", "accent"]
)
@pytest.mark.parametrize("ground", ["scene", "surface"])
def test_marks_stand_out(theme: str, mark: str, ground: str) -> None:
    assert contrast(color(theme, mark), color(theme, ground)) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_no_squad_has_the_hue_of_a_status(theme: str) -> None:
    for squad in SQUADS:
        for state in STATES:
            apart = abs(hue(color(theme, squad)) - hue(color(theme, state)))
            assert min(apart, 360 - apart) >= 20, (squad, state)


def test_every_squad_of_the_catalogue_has_its_own_colour() -> None:
    assert len({squad_color("dark", squad) for squad in SQUAD_TOKENS}) == len(SQUAD_TOKENS) == 5
    assert squad_color("dark", None) == color("dark", "squad-none")
    assert squad_color("dark", "PAYMENTS") == squad_color("dark", "PAYMENTS")


@pytest.mark.parametrize("theme", THEMES)
def test_squads_that_are_shown_together_differ(theme: str) -> None:
    sources = [f"source-{number}" for number in range(len(FURTHER_SQUADS))]
    shown = squad_colors(theme, [*SQUAD_TOKENS, *sources])
    assert len(set(shown.values())) == len(shown) == len(SQUAD_TOKENS) + len(FURTHER_SQUADS)
    assert set(squad_colors(theme, [*sources, "one more"])) == {*sources, "one more"}


def test_an_unforeseen_status_is_unknown() -> None:
    assert status_color("dark", "DANCING") == status_color("dark", None) == color("dark", "unknown")


def test_translucent() -> None:
    assert translucent("#0a10ff", 0.25) == "rgba(10,16,255,0.25)"


def test_every_icon_is_drawn_and_every_drawing_has_a_name() -> None:
    drawn = set(re.findall(r"^\.icon-([a-z-]+) {", (ASSETS / "icons.css").read_text(encoding="utf-8"), re.M))
    assert drawn == set(NAMES)


def test_style_sheets_fetch_nothing_from_elsewhere_and_nothing_that_is_not_there() -> None:
    for sheet in ASSETS.rglob("*.css"):
        css = sheet.read_text(encoding="utf-8")
        assert "sourceMappingURL" not in css
        for address in re.findall(r"url\(\s*[\"']?([^\"')]+)", css):
            assert address.startswith("data:") or (sheet.parent / address).is_file(), (sheet.name, address)


def test_licences_lie_beside_what_is_vendored() -> None:
    assert [
        folder.name for folder in (ASSETS / "vendor").iterdir() if not (folder / "LICENSE").is_file()
    ] == []


@pytest.mark.parametrize("sheet", sorted(ASSETS.glob("*.css")), ids=lambda each: each.name)
def test_every_rule_of_a_style_sheet_is_closed(sheet: Path) -> None:
    """A browser says nothing of one that is not: all that follows, the narrow screen at last, is no rule any more."""
    css = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.S)
    flat = re.sub(
        r"\{[^{}]*\}", "", css
    )  # the rules themselves; what is left round them are @media and the like
    assert not re.search(r"[{}]", re.sub(r"@[^{};]+\{[^{}]*\}", "", flat)), "a brace without its other"
