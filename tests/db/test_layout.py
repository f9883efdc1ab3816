"""The squad layout keeps what the map promises: the same every time, squads apart, old agents where they
were.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from db import layout
from db.layout import GAP, MIN_DISTANCE, squad_layout

CATALOGUE = ["CORE"] * 35 + ["GUARD"] * 20 + ["ANALYST"] * 29 + ["SPECIALIST"] * 48 + ["CHAOS"] * 7


def hub_graph(agents: int, edges: int, squads: int, seed: int) -> tuple[list[str], list[tuple[int, int]]]:
    """A generated graph whose squads have hubs; 15 % of the edges lead to another squad."""
    rng = np.random.default_rng(seed)
    member = rng.integers(0, squads, agents)
    weight = rng.pareto(1.5, agents) + 0.3
    found: set[tuple[int, int]] = set()
    while len(found) < edges:
        one = int(rng.integers(agents))
        inside = rng.random() > 0.15
        others = np.flatnonzero((member == member[one]) if inside else (member != member[one]))
        other = int(rng.choice(others, p=weight[others] / weight[others].sum()))
        if one != other:
            found.add((min(one, other), max(one, other)))
    return [f"squad-{number}" for number in member], sorted(found)


def purity(groups: list[str], places: NDArray[np.float64]) -> float:
    """The share of the ten nearest agents that are of the same squad."""
    names = np.asarray(groups)
    nearest = cKDTree(places).query(places, 11)[1][:, 1:]
    return float((names[nearest] == names[:, None]).mean())


def neighbours_kept(edges: list[tuple[int, int]], places: NDArray[np.float64]) -> float:
    """The mean share of an agent's k neighbours in the graph that are among its k nearest in space."""
    linked: dict[int, set[int]] = {}
    for one, other in edges:
        linked.setdefault(one, set()).add(other)
        linked.setdefault(other, set()).add(one)
    tree = cKDTree(places)
    shares = []
    for agent, wanted in linked.items():
        nearest = tree.query(places[agent], len(wanted) + 1)[1]
        shares.append(len(wanted & set(nearest.tolist())) / len(wanted))
    return float(np.mean(shares))


def nearest_distance(places: NDArray[np.float64]) -> float:
    return float(cKDTree(places).query(places, 2)[0][:, 1].min())


def test_the_same_call_gives_the_same_places() -> None:
    groups, edges = hub_graph(139, 400, 5, seed=1)
    first = squad_layout(groups, edges)
    assert first.shape == (139, 3) and first.dtype == np.float64
    assert np.array_equal(first, squad_layout(groups, edges))
    assert np.array_equal(
        first, squad_layout(groups, [(b, a) for a, b in reversed(edges)] + edges[:5] + [(3, 3)])
    )
    assert not np.array_equal(first, squad_layout(groups, edges, seed=8))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_squads_stay_together_and_neighbours_close(seed: int) -> None:
    groups, edges = hub_graph(139, 400, 5, seed)
    places = squad_layout(groups, edges)
    assert purity(groups, places) >= 0.98
    assert neighbours_kept(edges, places) >= 0.55
    assert nearest_distance(places) >= MIN_DISTANCE - 1e-6


def test_the_best_connected_agent_stands_nearer_to_the_centre_than_most() -> None:
    groups = ["A"] * 40
    places = squad_layout(groups, [(17, other) for other in range(40) if other != 17])
    away = np.linalg.norm(places - places.mean(axis=0), axis=1)
    assert away[17] == away.min()


def test_without_edges_the_squads_are_even_balls_that_do_not_touch() -> None:
    places = squad_layout(CATALOGUE, [])
    names = np.asarray(CATALOGUE)
    assert nearest_distance(places) >= 1.0
    squads = sorted(set(CATALOGUE))
    centres = {name: places[names == name].mean(axis=0) for name in squads}
    for name in squads:
        away = np.linalg.norm(places - centres[name], axis=1)
        others = [np.linalg.norm(places - centres[other], axis=1) for other in squads if other != name]
        assert (away[names == name] <= GAP * np.cbrt(CATALOGUE.count(name))).all()
        assert (away[names == name] < np.min(others, axis=0)[names == name]).all()


def test_the_catalogue_is_wider_than_high_and_higher_than_deep() -> None:
    width, depth, height = np.ptp(squad_layout(CATALOGUE, []), axis=0)
    assert width > height > depth > 0


def test_pinned_agents_do_not_move_at_all() -> None:
    groups, edges = hub_graph(139, 400, 5, seed=4)
    before = squad_layout(groups, edges)
    more = [*groups, *["squad-0"] * 4, "squad-2", "newcomers", "newcomers"]
    new_edges = [*edges, (139, groups.index("squad-0")), (143, groups.index("squad-2")), (144, 145)]
    pinned = {index: (float(x), float(y), float(z)) for index, (x, y, z) in enumerate(before)}
    after = squad_layout(more, new_edges, pinned=pinned)
    assert np.array_equal(after[:139], before)
    assert np.array_equal(after, squad_layout(more, new_edges, pinned=pinned))
    assert nearest_distance(after) >= MIN_DISTANCE - 1e-6
    joined = purity(more, after)
    assert joined >= 0.9
    squad = before[np.asarray(groups) == "squad-0"]
    middle, reach = squad.mean(axis=0), np.linalg.norm(squad - squad.mean(axis=0), axis=1).max()
    assert (np.linalg.norm(after[139:143] - middle, axis=1) <= reach + MIN_DISTANCE).all()


def test_a_new_squad_gets_a_place_outside_the_existing_balls() -> None:
    before = squad_layout(CATALOGUE, [])
    pinned = {index: (float(x), float(y), float(z)) for index, (x, y, z) in enumerate(before)}
    services = ["shop"] * 10
    after = squad_layout(CATALOGUE + services, [(139, 139 + other) for other in range(1, 10)], pinned=pinned)
    names = np.asarray(CATALOGUE)
    for name in set(CATALOGUE):
        ball = before[names == name]
        radius = np.linalg.norm(ball - ball.mean(axis=0), axis=1).max()
        assert (np.linalg.norm(after[139:] - ball.mean(axis=0), axis=1) > radius).all()


def test_agents_on_the_same_spot_are_told_apart() -> None:
    places = squad_layout(["A"] * 4, [], pinned={0: (1.0, 1.0, 1.0), 1: (1.0, 1.0, 1.0)})
    assert np.array_equal(places[:2], np.ones((2, 3)))
    assert cKDTree(places[2:]).query(places[:2])[0].min() >= MIN_DISTANCE - 1e-6


def test_the_neighbours_of_one_hub_cost_no_square_of_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A star of many: they all start beside the hub, where every pair of them is close."""
    huddle = np.random.default_rng(3).random((400, 3)) * 0.2
    assert len(layout._close_pairs(huddle, 1.0)) == 400 * 399 / 2
    monkeypatch.setattr(layout, "MOST_PAIRS", 100)
    pairs = layout._close_pairs(huddle, 1.0)
    assert len(pairs) <= 400 * layout.NEAREST and (pairs[:, 0] < pairs[:, 1]).all()
    places = squad_layout(["hub"] * 401, [(0, leaf) for leaf in range(1, 401)])
    near = cKDTree(places).query(places, k=2)[0][:, 1]
    assert near.min() > 0.6 and np.isfinite(places).all()


def test_nobody_one_agent_and_one_squad_each() -> None:
    assert squad_layout([], []).shape == (0, 3)
    assert np.array_equal(squad_layout(["A"], []), np.zeros((1, 3)))
    alone = squad_layout(["A", "B", "C"], [(0, 1)])
    assert np.isfinite(alone).all() and nearest_distance(alone) >= 2 * GAP - 1e-3


def test_what_is_outside_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="edges: .*between 0 and 1"):
        squad_layout(["A", "A"], [(0, 2)])
    with pytest.raises(ValueError, match="pinned: 5 is no position"):
        squad_layout(["A"], [], pinned={5: (0.0, 0.0, 0.0)})
    with pytest.raises(ValueError, match="pinned: agent 0 needs three finite"):
        squad_layout(["A"], [], pinned={0: (0.0, float("nan"), 0.0)})
