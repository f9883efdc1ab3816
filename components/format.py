"""Numbers, instants and spans of time as a person reads them, by language. Pure: value in, text out. None is a dash."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
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
    "activities": lambda n, lang: tn("activity", "activities", n, lang),
    "addresses": lambda n, lang: tn("address", "addresses", n, lang),
    "agents": lambda n, lang: tn("agent", "agents", n, lang),
    "awards": lambda n, lang: tn("award", "awards", n, lang),
    "calls": lambda n, lang: tn("call", "calls", n, lang),
    "checks": lambda n, lang: tn("check", "checks", n, lang),
    "clients": lambda n, lang: tn("client", "clients", n, lang),
    "comments": lambda n, lang: tn("comment", "comments", n, lang),
    "connections": lambda n, lang: tn("connection", "connections", n, lang),
    "credit notes": lambda n, lang: tn("credit note", "credit notes", n, lang),
    "deals": lambda n, lang: tn("deal", "deals", n, lang),
    "entries": lambda n, lang: tn("entry", "entries", n, lang),
    "errors": lambda n, lang: tn("error", "errors", n, lang),
    "events": lambda n, lang: tn("event", "events", n, lang),
    "examples": lambda n, lang: tn("example", "examples", n, lang),
    "heartbeats": lambda n, lang: tn("heartbeat", "heartbeats", n, lang),
    "interactions": lambda n, lang: tn("interaction", "interactions", n, lang),
    "invoices": lambda n, lang: tn("invoice", "invoices", n, lang),
    "keys": lambda n, lang: tn("key", "keys", n, lang),
    "likes": lambda n, lang: tn("like", "likes", n, lang),
    "lines": lambda n, lang: tn("line", "lines", n, lang),
    "measurements": lambda n, lang: tn("measurement", "measurements", n, lang),
    "messages": lambda n, lang: tn("message", "messages", n, lang),
    "models": lambda n, lang: tn("model", "models", n, lang),
    "numbers": lambda n, lang: tn("number", "numbers", n, lang),
    "notes": lambda n, lang: tn("note", "notes", n, lang),
    "pages": lambda n, lang: tn("page", "pages", n, lang),
    "pairs": lambda n, lang: tn("pair", "pairs", n, lang),
    "parts": lambda n, lang: tn("part", "parts", n, lang),
    "people": lambda n, lang: tn("person", "people", n, lang),
    "points": lambda n, lang: tn("point", "points", n, lang),
    "posts": lambda n, lang: tn("post", "posts", n, lang),
    "predictions": lambda n, lang: tn("prediction", "predictions", n, lang),
    "rankings": lambda n, lang: tn("ranking", "rankings", n, lang),
    "sessions": lambda n, lang: tn("session", "sessions", n, lang),
    "seconds": lambda n, lang: tn("second", "seconds", n, lang),
    "shares": lambda n, lang: tn("share", "shares", n, lang),
    "snapshots": lambda n, lang: tn("snapshot", "snapshots", n, lang),
    "spans": lambda n, lang: tn("span", "spans", n, lang),
    "tasks": lambda n, lang: tn("task", "tasks", n, lang),
    "tickets": lambda n, lang: tn("ticket", "tickets", n, lang),
    "tokens": lambda n, lang: tn("token", "tokens", n, lang),
    "traces": lambda n, lang: tn("trace", "traces", n, lang),
    "transactions": lambda n, lang: tn("transaction", "transactions", n, lang),
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
    if unit == "apdex":
        return number(_floor(value, 2), lang, 2), ""
    if unit == "of the series":
        return _recorded(value, lang), ""
    if unit in ("days", "hours"):
        return number(_floor(value, 1), lang, 1), declared(unit, lang)
    if unit == "seconds":
        value = int(value)
    shown = number(value, lang) if float(value).is_integer() else _significant(value, lang)
    return shown, NOUNS[unit](int(value), lang) if unit in NOUNS else declared(unit, lang)


def by_unit(value: float | int | None, unit: str, lang: str) -> str:
    """The value as text with what its unit asks for: "81.4 ms", "92.0 %", "23,019". A count stands without its noun."""
    shown, sign = split_unit(value, unit, lang)
    return f"{shown}\u00a0{sign}" if sign and unit in ("percent", "ms", "days", "hours") else shown


def moment(instant: datetime | None, lang: str, zone: str) -> str:
    """An instant in `zone` to the second, with its distance from UTC."""
    if instant is None:
        return DASH
    there = _aware(instant).astimezone(ZoneInfo(zone))
    return f"{format_datetime(there, _MOMENTS[lang], locale=locale(lang))} {_offset(there)}"


def calendar_day(value: date | None, lang: str) -> str:
    """A day that is stored as one, and so is the same in every zone."""
    return DASH if value is None else str(format_date(value, _DAYS[lang], locale=locale(lang)))


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


def duration(seconds: float, lang: str) -> str:
    """A length of time in its two largest units, rounded down: "11 min 40 s", "24 h", "2 d 3 h"."""
    left = int(seconds)
    parts: list[str] = []
    for word, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if word == "d" and left < 2 * size:
            continue
        count, left = divmod(left, size)
        if count or (word == "s" and not parts):
            parts.append(f"{number(count, lang)}\u00a0{word}")
    return " ".join(parts[:2])


def _recorded(value: float, lang: str) -> str:
    """A value that somebody else recorded: six significant digits, and none of them invented."""
    rounded = Decimal(f"{value:.6g}") if abs(value) < 1e6 else Decimal(round(value))
    return str(format_decimal(rounded, format="#,##0.############", locale=locale(lang)))


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
