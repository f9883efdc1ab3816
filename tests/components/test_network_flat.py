"""The flat map: the same marks without depth and without WebGL, in the plane in which one sees most."""

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from components.figures.network import network_figure
from components.figures.network_flat import FAINTEST, flat_places, network_config_2d, network_figure_2d
from tests.components.test_network_figure import agent, call, fleet, hues, lines, trace


def drawn(**options: Any) -> dict[str, Any]:
    nodes, edges = fleet()
    return network_figure_2d(nodes, edges, lang="en", theme="dark", **options)


@pytest.mark.parametrize(
    "options", [{}, {"compact": True}, {"selected": "core-1"}, {"connection": ("core-0", "core-1")}]
)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_plotly_accepts_it_and_nothing_in_it_needs_webgl(theme: str, options: dict[str, Any]) -> None:
    nodes, edges = fleet()
    figure = network_figure_2d(nodes, edges, lang="pt-BR", theme=theme, **options)
    go.Figure(figure)
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
    assert {one["type"] for one in figure["data"]} == {"scatter"} and "scene" not in figure["layout"]
    assert not any("z" in one for one in figure["data"])


@pytest.mark.parametrize("nodes", [[], [agent("alone")], [agent("nowhere", at=None)]])
def test_few_or_no_agents_still_make_a_figure(nodes: list[dict[str, Any]]) -> None:
    figure = network_figure_2d(nodes, [call("alone", "gone")], lang="en", theme="dark")
    go.Figure(figure)
    assert all(low < high for low, high in figure["layout"]["meta"]["whole"])


def test_it_speaks_of_the_same_agents_and_connections_as_the_map_in_space() -> None:
    nodes, edges = fleet()
    deep = network_figure(nodes, edges, lang="en", theme="dark", selected="core-1")
    flat = drawn(selected="core-1")
    for meta in ("agents", "edges"):
        one, other = trace(deep, meta), trace(flat, meta)
        assert one["customdata"] == other["customdata"] and one["text"] == other["text"]
    words, twin = deep["layout"]["meta"]["words"], flat["layout"]["meta"]["words"]
    assert (words["names"], words["chosen"], words["first"]) == (twin["names"], twin["chosen"], twin["first"])
    assert hues(deep) == hues(flat)


@pytest.mark.parametrize(("thin", "plane"), [(0, (1, 2)), (1, (0, 2)), (2, (0, 1))])
def test_the_thinnest_axis_is_left_out(thin: int, plane: tuple[int, int]) -> None:
    spread = np.array([30.0, 20.0, 10.0])
    spread[thin] = 1.0
    rows = [[0, 0, 0], [1, 0, 0.5], [0.5, 1, 1], [0.2, 0.3, 0.1]]
    places = flat_places([agent(f"n{i}", at=tuple(np.array(row) * spread)) for i, row in enumerate(rows)])
    wanted = np.array(rows)[:, list(plane)] * spread[list(plane)]
    assert np.allclose(places[:, :2], wanted) and not places[:, 2].any()


def test_places_on_a_ball_are_unrolled_to_longitude_and_latitude() -> None:
    lat, lon = np.radians([[-33.0, 151.0], [50.0, 8.5], [0.0, -75.0]]).T
    places = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    nodes = [
        agent(f"a{i}", "air", at=tuple(row), positioned="measured", projection="ball")
        for i, row in enumerate(places)
    ]
    assert np.allclose(flat_places(nodes)[:, :2], [[151, -33], [8.5, 50], [-75, 0]])


def test_hulls_are_drawn_by_the_browser_in_the_unit_of_the_places() -> None:
    words = drawn()["layout"]["meta"]["words"]
    assert all(squad["hull"] for squad in words["squads"]) and 0 < words["margin"] < 2


def test_many_lines_are_thin_but_never_invisible() -> None:
    nodes = [agent(f"n{i}", at=(i % 30, i % 7, i // 30)) for i in range(900)]
    edges = [
        call(f"n{i}", f"n{(i * 7 + k) % 900}", None, calls=None, strength=0.5, evidence="imported")
        for i in range(900)
        for k in (1, 2, 3)
    ]
    many = lines(network_figure_2d(nodes, edges, lang="en", theme="dark"))
    few = lines(network_figure_2d(nodes, edges[:20], lang="en", theme="dark"))
    assert all(one["opacity"] >= FAINTEST for one in many)
    assert max(one["line"]["width"] for one in many) < min(one["line"]["width"] for one in few)


def test_other_agents_get_another_key_so_that_the_view_is_fitted_anew() -> None:
    nodes, edges = fleet()
    key = drawn()["layout"]["uirevision"]
    assert drawn(selected="core-1")["layout"]["uirevision"] == key
    some = network_figure_2d(nodes[:6], edges, lang="en", theme="dark", frame=nodes)
    assert some["layout"]["uirevision"] != key
    assert trace(some, "agents")["x"] == trace(drawn(), "agents")["x"][:6], "a filter moves nobody"


def test_a_name_cannot_bring_markup() -> None:
    nodes = [agent("a", name="<img src=x> %{x}", at=(0, 0, 0)), agent("b", at=(1, 1, 1))]
    figure = network_figure_2d(nodes, [call("a", "b")], lang="en", theme="dark")
    assert "<img" not in json.dumps(figure) and "%{x}" not in trace(figure, "agents")["text"][0]


def test_there_is_no_mode_bar() -> None:
    assert network_config_2d()["displayModeBar"] is False
