"""The house keeps its order: who may know whom, what no file may say, how long a file may grow."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("api", "auth", "components", "db", "pages", "workers")
CLI = {
    "cli",
    "cli_base",
    "cli_bootstrap",
    "cli_factor",
    "cli_import",
    "cli_key",
    "cli_links",
    "cli_months",
    "cli_rollup",
    "cli_user",
    "cli_verify",
    "cli_work",
}
TOP_MODULES = ("app", *sorted(CLI), "settings", "i18n", "logs", "terminal")
LONGEST_FILE = 450
SQL = {"sqlalchemy", "alembic", "psycopg", "sqlite3"}
WEB = {"dash", "dash_bootstrap_components", "flask", "flask_login", "flask_wtf"}
FORBIDDEN = {
    "db": WEB | {"plotly", "components", "pages", "auth", "api", "workers", "app", "i18n"} | CLI,
    "components": SQL
    | {"flask", "flask_login", "flask_wtf", "db", "pages", "auth", "api", "workers", "app"}
    | CLI,
    "auth": SQL | {"dash", "plotly", "components", "pages", "api", "workers", "app"} | CLI,
    "api": SQL | {"dash", "plotly", "components", "pages", "workers", "app"} | CLI,
    "pages": SQL | {"api", "workers", "app"} | CLI,
    "workers": SQL | WEB | {"plotly", "components", "pages", "auth", "api", "app"} | CLI,
    "app": SQL,
    "cli": SQL | {"components", "pages"},
    # The groups of commands are introduced by cli, as the rooms are by app.
    **{name: SQL | {"components", "pages", "app", "cli"} for name in sorted(CLI - {"cli"})},
    "settings": SQL | WEB | {*ROOMS, *CLI, "app", "i18n"},
    "i18n": SQL | WEB | {*ROOMS, *CLI, "app"},
    "logs": SQL | WEB | {*ROOMS, *CLI, "app"},
    "terminal": SQL | WEB | {*ROOMS, *CLI, "app"},
}
# Spelled in parts, so that this file does not say what it forbids.
REGISTRIES = tuple(".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org")))
INDEX_OPTION = re.compile(r"(?m)^\s*(-i\b|-f\b|--(extra-)?index-url|--find-links|--trusted-host)")
SOMEBODYS_FOLDER = re.compile(r"(?<![\w.:/~])/(?:home|Users|root|work)/\w")


def tracked_files() -> list[Path]:
    """Every file that is, or is about to be, part of the project."""
    if not (ROOT / ".git").exists():
        pytest.skip(
            "what the files say: this copy is no git clone, so nobody knows which files are the project's"
        )
    # The clone may belong to another account than the one that tests it.
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    environments = {path.parent for path in ROOT.glob("*/pyvenv.cfg")}
    files = [ROOT / name for name in names if name]
    return [path for path in files if path.is_file() and not environments.intersection(path.parents)]


def product_files() -> list[Path]:
    """The code that users run, migrations aside."""
    modules = [path for name in TOP_MODULES if (path := ROOT / f"{name}.py").exists()]
    return modules + [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imported(source: str) -> Iterator[str]:
    """The full name of every module a source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wrong_imports(path: str, source: str) -> set[str]:
    """What the file of this path, relative to the repository, imports and may not know."""
    room = Path(path).parts[0].removesuffix(".py")
    names = set(imported(source))
    wrong = {name.split(".")[0] for name in names} & FORBIDDEN[room]
    if room == "pages":
        wrong |= {name for name in names if re.match(r"pages\.[^_]", name)}
    return wrong


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("pages/map.py", "from sqlalchemy.orm import Session"),
        ("pages/map.py", "def view():\n    from pages.agents import table"),
        ("pages/map.py", "from pages import agents"),
        ("db/engine.py", "import flask"),
        ("components/cards.py", "from db.metric import Reading"),
        ("settings.py", "import db"),
        ("cli_user.py", "from cli import quantum"),
        ("auth/people.py", "from cli_user import user"),
    ],
)
def test_a_wrong_import_is_seen(path: str, source: str) -> None:
    assert wrong_imports(path, source)


def test_a_right_import_is_let_through() -> None:
    assert not wrong_imports(
        "pages/map.py", "from pages._view import View\nfrom pages import _proof\nimport db.metric"
    )


@pytest.mark.parametrize("path", product_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_room_knows_only_whom_it_may(path: Path) -> None:
    assert not wrong_imports(path.relative_to(ROOT).as_posix(), path.read_text())


def test_every_module_beside_the_rooms_is_known() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} == set(TOP_MODULES)


def test_every_room_says_its_one_job() -> None:
    silent = [
        room
        for room in ROOMS
        if (ROOT / room).is_dir()
        and not ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text()))
    ]
    assert not silent


def test_no_file_outgrows_its_subject() -> None:
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in product_files()
    }
    assert not {name: count for name, count in lines.items() if count > LONGEST_FILE}


def test_no_file_names_a_package_registry_or_somebodys_folder() -> None:
    said = []
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        folder = SOMEBODYS_FOLDER.search(text)
        found = [host for host in REGISTRIES if host in text] + ([folder.group()] if folder else [])
        said += [f"{path.relative_to(ROOT)}: {word}" for word in found]
    assert not said


def pins(name: str) -> dict[str, str]:
    """Package to version in a requirements file."""
    found = re.findall(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;]+)", (ROOT / name).read_text())
    return {package.lower().replace("_", "-"): version for package, version in found}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_by_hash_and_by_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not INDEX_OPTION.search(text)
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert len(entries) == len(pins(name))
    assert not [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]


def test_the_pins_hold_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    asked = {re.split(r"[\[=<>~! ]", text)[0] for text in project["project"]["dependencies"]}
    asked_dev = {re.split(r"[\[=<>~! ]", text)[0] for text in project["dependency-groups"]["dev"]}
    assert asked <= run.keys(), "run `make lock`"
    assert asked_dev <= dev.keys(), "run `make lock`"
    assert run.items() <= dev.items(), "the tests must run on the versions that users get; run `make lock`"


def test_every_setting_is_in_the_example_and_the_example_names_no_other() -> None:
    words = re.compile(r"\bQUANTUM_[A-Z_]+\b")
    example = (ROOT / ".env.example").read_text()
    code = "".join(
        path.read_text()
        for path in (*product_files(), *(ROOT / "tests").glob("*.py"))
        if path != Path(__file__)
    )
    assert set(words.findall((ROOT / "settings.py").read_text())) <= set(words.findall(example))
    assert set(words.findall(example)) <= set(words.findall(code))


def test_the_example_holds_no_secret() -> None:
    assert re.search(r"(?m)^#QUANTUM_SECRET_KEY=$", (ROOT / ".env.example").read_text())
