"""Who is counted when attempts are limited: accounts, names and networks, unreadable without the secret."""

import hmac
from hashlib import sha256
from ipaddress import IPv6Address, ip_network

from flask import current_app

from auth.origin import parsed_address
from db.services.user_sessions import Origin

ONE_HOUSEHOLD = 64  # an IPv6 network this long belongs to one customer, who may take any address in it


def subject(kind: str, name: str, where: str = "") -> str:
    """A keyed hash of what is counted: people type passwords into the wrong field."""
    spelled = "\0".join([kind, where, name]).encode("utf-8", "surrogatepass")
    return hmac.new(str(current_app.secret_key).encode(), spelled, sha256).hexdigest()


def network(came: Origin) -> str:
    """The address a request came from, or the network that belongs to one customer."""
    address = parsed_address(came.address)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, ONE_HOUSEHOLD), strict=False))
    return str(address)
