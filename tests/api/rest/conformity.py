"""Every route of /api/v1 against its own description, with requests that schemathesis makes of it.

What is sent is right by the description, or wrong in one way; what comes back must be an answer that is described, of
the described kind and shape, and never a 500.
"""

import random
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks

from db.metric import METRICS
from tests.api.rest.program import PREFIX

WINDOWS = ("all", "24h", "7d", "2022-08-22T03:53:00Z/2022-08-22T03:54:00Z", "2023-11-14/2023-11-15")
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# What a right request asks for: mostly what is there, for a made up name is answered with 404 alone.
KNOWN = {
    "agent": ("shop", "till", "shop", "till", "nobody", "service/agent", "a b", "ü", "-", "x" * 300),
    "key": (*METRICS, "spans.cuont"),
}


@dataclass
class Report:
    """What was tried and what did not hold."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        spread = ", ".join(f"{status} {count:,}" for status, count in sorted(self.statuses.items()))
        return f"REST: {self.cases:,} requests, {len(self.failures)} failures; answers: {spread}"


def try_out(app: Any, token: str, examples: int, start: int, only: str = "") -> Report:
    """Send `examples` right and as many wrong requests to every operation; the same ones for the same `start`."""
    schemathesis.openapi.format("window", st.sampled_from(WINDOWS))
    schemathesis.openapi.format("cursor", st.just(""))
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    config = schemathesis.Config()
    config.projects.default.generation.update(with_security_parameters=False)  # the key stays the right one
    loaded = schemathesis.openapi.from_wsgi(f"{PREFIX}/openapi.json", app, headers=headers, config=config)
    report = Report()
    for found in loaded.include(path_regex=f"^{PREFIX}").get_all_operations():
        operation = found.ok()
        if only not in operation.label:
            continue
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            _try_operation(operation, mode, headers, examples, start, report)
    return report


def _try_operation(
    operation: Any, mode: Any, headers: dict[str, str], examples: int, start: int, report: Report
) -> None:
    @seed(random.Random(f"{start} {operation.label} {mode}").getrandbits(64))
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Any, data: Any) -> None:
        for name in set(case.path_parameters or {}) & set(KNOWN) if mode.is_positive else ():
            case.path_parameters[name] = data.draw(st.sampled_from(KNOWN[name]))
        answer = case.call(headers=headers)
        report.cases += 1
        report.statuses[answer.status_code] += 1
        assert answer.status_code < 500, answer.text
        assert answer.status_code not in (401, 403, 429), answer.text
        wanted = [*CHECKS, *([checks.negative_data_rejection] if mode.is_negative else [])]
        case.validate_response(answer, checks=wanted, headers=headers)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ask()
    except (Exception, BaseExceptionGroup) as error:  # whatever it is, it is a finding
        said = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
        if (
            type(error).__name__ in ("Unsatisfiable", "UnsatisfiableParameter")
            or "no negative" in str(error).lower()
        ):
            return
        report.failures.append(
            f"{operation.label} ({mode.name.lower()}): {type(said).__name__}: {said}"[:2000]
        )
