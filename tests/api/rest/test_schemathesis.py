"""A short seeded run of what `make fuzz` does at length: every route of /api/v1 against its own description."""

from flask.testing import FlaskClient

from tests.api.rest.conformity import try_out
from tests.api.rest.conftest import Programs

EACH = 8
SEED = 20261127


def test_no_route_answers_what_its_description_does_not_say(
    client: FlaskClient, program: Programs, fleet: None
) -> None:
    report = try_out(client.application, program().token, EACH, SEED)
    print(f"\n{report}")
    assert not report.failures, "\n\n".join(report.failures)
    assert report.cases > 200 and report.statuses[200] > 50 and report.statuses[422] > 50
