"""Where a request comes from: address, browser and device, as far as they can be known."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from flask import request

from auth.devices import device
from db.services.user_sessions import Origin

LONGEST_USER_AGENT = 500


def origin() -> Origin:
    """The origin of this request. What it does not tell, or tells in no readable form, is None."""
    said = "".join(character for character in request.user_agent.string if character.isprintable())
    address = parsed_address(request.remote_addr)
    return Origin(
        address=str(address) if address else None,
        user_agent=said[:LONGEST_USER_AGENT] or None,
        device=device(said[:LONGEST_USER_AGENT]),
    )


def parsed_address(text: str | None) -> IPv4Address | IPv6Address | None:
    """A network address without its zone, an IPv4 address as one however it is written; None for anything else."""
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
