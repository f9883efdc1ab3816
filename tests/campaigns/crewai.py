"""CrewAI's lines of docs/connect.md, run as they stand there (`make test-crewai`).

Apart from `make test`, because the environment takes 860 MB. A crew whose model is scripted reports to a served
application; its two agents have to appear, each called by the program.
"""

import sys
import tempfile
from pathlib import Path

from sqlalchemy import select

from db.engine import make_engine
from db.models import Agent, Call
from tests.clients.conftest import run
from tests.clients.document import sections
from tests.clients.install import NotInstalled, install_crewai
from tests.databases import Databases
from tests.served import clean, make_key, served
from tests.sessions import session

HERE = Path(__file__).resolve().parents[1] / "clients" / "frameworks"
SERVICE = "connect-crewai"
AGENTS = {f"{SERVICE}/researcher", f"{SERVICE}/writer"}


def main() -> int:
    try:
        python = install_crewai()
    except NotInstalled as error:
        print(f"CrewAI is not tested: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="quantum-crewai-") as name:
        folder = Path(name)
        databases = Databases(folder, lambda: "")
        with databases.migrated("sqlite") as url, served(url, folder) as server:
            engine = make_engine(url)
            _, token = make_key(engine)
            told = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
                "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{token}",
                "OTEL_SERVICE_NAME": SERVICE,
                "CREWAI_DISABLE_TELEMETRY": "true",  # else it reports to its makers, from an environment that cannot
                "HOME": name,
            }
            program = folder / "program.py"
            lines = sections()["CrewAI"].block("python")
            program.write_text(lines + (HERE / "newsroom_crewai.py").read_text())
            said = run([str(python), str(program)], clean(told), folder)
            with session(engine) as unit:
                known = set(unit.scalars(select(Agent.id).where(Agent.origin == "telemetry")))
                of_theirs = select(Call.caller_id, Call.callee_id).where(Call.callee_id.in_(known))
                calls = sorted((caller, callee) for caller, callee in unit.execute(of_theirs))
            engine.dispose()
    print(f"CrewAI: {said.strip()[-60:]!r}; agents {sorted(known)}; calls {calls}")
    return 0 if known >= AGENTS and {callee for _, callee in calls} >= AGENTS else 1


if __name__ == "__main__":
    sys.exit(main())
