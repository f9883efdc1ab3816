"""The doors for machines: ingest beside two peers, reading while programs report, a flood, and what all can answer."""

from bench import answers, flood, ingest, reading
from bench.report import Row


def measure() -> list[Row]:
    return [*ingest.measure(), *reading.measure(), *flood.measure(), *answers.measure()]
