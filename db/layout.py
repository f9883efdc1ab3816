"""Where agents stand on the neural map: a layout on two levels, squads first, then the agents inside each.

Every squad is a ball whose radius grows with the cube root of its size, so that all squads are equally dense.
The balls are spread on a Fibonacci sphere, drawn together by the edges between them and pushed apart until
none touches another. Inside a ball the best connected agents stand nearest to the centre, and a few local
force steps bring neighbours together. The unit is one preferred radius of free space round an agent; nothing
here is a measurement.

The result depends on the arguments alone: the same call gives the same arrays. Agents handed over as pinned
do not move at all, so that a map one has learned to read stays as it is when somebody joins.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Points = NDArray[np.float64]
Indices = NDArray[np.int64]

GAP = 1.15  # distance of two squad centres in units of the sum of their radii
NEW_GAP = 1.3  # the same for a squad that comes later: its name needs room among names already placed
SPACING = 1.0  # agents nearer than this push each other away
FREE_SPACING = 1.15  # the same for agents without edges: nothing else orders them, so they spread evenly
MIN_DISTANCE = (
    0.8  # computed agents are pushed apart until they are no nearer than this, of many until few are
)
MOST_PAIRS = 2000  # up to so many agents every close pair counts; above, each agent's nearest NEAREST
NEAREST = 32
STEPS = 20
PULL = 0.95  # how far an agent moves towards the middle of its neighbours in the first step
FILL = 0.77  # mean distance from the centre that a ball keeps, in radii: that of an evenly filled one
_GOLDEN = np.pi * (3 - np.sqrt(5))
# The screen is wider than high and we look along y: balls gather most along y, least along x.
_GRAVITY = np.array([0.018, 0.12, 0.055])
_DETOUR = np.array([0, 3, 0.6])  # by how much a new squad should rather stand along x than along y or z


def squad_layout(
    groups: Sequence[str],
    edges: Sequence[tuple[int, int]],
    *,
    pinned: Mapping[int, tuple[float, float, float]] | None = None,
    seed: int = 7,
) -> Points:
    """Places for agents, one row (x, y, z) per entry of `groups`.

    groups: the squad of each agent. edges: pairs of positions in `groups`; direction, repetition and
    self-loops do not matter, only that two agents talk. pinned: places that must not change, by position in
    `groups`, in the unit of an earlier layout; only the other agents are placed, each in its squad's ball, a
    new squad outside the existing balls. seed: which of the equally good arrangements inside the balls is
    taken.

    Raises ValueError naming the argument when an edge or a pin points outside `groups` or a place is not
    finite.
    """
    count = len(groups)
    links = _links(edges, count)
    fixed = _fixed(pinned or {}, count)
    if not count:
        return np.zeros((0, 3))
    names, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    radii = np.cbrt(np.bincount(member, minlength=len(names)).astype(np.float64))
    if fixed:
        return _join(member.astype(np.int64), radii, links, fixed, seed)
    centres = _centres(radii, member[links])
    places = centres[member] + _ball(member, radii, links, count, seed)
    movable = np.ones(count, dtype=bool)
    _relax(places, links, member, centres, radii, movable)
    return places


def _links(edges: Sequence[tuple[int, int]], count: int) -> Indices:
    """The distinct undirected edges between different agents, sorted."""
    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    if pairs.size and (pairs.min() < 0 or pairs.max() >= count):
        raise ValueError(f"edges: every end must be between 0 and {count - 1}, the last position in groups")
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    return np.unique(pairs, axis=0)


def _fixed(pinned: Mapping[int, tuple[float, float, float]], count: int) -> dict[int, Points]:
    fixed = {}
    for index in sorted(pinned):
        place = np.asarray(pinned[index], dtype=np.float64)
        if not 0 <= index < count:
            raise ValueError(f"pinned: {index} is no position in groups (0 to {count - 1})")
        if place.shape != (3,) or not np.isfinite(place).all():
            raise ValueError(f"pinned: agent {index} needs three finite coordinates, not {pinned[index]!r}")
        fixed[index] = place
    return fixed


def _fibonacci_sphere(count: int) -> Points:
    """Evenly spread unit vectors."""
    step = np.arange(count) + 0.5
    height = 1 - 2 * step / count
    flat = np.sqrt(1 - height**2)
    turn = _GOLDEN * step
    return np.column_stack([flat * np.cos(turn), flat * np.sin(turn), height])


def _centres(radii: Points, ends: Indices) -> Points:
    """Centres of the squads' balls: gathered by gravity and common edges, none touching another."""
    count = len(radii)
    if count == 1:
        return np.zeros((1, 3))
    reach = GAP * 2 * np.cbrt((radii**3).sum())
    centres = _fibonacci_sphere(count) * reach * np.array([1.6, 0.6, 1.0])
    ends = ends[ends[:, 0] != ends[:, 1]]
    bonds, weight = np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)
    pull = 0.05 * weight / weight.max() if len(weight) else weight
    free = np.ones(count, dtype=bool)
    for _ in range(60):
        centres -= centres * _GRAVITY
        if len(bonds):
            way = (centres[bonds[:, 1]] - centres[bonds[:, 0]]) * pull[:, None]
            _add(centres, bonds[:, 0], way)
            _add(centres, bonds[:, 1], -way)
        _push_apart(centres, GAP * radii, free, rounds=2)
    _push_apart(centres, GAP * radii, free, rounds=200)
    return np.asarray(centres - (centres * radii[:, None] ** 3).sum(axis=0) / (radii**3).sum())


def _ball(member: Indices, radii: Points, links: Indices, count: int, seed: int) -> Points:
    """Offsets that fill each ball evenly, the best connected agent of a squad at its centre."""
    degree = np.bincount(links.ravel(), minlength=count)
    order = np.lexsort((np.arange(count), -degree, member))
    first = np.searchsorted(member[order], np.arange(len(radii)))
    rank = np.empty(count)
    rank[order] = np.arange(count) - first[member[order]]
    size = radii[member] ** 3
    shell = radii[member] * np.cbrt(np.where(size > 1, rank / size, 0.0))
    return np.asarray(shell[:, None] * _directions(rank, seed))


def _directions(rank: Points, seed: int) -> Points:
    """Unit vectors that stay evenly spread for any run of ranks (the R2 low-discrepancy sequence, turned by
    seed).
    """
    start = np.random.default_rng(seed).random(2)
    height = 1 - 2 * ((start[0] + rank * 0.7548776662466927) % 1)
    turn = 2 * np.pi * ((start[1] + rank * 0.5698402909980532) % 1)
    flat = np.sqrt(1 - height**2)
    return np.column_stack([flat * np.cos(turn), flat * np.sin(turn), height])


def _relax(
    places: Points,
    links: Indices,
    member: Indices,
    centres: Points,
    radii: Points,
    movable: NDArray[np.bool_],
) -> None:
    """Local force steps in place: edges inside a squad pull, close agents push, the ball holds; pinned agents
    stay.
    """
    inside = links[member[links[:, 0]] == member[links[:, 1]]]
    degree = np.bincount(inside.ravel(), minlength=len(places))
    spread = np.where(degree > 0, SPACING, FREE_SPACING) / 2
    # A hub has room for few neighbours beside it, so it pulls less than its many edges would.
    one, other = inside[:, 0], inside[:, 1]
    by_other, by_one = degree[other] ** -0.5, degree[one] ** -0.5
    total = np.zeros((len(places), 3))
    _add(total, one, np.repeat(by_other[:, None], 3, axis=1))
    _add(total, other, np.repeat(by_one[:, None], 3, axis=1))
    for step in range(STEPS):
        before = places[~movable]
        if len(inside):
            way = (places[other] - places[one]) * (PULL * (1 - 0.5 * step / STEPS))
            _add(places, one, way * by_other[:, None] / total[one])
            _add(places, other, -way * by_one[:, None] / total[other])
        places[~movable] = before
        _push_apart(places, spread, movable, rounds=1)
        _fill(places, centres, radii, member, movable)
        _hold(places, centres[member], radii[member], movable)
    _push_apart(places, np.full(len(places), MIN_DISTANCE / 2), movable, rounds=200)


def _fill(
    places: Points, centres: Points, radii: Points, member: Indices, movable: NDArray[np.bool_]
) -> None:
    """Undo the collapse that the springs cause: a ball whose agents huddle grows to its size again."""
    away = places - centres[member]
    size = np.bincount(member, minlength=len(radii))
    spread = np.sqrt(
        np.bincount(member, weights=(away**2).sum(axis=1), minlength=len(radii)) / np.maximum(size, 1)
    )
    grow = np.maximum(FILL * radii / np.maximum(spread, 1e-9), 1.0)
    grow[size < 2] = 1.0
    places[movable] = (centres[member] + away * grow[member][:, None])[movable]


def _hold(places: Points, centre: Points, radius: Points, movable: NDArray[np.bool_]) -> None:
    """The anchor: an agent outside its ball is drawn back to the surface."""
    way = places - centre
    distance = np.linalg.norm(way, axis=1)
    out = movable & (distance > radius)
    places[out] = centre[out] + way[out] * (radius[out] / distance[out])[:, None]


def _push_apart(places: Points, radii: Points, movable: NDArray[np.bool_], rounds: int) -> None:
    """Separate overlapping balls in place, sharing each overlap between those of the two that may move."""
    reach = 2 * float(radii.max())
    for _ in range(rounds):
        pairs = _close_pairs(places, reach)
        pairs = pairs[movable[pairs].any(axis=1)]
        way = places[pairs[:, 1]] - places[pairs[:, 0]]
        distance = np.linalg.norm(way, axis=1)
        overlap = radii[pairs].sum(axis=1) - distance
        close = overlap > 1e-9
        if not close.any():
            return
        pairs, way, distance, overlap = pairs[close], way[close], distance[close], overlap[close]
        same = distance < 1e-9
        if same.any():
            way[same] = _directions(pairs[same, 1].astype(np.float64), 0)
        push = way * ((overlap + 1e-6) / np.where(same, 1.0, distance))[:, None]
        share = movable[pairs] / movable[pairs].sum(axis=1, keepdims=True)
        _add(places, pairs[:, 0], -push * share[:, :1])
        _add(places, pairs[:, 1], push * share[:, 1:])


def _close_pairs(places: Points, reach: float) -> Indices:
    """Pairs (lower, higher) nearer than reach; of many agents only the nearest of each.

    The neighbours of a hub huddle until they are pushed apart: of n of them, n * n / 2 pairs are close at first.
    """
    tree = cKDTree(places)
    if len(places) <= MOST_PAIRS:
        return np.asarray(tree.query_pairs(reach, output_type="ndarray"), dtype=np.int64)
    _, other = tree.query(places, k=NEAREST, distance_upper_bound=reach)
    one = np.repeat(np.arange(len(places)), NEAREST)
    pairs = np.column_stack([one, other.ravel()])
    pairs = pairs[(pairs[:, 1] < len(places)) & (pairs[:, 0] != pairs[:, 1])]
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _add(places: Points, index: Indices, shift: Points) -> None:
    """places[index] += shift where an index may stand several times."""
    for axis in range(3):
        places[:, axis] += np.bincount(index, weights=shift[:, axis], minlength=len(places))


def _join(member: Indices, radii: Points, links: Indices, fixed: dict[int, Points], seed: int) -> Points:
    """Place the agents that are not fixed among those that are."""
    count = len(member)
    movable = np.ones(count, dtype=bool)
    movable[list(fixed)] = False
    offsets = _ball(member, radii, links, count, seed)
    places = np.zeros((count, 3))
    places[list(fixed)] = list(fixed.values())
    centres, radii = _known_balls(places, member, radii, movable)
    places[movable] = centres[member[movable]] + offsets[movable]
    for index in np.flatnonzero(movable):
        _near_its_neighbours(places, int(index), member, links, movable)
    _relax(places, links, member, centres, radii, movable)
    places[list(fixed)] = list(fixed.values())
    return places


def _near_its_neighbours(
    places: Points, index: int, member: Indices, links: Indices, movable: NDArray[np.bool_]
) -> None:
    """Start a new agent half-way to the middle of the standing agents of its squad that it talks to."""
    other = np.concatenate([links[links[:, 0] == index, 1], links[links[:, 1] == index, 0]])
    other = other[~movable[other] & (member[other] == member[index])]
    if len(other):
        places[index] = (places[index] + places[other].mean(axis=0)) / 2


def _known_balls(
    places: Points, member: Indices, radii: Points, movable: NDArray[np.bool_]
) -> tuple[Points, Points]:
    """Centres and radii of the squads: as the fixed agents stand, a squad without any outside all the
    others.
    """
    centres = np.zeros((len(radii), 3))
    radii = radii.copy()
    standing = [group for group in range(len(radii)) if (~movable & (member == group)).any()]
    for group in standing:
        there = places[~movable & (member == group)]
        centres[group] = there.mean(axis=0)
        radii[group] = max(radii[group], float(np.linalg.norm(there - centres[group], axis=1).max()))
    for group in sorted(set(range(len(radii))) - set(standing)):
        centres[group] = _free_centre(centres[standing], radii[standing], float(radii[group]))
        standing.append(group)
    return centres, radii


def _free_centre(centres: Points, radii: Points, radius: float) -> Points:
    """The place nearest to the middle, seen in the wide directions first, where a ball of this radius is
    free.
    """
    middle = centres.mean(axis=0)
    ways = _fibonacci_sphere(128)
    from_middle = middle - centres
    along = ways @ from_middle.T
    need = NEW_GAP * (radii + radius)
    room = along**2 - (from_middle**2).sum(axis=1) + need**2
    # Beyond the far root of |middle + t*way - centre| = need the ball is clear of that centre for good.
    far = np.where(room > 0, -along + np.sqrt(np.maximum(room, 0)), 0.0).max(axis=1).clip(min=0)
    best = int(np.argmin(np.round(far * (1 + np.abs(ways) @ _DETOUR), 9)))
    return np.asarray(middle + ways[best] * (far[best] + 1e-6))
