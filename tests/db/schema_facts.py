"""The schema facts (schema/tables.yaml) as this project is to build them: published facts with their target applied."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

# A check in a form that is the same however a database writes it down.
CheckMeaning = tuple[Any, ...]


@dataclass
class TargetTable:
    """One table as tables.yaml wants it."""

    name: str
    module: str
    purpose: str
    touched: bool
    columns: dict[str, dict[str, Any]]
    primary_key: list[str]
    foreign_keys: dict[str, tuple[str, str]]
    uniques: set[tuple[str, ...]]
    checks: dict[str, CheckMeaning]
    indexes: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)


def load(shared: Path) -> tuple[dict[str, TargetTable], dict[str, Any]]:
    """The tables by name, and the whole file."""
    facts = yaml.safe_load((shared / "schema" / "tables.yaml").read_text(encoding="utf-8"))
    arithmetic = facts["counts"]["index_arithmetic"]
    left_out = {*arithmetic["removed_as_redundant"], *arithmetic["replaced_by_unique"]}
    return {table["name"]: _target(table, left_out) for table in facts["tables"]}, facts


def _target(table: dict[str, Any], left_out: set[str]) -> TargetTable:
    target = table.get("target", {})
    restated = target.get("columns", []) + target.get("columns_add", []) + target.get("columns_change", [])
    columns = {column["name"]: dict(column) for column in table["columns"]}
    for column in restated:
        columns[column["name"]] = columns.get(column["name"], {"default": None}) | column
    return TargetTable(
        name=table["name"],
        module=table["module"],
        purpose=table["purpose"],
        touched=table["touch_updated_at"],
        columns=columns,
        primary_key=table["primary_key"],
        foreign_keys=_foreign_keys(table, target, restated),
        uniques=_uniques(table, target, restated),
        checks=_checks(table, target, restated),
        indexes={
            index["name"]: (tuple(index["columns"]), canonical_sql(index.get("where", "")))
            for index in table["indexes"] + target.get("indexes_add", [])
            if index["name"] not in left_out
        },
    )


def _foreign_keys(
    table: dict[str, Any], target: dict[str, Any], restated: list[Any]
) -> dict[str, tuple[str, str]]:
    found = {key["column"]: (key["references"], key["on_delete"]) for key in table["foreign_keys"]}
    for key in target.get("foreign_keys", []):
        found[key["column"]] = (found[key["column"]][0], key["on_delete"])
    for column in target.get("foreign_keys_remove", []):
        del found[column]
    return found | {
        key["name"]: (key["references"], key["on_delete"]) for key in restated if "references" in key
    }


def _uniques(table: dict[str, Any], target: dict[str, Any], restated: list[Any]) -> set[tuple[str, ...]]:
    found = {unique["name"]: tuple(unique["columns"]) for unique in table["unique"]}
    if table["name"] == "profiles":
        found["profiles_username_key"] = ("lower(username)",)  # "compared in lower case"
    found |= {unique["name"]: tuple(unique["columns"]) for unique in target.get("unique_replace", [])}
    added = {tuple(unique["columns"]) for unique in target.get("unique_add", [])}
    return {*found.values(), *added, *((column["name"],) for column in restated if column.get("unique"))}


def _checks(table: dict[str, Any], target: dict[str, Any], restated: list[Any]) -> dict[str, CheckMeaning]:
    by_name = {check["name"]: dict(check) for check in table["checks"]}
    by_column = {check.get("column"): name for name, check in by_name.items()}
    for column in restated:
        rule = {key: column[key] for key in ("one_of", "min", "max") if key in column}
        if rule:
            name = by_column.get(column["name"], f"{table['name']}_{column['name']}_check")
            by_name[name] = {"name": name, "column": column["name"], **rule}
    for check in target.get("checks_change", []):
        by_name[check["name"]] |= check
    for name in target.get("checks_remove", []):
        del by_name[name]
    by_name |= {check["name"]: check for check in target.get("checks_add", [])}
    return {name: _meaning(check) for name, check in by_name.items()}


def _meaning(check: dict[str, Any]) -> CheckMeaning:
    if check["name"] == "invoices_total_consistent":
        # total = amount + tax, in whole cents, because SQLite has no decimals.
        return ("text", canonical_sql("ROUND(total*100)=ROUND(amount*100)+ROUND(tax*100)"))
    if check.get("rule") == "differ":
        return ("text", canonical_sql("<>".join(check["columns"])))
    if "rule" in check:
        return ("text", canonical_sql(check["rule"]))
    if "one_of" in check:
        return ("one of", check["column"], frozenset(check["one_of"]))
    signs = {"min": ">=", "max": "<=", "greater_than": ">", "less_than": "<", "not_equal": "<>"}
    return (
        "range",
        check["column"],
        frozenset((signs[key], Decimal(check[key])) for key in signs if key in check),
    )


def canonical_check(sql: str) -> CheckMeaning:
    """The meaning of a check as a database gives it back."""
    plain = canonical_sql(sql)
    values = re.fullmatch(r"(\w+)in((?:'[^']*',?)+)", plain)
    if values:
        return ("one of", values[1], frozenset(re.findall(r"'([^']*)'", values[2])))
    parts = [re.fullmatch(r"(\w+)(>=|<=|<>|>|<)(-?[\d.]+)", part) for part in plain.split("&")]
    if all(parts) and len({part[1] for part in parts if part}) == 1:
        return ("range", parts[0][1], frozenset((part[2], Decimal(part[3])) for part in parts if part))  # type: ignore[index]
    return ("text", plain)


def canonical_sql(sql: str) -> str:
    """Without casts, brackets, spaces and upper case outside quotes, PostgreSQL's ANY written as IN, AND as &."""
    sql = re.sub(
        r"::(?:timestamp with(?:out)? time zone|double precision|character varying|\w+)(?:\[\])?", "", sql
    )
    sql = re.sub(r"= ANY \(+ARRAY\[(.*?)\]\)*", r"IN (\1)", sql)
    pieces = re.split(r"('[^']*')", re.sub(r"\bAND\b", "&", sql))
    return "".join(
        piece if piece.startswith("'") else re.sub(r"[\s()]", "", piece).lower() for piece in pieces
    )
