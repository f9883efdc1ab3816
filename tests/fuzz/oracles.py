"""What must hold of every answer, whatever was asked."""

import base64
import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

from tests.fuzz.nasty import MARK
from tests.fuzz.world import IN_STEP, JOURNALS, Answer

ADDRESSES = frozenset(
    {"href", "src", "action", "formaction", "xlink:href", "data", "poster", "cite", "srcset", "background"}
)
SCHEMES = frozenset({"http", "https", "mailto", "otpauth"})
RUNS = frozenset(
    {"Script", "Iframe", "Object", "Embed", "ObjectEl", "Base", "Meta", "Link_", "Applet", "Frame"}
)
RUNS_HTML = frozenset({"iframe", "object", "embed", "base", "applet", "frame", "style"})
# Plotly reads tags and %{…} in texts. These are what our own figures say in them.
OUR_TAGS = re.compile(r"<br ?/?>|<extra></extra>|</?(?:b|i|sub|sup)>")
ANY_TAG = re.compile(r"<\s*[/!?]?\s*[A-Za-z]")
OUR_TEMPLATES = re.compile(r"%\{(?:text|hovertext|x|y|z|label|value|percent)(?::[^{}]*)?\}")
UNREAD = frozenset({"customdata", "meta", "ids", "uirevision", "i2", "u1", "family"})
NUMERAL = re.compile(r"[+-]?\d+([.,]\d+)*([eE][+-]?\d+)?\s?%?")
WORDS = re.compile(r"[^\W\d_]{2,}")


class Broken(AssertionError):
    """An answer that must not be; the message says what and why."""


def check(answer: Answer) -> None:
    """Raise Broken for the first thing that is wrong with an answer."""
    for problem in problems(answer):
        raise Broken(problem)


def problems(answer: Answer) -> Iterator[str]:
    """Everything that is wrong with an answer."""
    for said in answer.errors:
        yield f"status {answer.status}, and the log tells of an error: {said[-1500:]}"
    if answer.status >= 500:
        yield f"status {answer.status}: {answer.text[:300]}"
    if "Traceback (most recent call last)" in answer.text:
        yield "a traceback in the answer"
    yield from _headers(answer)
    yield from _stored(answer)
    if answer.call.method == "HEAD":
        return
    if answer.kind == "text/html":
        yield from html_problems(answer.text, answer.headers.get("Content-Security-Policy", ""))
    elif answer.kind == "text/csv":
        yield from csv_problems(answer.text)
    elif answer.kind == "application/json" and answer.status != 304:
        try:
            yield from json_problems(json.loads(answer.body))
        except ValueError:
            yield f"no JSON: {answer.text[:300]}"
    if 400 <= answer.status < 500:
        yield from _in_words(answer)


def _headers(answer: Answer) -> Iterator[str]:
    to = answer.headers.get("Location")
    if to is not None and not re.match(r"/(?![/\\])", to):
        yield f"sent away to {to!r}"
    for name, value in answer.headers.items():
        if "\r" in value or "\n" in value:
            yield f"a line break in header {name}"


def _stored(answer: Answer) -> Iterator[str]:
    written = answer.changed - JOURNALS
    if written and answer.status >= 400:
        yield f"refused with {answer.status}, but {', '.join(sorted(written))} changed"
    if written and answer.call.method in ("GET", "HEAD", "OPTIONS"):
        yield f"reading changed {', '.join(sorted(written))}"
    if written and answer.call.who == "stranger" and answer.counts["profiles"] < 1:
        yield "a stranger removed people"
    if len({answer.counts[name] for name in IN_STEP if name in answer.counts}) > 1:
        yield f"not in step: { {name: answer.counts[name] for name in IN_STEP} }"


def _in_words(answer: Answer) -> Iterator[str]:
    if answer.kind in ("application/json", "application/problem+json"):
        told = json.loads(answer.body)
        said = (
            told.get("error", told.get("detail", told.get("message", ""))) if isinstance(told, dict) else ""
        )
        if len(WORDS.findall(str(said))) < 2:
            yield f"status {answer.status} without a word: {answer.text[:200]}"
    elif answer.kind not in ("text/html", "text/plain") or len(WORDS.findall(answer.text)) < 5:
        yield f"status {answer.status} without a word: {answer.kind} {answer.text[:200]}"


# --- HTML -----------------------------------------------------------------------------------------


def html_problems(text: str, policy: str = "") -> Iterator[str]:
    """Scripts that are not ours, handlers, marks and addresses that run something."""
    reader = _Reader(policy)
    reader.feed(text)
    reader.close()
    yield from reader.found


class _Reader(HTMLParser):
    """Reads a page as a browser does and notes what could run."""

    def __init__(self, policy: str) -> None:
        super().__init__()
        self.policy, self.found, self._script = policy, [], ""
        self._inside: dict[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag.startswith(MARK) or tag in RUNS_HTML:
            self.found.append(f"an element <{tag}> that nobody of ours wrote")
        if tag == "script":
            self._inside, self._script = given, ""
        for name, value in attrs:
            if name.startswith(("on", MARK)) or name == "srcdoc":
                self.found.append(f"attribute {name} of <{tag}>")
            if "download" in given and re.match(r"data:text/plain;charset=utf-8,[\w%-]*$", value or ""):
                continue  # a text to keep, made by the server
            if name in ADDRESSES and not is_harmless(value or ""):
                self.found.append(f"{name} of <{tag}> is {value!r}")

    def handle_data(self, data: str) -> None:
        if self._inside is not None:
            self._script += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._inside is not None:
            self._note_script(self._inside)
            self._inside = None

    def _note_script(self, given: Mapping[str, str | None]) -> None:
        if given.get("type") == "application/json":
            json.loads(self._script)
        elif "src" in given:
            if not (given["src"] or "").startswith(("/_dash-", "/assets/")):
                self.found.append(f"a script from {given['src']}")
        elif f"'sha256-{_digest(self._script)}'" not in self.policy:
            self.found.append(f"an inline script that is not ours: {self._script[:100]}")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def is_harmless(address: str, *, picture: bool = False) -> bool:
    """Whether following an address runs nothing: relative, http, https or mailto, as browsers read it."""
    read = re.sub(r"[\t\n\r]", "", address).lstrip("".join(map(chr, range(33))))
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", read)
    if scheme is None or scheme[1].lower() in SCHEMES:
        return True
    return picture and read.lower().startswith("data:image/")


# --- CSV ------------------------------------------------------------------------------------------


def csv_problems(text: str) -> Iterator[str]:
    """Cells that a spreadsheet would run: no route writes CSV yet, and the first that does is held against this."""
    for row in csv.reader(text.splitlines(keepends=True)):
        for cell in row:
            if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not NUMERAL.fullmatch(cell):
                yield f"a spreadsheet would run the cell {cell[:80]!r}: put ' before it"


# --- Dash -----------------------------------------------------------------------------------------


def json_problems(tree: Any, where: str = "") -> Iterator[str]:
    """What of a drawn tree could run: foreign components, addresses, raw HTML, figures that read tags."""
    if isinstance(tree, list):
        for each in tree:
            yield from json_problems(each, where)
    elif isinstance(tree, dict):
        if {"type", "namespace", "props"} <= set(tree):
            where = f"{where}/{tree['type']}"
            yield from _component(tree, where)
        for name, value in tree.items():
            if isinstance(value, dict) and "data" in value and "layout" in value:
                yield from figure_problems(value, f"{where}.{name}")
            elif name == "options" and not where.endswith("/Select"):
                yield from _options(value, where)
            elif name == "content" and str(tree.get("filename", "")).lower().endswith(".csv"):
                yield from csv_problems(str(value))
            else:
                yield from json_problems(value, where)


def _options(options: Any, where: str) -> Iterator[str]:
    """What dcc.Dropdown's index of all parts of a text would turn into a write to Object.prototype."""
    for each in options if isinstance(options, list) else [options]:
        if "__proto__" in json.dumps(each).lower():
            yield f"{where} offers {each!r}: make its options with components.forms.findable"


def _component(tree: Mapping[str, Any], where: str) -> Iterator[str]:
    kind, props = tree["type"], tree["props"]
    if not isinstance(kind, str) or kind in RUNS or MARK in str(tree["namespace"]):
        yield f"{where} would be drawn"
    if not isinstance(props, dict):
        yield f"{where} has no properties"
        return
    if kind == "Markdown" and props.get("dangerously_allow_html"):
        yield f"{where} draws raw HTML"
    for name, value in props.items():
        if name in ("dangerouslySetInnerHTML", "srcDoc", "innerHTML"):
            yield f"{where} has {name}"
        if name.lower() in ADDRESSES and isinstance(value, str):
            if not is_harmless(value, picture=kind == "Img"):
                yield f"{where} has {name} {value!r}"
            elif kind in ("Link", "Location") and re.match(r"\s*[/\\]{2}", value):
                yield f"{where} leads away to {value!r}"


def figure_problems(figure: Mapping[str, Any], where: str) -> Iterator[str]:
    """Texts of a figure in which Plotly would find a tag or a placeholder that our figures do not write."""
    for path, text in _texts(figure, where):
        left = OUR_TAGS.sub("", text)
        if ANY_TAG.search(left):
            yield f"{path} holds a tag: {text[:120]!r}"
        if "%{" in OUR_TEMPLATES.sub("", left):
            yield f"{path} holds a placeholder: {text[:120]!r}"


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, where)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in UNREAD:
                yield from _texts(each, f"{where}.{name}")
