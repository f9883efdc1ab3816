"""A signed-in person who asks for pages and callbacks as the browser does, and a small fleet to look at."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from db.services.otlp_files import import_files
from tests.otlp import request, span, write

PASSWORD = "violet harbour 47"


class Reader:
    """A signed-in person's browser without scripts."""

    def __init__(self, client: FlaskClient, name: str = "alice") -> None:
        self.client = client
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/register").text)
        assert token is not None
        given = {"email": f"{name}@example.com", "username": name, "full_name": "", "password": PASSWORD}
        assert client.post("/register", data={"csrf_token": token[1], **given}).status_code == 302
        client.get("/")

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def layout(self, address: str = "/") -> Any:
        """The shell as Dash asks for it from the page at `address`."""
        return self.get("/_dash-layout", headers={"Referer": f"http://localhost{address}"}).get_json()

    def post(
        self, output: str, inputs: Mapping[str, Any], changed: list[str] | None = None, referer: str = "/"
    ) -> TestResponse:
        """Call the callback of `output` ("id.property", or Dash's own name for several) from the page `referer`."""
        entries = self.get("/_dash-dependencies").get_json()
        entry = next(each for each in entries if each["output"] == output)
        names = output.strip(".").split("...") if output.startswith("..") else [output]
        outputs = [{"id": name.rpartition(".")[0], "property": name.rpartition(".")[2]} for name in names]

        def given(kind: str) -> list[Any]:
            return [part(each) for each in entry[kind]]

        def part(declared: dict[str, Any]) -> Any:
            """A part with its value; an id that stands for many components stands for none of them here."""
            if declared["id"].startswith("{"):
                return []
            return declared | {"value": value_of(declared["id"], declared["property"])}

        def value_of(name: str, prop: str) -> Any:
            return inputs.get(f"{name}.{prop}", name if prop == "id" else None)

        body = {
            "output": output,
            "outputs": outputs if output.startswith("..") else outputs[0],
            "inputs": given("inputs"),
            "state": given("state"),
            "changedPropIds": list(inputs) if changed is None else changed,
        }
        token = self.client.get_cookie("_csrf_token")
        headers = {"X-CSRFToken": token.value if token else "", "Referer": f"http://localhost{referer}"}
        return self.client.post("/_dash-update-component", json=body, headers=headers)

    def body(self, page: str, search: str = "", **more: Any) -> Any:
        """What the callback of `page` draws for a query, as JSON."""
        answer = self.post(f"{page}-body.children", {"url.search": search, **more})
        assert answer.status_code == 200, answer.text
        return answer.get_json()["response"][f"{page}-body"]["children"]


def elements(tree: Any) -> Iterator[dict[str, Any]]:
    """Every component of a drawn tree."""
    if isinstance(tree, list):
        for each in tree:
            yield from elements(each)
    elif isinstance(tree, dict):
        if "props" in tree:
            yield tree
        for each in tree.values():
            yield from elements(each)


def readings(tree: Any) -> dict[str, str]:
    """data-value of every measured element by its key."""
    props = [each["props"] for each in elements(tree)]
    return {each["data-metric"]: each["data-value"] for each in props if "data-metric" in each}


def words(tree: Any) -> str:
    """The text of a drawn tree."""
    if isinstance(tree, list):
        return " ".join(filter(None, map(words, tree)))
    if isinstance(tree, dict):
        return words(tree["props"].get("children")) if "props" in tree else ""
    return "" if tree is None or isinstance(tree, bool) else str(tree)


def hrefs(tree: Any) -> list[str]:
    return [each["props"]["href"] for each in elements(tree) if each["props"].get("href")]


def small_fleet(engine: Engine, folder: Path) -> None:
    """A shop that calls a till twenty times with one failure, within a minute of 14 November 2023."""
    calls = [
        each
        for number in range(1, 41, 2)
        for each in (
            span(number, trace=number, status=1, millis=4),
            span(number + 1, number, trace=number, status=2 if number == 39 else 1, millis=2),
        )
    ]
    shop = [each for each in calls if "parentSpanId" not in each]
    till = [each for each in calls if "parentSpanId" in each]
    file = write(folder / "fleet.jsonl", request(*shop, service="shop"), request(*till, service="till"))
    report = import_files(engine, [file])
    if report.spans != len(calls):
        raise AssertionError(report)


def module_body(reader: Reader, module: str, search: str = "?range=all&lang=en") -> dict[str, Any]:
    """What a module's page draws for a query: `top`, `list` and `menus`, as JSON."""
    parts = ("top", "list", "menus")
    output = "..".join(["", "...".join(f"{module}-{part}.children" for part in parts), ""])
    answer = reader.post(output, {"url.search": search}, referer=f"/{module}{search}")
    assert answer.status_code == 200, answer.text
    drawn = answer.get_json()["response"]
    return {part: drawn.get(f"{module}-{part}", {}).get("children") for part in parts}


def module_row(reader: Reader, module: str, listing: str, key: Any) -> Any:
    """What the page of one row draws, as JSON."""
    search = "?range=all&lang=en"
    address = f"/{module}/{listing}/{key}{search}"
    answer = reader.post(f"{module}-row.children", {"url.search": search}, referer=address)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["response"][f"{module}-row"]["children"]
