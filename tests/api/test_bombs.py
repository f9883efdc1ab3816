"""Small bodies that would become large ones: refused, within memory that is bounded by the system itself."""

import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.exceptions import RequestEntityTooLarge

import api.bodies
from api.bodies import received_body

ROOT = Path(__file__).resolve().parents[2]
MIB = 2**20
# Each case is decoded in a process that may take 400 MiB more than it has; a parser that takes more ends it.
DECODE = """
import resource, sys
from flask import Flask
from werkzeug.exceptions import HTTPException
import api.otlp
from db.services.otlp_requests import Signal
from db.services.otlp_values import Invalid

def field(number, body):
    size, told = len(body), bytearray()
    while size > 127:
        told.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2]) + bytes([*told, size]) + body

BODIES = {
    "empty resources": lambda: field(1, b"") * (8 << 20),
    "empty scopes": lambda: field(1, field(2, b"") * (8 << 20)),
    "empty items": lambda: field(1, field(2, field(2, b"") * (8 << 20))),
    "empty attributes": lambda: field(1, field(2, field(2, field(9, b"") * (1 << 20)) * 7)),
    "empty points": lambda: field(1, field(2, field(2, field(5, field(1, b"") * (1 << 20))) * 7)),
    "empty resource attributes": lambda: field(1, field(1, field(1, b"") * (7 << 20))),
    "lists": lambda: b"[" + b"[]," * 5_500_000 + b"[]]",
    "objects": lambda: b'{"a":[' + b'{"a":{}},' * 390_000 + b"0]}",
    "deep": lambda: b"[" * 10_000_000,
}
signal, case = Signal(sys.argv[1]), sys.argv[2]
body = BODIES[case]()
kind = "application/json" if case in ("lists", "objects", "deep") else "application/x-protobuf"
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 400 * 2**20,) * 2)
with Flask("bombs").test_request_context(method="POST", content_type=kind):
    try:
        found = api.otlp._decoded(signal, body)
        told = sum(each.count for each in found if isinstance(each, Invalid))
        print("refused items" if told == len(found) else "taken")
    except (Invalid, HTTPException) as error:
        print(type(error).__name__, str(error)[:60])
"""
CASES = ("empty resources", "empty scopes", "empty items", "empty attributes", "empty points",
         "empty resource attributes", "lists", "objects", "deep")  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory limits: not Linux")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_a_body_made_of_nothing_costs_no_more_than_its_share(signal: str, case: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DECODE, signal, case],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.split(" ")[0].strip() in (
        "Invalid",
        "413",
        "RequestEntityTooLarge",
        "refused",
        "taken",
    )


def test_a_gzip_bomb_is_left_after_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.bodies, "LARGEST", 2 * MIB)
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(MIB)
    bomb = b"".join(pack.compress(zeros) for _ in range(1024)) + pack.flush()
    assert len(bomb) < 2 * MIB, "it would pass by its own size"
    options = {"method": "POST", "data": bomb, "headers": {"Content-Encoding": "gzip"}}
    with Flask("bombs").test_request_context(**options):
        tracemalloc.start()
        try:
            with pytest.raises(RequestEntityTooLarge), received_body():
                pass
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 8 * MIB, "a gigabyte was never there"
