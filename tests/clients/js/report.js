// Reports with the OpenTelemetry SDK for JavaScript: two services that call each other, a log record of the second's
// work, and a counter, a gauge and a histogram. `node report.js json|proto [gzip]`; where to, in OTEL_EXPORTER_OTLP_*.
"use strict";
const { createRequire } = require("node:module");
const load = createRequire(`${process.cwd()}/`);

const { context, trace, SpanKind, SpanStatusCode } = load("@opentelemetry/api");
const { SeverityNumber } = load("@opentelemetry/api-logs");
const { resourceFromAttributes } = load("@opentelemetry/resources");
const { BatchLogRecordProcessor, LoggerProvider } = load("@opentelemetry/sdk-logs");
const { MeterProvider, PeriodicExportingMetricReader } = load("@opentelemetry/sdk-metrics");
const { BatchSpanProcessor, NodeTracerProvider } = load("@opentelemetry/sdk-trace-node");

const [encoding, packing] = process.argv.slice(2);
const suffix = encoding === "proto" ? "proto" : "http";
const options = packing === "gzip" ? { compression: "gzip" } : {};
const { OTLPTraceExporter } = load(`@opentelemetry/exporter-trace-otlp-${suffix}`);
const { OTLPLogExporter } = load(`@opentelemetry/exporter-logs-otlp-${suffix}`);
const { OTLPMetricExporter } = load(`@opentelemetry/exporter-metrics-otlp-${suffix}`);

const name = ["js", encoding, packing].filter(Boolean).join("-");
const resource = (part) => resourceFromAttributes({ "service.name": `${name}-${part}`, "service.version": "1.2.3" });
const failures = [];
// An exporter that failed says so to whoever processes its batches; here it is remembered.
function watched(exporter) {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      if (result.code !== 0) failures.push(result.error ? result.error.message : "an export failed");
      done(result);
    });
  return exporter;
}

const tracer = (part) => {
  const processor = new BatchSpanProcessor(watched(new OTLPTraceExporter(options)));
  return new NodeTracerProvider({ resource: resource(part), spanProcessors: [processor] });
};
const exporter = watched(new OTLPLogExporter(options));
let processor;
try {
  processor = new BatchLogRecordProcessor({ exporter });
} catch {
  processor = new BatchLogRecordProcessor(exporter);
}
const logs = new LoggerProvider({ resource: resource("back"), processors: [processor] });
const reader = new PeriodicExportingMetricReader({
  exporter: watched(new OTLPMetricExporter(options)),
  exportIntervalMillis: 60000,
});
const metrics = new MeterProvider({ resource: resource("back"), readers: [reader] });

async function main() {
  const front = tracer("front");
  const back = tracer("back");
  const meter = metrics.getMeter("report");
  const orders = meter.createCounter("orders", { unit: "{order}" });
  const took = meter.createHistogram("order.duration", { unit: "ms" });
  meter.createObservableGauge("queue.depth", { unit: "{item}" }).addCallback((result) => result.observe(7));

  for (let number = 0; number < 3; number += 1) {
    const asked = front.getTracer("report").startSpan("ask", { kind: SpanKind.CLIENT });
    const within = trace.setSpan(context.active(), asked);
    const done = back.getTracer("report").startSpan("answer", { kind: SpanKind.SERVER }, within);
    done.setAttribute("order.number", number);
    if (number === 2) done.setStatus({ code: SpanStatusCode.ERROR, message: "out of stock" });
    logs.getLogger("report").emit({
      severityNumber: number === 2 ? SeverityNumber.ERROR : SeverityNumber.INFO,
      severityText: number === 2 ? "ERROR" : "INFO",
      body: `order ${number}`,
      context: trace.setSpan(within, done),
    });
    orders.add(1);
    took.record(10 * (number + 1));
    done.end();
    asked.end();
  }
  await Promise.all([front.shutdown(), back.shutdown(), logs.shutdown(), metrics.shutdown()]);
  if (failures.length) throw new Error(failures.join("; "));
  console.log("reported");
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
