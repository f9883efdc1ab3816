"""What a browser says about itself: its name, its system and the kind of device. What is not recognised is left out."""

import re
from collections.abc import Sequence

Signs = Sequence[tuple[str, str]]

# In this order: most browsers also name those they want to be taken for.
BROWSERS: Signs = (
    (r"\bEdg(?:e|A|iOS)?/", "Edge"),
    (r"\b(?:OPR|OPiOS|Opera)/", "Opera"),
    (r"\bSamsungBrowser/", "Samsung Internet"),
    (r"\b(?:Firefox|FxiOS)/", "Firefox"),
    (r"\b(?:Headless)?Chrome/|\bCriOS/|\bChromium/", "Chrome"),
    (r"\bVersion/[\d.]+ .*\bSafari/", "Safari"),
    (r"^curl/", "curl"),
    (r"^Wget/", "Wget"),
    (r"^python-requests/", "Python requests"),
)
SYSTEMS: Signs = (
    (r"\bAndroid\b", "Android"),
    (r"\biPhone\b|\biPod\b", "iOS"),
    (r"\biPad\b", "iPadOS"),
    (r"\bWindows NT\b", "Windows"),
    (r"\bMac OS X\b|\bMacintosh\b", "macOS"),
    (r"\bCrOS\b", "ChromeOS"),
    (r"\bLinux\b", "Linux"),
)
KINDS: Signs = (
    (r"\biPad\b|\bAndroid\b(?!.*\bMobile\b)", "tablet"),
    (r"\biPhone\b|\biPod\b|\bAndroid\b", "phone"),
    (r"\bWindows NT\b|\bMacintosh\b|\bCrOS\b|\bX11\b", "computer"),
)


def device(user_agent: str | None) -> dict[str, str]:
    """`browser`, `system` and `kind` (phone, tablet or computer) as far as the User-Agent text names them.

    It is what the program claims: an iPad, for one, likes to call itself a Mac.
    """
    said = user_agent or ""
    found = {"browser": _first(BROWSERS, said), "system": _first(SYSTEMS, said), "kind": _first(KINDS, said)}
    return {name: word for name, word in found.items() if word}


def _first(signs: Signs, said: str) -> str:
    return next((word for sign, word in signs if re.search(sign, said)), "")
