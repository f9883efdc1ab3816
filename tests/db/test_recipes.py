"""The real files through their recipes: what is stored agrees with facts.json, once or twice."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from db import queries  # noqa: F401 - fills the registry
from db.engine import make_engine
from db.metric import Window, read
from db.models import AiModel, ApiLog, Deal, Invoice, SecurityEvent, SocialPost, SupportTicket
from db.services.recipes import RECIPES
from db.services.recipes.base import Options
from db.services.table_import import TableReport, import_table
from tests.databases import Databases
from tests.sessions import session

FILES = {
    "bank-campaign": ("crm-bank-marketing.csv.gz",),
    "incidents": ("support-incident-events.csv.gz",),
    "facebook-posts": ("social-facebook-live-sellers.csv.gz",),
    "online-retail": (
        "finance-online-retail-2010-12-01.csv.gz",
        "finance-online-retail-2010-12-02.csv.gz",
    ),
    "access-log": ("access-log-2015.log.gz",),
    "sshd-log": ("security-auth.log.gz",),
    "model-benchmarks": ("model-benchmarks-edit.yml",),
}
ROWS = {
    "bank-campaign": 10_000,
    "incidents": 890,
    "facebook-posts": 7_050,
    "online-retail": 310,
    "access-log": 10_000,
    "sshd-log": 713,
    "model-benchmarks": 98,
}
Filled = tuple[Engine, dict[str, list[TableReport]]]


@pytest.fixture(scope="module")
def filled(databases: Databases, database_kind: str, shared_data: Path) -> Iterator[Filled]:
    """One database per kind: every file imported twice, and the short ones tried before."""
    folder = shared_data / "data" / "modules"
    with databases.migrated(database_kind) as url:
        engine = make_engine(url)
        reports: dict[str, list[TableReport]] = {}
        for name, files in FILES.items():
            for trial in (True, False, False)[ROWS[name] > 1000 :]:
                asked = Options(recipe=name, dry_run=trial, year=2017)
                paths = [folder / file for file in files]
                reports.setdefault(name, []).append(import_table(engine, RECIPES[name].table, paths, asked))
        yield engine, reports
        engine.dispose()


@pytest.fixture(scope="module")
def facts(shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "data" / "facts.json").read_text())
    return {name.removeprefix("modules/"): fact for name, fact in found.items()}


def value(engine: Engine, key: str, *subject: str) -> Any:
    with session(engine) as unit:
        return read(unit, key, Window.parse("all"), subject).value


def one(engine: Engine, statement: Any) -> Any:
    with session(engine) as unit:
        return unit.execute(statement).scalar_one()


def test_every_recipe_is_tried_here() -> None:
    assert set(RECIPES) == set(FILES)
    for recipe in RECIPES.values():
        assert "→" in str(recipe), f"{recipe.name} does not say which field becomes which column"


def test_a_trial_stores_nothing_and_a_second_import_neither(filled: Filled) -> None:
    _, reports = filled
    assert any(len(each) == 3 for each in reports.values())
    for name, (*before, last) in reports.items():
        assert [(each.stored, each.already, each.refused) for each in before] == [
            (ROWS[name], 0, []) for _ in before
        ], name
        assert (last.stored, last.already, last.refused) == (0, ROWS[name], []), name
        assert {each.skipped for each in before} == {last.skipped}, name


def test_contacts_become_deals(filled: Filled, facts: dict[str, Any]) -> None:
    engine, fact = filled[0], facts["crm-bank-marketing.csv.gz"]
    assert value(engine, "crm.deals") == fact["contacts"]
    assert value(engine, "crm.won_deals") == fact["won_y_yes"]
    assert value(engine, "crm.win_rate") == pytest.approx(100 * fact["win_rate"])
    assert value(engine, "crm.open_deals") == 0
    with session(engine) as unit:
        deal = unit.scalars(select(Deal).where(Deal.client_name == "1")).one()
        balances = unit.scalar(select(func.sum(Deal.meta["balance"].as_integer())))
    assert (deal.status, deal.probability, deal.stage, deal.close_date) == ("lost", None, None, None)
    assert (deal.value, deal.meta["unstated"]) == (0, "value")
    assert {"job": "management", "balance": 2143, "month": "may", "poutcome": "unknown"}.items() <= (
        deal.meta.items()
    )
    assert balances / fact["contacts"] == pytest.approx(fact["balance"]["mean"])


def test_events_become_tickets(filled: Filled, facts: dict[str, Any]) -> None:
    engine, fact = filled[0], facts["support-incident-events.csv.gz"]
    assert value(engine, "support.tickets") == fact["tickets"]
    with session(engine) as unit:
        by_priority = dict(
            unit.execute(select(SupportTicket.priority, func.count()).group_by(SupportTicket.priority)).all()  # type: ignore[arg-type]
        )
        states = set(unit.scalars(select(SupportTicket.status)))
        ticket = unit.scalars(select(SupportTicket).where(SupportTicket.subject == "INC0000045")).one()
        unresolved = unit.scalar(
            select(func.count()).select_from(SupportTicket).where(SupportTicket.resolved_at.is_(None))
        )
    words = {"1 - Critical": "critical", "2 - High": "high", "3 - Moderate": "normal", "4 - Low": "low"}
    assert by_priority == {words[name]: count for name, count in fact["priority"].items()}
    assert states == {"closed"}
    assert unresolved == 29
    assert ticket.created_at and ticket.created_at.isoformat() == "2016-02-29T01:16:00+00:00"
    assert ticket.resolved_at and ticket.resolved_at.isoformat() == "2016-02-29T11:29:00+00:00"
    assert (ticket.description, ticket.sentiment_score) == (None, None)


def test_posts_become_posts(filled: Filled, facts: dict[str, Any]) -> None:
    engine, fact = filled[0], facts["social-facebook-live-sellers.csv.gz"]
    for key, name in {"posts": "posts", "likes": "num_likes", "comments": "num_comments"}.items():
        assert value(engine, f"social.{key}") == fact[name]
    assert value(engine, "social.shares") == fact["num_shares"]
    kind = SocialPost.meta["type"].as_string()
    with session(engine) as unit:
        types = dict(unit.execute(select(kind, func.count()).group_by(kind)).all())  # type: ignore[arg-type]
        reactions = unit.scalar(select(func.sum(SocialPost.meta["num_reactions"].as_integer())))
        post = unit.scalars(select(SocialPost).where(SocialPost.external_id == "1")).one()
    assert types == fact["types"]
    assert reactions == fact["num_reactions"]
    assert post.posted_at and post.posted_at.isoformat() == "2018-04-22T06:00:00+00:00"
    assert (post.platform, post.content, post.author, post.fetched_at) == ("facebook", None, None, None)


def test_lines_become_invoices(filled: Filled, facts: dict[str, Any]) -> None:
    engine = filled[0]
    days = [facts[name] for name in FILES["online-retail"]]
    assert value(engine, "finance.invoices") == sum(day["invoices"] for day in days)
    assert value(engine, "finance.invoice_lines") == sum(day["lines"] for day in days)
    total = sum(Decimal(str(day["net_total"])) for day in days)
    assert Decimal(str(value(engine, "finance.invoiced", ""))) == total
    with session(engine) as unit:
        invoices = unit.scalars(select(Invoice)).all()
    credits = [invoice for invoice in invoices if invoice.invoice_number.startswith("C")]
    assert len(credits) == sum(day["cancelled_invoices_prefix_C"] for day in days)
    assert all(invoice.amount < 0 for invoice in credits)
    customers = {
        (invoice.created_at.date(), invoice.meta["CustomerID"])
        for invoice in invoices
        if invoice.created_at and invoice.meta["CustomerID"]
    }
    assert len(customers) == sum(day["customers"] for day in days)
    for invoice in invoices:
        assert (invoice.tax, invoice.currency, invoice.status, invoice.due_date) == (None,) * 4
        assert sum(Decimal(item["amount"]) for item in invoice.items) == invoice.amount == invoice.total


def test_requests_become_api_logs(filled: Filled, facts: dict[str, Any]) -> None:
    engine, fact = filled[0], facts["access-log-2015.log.gz"]
    assert value(engine, "api.calls") == fact["parsed"]
    assert value(engine, "api.clients") == fact["distinct_clients"]
    assert value(engine, "api.error_share") == pytest.approx(100 * fact["errors_4xx_5xx"] / fact["parsed"])
    with session(engine) as unit:
        for column, counts in ((ApiLog.method, fact["methods"]), (ApiLog.status_code, fact["status"])):
            found = unit.execute(select(column, func.count()).group_by(column)).all()
            assert {str(name): count for name, count in found} == counts
        queried = unit.scalar(select(func.count()).select_from(ApiLog).where(ApiLog.endpoint.contains("?")))
    assert queried == 0
    assert one(engine, select(func.count(ApiLog.response_time_ms))) == 0


def test_log_lines_become_security_events(filled: Filled, facts: dict[str, Any]) -> None:
    engine, reports = filled
    fact = facts["security-auth.log.gz"]
    assert value(engine, "security.failed_logins") == fact["failed_password_lines_with_source"]
    assert value(engine, "security.sources") == fact["distinct_source_ips_of_failures"]
    assert reports["sshd-log"][-1].skipped == fact["lines"] - fact["failed_password_lines_with_source"]
    order = func.count().desc()
    with session(engine) as unit:
        top = unit.execute(
            select(SecurityEvent.ip_address, func.count())
            .group_by(SecurityEvent.ip_address)
            .order_by(order)
            .limit(3)
        ).all()
        user = SecurityEvent.meta["user"].as_string()
        users = unit.execute(select(user, func.count()).group_by(user).order_by(order).limit(3)).all()
        event = unit.scalars(select(SecurityEvent).order_by(SecurityEvent.created_at.desc()).limit(1)).one()
        repeated = unit.scalar(
            select(func.count())
            .select_from(SecurityEvent)
            .where(SecurityEvent.meta["repeated"].as_integer() > 1)
        )
    assert [[str(source), count] for source, count in top] == fact["top_source_ips"]
    assert [list(each) for each in users] == fact["top_users_tried"]
    assert repeated == fact["message_repeated_lines"]
    assert (event.event_type, event.resolved, event.meta["unstated"]) == ("login_failed", None, "severity")
    assert event.created_at and event.created_at.year == 2017


def test_runs_become_models(filled: Filled, facts: dict[str, Any]) -> None:
    engine, fact = filled[0], facts["model-benchmarks-edit.yml"]
    assert value(engine, "ai.models") == fact["models"]
    with session(engine) as unit:
        best = unit.scalars(select(AiModel).where(AiModel.name == fact["best_pass_rate_2"][1])).one()
        highest = unit.scalar(select(func.max(AiModel.accuracy)))
        costs = unit.scalars(select(AiModel.meta["total_cost"].as_float())).all()
    assert highest == best.accuracy == Decimal(str(fact["best_pass_rate_2"][0])) / 100
    assert (best.status, best.is_active, best.version) == (None, None, "")
    assert best.meta["unstated"] == "version"
    assert sum(cost for cost in costs if cost) == pytest.approx(fact["total_cost_sum"])
