"""Pictures of every page, in both themes and sizes, into a folder, for people to look at (`make looks`).

    python -m tests.looks [--into FOLDER] [--lang en|pt-BR] [--only PAGE ...] [--data FILE ...]

The application runs on a database of its own in a temporary folder. Without --data it takes the telemetry of
../shared/data where that exists, else it stays empty, which is a picture too.
"""

import argparse
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import Engine
from werkzeug.serving import make_server

from app import create_app
from auth.passwords import hash_password
from db.catalogue.loader import seed
from db.engine import make_engine
from db.measured_series import SeriesKey, text_of
from db.models import Deal
from db.schema import upgrade
from db.services.accounts import register_account
from db.services.annotation_import import import_marks
from db.services.check_history import import_checks
from db.services.links import issue_invite
from db.services.measurement_files import Wanted
from db.services.measurement_import import import_measurements
from db.services.otlp_files import import_files
from db.services.recipes.base import Options
from db.services.table_import import import_table
from settings import load
from tests import chromium
from tests.sessions import session
from tests.uptime_rows import watched_fleet

ROOT = Path(__file__).resolve().parent.parent
TRACES = Path(os.environ.get("QUANTUM_SHARED") or ROOT.parent / "shared") / "data" / "traces"
FILES = ("onlineboutique-2022-08-22-0353", "trainticket-2023-01-29-0843", "agent-runs")
CHECKS = TRACES.parent / "modules" / "uptime-checks.csv.gz"
MODULES = (
    ("deals", "crm-bank-marketing.csv.gz", "bank-campaign", None),
    ("support_tickets", "support-incident-events.csv.gz", "incidents", None),
    ("social_posts", "social-facebook-live-sellers.csv.gz", "facebook-posts", None),
    ("invoices", "finance-online-retail-2010-12-01.csv.gz", "online-retail", None),
    ("api_logs", "access-log-2015.log.gz", "access-log", None),
    ("security_events", "security-auth.log.gz", "sshd-log", 2017),
    ("ai_models", "model-benchmarks-edit.yml", "model-benchmarks", None),
)
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
PASSWORD = "only in a temporary folder"
FRONTEND = "frontend-579b9bff58-t2dbm"
PODS = (
    "adservice-5f6585d649-fnmft",
    "cartservice-579f59597d-wc2lz",
    "checkoutservice-578fcf4766-9csqn",
    "currencyservice-cf787dd48-vpjrd",
    "emailservice-55fdc5b988-f6xth",
    FRONTEND,
)
PODS_CPU = text_of([SeriesKey("CpuUsageRate", "%", pod) for pod in PODS])
SHOWN_SERIES = {
    "measurements-cpu": ("CpuUsageRate", "%", FRONTEND),
    "measurements-latency": ("PodServerLatencyP90", "s", FRONTEND),
    "measurements-nab-cpu": ("ec2_cpu_utilization_825cc2",),
    "measurements-nab-network": ("ec2_network_in_5abac7",),
    "measurements-nab-latency": ("ec2_request_latency_system_failure",),
    "measurements-nab-requests": ("elb_request_count_8c0756",),
    "measurements-nab-rds": ("rds_cpu_utilization_cc0c53",),
}
PAGES = {
    "overview": "/?range=all",
    "overview-24h": "/?range=24h",
    "map": "/map?range=all",
    "agents": "/agents?range=all",
    "agent": "/agents/frontend?range=all",
    "metrics": "/metrics?range=all",
    "map-2d": "/map?range=all&view=2d",
    "map-table": "/map?range=all&view=table",
    "crm": "/crm?range=all",
    "support": "/support?range=all",
    "social": "/social?range=all",
    "gamification": "/gamification?range=all",
    "api": "/api-access?range=all",
    "security": "/security?range=all",
    "finance": "/finance?range=all",
    "ai": "/ai?range=all",
    "system": "/system?range=all",
    "performance": "/performance?range=all",
    "reconciliation": "/reconciliation?range=all",
    "logs": "/logs?range=2023-01-29T08:42:00Z/2023-01-29T08:44:00Z",
    "logs-trace": "/logs?range=2023-01-29T08:42:00Z/2023-01-29T08:44:00Z&trace=ffc8ca7e4c8f06c75142c880d5595d96",
    "measurements": "/measurements?range=all",
    **{
        name: f"/measurements?range=all&series={quote(text_of([SeriesKey(*key)]))}"
        for name, key in SHOWN_SERIES.items()
    },
    "measurements-pods": "/measurements?range=2022-08-22T03:51:00Z/2022-08-22T08:30:00Z&series="
    + quote(PODS_CPU),
    "status": "/status?range=30d",
    "status-agent": "/status/agent:cart-writer?range=30d",
    "status-check": "/status/{check}?range=24h",
    "status-empty": "/status/agent:nobody",
    "maintenance": "/maintenance",
    "checks": "/checks?range=24h",
    "api-docs": "/docs/api",
    "admin": "/admin",
    "admin-person": "/admin/people/{somebody}",
    "admin-roles": "/admin/roles?role=architect",
    "admin-invitations": "/admin/invitations",
    "admin-access": "/admin/access?as={somebody}&table=deals",
    "profile": "/profile",
    "keys": "/profile/keys",
    "second-factor": "/second-factor",
    "export": "/account/export",
    "close": "/account/close",
    "not-found": "/nothing-here",
}


@contextmanager
def served(folder: Path, files: list[Path]) -> Iterator[str]:
    """The application on a database in `folder`, filled from `files`; yields its address."""
    settings = load({"QUANTUM_ENV": "test", "QUANTUM_DATA_DIR": str(folder)})
    upgrade(settings.database_url)
    engine = make_engine(settings.database_url)
    with session(engine, write=True) as unit:
        seed(unit)
        register_account(
            unit,
            email="look@example.com",
            username="look",
            full_name="Marina Prado",
            password_hash=hash_password(PASSWORD),
            role="admin",
        )
        rui = {"email": "rui@example.com", "username": "rui", "full_name": "Rui Alves", "password_hash": "x"}
        issue_invite(unit, "ana@example.com", "observer", None, datetime.now(UTC))
        unit.add(Deal(user_id=register_account(unit, **rui, role="strategist").id, client_name="X", value=1))
    if files:
        import_files(engine, files)
        _recorded(engine)
        _modules(engine)
        import_checks(engine, [path for path in [CHECKS] if path.exists()])
        watched_fleet(engine)
    server = make_server("127.0.0.1", 0, create_app(settings).server, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def _recorded(engine: Engine) -> None:
    """The shop day's pods, the series with labelled anomalies, the railway minute's logs, and what happened then."""
    data = TRACES.parent
    import_files(engine, sorted((data / "logs").glob("*.jsonl.gz")))
    import_measurements(engine, sorted((data / "metrics").glob("nab-*.csv.gz")))
    pods = sorted((data / "metrics").glob("*.pod-metrics.csv.gz"))
    import_measurements(engine, pods, Wanted(only=("CpuUsageRate", "MemoryUsageRate", "PodServerLatencyP90")))
    import_marks(
        engine, [*(data / "metrics").glob("*fault_list.json"), *(data / "metrics").glob("nab-*.json")]
    )


def _modules(engine: Engine) -> None:
    """The module files of the shared data, through their recipes."""
    for table, name, recipe, year in MODULES:
        path = TRACES.parent / "modules" / name
        if path.exists():
            import_table(engine, table, [path], Options(recipe=recipe, year=year))


def picture(page: Page, address: str, path: Path) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    expect(page.locator(".skeleton")).to_have_count(
        0, timeout=30_000
    )  # a waited-for script would break the CSP
    if page.locator(".js-plotly-plot").count():
        page.wait_for_timeout(1500)  # WebGL has no event for "drawn"; a picture is no test
    page.screenshot(path=path, full_page=True)
    print(path)


def _first_check(page: Page, url: str) -> str:
    """The subject of the first check that is listed; of none, nobody's."""
    page.goto(f"{url}/checks")
    page.wait_for_load_state("networkidle")
    links = page.locator("#checks-list .agent-link")
    return (
        str(links.last.get_attribute("href")).partition("?")[0].rpartition("/")[2]
        if links.count()
        else "nobody"
    )


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--into", type=Path, default=ROOT / "var" / "looks")
    arguments.add_argument("--lang", default="en", choices=["en", "pt-BR"])
    arguments.add_argument("--only", nargs="*", default=list(PAGES), choices=list(PAGES), metavar="PAGE")
    arguments.add_argument("--data", type=Path, nargs="*")
    given = arguments.parse_args()
    files = given.data
    if files is None:
        files = [path for name in FILES if (path := TRACES / f"{name}.otlp.jsonl.gz").exists()]
    given.into.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder), files) as url,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=str(chromium.find()), args=list(chromium.FLAGS))
        for size, (width, height) in SIZES.items():
            for theme in ("dark", "light"):
                context = browser.new_context(viewport={"width": width, "height": height})
                page = context.new_page()
                tail = f"lang={given.lang}&theme={theme}"
                for door in ("login", "register"):
                    picture(page, f"{url}/{door}?{tail}", given.into / f"{door}-{size}-{theme}.png")
                page.goto(f"{url}/login?{tail}")
                page.fill("[name=login]", "look")
                page.fill("[name=password]", PASSWORD)
                page.click("button[type=submit]")
                page.wait_for_load_state("networkidle")
                page.goto(f"{url}/admin?search=rui")
                somebody = str(page.locator(".row-link").first.get_attribute("href"))
                check = _first_check(page, url)
                for name in given.only:
                    path = PAGES[name].format(
                        somebody=somebody.partition("?")[0].rpartition("/")[2], check=check
                    )
                    joint = "&" if "?" in path else "?"
                    picture(page, f"{url}{path}{joint}{tail}", given.into / f"{name}-{size}-{theme}.png")
                context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
