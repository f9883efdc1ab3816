"""The geometry of the neural map: where measured places stand beside computed ones, curves, the first view."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Points = NDArray[np.float64]

CURVE_POINTS = 9


def drawn_places(nodes: Sequence[Mapping[str, Any]]) -> Points:
    """Where each node is drawn, one row (x, y, z) per node.

    Places of one frame are drawn as they are. Where several frames meet (computed places, and measured ones
    per group, each in its own unit) the measured groups keep their shape but are turned about the vertical,
    scaled as a whole and set in a row below the others, so that a worm in micrometres does not swallow the
    fleet.
    """
    places = np.array([[node["x"], node["y"], node["z"]] for node in nodes], dtype=np.float64).reshape(-1, 3)
    frames = np.array(
        [str(node["group"]) if node["positioned"] == "measured" else "" for node in nodes], dtype=str
    )
    blocks = {name: np.flatnonzero(frames == name) for name in sorted(set(frames))}
    if len(blocks) < 2:
        return places
    own = places[blocks.pop("")] if "" in blocks else np.array([[-8.0, 0, 0], [8.0, 0, 0]])
    low, high = own.min(axis=0), own.max(axis=0)
    wide = max(float(high[0] - low[0]), 8.0)
    slot = wide / len(blocks)
    for number, rows in enumerate(blocks.values()):
        block = _lengthwise(places[rows])
        size = np.ptp(block, axis=0)
        block *= 0.9 * slot / max(float(size.max()), 1e-9)
        middle = (low[0] + high[0]) / 2 + (number - (len(blocks) - 1) / 2) * slot
        below = low[2] - 0.12 * wide - np.ptp(block[:, 2]) / 2
        places[rows] = block - (block.max(axis=0) + block.min(axis=0)) / 2 + [middle, own[:, 1].mean(), below]
    return places


def _lengthwise(block: Points) -> Points:
    """The block turned about the vertical until its longest horizontal extent lies along x."""
    flat = block[:, :2] - block[:, :2].mean(axis=0)
    turn = _longest(flat)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.column_stack([flat @ rotation, block[:, 2]])


def _longest(flat: Points) -> float:
    """The angle of the direction in which horizontal places spread most, in (-90°, 90°]."""
    if len(flat) < 2:
        return 0.0
    spread = flat.T @ flat
    return float(0.5 * np.arctan2(2 * spread[0, 1], spread[0, 0] - spread[1, 1]))


def nearness(points: Points) -> float:
    """The distance that three quarters of the points keep from their nearest neighbour, at least two points."""
    distances, _ = cKDTree(points).query(points, k=2)
    return float(np.percentile(distances[:, 1], 25))


def curve(start: Points, end: Points, through: Points) -> Points:
    """Points of a smooth bend from start to end, drawn towards `through`; nine rows."""
    step = np.linspace(0, 1, CURVE_POINTS)[:, None]
    middle = (start + end) / 2 * 0.35 + through * 0.65
    return np.asarray((1 - step) ** 2 * start + 2 * step * (1 - step) * middle + step**2 * end)


def bounds(points: Points, pad: float) -> tuple[Points, Points]:
    """The lowest and highest corner round the points; every side at least 1 long."""
    low, high = points.min(axis=0) - pad, points.max(axis=0) + pad
    grow = np.maximum(1.0 - (high - low), 0) / 2
    return low - grow, high + grow


def first_view(points: Points, low: Points, high: Points, aspect: float) -> dict[str, dict[str, float]]:
    """A camera from which all places fit a screen of this width to height, seen across their longest extent.

    Eye and centre are in Plotly's scene units: the box low..high, centred, with a volume of 1.
    """
    size = high - low
    unit = 1 / np.cbrt(size.prod())
    across = _longest(points[:, :2] - points[:, :2].mean(axis=0)) if len(points) > 2 else 0.0
    turn, lift = across - np.pi / 2 - np.radians(14), np.radians(14)
    eye = np.array([np.cos(turn) * np.cos(lift), np.sin(turn) * np.cos(lift), np.sin(lift)])
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    up = np.cross(eye, right)
    away = (points - (low + high) / 2) * unit
    # Plotly looks with an angle of 45 degrees: half the height of what is seen at distance 1 is tan(22.5°).
    # A quarter stays free for the names of the squads.
    half = np.tan(np.radians(22.5)) * 0.74
    need = np.maximum(np.abs(away @ up) / half, np.abs(away @ right) / (half * aspect)) + away @ eye
    return {
        "eye": _xyz(eye * max(float(need.max()), 0.4)),
        "center": _xyz(np.zeros(3)),
        "up": _xyz(np.array([0, 0, 1.0])),
    }


def _xyz(vector: Points) -> dict[str, float]:
    return {axis: round(float(value), 4) for axis, value in zip("xyz", vector, strict=True)}
