"""The OpenTelemetry SDK for Python: what its HTTP exporters send, plain and gzipped, is what is shown."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import select

from db.models import Span
from tests.clients.conftest import Quantum

ORDERS = 3


@dataclass(frozen=True)
class Sdk:
    """One way of packing, and the exporters' options for one signal."""

    quantum: Quantum
    packing: Compression

    @property
    def name(self) -> str:
        return f"py-{self.packing.name.lower()}"

    def options(self, signal: str) -> dict[str, object]:
        return {
            "endpoint": f"{self.quantum.url}/v1/{signal}",
            "headers": {"Authorization": f"Bearer {self.quantum.token}"},
            "compression": self.packing,
        }

    def resource(self, part: str) -> Resource:
        return Resource.create({"service.name": f"{self.name}-{part}", "service.version": "1.2.3"})

    def tracer(self, part: str) -> TracerProvider:
        provider = TracerProvider(resource=self.resource(part))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**self.options("traces"))))
        return provider


@pytest.fixture(params=[Compression.NoCompression, Compression.Gzip], ids=["plain", "gzip"])
def sdk(request: pytest.FixtureRequest, quantum: Quantum, caplog: pytest.LogCaptureFixture) -> Iterator[Sdk]:
    """Exporters say in the log when something was not taken."""
    yield Sdk(quantum, request.param)
    said = [each.getMessage() for each in caplog.records if each.name.startswith("opentelemetry")]
    assert not said


def test_spans_become_agents_calls_and_connections(sdk: Sdk) -> None:
    front, back = sdk.tracer("front"), sdk.tracer("back")
    for number in range(ORDERS):
        with front.get_tracer("test").start_as_current_span("ask", kind=SpanKind.CLIENT):  # noqa: SIM117
            with back.get_tracer("test").start_as_current_span("answer", kind=SpanKind.SERVER) as span:
                span.set_attribute("order.number", number)
                if number == ORDERS - 1:
                    span.set_status(StatusCode.ERROR, "out of stock")
    for provider in (front, back):
        provider.shutdown()
    asked, answered = f"{sdk.name}-front", f"{sdk.name}-back"
    assert sdk.quantum.agents(asked) | sdk.quantum.agents(answered) == {asked, answered}
    assert sdk.quantum.calls(answered) == {(asked, answered): ORDERS}
    rows = sdk.quantum.rows(
        select(Span.name, Span.status, Span.attributes)
        .where(Span.service == answered)
        .order_by(Span.start_ns)
    )
    assert [(name, status) for name, status, _ in rows] == [("answer", 0), ("answer", 0), ("answer", 2)]
    assert [said["order.number"] for *_, said in rows] == [0, 1, 2]


@pytest.mark.filterwarnings("ignore:`LoggingHandler`:DeprecationWarning")
def test_log_records_keep_their_severity_and_their_span(sdk: Sdk) -> None:
    tracer = sdk.tracer("logging")
    provider = LoggerProvider(resource=sdk.resource("logging"))
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(**sdk.options("logs"))))
    logger = logging.getLogger(f"test.{sdk.name}")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(_handler(provider))
    with tracer.get_tracer("test").start_as_current_span("work") as span:
        logger.info("order %d", 1)
        logger.error("order %d is lost", 2)
        trace, own = f"{span.get_span_context().trace_id:032x}", f"{span.get_span_context().span_id:016x}"
    provider.shutdown()
    tracer.shutdown()
    assert sdk.quantum.logs(f"{sdk.name}-logging") == [
        ("info", "order 1", trace, own),
        ("error", "order 2 is lost", trace, own),
    ]


def test_counters_gauges_and_histograms_keep_their_unit(sdk: Sdk) -> None:
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(**sdk.options("metrics")), export_interval_millis=60_000
    )
    provider = MeterProvider([reader], resource=sdk.resource("metering"))
    meter = provider.get_meter("test")
    meter.create_counter("orders", unit="{order}").add(ORDERS)
    meter.create_gauge("queue.depth", unit="{item}").set(7)
    meter.create_histogram("order.duration", unit="ms").record(12.5)
    provider.shutdown()
    found = sdk.quantum.points(f"{sdk.name}-metering")
    assert found["orders"] == ("{order}", ORDERS)
    assert found["queue.depth"] == ("{item}", 7)
    assert found["order.duration"] == ("ms", 12.5)


def _handler(provider: LoggerProvider) -> logging.Handler:
    """The bridge from `logging`, which moved between packages in the SDK's history."""
    try:
        from opentelemetry.instrumentation.logging.handler import LoggingHandler
    except ImportError:
        from opentelemetry.sdk._logs import LoggingHandler
    return LoggingHandler(level=logging.DEBUG, logger_provider=provider)
