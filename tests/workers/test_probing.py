"""Checks ask what they were told to ask, and are led nowhere else: the published ways of leading a server astray."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from db.models.uptime import Check, CheckResult
from db.services.checks import Due, Wish, define_check, is_askable
from db.services.uptime_complaints import Complaint
from tests.sessions import session
from tests.workers.working import given
from workers.checks import ask_one, is_away, run_checks
from workers.probing import Answer, Refused, Target, ask, is_open, look_up

HERE = (ip_network("127.0.0.0/8"),)
NOBODY = UUID(int=1)


def resolving(*addresses: str) -> Any:
    """A name server that gives these."""
    return lambda host, port, **more: [(None, None, None, "", (each, port)) for each in addresses]


# --- where an address leads -----------------------------------------------------------------------------

INSIDE = (
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.7",
    "172.16.3.4",
    "192.168.1.1",
    "100.64.0.1",  # carrier-grade NAT
    "169.254.169.254",  # metadata of cloud machines
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",  # 6to4 of 127.0.0.1
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo of 127.0.0.1
    "fc00::1",
    "fd00:ec2::254",  # metadata again
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "no address",
)


@pytest.mark.parametrize("address", INSIDE)
def test_cve_2026_22805_an_address_inside_is_refused(address: str) -> None:
    assert not is_open(address)
    with pytest.raises(Refused):
        look_up("http://inside.example/", resolve=resolving(address))


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14"]
)
def test_a_public_address_is_asked(address: str) -> None:
    assert look_up("https://public.example", resolve=resolving(address)).addresses == (address,)


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:7f00:1]", "localhost"]
)
def test_spellings_of_this_machine_are_refused_by_what_they_lead_to(host: str) -> None:
    with pytest.raises((Refused, OSError)):
        look_up(f"http://{host}:8050/")


def test_one_address_inside_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(Refused):
        look_up("http://both.example/", resolve=resolving("93.184.215.14", "10.0.0.7"))


def test_a_range_that_is_allowed_is_asked_and_its_neighbour_is_not() -> None:
    allowed = (ip_network("10.1.0.0/16"),)
    assert look_up("http://ours.example/", allowed, resolve=resolving("10.1.2.3")).addresses == ("10.1.2.3",)
    assert is_open("::ffff:10.1.2.3", allowed)
    assert not is_open("10.2.0.1", allowed) and not is_open("::ffff:10.2.0.1", allowed)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://x/", "ftp://x/", "//x/", "http://", "http://u:p@x/", "http://u@x/", "http://x:0/",
     "http://x:99999/", "http://x/ y", "http://x/\n", "javascript:alert(1)", "http://ex\u0430mple.com/", "http://[::1"],
)  # fmt: skip
def test_what_is_no_plain_address_of_the_web_cannot_even_be_defined(url: str) -> None:
    assert not is_askable(url)


def test_dns_rebinding_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    """The name is asked for once; what it leads to a moment later is nobody's business."""
    asked: list[str] = []

    def turning(host: str, port: int, **more: Any) -> Sequence[tuple[Any, ...]]:
        asked.append(host)
        return [(None, None, None, "", ("93.184.215.14" if len(asked) == 1 else "127.0.0.1", port))]

    target = look_up("http://turning.example/", resolve=turning)
    assert (target.addresses, asked) == (("93.184.215.14",), ["turning.example"])
    with served() as port:
        # Whatever the name means: the answer comes from the address in the target.
        assert ask(Target("http", "turning.invalid", port, "/ok", ("127.0.0.1",)), 5).status == 200


# --- asking -----------------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/secret")
            self.end_headers()
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 100_000)
        else:
            self.send_response(200 if self.path == "/ok" else 503)
            self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def served(seen: list[Any] | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.seen = [] if seen is None else seen  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def due(url: str, *, late: float = 0, timeout: int = 5, status: int = 200) -> Due:
    return Due(NOBODY, url, datetime.now(UTC) - timedelta(seconds=late), timeout, status)


def test_cve_2026_22805_a_redirect_is_the_answer_and_is_not_followed() -> None:
    seen: list[Any] = []
    with served(seen) as port:
        outcome = ask_one(due(f"http://127.0.0.1:{port}/away"), HERE)
    assert (outcome.is_up, outcome.status, outcome.error) == (False, 302, "HTTP 302")
    assert [path for path, _ in seen] == ["/away"]


def test_what_is_expected_is_up_and_the_rest_is_not_and_nothing_of_ours_is_told() -> None:
    seen: list[Any] = []
    with served(seen) as port:
        outcomes = [
            ask_one(due(f"http://127.0.0.1:{port}/{path}"), HERE) for path in ("ok", "ill", "endless")
        ]
        expected = ask_one(due(f"http://127.0.0.1:{port}/ill", status=503), HERE)
    assert [(each.is_up, each.status, each.error) for each in outcomes] == [
        (True, 200, None),
        (False, 503, "HTTP 503"),
        (True, 200, None),
    ]
    assert expected.is_up
    assert all(set(headers) == {"Host", "Accept-Encoding", "User-Agent", "Connection"} for _, headers in seen)


def test_the_time_counts_from_the_planned_moment() -> None:
    with served() as port:
        outcome = ask_one(due(f"http://127.0.0.1:{port}/ok", late=7), HERE)
    assert outcome.milliseconds is not None and 7000 <= outcome.milliseconds < 12_000


def test_this_machine_is_refused_unless_it_is_allowed_and_a_refusal_is_no_failure() -> None:
    with served() as port:
        outcome = ask_one(due(f"http://127.0.0.1:{port}/ok"), ())
    assert outcome.refusal is not None and outcome.status is None and outcome.error is None


def test_a_server_that_dribbles_is_cut_off() -> None:
    """One byte now and then keeps a socket's own timeout from ever coming."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def dribble() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not ended.wait(0.05):
                try:
                    connection.sendall(b"X")
                except OSError:
                    return

    thread = threading.Thread(target=dribble, daemon=True)
    thread.start()
    began = time.monotonic()
    answer = ask(Target("http", "slow.example", listener.getsockname()[1], "/", ("127.0.0.1",)), 0.4)
    ended.set()
    thread.join(5)
    listener.close()
    assert (answer.status, answer.error) == (None, "timeout")
    assert time.monotonic() - began < 10


def test_nobody_listening_and_a_name_nobody_knows_are_failures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert ask_one(due(f"http://127.0.0.1:{port}/"), HERE).error == "ConnectionRefusedError"

    def unknown(url: str, allowed: Any) -> Target:
        raise socket.gaierror

    assert ask_one(due("http://nobody.invalid/"), HERE, look=unknown).error == "name not known"


@pytest.mark.databases("sqlite")
def test_the_job_asks_each_at_its_moment_and_keeps_what_came_out(engine: Engine) -> None:
    with served() as port:
        with session(engine, write=True) as unit:
            keys = [
                define_check(unit, Wish(name, f"http://127.0.0.1:{port}/{name}"))
                for name in ("ok", "ill", "later", "far")
            ]
            define_check(unit, Wish("inside", "http://10.0.0.1/"))
            soon = datetime.now(UTC) + timedelta(seconds=1)
            unit.get_one(Check, keys[2]).due_at = soon
            unit.get_one(Check, keys[3]).due_at = soon + timedelta(hours=1)
        told = run_checks(given(engine, QUANTUM_CHECK_NETWORKS="127.0.0.0/8"))
    assert told == {"asked": 3, "refused": 1, "without_network": 0}
    with session(engine) as unit:
        rows = dict(unit.execute(select(Check.name, CheckResult.at).join(CheckResult)).all())
        assert set(rows) == {"ok", "ill", "later"} and rows["later"] == soon
        assert unit.scalars(select(Check.refusal).where(Check.name == "inside")).one() == Complaint.PRIVATE
        assert unit.scalars(select(CheckResult.milliseconds).where(CheckResult.at == soon)).one() < 900
        assert run_checks(given(engine)) == {"asked": 0, "refused": 0, "without_network": 0}


def test_when_nothing_at_all_is_reached_it_is_this_machine_that_is_away() -> None:
    def dead(target: Target, timeout: float) -> Answer:
        return Answer(None, "timeout", 1.0)

    def public(url: str, allowed: Any) -> Target:
        return Target("http", "x", 80, "/", ("93.184.215.14",))

    asked = [Due(UUID(int=n), f"http://{n}.example/", datetime.now(UTC), 5, 200) for n in range(3)]
    outcomes = [ask_one(each, (), look=public, put=dead) for each in asked]
    assert is_away(outcomes, {each.id: each.url for each in asked})
    assert not is_away(outcomes[:2], {each.id: each.url for each in asked})
    assert not is_away(outcomes, {each.id: "http://0.example/" for each in asked})
    assert not is_away([], {})
