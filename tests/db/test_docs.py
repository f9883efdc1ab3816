"""The generated documents are current, and whatever the schema holds is explained."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import reasons
from db.access_docs import access_doc
from db.describe import MODULES, Stats, mapped_classes, module_of, stats_table
from db.docs import data_dictionary, measure, migrations_doc, write_docs
from db.policies import RULES, every_rule
from db.rules import Verb
from db.schema import SchemaError, script, upgrade
from tests.databases import Databases

DOCS = Path(__file__).resolve().parents[2] / "docs"
REMEDY = "run `make docs`"


@pytest.fixture(scope="module")
def found(databases: Databases) -> list[Stats]:
    with databases.migrated("postgresql") as one, databases.migrated("sqlite") as other:
        return [measure(one), measure(other)]


def test_every_table_says_what_it_is_for() -> None:
    silent = [mapped.__name__ for mapped in mapped_classes() if not (mapped.__doc__ or "").strip()]
    assert silent == []


def test_every_column_says_what_it_means() -> None:
    columns = [column for mapped in mapped_classes() for column in mapped.__table__.columns]
    assert len(columns) > 300
    assert [str(column) for column in columns if len((column.doc or "").strip()) < 10] == []


def test_everything_beyond_the_26_tables_gives_its_reason() -> None:
    apart = [mapped.__table__ for mapped in mapped_classes() if module_of(mapped) not in MODULES]
    assert {table.name for table in apart} == set(reasons.TABLES)
    columns = {str(column) for table in apart for column in table.columns}
    assert columns == {name for name in reasons.COLUMNS if name.split(".")[0] in reasons.TABLES}
    everywhere = {str(column) for mapped in mapped_classes() for column in mapped.__table__.columns}
    assert set(reasons.COLUMNS) <= everywhere


def test_every_revision_says_what_it_does_and_how_to_go_back() -> None:
    for revision in script().walk_revisions():
        said = revision.module.__doc__ or ""
        assert re.match(r"[A-Z].{10,}\.\n\n", said), revision.revision
        assert "Rolling back drops" in said, revision.revision


def test_the_data_dictionary_is_current() -> None:
    assert (DOCS / "data-dictionary.md").read_text(encoding="utf-8") == data_dictionary(), REMEDY


def test_the_rules_of_access_are_documented_as_they_ship() -> None:
    assert (DOCS / "access.md").read_text(encoding="utf-8") == access_doc(), REMEDY


def test_every_rule_and_every_table_is_in_the_document() -> None:
    text = access_doc()
    assert not [each.name for each in every_rule() if f"| {each.name} |" not in text]
    assert not [
        mapped.__tablename__ for mapped in mapped_classes() if f"### {mapped.__tablename__}\n" not in text
    ]
    assert "| [sign_in_limits](#sign_in_limits) | – | – | – | – | – | – |" in text, "nobody but the system"


def test_the_document_of_access_holds_each_rule_where_it_belongs() -> None:
    text = access_doc()
    assert f"{len(every_rule())} rules over {len(RULES)} tables" in text
    for table, declared in RULES.items():
        (section,) = re.findall(rf"\n### {table}\n(.*?)(?=\n##|\Z)", text, re.S)
        told = re.findall(
            r"^\| (?:read|add|change|delete) \|(?! nobody).* \| (\w+) \| [\w, ]+ \|$", section, re.M
        )
        assert told == [each.name for each in sorted(declared, key=lambda each: list(Verb).index(each.verb))]


def test_the_document_of_access_gives_the_reason_of_every_addition() -> None:
    text = access_doc()
    assert [each.name for each in every_rule() if each.ours and each.ours not in text] == []


def test_migrations_are_documented_as_both_databases_show_them(found: list[Stats]) -> None:
    assert (DOCS / "migrations.md").read_text(encoding="utf-8") == migrations_doc(found), REMEDY


def test_the_dictionary_names_every_table_and_column_once() -> None:
    text = data_dictionary()
    for mapped in mapped_classes():
        table = mapped.__table__
        section = text.split(f"\n### {mapped.__tablename__}\n")
        assert len(section) == 2, mapped.__tablename__
        rows = re.findall(r"^\| `(\w+)` \|", section[1].split("\n### ")[0], flags=re.MULTILINE)
        assert rows == [column.name for column in table.columns]


def test_tables_of_cells_are_well_formed(found: list[Stats]) -> None:
    for text in (data_dictionary(), migrations_doc(found), access_doc()):
        for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1, block


def test_both_databases_hold_the_same(found: list[Stats]) -> None:
    one, other = found
    assert [
        (table.name, table.columns, table.indexes, table.checks, table.foreign_keys) for table in one.tables
    ] == [
        (table.name, table.columns, table.indexes, table.checks, table.foreign_keys) for table in other.tables
    ]


def test_counts_are_read_from_the_database_not_from_the_models(engine: Engine, migrated_url: str) -> None:
    before = measure(migrated_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE zebra (id integer PRIMARY KEY, n integer CHECK (n > 0))")
        connection.exec_driver_sql("DROP INDEX idx_profiles_role")
    after = measure(migrated_url)
    assert [table.name for table in after.apart()] == [*(table.name for table in before.apart()), "zebra"]
    assert (
        sum(table.explicit for table in after.of_modules())
        == sum(table.explicit for table in before.of_modules()) - 1
    )
    printed = stats_table(after)
    written_out = sum(table.explicit for table in after.of_modules())
    assert re.search(rf"^  written out +{written_out} ", printed, flags=re.MULTILINE)
    assert "zebra" in printed


def test_documents_are_written_where_asked(tmp_path: Path, migrated_url: str) -> None:
    written = write_docs(tmp_path / "new", [migrated_url])
    assert [path.name for path in written] == ["data-dictionary.md", "migrations.md", "access.md"]
    assert all(path.stat().st_size > 5000 for path in written)


def test_a_database_at_another_revision_is_refused(tmp_path: Path, database_url: str) -> None:
    upgrade(database_url, "20261122_crm")
    with pytest.raises(SchemaError, match="quantum migrate"):
        write_docs(tmp_path, [database_url])
    assert list(tmp_path.iterdir()) == []
