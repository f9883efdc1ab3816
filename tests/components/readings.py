"""Readings made by hand, with the shape components ask for and no database behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

AT = datetime(2022, 8, 22, 6, 53, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    start: datetime | None = AT - timedelta(hours=24)
    end: datetime | None = AT
    name: str = "24h"


@dataclass(frozen=True)
class Reading:
    key: str = "spans.latency_p95_ms"
    title: str = "Span latency, 95th percentile"
    unit: str = "ms"
    value: float | int | None = 81.377755
    reason: str | None = None
    n: int = 23019
    interval: tuple[float, float] | None = None
    measured_at: datetime = AT
    window: Window | None = field(default_factory=Window)
    subject: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    key: str = "spans.latency_histogram"
    title: str = "Spans by latency"
    unit: str = "spans"
    rows: tuple[Mapping[str, Any], ...] = (
        {"low_ms": 0.0, "high_ms": 0.1, "count": 3},
        {"low_ms": 1, "high_ms": 2, "count": 40},
        {"low_ms": 10000, "high_ms": None, "count": 1},
    )
    reason: str | None = None
    n: int = 44
    measured_at: datetime = AT
    window: Window | None = field(default_factory=Window)
    subject: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proof:
    reading: Any = field(default_factory=Reading)
    sentence: str = "95 of 100 spans that start in the window took this long or less; failures included."
    formula: str = "nearest rank: the ⌈0.95·n⌉-th shortest duration; needs n ≥ 20"
    excluded: str = ""
    resolution: str = "Exact: from every row."
    version: str = "0.1.0+0123456789ab"
    sql: str = "SELECT max(x) FROM spans WHERE start_ns >= :start"
    params: Mapping[str, Any] = field(default_factory=lambda: {"start": 1661064780000000000})
    tables: tuple[str, ...] = ("spans",)
    columns: tuple[str, ...] = ("span_id", "attributes")
    rows: tuple[Mapping[str, Any], ...] = ({"span_id": "a1", "attributes": {"note": "x" * 500}},)


def tree(component: Any) -> Any:
    """A component as plain dicts and lists, to be compared or searched."""
    if hasattr(component, "to_plotly_json"):
        return tree(component.to_plotly_json())
    if isinstance(component, Mapping):
        return {name: tree(value) for name, value in component.items()}
    return [tree(part) for part in component] if isinstance(component, list | tuple) else component


def parts(component: Any) -> list[dict[str, Any]]:
    """Every element inside, as its props with its type."""
    found: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, Mapping):
            if "props" in node:
                found.append({**node["props"], "type": node["type"]})
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(tree(component))
    return found


def text(component: Any) -> str:
    """The words a person reads."""
    words: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, str | int | float) and not isinstance(node, bool):
            words.append(str(node))
        elif isinstance(node, list):
            for value in node:
                walk(value)
        elif isinstance(node, Mapping) and "props" in node:
            walk(node["props"].get("children"))

    walk(tree(component))
    return " ".join(words).replace("\u00a0", " ")


def one(component: Any, **wanted: Any) -> dict[str, Any]:
    """The one element whose props say what is wanted."""
    found = [
        part for part in parts(component) if all(part.get(name) == value for name, value in wanted.items())
    ]
    assert len(found) == 1, f"{len(found)} elements with {wanted}"
    return found[0]
