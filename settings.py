"""Environment → one frozen Settings, read once. Every setting is named in `.env.example`."""

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

ROOT = Path(__file__).resolve().parent
ENVIRONMENTS = ("local", "production", "test", "demo")
DEFAULT_EPOCH = "2024-11-20T14:30:00-03:00"
SHORTEST_SECRET = 32
# No random key holds one of these; keys copied out of somebody's documentation do.
GUESSABLE = ("secret", "change", "password", "example", "random", "default")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = {"0.0.0.0", "::"}  # listened on, never asked for
HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?")
MOST_IDLE_HOURS, MOST_PROXIES = 30 * 24, 10
SIGN_UPS = ("open", "invited")
DEFAULT_APDEX_SECONDS, MOST_APDEX_SECONDS = "0.5", 60
LEAST_LOG_DAYS, MOST_LOG_DAYS = 90, 3650  # the database's rules delete no younger call
LEAST_STATE_DAYS = 30  # nor of what states follow from
LEAST_AGENT_LOG_DAYS = 30  # nor a younger line of an agent's log
MOST_PER_HOUR = 80_000_000  # a day's limit still fits the column
SMTP_PORTS = {"smtp": 587, "smtps": 465}
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class SettingsError(Exception):
    """A setting is missing or unusable; the message names it and the remedy."""


@dataclass(frozen=True)
class Mail:
    """The server that takes mail, and who it comes from.

    Attributes:
        host, port: where the server listens.
        user, password: who signs in there; None where nobody has to.
        security: `tls` from the first byte, `starttls`, or `none`.
        sender: the address mail comes from, with or without a name.
    """

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    security: str
    sender: str


@dataclass(frozen=True)
class Keep:
    """For how many days rows are kept; 0 is for good. API calls have their own setting, days of roll-ups stay.

    Attributes:
        spans: spans and the calls they prove, by when they started.
        five_minutes, hours: what was counted per five minutes and per hour, of every family of rows.
        logs: log lines of agents.
        measurements: points of metrics and the like.
        states: stretches of states and of heartbeats; what whole days hold in each state stays.
        check_results: what this application's checks over HTTP found; what whole days hold stays.
    """

    spans: int = 0
    five_minutes: int = 0
    hours: int = 0
    logs: int = 0
    measurements: int = 0
    states: int = 0
    check_results: int = 0


@dataclass(frozen=True)
class Settings:
    """Everything the application is told from outside.

    Attributes:
        env: one of `ENVIRONMENTS`.
        database_url: the application's login.
        database_owner_url: login for migrations.
        database_system_url: login for sign-up, ingest, workers and backup.
        database_staff_url: login for oversight reads.
        data_dir: folder for the embedded database and the local secret.
        secret_key: signs sessions; at least 32 characters.
        hosts: the names people ask for this installation by, as they stand in the Host header without the port.
        host, port: where `quantum serve` listens.
        epoch: start of the project's clock, with its offset.
        session_idle: a person's session ends after this long without a request.
        proxies: how many reverse proxies stand before the server, each adding to X-Forwarded-For.
        sign_up: `open` to everybody, or only for those `invited`.
        public_url: where people reach the application, without a slash at its end; None when it was not told.
        mail: how mail is sent; None when it is not.
        reports_per_hour: how often one key may report at one address: telemetry and heartbeats.
        requests_per_hour: how often one key may ask for anything else at one address.
        api_log_days: how long the log of requests is kept.
        keep: how long everything else is kept.
        apdex_ms: Apdex's T in milliseconds; queries read it as they read the epoch.
        check_networks: private and reserved networks that checks over HTTP may ask.
    """

    env: str
    database_url: str
    database_owner_url: str
    database_system_url: str
    database_staff_url: str
    data_dir: Path
    secret_key: str
    hosts: frozenset[str]
    host: str
    port: int
    epoch: datetime
    session_idle: timedelta
    proxies: int
    sign_up: str
    public_url: str | None
    mail: Mail | None
    reports_per_hour: int = 360_000
    requests_per_hour: int = 3600
    api_log_days: int = LEAST_LOG_DAYS
    keep: Keep = Keep()
    apdex_ms: Decimal = Decimal(500)
    check_networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def link_base(self) -> str:
        """What links begin with. Raises SettingsError where nobody can know it."""
        if self.public_url:
            return self.public_url
        if self.env != "local":
            raise SettingsError(
                "QUANTUM_PUBLIC_URL is not set; links begin with it, as in https://quantum.example.com."
            )
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (default: the process's). Raises SettingsError."""
    source = os.environ if environ is None else environ
    env = _env(source)
    data_dir = Path(source.get("QUANTUM_DATA_DIR") or ROOT / "var" / env)
    url = source.get("QUANTUM_DATABASE_URL") or _embedded_url(env, data_dir)
    host = source.get("QUANTUM_HOST") or "127.0.0.1"
    public_url = _public_url(source, env)
    return Settings(
        env=env,
        database_url=url,
        database_owner_url=source.get("QUANTUM_DATABASE_OWNER_URL") or url,
        database_system_url=source.get("QUANTUM_DATABASE_SYSTEM_URL") or url,
        database_staff_url=source.get("QUANTUM_DATABASE_STAFF_URL") or url,
        data_dir=data_dir,
        secret_key=_secret_key(source, env, data_dir),
        hosts=_hosts(source, env, host, public_url),
        host=host,
        port=_whole(source, "QUANTUM_PORT", 8050, 1, 65535),
        epoch=epoch(source),
        apdex_ms=apdex_ms(source),
        session_idle=timedelta(hours=_whole(source, "QUANTUM_SESSION_IDLE_HOURS", 12, 1, MOST_IDLE_HOURS)),
        proxies=_whole(source, "QUANTUM_PROXIES", 0, 0, MOST_PROXIES),
        sign_up=_one_of(source, "QUANTUM_SIGN_UP", SIGN_UPS),
        public_url=public_url,
        mail=_mail(source),
        reports_per_hour=_whole(source, "QUANTUM_REPORTS_PER_HOUR", 360_000, 1, MOST_PER_HOUR),
        requests_per_hour=_whole(source, "QUANTUM_REQUESTS_PER_HOUR", 3600, 1, MOST_PER_HOUR),
        api_log_days=_whole(source, "QUANTUM_API_LOG_DAYS", LEAST_LOG_DAYS, LEAST_LOG_DAYS, MOST_LOG_DAYS),
        keep=_keep(source),
        check_networks=_networks(source, "QUANTUM_CHECK_NETWORKS"),
    )


def _keep(source: Mapping[str, str]) -> Keep:
    """What is counted of rows is kept at least as long as the rows: from it they are not counted anew."""
    keep = Keep(
        spans=_days(source, "QUANTUM_KEEP_SPANS_DAYS", 7),
        five_minutes=_days(source, "QUANTUM_KEEP_FIVE_MINUTES_DAYS", 7),
        hours=_days(source, "QUANTUM_KEEP_HOURS_DAYS", 7),
        logs=_days(source, "QUANTUM_KEEP_LOGS_DAYS", LEAST_AGENT_LOG_DAYS),
        measurements=_days(source, "QUANTUM_KEEP_MEASUREMENTS_DAYS", 7),
        states=_days(source, "QUANTUM_KEEP_STATES_DAYS", LEAST_STATE_DAYS),
        check_results=_days(source, "QUANTUM_KEEP_CHECK_RESULTS_DAYS", LEAST_STATE_DAYS),
    )
    for shorter, longer, names in (
        (keep.spans, keep.five_minutes, ("QUANTUM_KEEP_FIVE_MINUTES_DAYS", "QUANTUM_KEEP_SPANS_DAYS")),
        (keep.five_minutes, keep.hours, ("QUANTUM_KEEP_HOURS_DAYS", "QUANTUM_KEEP_FIVE_MINUTES_DAYS")),
    ):
        if longer and (not shorter or longer < shorter):
            raise SettingsError(
                f"{names[0]} is {longer}; keep these at least as long as {names[1]} says, or 0."
            )
    return keep


def _days(source: Mapping[str, str], name: str, least: int) -> int:
    """0 for good, or a number of days of at least `least`."""
    days = _whole(source, name, 0, 0, MOST_LOG_DAYS)
    if 0 < days < least:
        raise SettingsError(f"{name} is {days}; use 0, which keeps for good, or a number from {least} on.")
    return days


def _env(source: Mapping[str, str]) -> str:
    env = source.get("QUANTUM_ENV") or "local"
    if env not in ENVIRONMENTS:
        raise SettingsError(f"QUANTUM_ENV is {env!r}; use one of {', '.join(ENVIRONMENTS)}.")
    return env


def _embedded_url(env: str, data_dir: Path) -> str:
    if env == "production":
        raise SettingsError("QUANTUM_DATABASE_URL is not set; production needs a PostgreSQL address.")
    return f"sqlite:///{data_dir.absolute() / 'quantum.db'}"


def _whole(source: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = source.get(name) or str(default)
    if not (text.isascii() and text.isdigit()) or not least <= int(text[:9]) <= most:
        raise SettingsError(f"{name} is {text!r}; use a number from {least} to {most}.")
    return int(text)


def _networks(source: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks or single addresses, separated by commas."""
    texts = [text.strip() for text in (source.get(name) or "").split(",") if text.strip()]
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}; write networks such as 10.1.0.0/16,192.168.1.5/32.") from None


def _one_of(source: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    """One of the words `known`; the first where nothing is said."""
    word = source.get(name) or known[0]
    if word not in known:
        raise SettingsError(f"{name} is {word!r}; use one of {', '.join(known)}.")
    return word


def _public_url(source: Mapping[str, str], env: str) -> str | None:
    """Links in mail begin with it: what a request says of its own host is never believed there."""
    text = source.get("QUANTUM_PUBLIC_URL") or ""
    if not text:
        return None
    schemes = ("https",) if env == "production" else ("https", "http")
    found = _split(text)
    is_plain = found is not None and not (found.query or found.fragment or found.username or found.password)
    if found is None or not is_plain or found.scheme not in schemes or not found.hostname:
        raise SettingsError(
            f"QUANTUM_PUBLIC_URL is {text!r}; use the address people reach this application at, such as "
            f"https://quantum.example.com ({' or '.join(schemes)})."
        )
    return text.rstrip("/")


def _mail(source: Mapping[str, str]) -> Mail | None:
    """No message here repeats the address of the server: it holds a password."""
    text = source.get("QUANTUM_SMTP_URL") or ""
    if not text:
        return None
    for name, why in (
        ("QUANTUM_MAIL_FROM", "mail comes from it"),
        ("QUANTUM_PUBLIC_URL", "links in mail begin with it"),
    ):
        if not source.get(name):
            raise SettingsError(f"{name} is not set, but QUANTUM_SMTP_URL is; {why}.")
    sender = source["QUANTUM_MAIL_FROM"].strip()
    if "@" not in sender or not sender.isprintable():
        raise SettingsError(
            f"QUANTUM_MAIL_FROM is {sender!r}; use an address such as Quantum <quantum@example.com>."
        )
    found = _split(text)
    if found is None or found.scheme not in SMTP_PORTS or not found.hostname or found.path not in ("", "/"):
        raise SettingsError(
            "QUANTUM_SMTP_URL cannot be read; use smtp://USER:PASSWORD@HOST:PORT?starttls or smtps://USER:PASSWORD@HOST."
        )
    return _mail_by(found, sender)


def _mail_by(found: SplitResult, sender: str) -> Mail:
    if found.query not in ("", "starttls"):
        raise SettingsError(
            "QUANTUM_SMTP_URL ends in words that are not known; only ?starttls may stand there."
        )
    host = found.hostname or ""
    security = "tls" if found.scheme == "smtps" else found.query or "none"
    if found.password and security == "none" and host not in THIS_MACHINE:
        raise SettingsError(
            "QUANTUM_SMTP_URL would send its password in the clear; add ?starttls or use smtps://."
        )
    user, password = (unquote(word) if word else None for word in (found.username, found.password))
    return Mail(host, found.port or SMTP_PORTS[found.scheme], user, password, security, sender)


def _split(text: str) -> SplitResult | None:
    """The parts of an address; None for one that has none, such as a port that is no number or a name with a blank."""
    try:
        found = urlsplit(text)
        _ = found.port, _spelled(found.hostname or "")
    except ValueError:
        return None
    return found


def epoch(environ: Mapping[str, str] | None = None) -> datetime:
    """The start of the project's clock (QUANTUM_EPOCH). Raises SettingsError."""
    source = os.environ if environ is None else environ
    text = source.get("QUANTUM_EPOCH") or DEFAULT_EPOCH
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"QUANTUM_EPOCH is {text!r}; use ISO 8601 such as {DEFAULT_EPOCH}.") from None
    if start.tzinfo is None:
        raise SettingsError(f"QUANTUM_EPOCH is {text!r} without an offset; write it like {DEFAULT_EPOCH}.")
    return start


def apdex_ms(environ: Mapping[str, str] | None = None) -> Decimal:
    """Apdex's T in milliseconds: whoever is answered within it is satisfied (QUANTUM_APDEX_SECONDS).

    Raises SettingsError.
    """
    source = os.environ if environ is None else environ
    text = source.get("QUANTUM_APDEX_SECONDS") or DEFAULT_APDEX_SECONDS
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        seconds = Decimal("NaN")
    if not seconds.is_finite() or not Decimal("0.001") <= seconds <= MOST_APDEX_SECONDS:
        raise SettingsError(
            f"QUANTUM_APDEX_SECONDS is {text!r}; use seconds from 0.001 to {MOST_APDEX_SECONDS}, such as 0.5."
        )
    return seconds * 1000


def _secret_key(source: Mapping[str, str], env: str, data_dir: Path) -> str:
    key = source.get("QUANTUM_SECRET_KEY") or ""
    if not key and env != "production":
        return _kept_secret(data_dir / "secret_key")
    told = any(word in key.lower() for word in GUESSABLE)
    if len(key) < SHORTEST_SECRET or len(set(key)) < 8 or told:
        raise SettingsError(
            f"QUANTUM_SECRET_KEY is missing or guessable; set at least {SHORTEST_SECRET} random characters "
            "(python3 -c 'import secrets; print(secrets.token_urlsafe(48))')."
        )
    return key


def _hosts(source: Mapping[str, str], env: str, host: str, public_url: str | None) -> frozenset[str]:
    """The names given, and the one that links lead to; outside production also this machine's own and the one that is
    listened on."""
    given = [name for text in (source.get("QUANTUM_HOSTS") or "").split(",") if (name := text.strip())]
    known = {_host(name) for name in given}
    if public_url:
        known.add(_spelled(urlsplit(public_url).hostname or ""))
    if not known and env == "production":
        raise SettingsError(
            "QUANTUM_HOSTS is not set; list the names people ask for this installation by, such as quantum.example.org."
        )
    own = [] if env == "production" else [*LOOPBACK, *({host} - EVERY_ADDRESS)]
    return frozenset(known | {_host(name) for name in own})


def _host(name: str) -> str:
    try:
        return _spelled(name)
    except ValueError:
        raise SettingsError(
            f"QUANTUM_HOSTS holds {name!r}; list bare names or addresses, without https://, port and path, "
            "separated by commas."
        ) from None


def _spelled(name: str) -> str:
    """As browsers spell it: lower case, other letters encoded, IPv6 addresses in brackets. Raises ValueError."""
    if ":" in name:
        return f"[{ip_address(name.strip('[]')).compressed}]"
    spelled = name.encode("idna").decode("ascii").lower()
    if not HOST_NAME.fullmatch(spelled):
        raise ValueError(name)
    return spelled


def _kept_secret(path: Path) -> str:
    """Outside production a secret is made once and kept, so that sign-ins outlive a restart."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
        return path.read_text().strip()
    except FileExistsError:
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"QUANTUM_DATA_DIR {path.parent} cannot be used ({error.strerror}); "
            "point it at a folder this user may write to."
        ) from None
