"""Asking an address that somebody typed, without being led where nobody should be led (SSRF).

Only http and https. The name is resolved once, every address it has is looked at, and the connection is made to one of
the very addresses that were: a name that resolves to another address a moment later (DNS rebinding) is never asked
again. An address inside a machine or a network of one's own is refused unless the installation allows its range
(QUANTUM_CHECK_NETWORKS). Redirects are not followed: a redirect's status is the answer. Of the answer the status line
and the headers are read, and no body. No proxy is used, no cookie and no password is sent.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from db.services.uptime_complaints import Complaint

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Resolve = Callable[..., Sequence[tuple[Any, ...]]]
# For special purposes by the registries of IANA, and not yet told so by every Python.
CLOSED = tuple(
    map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "5f00::/16"))
)
PORTS = {"http": 80, "https": 443}
AGENT = "ALSHAM-QUANTUM check"


class Refused(Exception):
    """The address is not asked; the message says why."""


@dataclass(frozen=True)
class Target:
    """Where a request goes: the name it is for, and the addresses that were looked at."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What came back: a status, or what went wrong."""

    status: int | None
    error: str | None
    seconds: float


def look_up(url: str, allowed: Sequence[Network] = (), *, resolve: Resolve = socket.getaddrinfo) -> Target:
    """Where `url` leads, every address of it looked at. Raises Refused, or OSError when the name is not known."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise Refused(Complaint.UNREADABLE) from None
    if parts.scheme not in PORTS or not host or parts.username is not None or parts.password is not None:
        raise Refused(Complaint.NOT_WEB)
    found = resolve(host, port, type=socket.SOCK_STREAM)
    addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found))
    if not addresses:
        raise OSError("no address")
    for each in addresses:
        if not is_open(each, allowed):
            raise Refused(Complaint.PRIVATE)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path, addresses)


def is_open(text: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether anybody may reach the address, or the installation allows its range."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(_is_open(each, allowed) for each in (address, *_inside(address)))


def _inside(address: Address) -> list[Address]:
    """IPv4 addresses that an IPv6 address stands for, to whatever forwards it."""
    if isinstance(address, IPv4Address):
        return []
    teredo = address.teredo or ()
    return [each for each in (address.ipv4_mapped, address.sixtofour, *teredo) if each is not None]


def _is_open(address: Address, allowed: Sequence[Network]) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return True  # it is the IPv4 address inside it that counts
    if any(address in network for network in allowed):
        return True
    closed = (
        any(address in network for network in CLOSED)
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or (isinstance(address, IPv6Address) and address.is_site_local)
    )
    return address.is_global and not closed


def ask(target: Target, timeout: float, *, clock: Callable[[], float] = time.monotonic) -> Answer:
    """Ask for the status, in `timeout` seconds altogether."""
    began = clock()
    try:
        status = _status(target, timeout)
    except TimeoutError:  # before OSError, of which it is one
        return Answer(None, "timeout", clock() - began)
    except ssl.SSLError as error:
        return Answer(None, f"TLS: {error.reason or type(error).__name__}", clock() - began)
    except (OSError, HTTPException, ValueError) as error:
        return Answer(None, type(error).__name__, clock() - began)
    return Answer(status, None, clock() - began)


def _status(target: Target, timeout: float) -> int:
    """A server that sends a byte now and then would never run into the socket's own timeout: a timer cuts it off."""
    ended, held = threading.Event(), [_connected(target, timeout)]
    watchdog = threading.Timer(timeout, _cut, (held, ended))
    watchdog.daemon = True
    watchdog.start()
    connection = HTTPConnection(target.host, target.port)
    try:
        if target.scheme == "https":
            secured = _secured(held[0], target.host)
            held[0] = secured
            secured.do_handshake()
        connection.sock = held[0]
        connection.request("GET", target.path, headers={"User-Agent": AGENT, "Connection": "close"})
        status = int(connection.getresponse().status)
        if ended.is_set():  # what was cut off reads like an answer that ends early
            raise TimeoutError
        return status
    except (OSError, HTTPException):
        if ended.is_set():
            raise TimeoutError from None
        raise
    finally:
        watchdog.cancel()
        connection.close()
        held[0].close()


def _cut(held: list[socket.socket], ended: threading.Event) -> None:
    ended.set()
    with suppress(OSError):  # it may be closed already
        held[0].shutdown(socket.SHUT_RDWR)


def _connected(target: Target, timeout: float) -> socket.socket:
    """To the first of the addresses that takes a connection."""
    wrong: OSError | None = None
    for address in target.addresses:
        try:
            return socket.create_connection((address, target.port), timeout=timeout)
        except OSError as error:
            wrong = error
    raise wrong or OSError("no address")


def _secured(sock: socket.socket, host: str) -> ssl.SSLSocket:
    """Not yet shaken hands on, so that the timer already holds it when it waits for the other side."""
    context = ssl.create_default_context()
    return context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
