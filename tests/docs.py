"""`python -m tests.docs` writes the generated documents, counting on SQLite and a real PostgreSQL."""

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from db.docs import write_docs
from tests import postgres
from tests.databases import Databases

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main() -> int:
    with ExitStack() as stack:
        url = os.environ.get("QUANTUM_TEST_DATABASE_URL")
        if not url:
            try:
                server = postgres.start()
            except postgres.NoPostgres as error:
                print(f"The documents were not written: {error}.", file=sys.stderr)
                return 1
            stack.callback(server.stop)
            url = server.url
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        databases = Databases(folder, lambda: url)
        stack.callback(databases.close)
        urls = [stack.enter_context(databases.migrated(kind)) for kind in ("postgresql", "sqlite")]
        for path in write_docs(DOCS, urls):
            print(f"Wrote {path.relative_to(DOCS.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
