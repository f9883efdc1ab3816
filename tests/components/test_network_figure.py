"""The neural map as a figure: what it shows, what it must not let through, and that Plotly accepts it."""

import json
from base64 import b64decode
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from components.figures.network import network_config, network_figure
from components.figures.network_legend import network_legend
from components.figures.network_words import latency_step
from components.figures.packed import GAP, packed
from components.figures.space import bounds, curve, drawn_places, first_view
from components.theme import color


def agent(
    id_: str, group: str = "CORE", at: tuple[float, float, float] | None = (0, 0, 0), **more: Any
) -> dict[str, Any]:
    x, y, z = at or (None, None, None)
    node = {
        "id": id_,
        "name": id_.title(),
        "group": group,
        "origin": "catalogue",
        "state": "unknown",
        "calls": 0,
    }
    node |= {
        "spans": 0,
        "errors": 0,
        "p50_ms": None,
        "p95_ms": None,
        "x": x,
        "y": y,
        "z": z,
        "positioned": "computed",
    }
    return node | more


def call(source: str, target: str, p50_ms: float | None = 5.0, **more: Any) -> dict[str, Any]:
    edge = {"source": source, "target": target, "kind": "data", "calls": 10, "errors": 0, "p50_ms": p50_ms}
    return edge | {"p95_ms": None, "strength": None, "evidence": "measured"} | more


def fleet() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    nodes = [agent(f"core-{i}", at=(i, i % 3, i % 2)) for i in range(6)]
    nodes += [agent(f"guard-{i}", "GUARD", at=(20 + i, i % 2, i % 3), state="observed") for i in range(5)]
    nodes[0] |= {"state": "failing"}
    edges = [
        call("core-0", "core-1", 0.5, calls=900),
        call("core-0", "guard-0", 50.0),
        call("core-2", "core-3", None),
    ]
    edges += [call("core-1", "core-2", None, calls=0, evidence="declared")]
    edges += [call("guard-0", "guard-1", None, calls=0, strength=3.0, evidence="imported")]
    return nodes, edges


def drawn(**options: Any) -> dict[str, Any]:
    nodes, edges = fleet()
    return network_figure(nodes, edges, lang="en", theme="dark", **options)


def trace(figure: dict[str, Any], meta: str) -> dict[str, Any]:
    return next(one for one in figure["data"] if one.get("meta") == meta)


def lines(figure: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in figure["data"] if one.get("mode") == "lines"]


def hues(figure: dict[str, Any]) -> set[str]:
    """The colours of all lines, of a trace with one colour or with one for each point."""
    found = set()
    for one in lines(figure):
        scale, steps = one["line"].get("colorscale"), one["line"]["color"]
        found |= {scale[step][1] for step in steps} if scale else {steps}
    return found


@pytest.mark.parametrize(
    "options", [{}, {"mini": True}, {"compact": True}, {"selected": "core-1"}, {"show_hulls": False}]
)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_plotly_accepts_the_figure_and_json_can_carry_it(theme: str, options: dict[str, Any]) -> None:
    nodes, edges = fleet()
    figure = network_figure(nodes, edges, lang="pt-BR", theme=theme, **options)
    go.Figure(figure)
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


@pytest.mark.parametrize(
    "nodes", [[], [agent("alone")], [agent("nowhere", at=None)], [agent("one"), agent("same place")]]
)
def test_few_or_no_agents_still_make_a_figure(nodes: list[dict[str, Any]]) -> None:
    go.Figure(network_figure(nodes, [call("alone", "gone")], lang="en", theme="dark"))


def test_each_agent_is_one_marker_that_knows_its_id() -> None:
    agents = trace(drawn(), "agents")
    assert agents["customdata"] == [node["id"] for node in fleet()[0]]
    assert all(isinstance(name, str) for name in agents["customdata"])
    assert min(agents["marker"]["size"]) >= 5


def test_states_differ_by_more_than_colour() -> None:
    agents = trace(drawn(), "agents")
    assert agents["marker"]["symbol"][0] == "diamond" and set(agents["marker"]["symbol"][1:]) == {"circle"}
    words = drawn()["layout"]["meta"]["words"]
    assert words["failing"] == [0] and words["error"] == color("dark", "error")
    legend = str(network_legend(*fleet(), "en", "dark"))
    assert all(
        words in legend for words in ("Failing: 1", "Observed: 5", "No signal recorded: 5", "Operational: 0")
    )


def test_edges_are_binned_by_latency_and_never_opaque() -> None:
    found = lines(drawn())
    assert all(one["opacity"] < 1 for one in found)
    assert hues(drawn()) >= {
        color("dark", "latency-1"),
        color("dark", "latency-3"),
        color("dark", "latency-unknown"),
    }
    nodes = [agent(f"core-{i}", at=(i, i % 7, i % 5)) for i in range(300)]
    many = [call(f"core-{i}", f"core-{(i * 7 + 1) % 300}", float(i)) for i in range(300)]
    assert len(lines(network_figure(nodes, many, lang="en", theme="dark"))) <= 2


def test_a_declared_or_imported_edge_looks_unlike_a_measured_one() -> None:
    found = {str(one["line"]["color"]): one["line"]["dash"] for one in lines(drawn())}
    assert found[color("dark", "faint")] == "dot"
    assert color("dark", "squad-none") in found


@pytest.mark.parametrize(
    ("p50_ms", "step"),
    [(None, None), (0.0, 0), (0.99, 0), (1.0, 1), (99.9, 2), (100.0, 3), (999.0, 3), (1000.0, 4)],
)
def test_latency_has_five_fixed_steps(p50_ms: float | None, step: int | None) -> None:
    assert latency_step(p50_ms) == step


def test_an_edge_between_squads_bends_and_one_inside_is_straight() -> None:
    ends = [[-1, *(at for at, x in enumerate(one["x"]) if x is None)] for one in lines(drawn())]
    lengths = [now - before - 1 for gaps in ends for before, now in zip(gaps, gaps[1:], strict=False)]
    assert sorted(lengths) == [2, 2, 2, 2, 9]
    bend = curve(np.zeros(3), np.array([10.0, 0, 0]), np.array([5.0, 5.0, 0]))
    assert bend[0].tolist() == [0, 0, 0] and bend[-1].tolist() == [10, 0, 0] and bend[:, 1].max() > 1


def test_a_name_cannot_bring_markup_or_a_template() -> None:
    nodes = [agent("a", name="<b>x</b> & %{customdata} <img src=x>", at=(0, 0, 0)), agent("b", at=(1, 1, 1))]
    figure = network_figure(nodes, [call("a", "b")], lang="en", theme="dark", selected="a")
    card = trace(figure, "agents")["text"][0]
    assert "<b>x" not in card and "<img" not in card and "%{" not in card and "&lt;b&gt;x" in card
    assert "<" not in "".join(figure["layout"]["meta"]["words"]["names"])
    assert "%{" not in trace(figure, "edges")["text"][0] and "<img" not in trace(figure, "edges")["text"][0]


def test_a_very_long_name_is_cut() -> None:
    nodes = [agent("a", name="x" * 1_000_000), agent("b", at=(1, 1, 1))]
    assert len(json.dumps(network_figure(nodes, [call("a", "b")], lang="en", theme="dark"))) < 20_000


def test_unknown_numbers_are_dashes_on_the_card() -> None:
    assert "p50 — · p95 —" in trace(drawn(), "agents")["text"][1]


def test_there_are_at_most_forty_names() -> None:
    nodes = [agent(f"n{i}", f"group-{i % 60}", at=(i, i % 11, i % 13)) for i in range(240)]
    edges = [call(f"n{i}", f"n{(i * 11 + 60) % 240}") for i in range(240) if i != (i * 11 + 60) % 240]
    figure = network_figure(nodes, edges, lang="en", theme="dark", selected="n1")
    words = figure["layout"]["meta"]["words"]
    assert 0 < len(words["squads"]) + len(words["first"]) <= 40
    assert sum(one["hull"] for one in words["squads"]) <= 30


def test_a_squad_says_which_rows_are_its_and_how_far_its_hull_keeps_from_them() -> None:
    figure = drawn()
    assert 0 < figure["layout"]["meta"]["words"]["margin"] < 1
    for squad in figure["layout"]["meta"]["words"]["squads"]:
        assert squad["hull"] is True and squad["color"].startswith("#")
        found = {trace(figure, "agents")["customdata"][row].split("-")[0].upper() for row in squad["rows"]}
        assert found == {squad["text"]} and len(squad["rows"]) == squad["count"]
    assert not any(one["hull"] for one in drawn(show_hulls=False)["layout"]["meta"]["words"]["squads"])


@pytest.mark.parametrize("options", [{"selected": "core-0"}, {"connection": ("core-0", "core-1")}])
def test_what_was_chosen_stands_out_and_the_rest_fades(options: dict[str, Any]) -> None:
    bright = [one for one in lines(drawn(**options)) if one["line"]["width"] > 4]
    assert bright and all(one["opacity"] > 0.9 for one in bright)
    plain, faded = (
        {(str(one["line"]["color"]), one["opacity"]) for one in lines(figure)}
        for figure in (drawn(), drawn(**options))
    )
    assert min(opacity for _, opacity in faded) < min(opacity for _, opacity in plain)
    words = drawn(**options)["layout"]["meta"]["words"]
    assert words["chosen"] == ([0] if "selected" in options else [0, 1])
    assert set(words["chosen"]) <= set(words["first"])
    assert not [one for one in lines(drawn(selected="nobody")) if one["line"]["width"] > 4]


def test_rings_end_where_agents_are_many_and_in_the_glance() -> None:
    crowd = [agent(f"core-{i}", at=(i, i % 7, i % 5)) for i in range(500)]
    many = network_figure(crowd, [], lang="en", theme="dark")
    said = [figure["layout"]["meta"]["words"] for figure in (drawn(), drawn(mini=True), many)]
    assert [words["ring"] > 0 for words in said] == [True, False, False]
    assert said[1]["failing"] == [0], "an error is seen everywhere"


def test_plotly_has_few_traces_to_draw_whatever_is_shown() -> None:
    """Each costs shaders, buffers and a pass for every camera step."""
    figure = drawn(selected="core-1")
    assert len(figure["data"]) <= 9 and not [one for one in figure["data"] if one["type"] != "scatter3d"]


def test_a_packed_figure_says_the_same_in_fewer_bytes() -> None:
    nodes = [agent(f"core-{i}", f"group-{i % 7}", at=(i / 3, i % 7, -i % 5)) for i in range(300)]
    edges = [call(f"core-{i}", f"core-{(i * 7 + 1) % 300}", float(i)) for i in range(300)]
    figure = network_figure(nodes, edges, lang="en", theme="dark")
    small = packed(figure)
    assert len(json.dumps(small)) < 0.8 * len(json.dumps(figure)) and small["layout"] == figure["layout"]
    for one, other in zip(figure["data"], small["data"], strict=True):
        for axis in "xyz":
            column = np.array(one[axis], dtype=float)
            steps = np.frombuffer(b64decode(other[axis]["i2"]), "<i2").astype(float)
            steps[steps == GAP] = np.nan
            unpacked = other[axis]["middle"] + other[axis]["scale"] * steps
            assert np.allclose(unpacked, column, atol=np.nanmax(np.abs(column)) / 30_000, equal_nan=True)
        if isinstance(one.get("line", {}).get("color"), list):
            assert list(b64decode(other["line"]["color"]["u1"])) == one["line"]["color"]
    assert packed(network_figure([], [], lang="en", theme="dark"))["data"][0]["x"] == []


def test_no_hover_card_needs_an_inline_style() -> None:
    """The page's policy refuses style attributes, which Plotly writes for tags such as <b>."""
    cards = [*trace(drawn(), "agents")["text"], *trace(drawn(), "edges")["text"]]
    assert not [card for card in cards if "<" in card.replace("<br>", "")]


def test_the_view_is_said_once_and_kept_afterwards() -> None:
    layout = drawn()["layout"]
    assert layout["uirevision"] == layout["scene"]["uirevision"] == "map"
    assert layout["scene"]["aspectmode"] == "data" and layout["meta"]["view"] == layout["scene"]["camera"]
    assert not any(layout["scene"][axis]["visible"] for axis in ("xaxis", "yaxis", "zaxis"))


def test_a_filter_changes_neither_scale_nor_view() -> None:
    nodes, edges = fleet()
    everyone = network_figure(nodes, edges, lang="en", theme="dark")
    some = network_figure(nodes[:6], edges, lang="en", theme="dark", frame=nodes)
    assert some["layout"]["scene"] == everyone["layout"]["scene"]
    assert trace(some, "agents")["x"] == trace(everyone, "agents")["x"][:6]


def test_the_glance_has_no_hover_and_only_squad_names() -> None:
    figure = drawn(mini=True)
    assert figure["layout"]["hovermode"] is False and figure["layout"]["scene"]["dragmode"] is False
    assert all(one.get("hoverinfo") == "skip" for one in figure["data"])
    words = figure["layout"]["meta"]["words"]
    assert not words["first"] and [one["text"] for one in words["squads"]] == ["CORE", "GUARD"]
    assert network_config(mini=True)["scrollZoom"] is False and network_config()["plotGlPixelRatio"] == 1


def test_measured_places_stand_as_they_are_unless_others_are_there() -> None:
    worm = [agent(f"w{i}", "worm", at=(i % 2, -40.0 * i, i % 3), positioned="measured") for i in range(10)]
    assert drawn_places(worm).tolist() == [[node["x"], node["y"], node["z"]] for node in worm]
    nodes, _ = fleet()
    places = drawn_places(nodes + worm)
    own, beside = places[: len(nodes)], places[len(nodes) :]
    assert own.tolist() == [[node["x"], node["y"], node["z"]] for node in nodes]
    assert beside[:, 2].max() < own[:, 2].min() and np.ptp(beside[:, 0]) <= np.ptp(own[:, 0])
    before = np.linalg.norm(np.diff(drawn_places(worm), axis=0), axis=1)
    after = np.linalg.norm(np.diff(beside, axis=0), axis=1)
    assert np.allclose(after / before, after[0] / before[0])


def test_the_first_view_holds_every_agent() -> None:
    points = np.array([[0.0, 0, 0], [20, 0, 0], [10, 3, 8], [4, -2, 5]])
    low, high = bounds(points, 1.0)
    camera = first_view(points, low, high, 1.6)
    eye = np.array([camera["eye"][axis] for axis in "xyz"])
    away = (points - (low + high) / 2) / np.cbrt((high - low).prod())
    forward = -eye / np.linalg.norm(eye)
    depth = (away - eye) @ forward
    aside = np.linalg.norm((away - eye) - depth[:, None] * forward, axis=1)
    assert (depth > 0).all() and (aside / depth <= np.tan(np.radians(22.5)) * 1.6).all()


def test_the_legend_says_what_is_declared_imported_computed_and_missing() -> None:
    nodes, edges = fleet()
    said = str(network_legend([*nodes, agent("lost", at=None)], edges, "en", "dark"))
    for words in (
        "declared, no call recorded: 1",
        "imported with a network: 1",
        "under 1 ms",
        "1 agent has no place yet",
    ):
        assert words in said
    assert "nearness is no measurement: 11" in said
    assert "none recorded in this range" in str(network_legend(nodes, [], "en", "dark"))


def test_a_place_of_unknown_kind_is_not_explained() -> None:
    figure = network_figure(
        [agent("one", positioned=None), agent("two", at=(1, 1, 1))], [], lang="en", theme="dark"
    )
    one, two = figure["data"][-1]["text"]
    assert "Position" not in one and "Position computed" in two
