"""OTLP metrics → points: decoding and validation, no database. Each point stands for itself."""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from db.services.otlp_envelope import Found, Identities, Names, Origin
from db.services.otlp_values import (
    LONGEST_NAME,
    RESERVED,
    SIZE,
    TIME,
    Invalid,
    as_dict,
    as_list,
    attributes,
    clean,
    count,
    enum,
    few,
    integer,
    not_finite,
    number,
    shown,
    signed,
    too_deep,
)

NAMES = Names("resourceMetrics", "scopeMetrics", "metrics")
KINDS = {
    "gauge": "gauge",
    "sum": "sum",
    "histogram": "histogram",
    "exponentialHistogram": "exponential_histogram",
    "summary": "summary",
}
TEMPORALITIES = {
    "AGGREGATION_TEMPORALITY_UNSPECIFIED": 0,
    "AGGREGATION_TEMPORALITY_DELTA": 1,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": 2,
}
TOLD = ("", "delta", "cumulative")
NOT_RECORDED = 1  # the flag of a point that says its source is gone
PLACES, DIGITS = 6, 15  # what system_metrics keeps exactly on both databases
LARGEST = Decimal(10) ** 18
# Why a point has no value, kept beside it.
SILENT = "The sender recorded no value."
NO_NUMBER = "The sender reported a value that is no finite number; it stands in the metadata."
TOO_LARGE = "The value is larger than the column keeps; it stands in the metadata."
NO_SUM = "The sender reported no sum; the count stands in the metadata."


class Point(NamedTuple):
    """One valid point as it arrived, times in nanoseconds since 1970 UTC.

    `value` is what a gauge or sum says, and the sum of what a histogram or summary counted; None where there is none,
    and then `details` holds the reason. `details` is everything else that was sent.
    """

    id: UUID
    name: str
    unit: str
    value: Decimal | None
    time_ns: int
    attributes: Mapping[str, Any]
    details: Mapping[str, Any]
    origin: Origin


def points_of(items: Found, reserved: frozenset[str]) -> Iterator[Point | Invalid]:
    """Points of the metrics of one request; metrics called as one of `reserved` are refused."""
    identities = Identities()
    for found in items:
        if isinstance(found, Invalid):
            yield found
        else:
            yield from _points(*found, reserved, identities)


def _points(
    metric: Any, origin: Origin, reserved: frozenset[str], identities: Identities
) -> Iterator[Point | Invalid]:
    said = as_dict(metric)
    kind = next((each for each in KINDS if each in said), None)
    if kind is None:
        yield Invalid(f"metric {shown(said.get('name'))} holds no points of a kind that is known", count=0)
        return
    data = as_dict(said[kind])
    listed = as_list(data.get("dataPoints"))
    try:
        name, head = _head(said, kind, data, reserved)
    except Invalid as error:
        yield error.about(f"metric {shown(said.get('name'))}", len(listed))
        return
    for each in listed:
        yield _checked(each, name, kind, head, origin, identities)


def _head(
    said: Mapping[str, Any], kind: str, data: Mapping[str, Any], reserved: frozenset[str]
) -> tuple[str, dict[str, Any]]:
    """The metric's name, and what it says of all its points."""
    name, unit, description = (clean(said.get(key)) for key in ("name", "unit", "description"))
    if not name.strip():
        raise Invalid("it has no name")
    if max(len(name), len(unit)) > LONGEST_NAME or len(description) > LONGEST_NAME**2:
        raise Invalid(f"name or unit has more than {LONGEST_NAME:,} characters; shorten it", SIZE)
    if name in reserved:
        raise Invalid("this application measures itself under that name; choose another", RESERVED)
    told = TOLD[enum(data.get("aggregationTemporality") or 0, TEMPORALITIES, "aggregationTemporality")]
    head: dict[str, Any] = {
        "kind": KINDS[kind],
        "unit": unit,
        "description": description,
        "temporality": told,
    }
    if kind == "sum":
        head["monotonic"] = bool(data.get("isMonotonic"))
    return name, head


def _checked(
    item: Any, name: str, kind: str, head: Mapping[str, Any], origin: Origin, identities: Identities
) -> Point | Invalid:
    try:
        return _point(as_dict(item), name, kind, head, origin, identities)
    except Invalid as error:
        return error.about(f"point of {shown(name)}")
    except RecursionError:
        return too_deep().about(f"point of {shown(name)}")


def _point(
    item: Mapping[str, Any],
    name: str,
    kind: str,
    head: Mapping[str, Any],
    origin: Origin,
    identities: Identities,
) -> Point:
    time = integer(item.get("timeUnixNano") or 0, "timeUnixNano")
    start = integer(item.get("startTimeUnixNano") or 0, "startTimeUnixNano")
    if not time:
        raise Invalid("timeUnixNano is missing; a point without a time belongs nowhere", TIME)
    labels = attributes(item.get("attributes"))
    flags = count(item.get("flags") or 0, "flags")
    counted = _counted(kind, item)
    value, about = _value(kind, item, counted, silent=bool(flags & NOT_RECORDED))
    more = {"start_ns": start, "flags": flags, "exemplars": _exemplars(item)}
    said = {key: each for key, each in {**head, **more}.items() if key != "unit" and each not in ("", 0, [])}
    details = said | counted | about
    unit = head["unit"]
    identity = identities.of(origin.key, name, unit, head["kind"], head["temporality"], labels, start, time)
    return Point(identity, name, unit, value, time, labels, details, origin)


def _value(
    kind: str, item: Mapping[str, Any], counted: Mapping[str, Any], *, silent: bool
) -> tuple[Decimal | None, dict[str, Any]]:
    """What the column holds and, where that is not all, what the metadata says about it."""
    if silent:
        return None, {"reason": SILENT}
    if kind not in ("gauge", "sum"):
        given = counted.get("sum")
        return column_value(given) if given is not None else (None, {"reason": NO_SUM})
    if item.get("asInt") is not None:
        return column_value(signed(item["asInt"]))
    if item.get("asDouble") is not None:
        return column_value(number(item["asDouble"]))
    return None, {"reason": SILENT}


def column_value(given: float | str) -> tuple[Decimal | None, dict[str, Any]]:
    """The value with six decimals and fifteen digits at most; what it was before, where that is another number."""
    if isinstance(given, str) or not math.isfinite(given):
        return None, {"reason": NO_NUMBER, "value": given if isinstance(given, str) else not_finite(given)}
    exact = Decimal(repr(given))
    places = min(PLACES, DIGITS - 1 - exact.adjusted()) if exact else PLACES
    kept = exact.quantize(Decimal(1).scaleb(-places)) if abs(exact) < LARGEST else exact
    if abs(kept) >= LARGEST:
        return None, {"reason": TOO_LARGE, "value": given}
    return kept, {} if kept == exact else {"value": given}


def _counted(kind: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """What a histogram or a summary counted, as it was sent."""
    if kind in ("gauge", "sum"):
        return {}
    told: dict[str, Any] = {"count": count(item.get("count") or 0, "count")}
    told |= {key: _finite(item[key]) for key in ("sum", "min", "max") if item.get(key) is not None}
    if kind == "histogram":
        return told | _buckets(item)
    if kind == "summary":
        told["quantiles"] = [
            [_finite(as_dict(each).get("quantile") or 0), _finite(as_dict(each).get("value") or 0)]
            for each in few(item.get("quantileValues"), "quantiles")
        ]
        return (
            told if "sum" in told else told | {"sum": 0.0}
        )  # in a summary it is never left out but at nought
    told |= {
        "scale": signed(item.get("scale") or 0),
        "zero_count": count(item.get("zeroCount") or 0, "zeroCount"),
        "zero_threshold": _finite(item.get("zeroThreshold") or 0),
    }
    for side in ("positive", "negative"):
        half = as_dict(item.get(side))
        if half:
            told[side] = {"offset": signed(half.get("offset") or 0), "counts": _counts(half)}
    return told


def _buckets(item: Mapping[str, Any]) -> dict[str, Any]:
    bounds = [_finite(each) for each in few(item.get("explicitBounds"), "bounds")]
    counts = _counts(item)
    if counts and len(counts) != len(bounds) + 1:
        raise Invalid(
            f"{len(counts)} buckets between {len(bounds)} bounds; there is one bucket more than bounds"
        )
    return {"bounds": bounds, "counts": counts} if counts else {}


def _counts(of: Mapping[str, Any]) -> list[int]:
    return [count(each, "bucketCounts") for each in few(of.get("bucketCounts"), "buckets")]


def _finite(given: Any) -> float | str:
    """A number as it was sent; what JSON has no number for as text."""
    found = number(given)
    return found if math.isfinite(found) else not_finite(found)


def _exemplars(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_exemplar(as_dict(each)) for each in few(item.get("exemplars"), "exemplars")]


def _exemplar(each: Mapping[str, Any]) -> dict[str, Any]:
    value = signed(each["asInt"]) if each.get("asInt") is not None else _finite(each.get("asDouble") or 0)
    told = {
        "value": value,
        "time_ns": integer(each.get("timeUnixNano") or 0, "timeUnixNano"),
        "trace_id": clean(each.get("traceId"))[:32],
        "span_id": clean(each.get("spanId"))[:16],
        "attributes": attributes(each.get("filteredAttributes")),
    }
    return {key: held for key, held in told.items() if held not in ("", 0, {}) or key == "value"}
