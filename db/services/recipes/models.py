"""Benchmarks of language models → registered models."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
import yaml

from db.services.otlp import Invalid
from db.services.recipes.base import Found, Options, Reading, Record, recipe
from db.services.table_files import Lines, null_or, shown
from db.services.table_values import Unstated

MOST_TEXT = 16 << 20
USED = ("model",)


class _Loader(yaml.SafeLoader):
    """Plain values only; no aliases, with which a small file becomes a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not read; write it out", mark)
        return super().compose_node(parent, index)


@recipe(
    "model-benchmarks",
    "ai_models",
    notes=(
        "the file states no version of a model: it is stored empty and marked as not stated",
        "accuracy is pass_rate_2 as a share; created_at is the day of the run, at 00:00 UTC",
    ),
)
def model_benchmarks(lines: Lines, options: Options) -> Reading:
    """Measured runs of language models (Aider's edit leaderboard, YAML), one row per model.

    model → name; pass_rate_2 / 100 → accuracy; date → created_at; model_type is nlp, since all are language models;
    version empty, named in metadata.unstated; every field but model → metadata as recorded. Models are known by name.
    """
    fields = {"name": "model", "accuracy": "pass_rate_2", "created_at": "date"}
    return Reading(_runs(lines), fields=fields, key=("name",))


def _runs(lines: Lines) -> Iterator[Found]:
    loader = _Loader(_text(lines))
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise Invalid("no YAML list of runs, each beginning with a dash")
        for node in root.value:
            yield node.start_mark.line + 1, _run(loader, node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1:,}" if mark else ""
        raise Invalid(f"not valid YAML{where}: {getattr(error, 'problem', None) or error}") from None
    finally:
        loader.dispose()


def _text(lines: Lines) -> str:
    parts, size = [], 0
    for line in lines:
        lines.begin()
        parts.append(line)
        size += len(line)
        if size > MOST_TEXT:
            raise Invalid("more than 16 MiB of YAML, which is read as a whole; split the file")
    if not size:
        raise Invalid("is empty; there is nothing to import")
    return "".join(parts)


def _run(loader: _Loader, node: Any) -> Record | Invalid:
    try:
        run = loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        return Invalid(f"not readable: {getattr(error, 'problem', None) or error}")
    if not isinstance(run, dict) or not isinstance(run.get("model"), str) or null_or(run["model"]) is None:
        return Invalid("the run names no model; every run needs a field model with its name")
    rate = run.get("pass_rate_2")
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float)):
        return Invalid(f"pass_rate_2 {shown(rate)} is no number in percent")
    try:
        said = _said({name: value for name, value in run.items() if name not in USED})
    except (TypeError, ValueError) as error:
        return Invalid(f"a value that JSON cannot hold ({error})")
    values = {
        "name": run["model"],
        "version": Unstated(""),
        "model_type": "nlp",
        "accuracy": None if rate is None else Decimal(str(rate)) / 100,
        "created_at": _day(run.get("date")),
        "metadata": said,
    }
    return Record(values, f"model-benchmarks {run['model']}")


def _day(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value.isoformat()}T00:00:00Z" if isinstance(value, date) else None


def _said(run: dict[Any, Any]) -> dict[str, Any]:
    """As JSON holds it: days as ISO 8601. Raises TypeError or ValueError for what it cannot hold."""
    text = orjson.dumps(run, option=orjson.OPT_NON_STR_KEYS)
    if b"\\u0000" in text:
        raise ValueError("a NUL character")
    found: dict[str, Any] = orjson.loads(text)
    return found
