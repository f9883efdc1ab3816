"""Numbers, instants and spans of time as a person reads them, by language. Pure: value in, text out. None is a dash."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal

from i18n import declared, tn

DASH = "—"
_MOMENTS = {"en": "d MMM y, HH:mm:ss", "pt-BR": "dd/MM/y HH:mm:ss"}
_DAYS = {"en": "d MMM y", "pt-BR": "dd/MM/y"}


def locale(lang: str) -> Locale:
    """Babel's locale for one of our languages."""
    return Locale.parse(lang, sep="-")


def number(value: float | int | None, lang: str, digits: int | None = None) -> str:
    """A grouped number; `digits` fixes the decimals, otherwise up to three are shown."""
    if value is None:
        return DASH
    decimals = "." + "0" * digits if digits else "" if digits == 0 or isinstance(value, int) else ".###"
    return str(format_decimal(Decimal(repr(value)), format="#,##0" + decimals, locale=locale(lang)))


NOUNS: dict[str, Callable[[int, str], str]] = {
    "agents": lambda n, lang: tn("agent", "agents", n, lang),
    "calls": lambda n, lang: tn("call", "calls", n, lang),
    "connections": lambda n, lang: tn("connection", "connections", n, lang),
    "errors": lambda n, lang: tn("error", "errors", n, lang),
    "spans": lambda n, lang: tn("span", "spans", n, lang),
    "tokens": lambda n, lang: tn("token", "tokens", n, lang),
    "traces": lambda n, lang: tn("trace", "traces", n, lang),
}


def split_unit(value: float | int | None, unit: str, lang: str) -> tuple[str, str]:
    """The number and, apart from it, the unit to set beside it (empty where the number is unknown)."""
    if value is None:
        return DASH, ""
    if unit == "percent":
        return number(_floor(value, 1), lang, 1), "%"
    if unit == "ms":
        return (
            (_significant(value / 1000, lang), "s") if value > 10_000 else (_significant(value, lang), "ms")
        )
    if unit == "money":
        return money(value, None, lang), ""
    if unit == "days":
        return number(_floor(value, 1), lang, 1), declared("days", lang)
    return number(value, lang), NOUNS[unit](int(value), lang) if unit in NOUNS else declared(unit, lang)


def by_unit(value: float | int | None, unit: str, lang: str) -> str:
    """The value as text with what its unit asks for: "81.4 ms", "92.0 %", "23,019". A count stands without its noun."""
    shown, sign = split_unit(value, unit, lang)
    return f"{shown}\u00a0{sign}" if sign and unit in ("percent", "ms", "days") else shown


def moment(instant: datetime | None, lang: str, zone: str) -> str:
    """An instant in `zone` to the second, with its distance from UTC."""
    if instant is None:
        return DASH
    there = _aware(instant).astimezone(ZoneInfo(zone))
    return f"{format_datetime(there, _MOMENTS[lang], locale=locale(lang))} {_offset(there)}"


def day(instant: datetime | None, lang: str, zone: str) -> str:
    """The calendar day of an instant in `zone`."""
    if instant is None:
        return DASH
    return str(
        format_date(_aware(instant).astimezone(ZoneInfo(zone)).date(), _DAYS[lang], locale=locale(lang))
    )


def ago(instant: datetime | None, now: datetime, lang: str) -> str:
    """How long before `now` it was: "3 minutes ago", "há 3 minutos"."""
    if instant is None:
        return DASH
    elapsed = _aware(instant) - _aware(now)
    return str(format_timedelta(elapsed, locale=locale(lang), add_direction=True))


def _significant(value: float, lang: str, digits: int = 3) -> str:
    """Three significant digits below a thousand, whole numbers above."""
    rounded = Decimal(f"{value:.{digits}g}") if abs(value) < 10**digits else Decimal(round(value))
    return number(float(rounded), lang, max(0, digits - 1 - rounded.adjusted()) if rounded else 0)


def _floor(value: float | int, decimals: int) -> float:
    """Rounded down, so that 99.96 percent never reads as 100."""
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_FLOOR))


def _offset(there: datetime) -> str:
    """The distance from UTC as people write it: UTC, UTC−3, UTC+5:30."""
    minutes = int((there.utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return (
        "UTC" if not minutes else f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
    )


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def money(value: Decimal | float | int | None, currency: str | None, lang: str) -> str:
    """An exact amount with its currency; a sign of its own where the row does not say which currency it is."""
    if value is None:
        return DASH
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    shown = str(format_decimal(exact, format="#,##0.00##", locale=locale(lang)))
    return f"{currency}\u00a0{shown}" if currency else shown
