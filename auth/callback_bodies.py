"""What a callback's request must be: the declared parts, each of the kind its function says it takes.

Dash trusts that its own renderer asked. Whatever else asks would meet a function that expects a text with a list, and
be answered with a traceback. So each request is held against the declaration before Dash sees it; the functions'
annotations are the one list of what they take.
"""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import orjson
from flask import request

DEEPEST = 64  # levels of lists and objects; a figure has about ten
# The browser's own address, percent signs and all; Dash's router reads it without a look.
ADDRESS = {
    "pathname": re.compile(r"/[^\x00-\x1f\x7f]*"),
    "search": re.compile(r"[^\x00-\x1f\x7f]*"),
    "hash": re.compile(r"[^\x00-\x1f\x7f]*"),
}
Part = Mapping[str, Any]
Declared = Mapping[str, Any]


def refusal(callback_map: Mapping[str, Declared]) -> tuple[str, int] | None:
    """Why this request is none that one of the callbacks can answer, and the status that says so."""
    body = _parsed()
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        return "The body is not a callback request.", 400
    declared = callback_map.get(body["output"], {})
    if "callback" not in declared:
        return "There is no such callback.", 404
    problem = _problem(body, declared)
    return (problem, 400) if problem else None


def _parsed() -> Any:
    """The body as strict JSON: no half characters, no numbers that are none, not too deep. None for anything else."""
    if not request.is_json:
        return None
    try:
        orjson.loads(request.get_data())
        body = request.get_json(silent=True)
    except (orjson.JSONDecodeError, RecursionError):
        return None
    return None if _is_deeper(body, DEEPEST) else body


def _is_deeper(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def _problem(body: Mapping[str, Any], declared: Declared) -> str | None:
    given, parts = [body.get("inputs", []), body.get("state", [])], [declared["inputs"], declared["state"]]
    if not all(isinstance(each, list) for each in given) or [*map(len, given)] != [*map(len, parts)]:
        return "The request does not bring what the callback was declared with."
    pairs = list(zip([*given[0], *given[1]], [*parts[0], *parts[1]], strict=True))
    if not all(_is_part(told, wanted) for told, wanted in pairs):
        return "The request brings parts of another callback."
    if not _are_outputs(body.get("outputs"), declared):
        return "The request asks for outputs of another callback."
    if not _are_changes(body.get("changedPropIds", []), [*parts[0], *parts[1]]):
        return "The request names a change of something that is no part of it."
    kinds = _kinds(declared)
    for place, (told, wanted) in enumerate(pairs):
        value = [each.get("value") for each in told] if isinstance(told, list) else told.get("value")
        if not _is_value(value, wanted["property"], kinds.get(place, Any)):
            return f"The value of {wanted['property']} is not of the kind the callback takes."
    return None


# --- parts: which component, which property -------------------------------------------------------


def _is_part(told: Any, wanted: Part) -> bool:
    pattern = _pattern(wanted["id"])
    if _is_for_all(pattern):
        return isinstance(told, list) and all(_is_one(each, pattern, wanted["property"]) for each in told)
    return _is_one(told, pattern, wanted["property"])


def _is_one(told: Any, pattern: Any, prop: str) -> bool:
    return isinstance(told, dict) and told.get("property") == prop and _fits_id(told.get("id"), pattern)


def _pattern(declared: Any) -> Any:
    """A declared id: text, or an object in which a list such as ["ALL"] stands for any value."""
    return json.loads(declared) if isinstance(declared, str) and declared.startswith("{") else declared


def _is_for_all(pattern: Any) -> bool:
    return isinstance(pattern, dict) and any(
        _spelled(value) in ("ALL", "ALLSMALLER") for value in pattern.values()
    )


def _spelled(value: Any) -> str:
    """ALL, MATCH or ALLSMALLER, in a declaration's own objects or as the browser is told them; else nothing."""
    said = value if isinstance(value, list) else [str(getattr(value, "_name", ""))]
    return str(said[0]) if len(said) == 1 else ""


def _fits_id(told: Any, pattern: Any) -> bool:
    if not isinstance(pattern, dict):
        return isinstance(told, str) and told == pattern
    if not isinstance(told, dict) or set(told) != set(pattern):
        return False
    return all(
        isinstance(told[key], str | int | float) and (not _is_plain(value) or told[key] == value)
        for key, value in pattern.items()
    )


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _are_outputs(told: Any, declared: Declared) -> bool:
    if declared.get("no_output"):
        return True
    outputs = declared["output"]
    several = isinstance(outputs, list | tuple)
    given, wanted = (told, outputs) if several else ([told], [outputs])
    return (
        isinstance(given, list)
        and len(given) == len(wanted)
        and all(_is_output(each, output) for each, output in zip(given, wanted, strict=True))
    )


def _is_output(told: Any, output: Any) -> bool:
    pattern, prop = output.component_id, output.component_property.partition("@")[0]
    parts = told if isinstance(told, list) and _is_for_all(pattern) else [told]
    return all(
        isinstance(each, dict)
        and isinstance(each.get("property"), str)
        and each["property"].partition("@")[0] == prop
        and _fits_id(each.get("id"), pattern)
        for each in parts
    )


def _are_changes(told: Any, parts: Sequence[Part]) -> bool:
    return isinstance(told, list) and all(_is_change(each, parts) for each in told)


def _is_change(told: Any, parts: Sequence[Part]) -> bool:
    spelled, _, prop = told.rpartition(".") if isinstance(told, str) else ("", "", "")
    try:
        changed = json.loads(spelled) if spelled.startswith("{") else spelled
    except (ValueError, RecursionError):
        return False
    return any(each["property"] == prop and _fits_id(changed, _pattern(each["id"])) for each in parts)


# --- values: of the kind the function's annotations say -------------------------------------------


def _kinds(declared: Declared) -> dict[int, Any]:
    """The annotation of each part's parameter, by the part's place."""
    parameters = list(inspect.signature(declared["callback"]).parameters.values())
    indices = declared["inputs_state_indices"]
    if isinstance(indices, dict):
        named = {each.name: each.annotation for each in parameters}
        return {at: named[name] for name, at in indices.items() if isinstance(at, int) and name in named}
    listed = [indices] if isinstance(indices, int) else list(indices)
    rest = [each for each in parameters if each.kind is inspect.Parameter.VAR_POSITIONAL]
    single = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return {
        at: (single[place] if place < len(single) else rest[0]).annotation
        for place, at in enumerate(listed)
        if isinstance(at, int) and (place < len(single) or rest)
    }


def _is_value(value: Any, prop: str, kind: Any) -> bool:
    if prop in ADDRESS:
        return value is None or (isinstance(value, str) and ADDRESS[prop].fullmatch(value) is not None)
    return fits(value, kind)


def fits(value: Any, kind: Any) -> bool:
    """Whether a JSON value is what an annotation says; an annotation that JSON does not know takes everything."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(fits(value, each) for each in inside)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in inside)
    whole = origin or kind
    if whole in (list, Sequence):
        return isinstance(value, list) and all(fits(each, inside[0] if inside else Any) for each in value)
    if whole in (dict, Mapping):
        return isinstance(value, dict)
    if kind in (None, NoneType):
        return value is None
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind in (bool, int, str):
        return type(value) is kind
    return True
