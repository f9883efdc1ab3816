"""Codes of an authenticator app (TOTP, RFC 6238: six digits, a new one every 30 seconds) and the picture it scans."""

from datetime import datetime

import pyotp
import segno

ISSUER = "ALSHAM QUANTUM"
DIGITS = 6
TOLERATED = (0, -1, 1)  # clocks of phones differ, and typing takes a while


def new_secret() -> str:
    """160 random bits, as apps want them spelled."""
    return pyotp.random_base32()


def step_of(secret: str, typed: str, now: datetime) -> int | None:
    """The 30-second step whose code was typed, if it is the present one or a neighbour; None for anything else.

    Blanks do not count: apps show codes in two halves. Whether the step was used before must be asked of the rows.
    """
    code = "".join(typed.split())
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    present = totp.timecode(now)
    steps = (present + offset for offset in TOLERATED)
    matching = (step for step in steps if pyotp.utils.strings_equal(code, totp.generate_otp(step)))
    return next(matching, None)


def app_address(secret: str, account: str) -> str:
    """What the picture says: an app that reads it shows codes for this account."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def picture(address: str) -> str:
    """The address as a QR picture, black on white in every theme: cameras read no other as well."""
    drawn = segno.make_qr(address, error="m")
    return drawn.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
