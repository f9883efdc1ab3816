"""A figure's long columns in few bytes: places as 16-bit steps instead of digits. assets/map-data.js unpacks them."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

GAP = -32768  # stands for a missing place, which ends a line
MOST = 32767
FEWEST = 100  # of values; shorter columns stay as they are


def packed(figure: Mapping[str, Any]) -> dict[str, Any]:
    """The figure with the columns x, y, z and line.color of its larger traces packed; the layout as it is.

    A packed column is {"i2": base64 of little-endian 16-bit integers, "scale", "middle"}: value = middle + scale * i,
    and GAP is null. It is exact to a 65-thousandth of the column's extent. Colours, integers from 0 to 255, are
    {"u1": base64 of bytes}.
    """
    return {**figure, "data": [_trace(trace) for trace in figure["data"]]}


def _trace(trace: Mapping[str, Any]) -> dict[str, Any]:
    small = dict(trace)
    for axis in "xyz":
        if len(trace.get(axis, ())) >= FEWEST:
            small[axis] = _places(trace[axis])
    steps = trace.get("line", {}).get("color")
    if isinstance(steps, list) and len(steps) >= FEWEST:
        small["line"] = trace["line"] | {"color": {"u1": _text(np.array(steps, dtype=np.uint8))}}
    return small


def _places(column: Sequence[float | None]) -> dict[str, Any]:
    values = np.array(column, dtype=np.float64)  # None becomes NaN
    known = values[~np.isnan(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    middle, scale = (low + high) / 2, ((high - low) / 2 / MOST) or 1.0
    steps = np.where(np.isnan(values), GAP, np.round((np.nan_to_num(values) - middle) / scale))
    return {"i2": _text(steps.astype("<i2")), "scale": scale, "middle": middle}


def _text(numbers: Any) -> str:
    return b64encode(numbers.tobytes()).decode()
