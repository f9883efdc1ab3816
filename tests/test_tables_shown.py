"""Every one of the 26 tables is shown by a page, and the table of who shows and who writes it is printed (`-s`)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import db.models
import db.queries
from db.base import Base
from db.claims import PUBLISHED
from db.listing import LISTINGS
from db.reasons import TABLES as BESIDE
from db.services.recipes import RECIPES
from db.services.table_import import TABLES as FROM_FILES
from i18n import declared
from tests.reader import Reader, words

ROOT = Path(__file__).resolve().parent.parent
assert db.models and db.queries.__all__
# Tables that a page of the fleet shows without a list of the modules' kind.
BY_FLEET_PAGES = {"agents": ("/agents", "agents", "Agent")}
# Who writes a table besides files: the source that does, and how people come to it.
WRITERS = {
    "agents": ("db/services/ingest.py", "seed, import otlp, import network, serve (own parts)"),
    "agent_connections": ("db/services/network.py", "import otlp, import network, serve (own parts)"),
    "agent_logs": ("db/services/measure.py", "serve (the collector)"),
    "api_keys": ("db/services/api_keys.py", "the page of keys, key create"),
    "api_logs": ("db/services/api_logs.py", "every call of a program"),
    "audit_log": ("db/recorder.py", "every change by a person, sign-in, sign-out, imports, seed"),
    "network_nodes": ("db/services/network.py", "seed, import otlp, import network, serve (own parts)"),
    "profiles": ("db/services/accounts.py", "sign-up, user create"),
    "rate_limits": ("db/services/rate_limits.py", "the first call of a key at an address"),
    "system_metrics": ("db/services/measure.py", "serve (the collector)"),
    "user_sessions": ("db/services/user_sessions.py", "sign-in, sign-up"),
    "user_stats": ("db/services/accounts.py", "sign-up, user create"),
}
NOBODY_YET: set[str] = set()


def tables() -> list[str]:
    return sorted(set(Base.metadata.tables) - set(BESIDE))


def model_of(table: str) -> str:
    return next(
        mapper.class_.__name__ for mapper in Base.registry.mappers if mapper.local_table.name == table
    )


def modules() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and lists of every module, as its page declares them."""
    for path in sorted((ROOT / "pages").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Module":
                given = {word.arg: word.value for word in node.keywords}
                yield ast.literal_eval(given["name"]), ast.literal_eval(given["listings"])


def shown_by() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for module, lists in modules():
        reached = [*lists, *[child.listing.name for name in lists for child in LISTINGS[name].children]]
        for name in dict.fromkeys(reached):
            where = f"/{module}?list={name}" if name in lists else f"/{module}/{lists[0]}/…"
            table = LISTINGS[name].model.__tablename__
            found.setdefault(table, []).append(where)
    for table, (where, _, _) in BY_FLEET_PAGES.items():
        found.setdefault(table, []).append(where)
    return found


def written_by(table: str) -> str:
    ways = [WRITERS[table][1]] if table in WRITERS else []
    if table in FROM_FILES:
        recipes = [recipe.name for recipe in RECIPES.values() if recipe.table == table]
        ways.append(f"import table {table}" + (f" (--recipe {', '.join(recipes)})" if recipes else ""))
    return "; ".join(ways) or "nobody yet"


def test_every_table_is_shown_and_the_table_is_printed() -> None:
    shown = shown_by()
    print(f"\n{PUBLISHED['tables']} tables: shown by, written by")
    for table in tables():
        print(f"  {table:<18} {' '.join(shown.get(table, ['—'])):<46} {written_by(table)}")
    assert len(tables()) == PUBLISHED["tables"]
    assert set(shown) == set(tables())
    assert {table for table in tables() if written_by(table) == "nobody yet"} == NOBODY_YET


@pytest.mark.parametrize("table", sorted(WRITERS))
def test_who_is_said_to_write_a_table_does(table: str) -> None:
    source = (ROOT / WRITERS[table][0]).read_text()
    assert re.search(rf"\b{model_of(table)}\(|insert\({model_of(table)}\b", source), table


@pytest.mark.databases("sqlite")
def test_every_list_of_every_module_opens(client: Any) -> None:
    reader = Reader(client)
    make_admin(client)
    for module, lists in modules():
        outputs = f"..{module}-top.children...{module}-list.children...{module}-menus.children.."
        for name in lists:
            answer = reader.post(outputs, {"url.search": f"?list={name}&lang=en"})
            assert answer.status_code == 200, answer.text
            drawn = answer.get_json()["response"][f"{module}-list"]["children"]
            said = words(drawn)
            assert declared(LISTINGS[name].title, "en") in said, (module, name, said)
    for where, page, _ in BY_FLEET_PAGES.values():
        assert client.get(where).status_code == 200, page


def make_admin(client: Any) -> None:
    """The first person to sign up, made administrator as the command line would."""
    from pages._view import ENGINE
    from tests.module_rows import promote
    from tests.sessions import session

    with session(client.application.config[ENGINE], write=True) as unit:
        promote(unit, "alice", "admin")


def test_no_page_offers_a_file_for_a_table_that_takes_none() -> None:
    offered = {
        (path.name, table)
        for path in sorted((ROOT / "pages").glob("*.py"))
        for table in re.findall(r"quantum import table (\w+)", path.read_text())
    }
    assert not [each for each in offered if each[1] not in FROM_FILES]
    for path in sorted((ROOT / "pages").glob("*.py")):
        for name in re.findall(r"--recipe ([\w-]+)", path.read_text()):
            assert name in RECIPES, (path.name, name)
