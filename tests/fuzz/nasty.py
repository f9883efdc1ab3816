"""Hostile values: a list of what has broken others, and whatever Hypothesis thinks of."""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from zlib import crc32

from hypothesis import strategies as st

MARK = "zqx"  # no tag, attribute or scheme of anybody's begins with this
PWNED = "window.__pwned=1"

MARKUP = (
    f"<{MARK} onclick={PWNED}>",
    f"<script>{PWNED}</script>",
    f"</script><script>{PWNED}</script>",
    f"</title></textarea></style><script>{PWNED}</script>",
    f"<img src=x onerror={PWNED}>",
    f"\"'><svg onload={PWNED}>",
    f'" autofocus onfocus={PWNED} {MARK}="',
    f'<a href="javascript:{PWNED}">x</a>',
    f"[x](javascript:{PWNED})",
    "<iframe srcdoc='<script>parent.__pwned=1</script>'>",
    "<!--",
    "]]>",
    "&lt;b&gt;&#60;script&#62;",
    "{{7*7}}{%raw%}",
    "${7*7}",
    "{n} {0} {count} {x.__class__}",
    "%{text} %{customdata} %(x)s %s",
)
LINKS = (
    f"javascript:{PWNED}",
    f"JaVaScRiPt:{PWNED}",
    f"java\tscript:{PWNED}",
    f" \x01javascript:{PWNED}//",
    f"data:text/html,<script>{PWNED}</script>",
    "vbscript:msgbox(1)",
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "http://[",
    "http://[::1",
    "http://a:b@evil.example:99999/",
    "file:///etc/passwd",
)
FORMULAS = (
    "=1+1",
    '=HYPERLINK("http://evil.example")',
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
)
UNSEEN = (
    "\u202eevil\u202c",
    "\u2066x\u2069\u200f\u200b",
    "a" + "\u0300" * 80,
    "\ufeff\u2028\u2029\U000e0001",
    "\ufdfa" * 40,
    "İıß\u1e9eǅ",
    "👩‍👩‍👧‍👦" * 30,
)
CONTROLS = (
    "\0",
    "a\0b",
    "\x1b[31m",
    "\r\nSet-Cookie: a=b",
    f"\r\n\r\n<script>{PWNED}</script>",
    "\x7f\x85",
    "a\nb",
)
HALVES = ("\ud800", "x\udfff", "\udc00\ud800 x")
NUMBERS = (
    *("-1", "0", "00", "1e400", "NaN", "-Infinity", "٣", "²", "1_000", "0x10", "1.0", "9" * 400, "9" * 5000),
    *("2147483648", "9223372036854775808", "-9223372036854775809", "99999999999999999999"),
)
PATHS = ("../../etc/passwd", "..%2f..%2f", "%00", "%", "%zz", "%c0%af", "//", "...", "a/b/c/d", ".", "con:")
QUERIES = ("' OR 1=1--", '"; DROP TABLE profiles;--', "%", "_", "\\", "x' || pg_sleep(9)--", "\\' --")
WINDOWS = (
    "0001-01-01T00:00:00+23:59/9999-12-31T23:59:59-23:59",
    "2024-01-01/2024-01-01",
    "1969-12-31/2300-01-01",
    "all/all",
    "/",
    "2024-13-45/2024-01-01",
    "24h\0",
)
WORDS = (
    *("", " ", "null", "none", "undefined", "true", "ALL", "*", "__proto__", "constructor", "toString"),
    *("00000000-0000-0000-0000-000000000000", "urn:uuid:00000000-0000-0000-0000-000000000000", "ﬀ", "a@b", "-"),
)  # fmt: skip
HUGE = ("A" * 300, "A" * 5000, "<" * 3000, "é" * 2000, "a b " * 2000)
TEXTS = (
    *(*MARKUP, *LINKS, *FORMULAS, *UNSEEN, *CONTROLS, *HALVES, *NUMBERS),
    *(*PATHS, *QUERIES, *WINDOWS, *WORDS, *HUGE),
)

DEEP = "@deep:"  # stands for so many nested lists, written as text: no encoder goes that deep
_DEEP = re.compile(rf'"{DEEP}(\d+)"')  # alone: as part of another text, such as an id, it stays that text


def component(kind: str, **props: Any) -> dict[str, Any]:
    """What Dash's renderer would draw if it ever came back as a child."""
    return {"namespace": "dash_html_components", "type": kind, "props": props}


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**64, 10**300, 10**400, 0.5, -0.0, 1e308),
    *(float("nan"), float("inf"), [], {}, [[]], [None], [1, "a", {}], {"a": 1}, {"": ""}, [[None] * 300]),
    {"__proto__": {"polluted": True}},
    {"constructor": {"prototype": {"polluted": True}}},
    {"key": {"__proto__": 1}, "subject": {"length": 3}, "window": ["all"], "value": {}, "at": []},
    {"id": {"id": 1}, "edge": {"source": ["a"], "target": {"b": "\ud800"}}},
    component("Iframe", srcDoc=f"<script>parent.{PWNED}</script>"),
    [component("A", href=f"javascript:{PWNED}", children="x")],
    *(f"{DEEP}{depth}" for depth in (60, 500, 990, 5000, 100_000)),
)


def turned(values: Sequence[Any], by: str) -> list[Any]:
    """The same values from another one on: Hypothesis tries the first of a list more than the others."""
    start = crc32(by.encode()) % len(values)
    return [*values[start:], *values[:start]]


def texts(site: str) -> st.SearchStrategy[str]:
    """Hostile text; of the curated ones mostly."""
    curated = st.sampled_from(turned(TEXTS, site))
    made = st.text(st.characters(), max_size=60)
    joined = st.builds(lambda a, b: a + b, curated, st.sampled_from(turned(TEXTS, f"{site} again")))
    return st.one_of(curated, curated, curated, made, joined)


def values(site: str) -> st.SearchStrategy[Any]:
    """Hostile JSON."""
    leaf = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
    keys = st.one_of(
        st.text(max_size=8), st.sampled_from(["__proto__", "id", "key", "props", "type", "value"])
    )
    made = st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=8,
    )
    curated = st.sampled_from(turned(VALUES, site))
    return st.one_of(curated, texts(site), curated, texts(f"{site} text"), made)


def in_json(value: Any) -> bytes:
    """As JSON text; halves of characters as escapes, which is how they come."""
    text = _DEEP.sub(lambda mark: "[" * int(mark[1]) + "]" * int(mark[1]), json.dumps(value))
    return text.encode()


def in_address(text: str) -> str:
    """Percent signs and all, halves of characters as their bytes."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def in_query(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{in_address(key)}={in_address(value)}" for key, value in pairs)


def in_header(text: str) -> str:
    """As a server hands a header over: bytes as latin-1, no control codes (a server refuses those itself)."""
    shown = text.encode("utf-8", "surrogatepass").decode("latin-1")
    return "".join(each for each in shown if each >= " " and each != "\x7f")[:8000]
