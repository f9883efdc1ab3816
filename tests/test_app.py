"""create_app: two of them side by side, scripts that the policy lets run, bytes that are compressed once."""

import base64
import gzip
import hashlib
import re
from collections import Counter
from pathlib import Path

import brotli
import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app import create_app
from db.schema import upgrade
from settings import Settings, load
from tests.reader import Reader, readings, small_fleet

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def alice(client: FlaskClient) -> Reader:
    return Reader(client)


@pytest.fixture
def other_app(tmp_path: Path) -> Dash:
    settings = load({"QUANTUM_ENV": "test", "QUANTUM_DATA_DIR": str(tmp_path / "other")})
    upgrade(settings.database_owner_url)
    return create_app(settings)


def outputs(reader: Reader) -> list[str]:
    return [entry["output"] for entry in reader.get("/_dash-dependencies").get_json()]


def test_two_apps_in_one_process_have_the_same_callbacks_once_each(app: Dash, other_app: Dash) -> None:
    first, second = Reader(app.server.test_client()), Reader(other_app.server.test_client())
    assert Counter(outputs(first)) == Counter(outputs(second))
    assert max(Counter(outputs(first)).values()) == 1
    assert "overview-body.children" in outputs(first)


def test_two_apps_in_one_process_read_their_own_databases(
    app: Dash, other_app: Dash, engine: Engine, tmp_path: Path
) -> None:
    small_fleet(engine, tmp_path)
    first, second = Reader(app.server.test_client()), Reader(other_app.server.test_client())
    assert readings(first.body("overview", "?range=all"))["calls.count"] == "20"
    assert readings(second.body("overview", "?range=all"))["calls.count"] == "0"


def test_every_inline_script_is_let_through_by_the_policy(alice: Reader) -> None:
    for path in ("/", "/metrics"):
        answer = alice.get(path)
        policy = answer.headers["Content-Security-Policy"]
        inline = re.findall(
            r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>(.*?)</script>", answer.text, re.S
        )
        assert inline
        for script in inline:
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy, script[:80]
        assert "unsafe-inline" not in policy.split("script-src", 1)[1].split(";", 1)[0]


def test_nothing_is_fetched_from_elsewhere(alice: Reader) -> None:
    page = alice.get("/").text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def suites(alice: Reader) -> list[str]:
    return re.findall(r'src="(/_dash-component-suites/[^"]+)"', alice.get("/").text)


PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js"


def test_component_scripts_are_compressed_and_the_same_inside(alice: Reader) -> None:
    for path in (suites(alice)[0], PLOTLY):
        plain = alice.get(path, headers={"Accept-Encoding": "identity"})
        packed = alice.get(path, headers={"Accept-Encoding": "gzip, br"})
        zipped = alice.get(path, headers={"Accept-Encoding": "gzip"})
        assert plain.status_code == packed.status_code == zipped.status_code == 200
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "br" and zipped.headers["Content-Encoding"] == "gzip"
        assert brotli.decompress(packed.data) == gzip.decompress(zipped.data) == plain.data
        assert len(packed.data) < len(plain.data) / 2
        assert "Accept-Encoding" in packed.headers["Vary"]
        assert len({answer.headers["ETag"] for answer in (plain, packed, zipped)}) == 3


def test_a_script_the_browser_has_is_not_sent_again(alice: Reader) -> None:
    first = alice.get(PLOTLY, headers={"Accept-Encoding": "br"})
    again = alice.get(PLOTLY, headers={"Accept-Encoding": "br", "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.data
    assert not first.headers["ETag"].startswith("W/")


def test_scripts_whose_name_tells_their_version_are_kept_for_good(alice: Reader) -> None:
    fingerprinted = next(path for path in suites(alice) if re.search(r"\.v\d", path))
    assert "immutable" in alice.get(fingerprinted).headers["Cache-Control"]
    assert "immutable" not in alice.get(PLOTLY).headers["Cache-Control"]


def test_what_the_browser_keeps_does_not_vary_with_cookies(alice: Reader) -> None:
    page = alice.get("/")
    own = re.findall(r'"(/assets/[^"]+[?]m=[^"]+)"', page.text)
    vendored = re.findall(r'"(/assets/vendor/[^"]+)"', page.text)
    for path in (own[0], vendored[0], suites(alice)[0], PLOTLY):
        answer = alice.get(path)
        assert "max-age=3" in answer.headers["Cache-Control"], path
        assert "Cookie" not in answer.headers["Vary"], path
    assert "Cookie" in page.headers["Vary"]


def test_made_up_scripts_are_refused_and_strangers_get_none(app: Dash, alice: Reader) -> None:
    assert alice.get("/_dash-component-suites/dash/nothing.js").status_code in (404, 500)
    alice.get(PLOTLY)
    assert app.server.test_client().get(PLOTLY).status_code == 401


def test_our_own_files_are_kept_where_their_address_tells_their_version(alice: Reader) -> None:
    address = re.search(r'href="(/assets/app\.css\?m=[^"]+)"', alice.get("/").text)
    assert address
    assert "immutable" in alice.get(address[1]).headers["Cache-Control"]
    assert "immutable" not in alice.get("/assets/app.css").headers.get("Cache-Control", "")


def test_the_vendored_style_comes_first_and_once(alice: Reader) -> None:
    styles = re.findall(r'href="(/assets/[^"?]+\.css)', alice.get("/").text)
    assert styles[0].endswith("bootstrap.min.css")
    assert max(Counter(styles).values()) == 1


def test_pages_are_compressed(alice: Reader) -> None:
    assert alice.get("/", headers={"Accept-Encoding": "br"}).headers.get("Content-Encoding") == "br"


def test_no_second_door_to_callbacks_stands_open(alice: Reader, settings: Settings) -> None:
    assert alice.client.get("/_mcp").status_code == 404
    assert not alice.client.application.debug


@pytest.mark.parametrize(
    "path", ["sys/version.py", "dash/../app.py", "os/x.js", "dash_html_components/none.js"]
)
def test_a_script_that_is_none_of_ours_is_not_found(alice: Reader, path: str) -> None:
    answer = alice.get(f"/_dash-component-suites/{path}")
    assert answer.status_code == 404 and answer.get_json()["error"]
