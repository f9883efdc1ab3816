"""An installation answers to its own names only, and repeats no other."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from auth.hosts import is_known
from settings import Settings, SettingsError, load
from tests.auth.conftest import Visitor, make_server

pytestmark = pytest.mark.databases("sqlite")
STRANGE = "evil.example"
KEY = "0123456789abcdefghijABCDEFGHIJ-_"


def names(**given: str) -> frozenset[str]:
    return load({"QUANTUM_DATA_DIR": "unused", "QUANTUM_SECRET_KEY": KEY} | given).hosts


@pytest.mark.parametrize(
    "path", ["/", "/login", "/register?next=/map", "/logout", "/assets/app.css", "/api/v1", "/no"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_host_gets_a_plain_400_that_does_not_repeat_it(
    visitor: Visitor, path: str, method: str
) -> None:
    visitor.register("alice")
    for headers in (
        {"Host": STRANGE},
        {"Host": f"{STRANGE}:8050"},
        {"Host": f"localhost@{STRANGE}"},
        {"Host": ""},
    ):
        answer = visitor.client.open(path, method=method, headers=headers)
        assert answer.status_code == 400
        kind = "application/problem+json" if path.startswith("/api") else "text/plain"
        assert answer.mimetype == kind and "QUANTUM_HOSTS" in answer.text
        assert STRANGE not in answer.text + str(answer.headers)
        assert "Set-Cookie" not in answer.headers and answer.headers["Cache-Control"] == "no-store"


def test_a_forwarded_host_is_not_listened_to(visitor: Visitor) -> None:
    for name in ("X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded"):
        answer = visitor.get("/", headers={name: STRANGE if name != "Forwarded" else f"host={STRANGE}"})
        assert answer.status_code == 302 and STRANGE not in answer.location


def test_health_is_told_by_any_name_and_nothing_else_is(settings: Settings, engine: Engine) -> None:
    inside = replace(settings, env="production", hosts=frozenset({"quantum.example"}))
    visitor = Visitor(make_server(inside, engine).test_client())
    by_address = {"Host": "172.17.0.2:8050"}
    assert visitor.get("/health", headers=by_address, base_url="https://x").json["status"] == "ok"  # type: ignore[index]
    assert visitor.client.head("/health", headers=by_address, base_url="https://x").status_code == 200
    for path, method in (
        ("/health", "POST"),
        ("/health/", "GET"),
        ("/healthy", "GET"),
        ("/health/../login", "GET"),
    ):
        assert visitor.client.open(path, method=method, headers=by_address).status_code == 400


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("quantum.example", True),
        ("QUANTUM.example:443", True),
        ("[::1]:8050", True),
        ("[::1]", True),
        ("quantum.example.", False),
        ("a.quantum.example", False),
        ("quantum.example.evil", False),
        ("quantum.example,evil", False),
        ("quantum.example/evil", False),
        ("quantum.example\\evil", False),
        ("quantum.example:80@evil", False),
        ("quantum.example:", False),
        ("quantum.example\n", False),
        ("::1", False),
        ("", False),
    ],
)
def test_only_the_very_name_is_known(host: str, known: bool) -> None:
    assert is_known(host, frozenset({"quantum.example", "[::1]"})) is known


def test_at_home_this_machines_names_are_known_and_the_one_listened_on() -> None:
    own = {"localhost", "127.0.0.1", "[::1]"}
    assert names() == own
    assert names(QUANTUM_HOST="Box.lan") == own | {"box.lan"}
    assert names(QUANTUM_HOST="0.0.0.0") == names(QUANTUM_HOST="::") == own
    assert names(QUANTUM_HOSTS="a.example, b.example") == own | {"a.example", "b.example"}


def test_the_name_that_links_lead_to_is_known() -> None:
    given = {"QUANTUM_ENV": "production", "QUANTUM_DATABASE_URL": "postgresql://q@127.0.0.1/q"}
    assert names(**given, QUANTUM_PUBLIC_URL="https://Bücher.example:8443/quantum/") == {
        "xn--bcher-kva.example"
    }
    assert names(**given, QUANTUM_PUBLIC_URL="https://[FE80::1]", QUANTUM_HOSTS="a.example") == {
        "[fe80::1]",
        "a.example",
    }


def test_production_knows_what_is_listed_and_demands_a_list() -> None:
    given = {"QUANTUM_ENV": "production", "QUANTUM_DATABASE_URL": "postgresql://q@127.0.0.1/q"}
    assert names(**given, QUANTUM_HOSTS=" Quantum.Example , fe80::1,bücher.example,") == {
        "quantum.example",
        "[fe80::1]",
        "xn--bcher-kva.example",
    }
    for nothing in ({}, {"QUANTUM_HOSTS": ""}, {"QUANTUM_HOSTS": " , "}):
        with pytest.raises(SettingsError, match="QUANTUM_HOSTS is not set; list the names"):
            names(**given, **nothing)


@pytest.mark.parametrize(
    "wrong", ["https://a.example", "a.example:443", "a.example/b", "*.example", "a b", "a..b", "*"]
)
def test_a_list_of_anything_else_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="QUANTUM_HOSTS holds"):
        names(QUANTUM_HOSTS=f"good.example,{wrong}")
