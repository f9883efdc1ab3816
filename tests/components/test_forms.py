"""Fields and choices: what their options may hold."""

from components.forms import findable


def test_langfuse_an_agent_called_proto_changes_no_object_in_the_browser() -> None:
    """dcc.Dropdown's search once wrote what it found under such a name into Object.prototype, which broke the map."""
    for name in ("__proto__", "a__PROTO__b", "____proto____"):
        assert not findable([(name, "words")])
        (option,) = findable([("id", name)])
        assert "__proto__" not in option["label"].lower()
        assert option["label"].replace("\u2060", "") == name and option["value"] == "id"
    assert findable([("a_proto", "proto__")]) == [{"value": "a_proto", "label": "proto__"}]
