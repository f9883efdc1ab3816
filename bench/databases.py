"""The databases and the telemetry that measurements stand on: the real shop minute, or one of the same shape."""

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson

from bench.report import CACHE, ROOT
from tests import postgres
from tests.databases import KINDS, Databases

SHOP = "data/traces/onlineboutique-2022-08-22-0353.otlp.jsonl.gz"
MADE_TRACES, MADE_SPANS, PER_REQUEST = 497, 23_019, 512
TREE = (
    "frontend",
    "productcatalog",
    "currency",
    "cart",
    "recommendation",
    "shipping",
    "ad",
    "checkout",
    "payment",
    "email",
)

__all__ = ["KINDS", "databases", "shop_minute"]


@contextmanager
def databases() -> Iterator[Databases]:
    """Makes databases of both kinds in a folder and on a server of their own, all gone afterwards."""
    named = os.environ.get("QUANTUM_TEST_DATABASE_URL")
    server = None if named else postgres.start()
    with tempfile.TemporaryDirectory(prefix="quantum-bench-") as folder:
        made = Databases(Path(folder), lambda: named or (server.url if server else ""))
        try:
            yield made
        finally:
            made.close()
            if server is not None:
                server.stop()


def shop_minute() -> tuple[Path, str]:
    """A file of 23,019 spans and what it is."""
    recorded = Path(os.environ.get("QUANTUM_SHARED") or ROOT.parent / "shared") / SHOP
    if recorded.is_file():
        return recorded, f"the recorded shop minute ({recorded.name})"
    made = CACHE / "made-minute.otlp.jsonl.gz"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        partial = made.with_suffix(".part")
        with gzip.open(partial, "wb", compresslevel=5) as file:
            file.writelines(_requests())
        partial.rename(made)
    return made, "a generated minute of the recorded one's shape (the recorded file is not on this machine)"


def _requests() -> Iterator[bytes]:
    spans = list(_spans())
    for begin in range(0, len(spans), PER_REQUEST):
        by_service: dict[str, list[dict[str, object]]] = {}
        for service, span in spans[begin : begin + PER_REQUEST]:
            by_service.setdefault(service, []).append(span)
        yield orjson.dumps({"resourceSpans": [_resource(*each) for each in by_service.items()]}) + b"\n"


def _resource(service: str, spans: list[dict[str, object]]) -> dict[str, object]:
    said = {"service.name": service, "k8s.pod.name": f"{service}-0", "telemetry.sdk.language": "go"}
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in said.items()]
    return {"resource": {"attributes": pairs}, "scopeSpans": [{"scope": {"name": "bench"}, "spans": spans}]}


def _spans() -> Iterator[tuple[str, dict[str, object]]]:
    """Request trees: every span below the root has an earlier span of its trace as parent."""
    rng = np.random.default_rng(7)
    begin = 1_661_140_380_000_000_000
    sizes = np.full(MADE_TRACES, MADE_SPANS // MADE_TRACES)
    sizes[: MADE_SPANS % MADE_TRACES] += 1
    for trace, size in enumerate(sizes):
        start = begin + int(rng.integers(60_000_000_000))
        services = [TREE[0]]
        for at in range(size):
            parent = int(rng.integers(at)) if at else -1
            if at:
                services.append(TREE[int(rng.integers(len(TREE)))] if at % 2 else services[parent])
            yield services[at], _span(trace, at, parent, start + at * 1000, int(rng.lognormal(13, 1.5)))


def _span(trace: int, at: int, parent: int, start: int, duration: int) -> dict[str, object]:
    said = {
        "rpc.system": "grpc",
        "rpc.service": "hipstershop.Shop",
        "rpc.method": "Get",
        "net.peer.ip": "192.0.2.7",
    }
    return {
        "traceId": f"{trace + 1:032x}",
        "spanId": f"{(trace + 1) * 1000 + at:016x}",
        **({"parentSpanId": f"{(trace + 1) * 1000 + parent:016x}"} if parent >= 0 else {}),
        "name": "hipstershop.Shop/Get",
        "kind": 2 if at % 2 else 3,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + duration),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in said.items()],
        "status": {},
    }
