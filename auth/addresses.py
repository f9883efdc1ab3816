"""Where to go after signing in: only places inside this application."""

from urllib.parse import SplitResult, urlsplit

HOME = "/"
LONGEST = 2000
DOORS = ("/login", "/login/code", "/login/recovery", "/register", "/logout", "/confirm")


def safe_next(wanted: str | None) -> str:
    """`wanted` when it is a path of this application, else the first page.

    Refused are other hosts in every spelling browsers accept (`//host`, `/\\host`, `https:`), control characters,
    and the sign-in forms themselves.
    """
    if not wanted or len(wanted) > LONGEST or not wanted.startswith("/") or wanted.startswith("//"):
        return HOME
    if "\\" in wanted or any(ord(character) <= 32 or ord(character) == 127 for character in wanted):
        return HOME
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    if parts.scheme or parts.netloc or parts.path.rstrip("/") in DOORS:
        return HOME
    return wanted


def parts_of(address: str | None) -> SplitResult:
    """The parts of an address as it was sent; none of those that cannot be read, such as a half-written IPv6 host."""
    try:
        return urlsplit(address or "")
    except ValueError:
        return urlsplit("")
