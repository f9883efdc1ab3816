"""Language and theme of the server-rendered forms: asked in the address, remembered in a cookie, else the browser's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, g, request

import i18n

THEMES = ("dark", "light")
ONE_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Screen:
    """How a form is shown. `asked` holds what was chosen rather than guessed: `lang`, `theme` or both."""

    lang: str
    theme: str
    asked: dict[str, str]


def prefer(preferences: Mapping[str, Any]) -> None:
    """What the person of this request chose in their profile. Only doors behind the guard know who is there."""
    g.preferences = {"lang": preferences.get("language"), "theme": preferences.get("theme")}


def read() -> Screen:
    """The screen of this request."""
    known = {"lang": i18n.LANGUAGES, "theme": THEMES}
    asked, own = {}, g.get("preferences", {})
    for name, allowed in known.items():
        wishes = (request.args.get(name), own.get(name), request.cookies.get(name))
        chosen = next((wish for wish in wishes if wish in allowed), None)
        if chosen:
            asked[name] = chosen
    lang = i18n.negotiate(asked.get("lang"), None, request.headers.get("Accept-Language"))
    return Screen(lang=lang, theme=asked.get("theme", "dark"), asked=asked)


def remember(response: Response, *, secure: bool) -> Response:
    """Keep what the address of a form chose for the next visit."""
    for name in g.get("choices", ()):
        response.set_cookie(
            name,
            request.args[name],
            max_age=ONE_YEAR,
            secure=secure,
            httponly=name != "theme",  # the theme's switch changes it in place
            samesite="Lax",
        )
    return response


def note_choices() -> None:
    """Mark what this address chose, to be remembered with the answer."""
    known = {"lang": i18n.LANGUAGES, "theme": THEMES}
    g.choices = [name for name, allowed in known.items() if request.args.get(name) in allowed]
