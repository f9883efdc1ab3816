"""The front door: create_app(settings) introduces the rooms to each other; `python app.py` serves."""

from pathlib import Path

from dash import Dash
from flask import Flask

import api.door
import api.health
import api.otlp
import api.rest
import auth
import logs
from components.document import ASSETS_IGNORED
from components.shell import PRODUCT
from db.engine import make_engine
from db.services.audit_heads import FILE
from pages import _delivery, _live, _timing, _view
from settings import Settings
from workers.collector import Collector
from workers.mailer import Mailer
from workers.request_log import RequestLog
from workers.schedule import Schedule

COLLECTOR = "quantum_collector"
MAILER = "quantum_mailer"
REQUEST_LOG = "quantum_request_log"
SCHEDULE = "quantum_schedule"
WORKERS = (
    COLLECTOR,
    MAILER,
    REQUEST_LOG,
    SCHEDULE,
)  # in the order in which they begin; they end the other way round
ROOT = Path(__file__).resolve().parent


def create_app(settings: Settings) -> Dash:
    """The whole application on the databases of `settings`, ready to serve. Nothing is migrated or seeded here.

    Whoever serves it starts its WORKERS (`server.extensions` holds them) in the process that serves: the collector, the
    mailer, the log of requests and the schedule of jobs.

    The guard comes before everything else: Flask asks in the order of registration.
    """
    logs.init()
    server = api.door.Server(__name__, static_folder=None)
    engine = make_engine(settings.database_url)
    engines = {settings.database_url: engine}
    for url in (settings.database_system_url, settings.database_staff_url):
        if url not in engines:
            engines[url] = make_engine(url)
    system_engine = engines[settings.database_system_url]
    server.config[_view.ENGINE] = engine
    server.config[_view.STAFF_ENGINE] = engines[settings.database_staff_url]
    collector = server.extensions[COLLECTOR] = Collector(
        system_engine,
        engine,
        (settings.host, settings.port),
        settings.data_dir / FILE,
        also=list(engines.values()),
    )
    server.extensions[MAILER] = Mailer(system_engine, settings.mail, settings.public_url)
    server.extensions[SCHEDULE] = Schedule(system_engine, settings)
    calls = server.extensions[REQUEST_LOG] = RequestLog(system_engine)
    api.door.init_app(server, calls.keep)
    auth.init_app(server, system_engine, settings)
    server.register_blueprint(api.health.blueprint(system_engine))
    server.register_blueprint(api.otlp.blueprint(system_engine))
    server.register_blueprint(api.rest.blueprint(engine, engines[settings.database_staff_url]))
    app = _dash(server)
    _live.wire(app)
    _delivery.wire(app)
    _timing.wire(app, collector.timings.keep)
    auth.attach_dash(app)
    return app


def _dash(server: Flask) -> Dash:
    return Dash(
        __name__,
        server=server,
        title=PRODUCT,
        update_title="",
        use_pages=True,
        pages_folder=str(ROOT / "pages"),
        assets_folder=str(ROOT / "assets"),
        assets_path_ignore=ASSETS_IGNORED,
        include_pages_meta=False,
        suppress_callback_exceptions=True,
        serve_locally=True,
        enable_mcp=False,
        on_error=_live.on_error,
        add_log_handler=False,
    )


if __name__ == "__main__":
    import sys

    from cli import main

    sys.exit(main(["serve"]))
