"""`make mutate-access`: break every rule, one at a time, and see whether the matrix notices.

`python -m tests.access.mutate grant policy` takes the kinds whose names begin so. Exit 1 when one is not noticed.
"""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from db.engine import make_engine
from tests import postgres
from tests.access.conftest import connect
from tests.access.mutants import of_declaration, of_schema
from tests.access.world import World, build
from tests.databases import Databases


def main(kinds: Sequence[str]) -> int:
    begin = perf_counter()
    noticed: Counter[str] = Counter()
    survivors: list[str] = []
    tried = 0
    with ExitStack() as stack:
        databases = databases_of_its_own(stack)
        urls = {kind: stack.enter_context(databases.migrated(kind)) for kind in ("postgresql", "sqlite")}
        worlds = {kind: stored_world(url) for kind, url in urls.items()}
        connection = stack.enter_context(connect(urls["postgresql"]))
        broken = [
            *(
                (each, lambda each=each: each.noticed(connection, worlds["postgresql"]))
                for each in of_schema()
            ),
            *(
                (each, lambda each=each: each.noticed(urls["sqlite"], worlds["sqlite"]))
                for each in of_declaration()
            ),
        ]
        for mutant, look in broken:
            if kinds and not mutant.kind.startswith(tuple(kinds)):
                continue
            tried += 1
            if look():
                noticed[mutant.kind] += 1
            else:
                survivors.append(f"{mutant.kind}: {mutant.what} of {mutant.table}")
                print(f"NOT NOTICED {survivors[-1]}", flush=True)
    for kind, count in sorted(noticed.items()):
        print(f"{count:5} {kind}")
    print(f"{sum(noticed.values())} of {tried} mutants noticed in {perf_counter() - begin:.0f} s.")
    return 1 if survivors or not tried else 0


def databases_of_its_own(stack: ExitStack) -> Databases:
    url = os.environ.get("QUANTUM_TEST_DATABASE_URL")
    if not url:
        server = postgres.start()
        stack.callback(server.stop)
        url = server.url
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quantum-mutants-")))
    databases = Databases(folder, lambda: url)
    stack.callback(databases.close)
    return databases


def stored_world(url: str) -> World:
    engine = make_engine(url)
    try:
        return build(engine)
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
