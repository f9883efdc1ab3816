"""A few rows of every kind in the API, security, finance and AI tables, with values tests can count on.

A source that says nothing is null(): None would give the column its server's default.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, null, select
from sqlalchemy.orm import Session

from db.models import (
    AiModel,
    ApiKey,
    ApiLog,
    AuditEntry,
    Invoice,
    Prediction,
    RateLimit,
    SecurityEvent,
    TrainingExample,
    Transaction,
    UserSession,
)
from tests.module_rows import JUNE, MAY, person
from tests.noted import note_arranged

LONG_AGO, FAR_AWAY = datetime(2001, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def api(unit: Session) -> ApiKey:
    """Three keys, one of them usable; 24 timed calls of June (1 to 24 ms, the last two failed) and two others.

    The usable key made the first call and has a quota.
    """
    ada = person(unit, "ada")
    given = {"user_id": ada.id, "key_prefix": "qk_1"}
    used = ApiKey(key_name="reports", key_hash="hash one", expires_at=FAR_AWAY, **given)
    revoked = ApiKey(key_name="revoked", key_hash="hash two", is_active=False, **given)
    unit.add_all(
        [used, revoked, ApiKey(key_name="expired", key_hash="hash three", expires_at=LONG_AGO, **given)]
    )
    unit.flush()
    call = {"method": "GET", "ip_address": "10.0.0.1"}
    for number in range(1, 25):
        status, key = (200, used.id) if number == 1 else (200 if number < 23 else 500, None)
        at = JUNE + timedelta(seconds=number)
        row = {"endpoint": "/things", "status_code": status, "response_time_ms": number, "created_at": at}
        unit.add(ApiLog(api_key_id=key, **row, **call))
    unit.add(ApiLog(endpoint="/old", status_code=404, created_at=MAY, method="POST", ip_address="10.0.0.2"))
    unit.add(ApiLog(endpoint="/old", status_code=399, created_at=MAY, method="POST"))
    unit.add(RateLimit(api_key_id=used.id, endpoint="/things", limit_per_hour=77))
    note_arranged(unit)
    return used


def security(unit: Session) -> SecurityEvent:
    """Four events (one resolved, one of May), one audit entry of ada's, and three sessions of which one is usable."""
    ada = person(unit, "ada")
    rows = [
        ("login_failed", "high", "Refused for root", "10.0.0.1", False, MAY),
        ("login_failed", "low", "Refused for ada", "10.0.0.1", True, JUNE),
        ("login_failed", "low", "Refused for eve", "2001:db8::1", None, JUNE),
        ("brute_force", "critical", "Many at once", None, False, JUNE + timedelta(days=1)),
    ]
    events = [
        SecurityEvent(
            event_type=kind, severity=severity, description=text, ip_address=source, created_at=at,
            resolved=null() if resolved is None else resolved, user_id=ada.id,
        )
        for kind, severity, text, source, resolved, at in rows
    ]  # fmt: skip
    unit.add_all(events)
    last = unit.scalar(select(func.max(AuditEntry.seq))) or 0
    chain = {"seq": last + 1, "previous_hash": "", "row_hash": "h", "created_at": JUNE}
    unit.add(
        AuditEntry(user_id=ada.id, action="UPDATE", table_name="profiles", record_id=str(ada.id), **chain)
    )
    unit.add(UserSession(user_id=ada.id, ip_address="10.0.0.7", expires_at=FAR_AWAY))
    unit.add(UserSession(user_id=ada.id, is_active=False))
    unit.add(UserSession(user_id=ada.id, expires_at=LONG_AGO))
    unit.flush()
    return events[0]


def finance(unit: Session) -> Invoice:
    """Invoices in two currencies and in none, one a credit note; two transactions, one completed.

    The first invoice has two lines and a day on which it is due.
    """
    lines = [{"article": "lamp", "quantity": 1}, {"article": "bulb", "quantity": 3}]
    rows = [
        ("A1", "100.10", "GBP", "paid", JUNE, lines),
        ("A2", "0.20", "GBP", "sent", JUNE, [lines[0]]),
        ("C3", "-40.05", "GBP", None, JUNE, [lines[0]]),
        ("A4", "7.00", "BRL", None, MAY, {"article": "no list"}),
        ("A5", "9.00", None, "draft", JUNE, None),
    ]
    made = [
        Invoice(
            invoice_number=number, amount=Decimal(total), tax=Decimal(0), total=Decimal(total),
            currency=currency or null(), status=status or null(), created_at=at,
            items=items, due_date=date(2024, 7, 9) if number == "A1" else None,
        )
        for number, total, currency, status, at, items in rows
    ]  # fmt: skip
    unit.add_all(made)
    payment = {"type": "payment", "currency": "EUR", "created_at": JUNE}
    unit.add(Transaction(amount=Decimal("12.34"), status="completed", description="For lamps", **payment))
    unit.add(Transaction(amount=Decimal("99.99"), status="failed", **payment))
    unit.flush()
    return made[0]


def ai(unit: Session) -> AiModel:
    """Three models, one without a stated accuracy; five predictions of the first, four of them judged; an example."""
    best = AiModel(name="best", version="2", model_type="nlp", status="deployed", accuracy=Decimal("1"))
    unit.add_all([best, AiModel(name="good", version="1", model_type="nlp", accuracy=Decimal("0.8425"))])
    unit.add(AiModel(name="silent", version="1", model_type="computer_vision"))
    unit.flush()
    for place, verdict in enumerate((True, True, True, False, None)):
        at = MAY if place == 0 else JUNE
        said = {"input_data": {"q": place}, "prediction_output": {"a": "a cat"}, "is_correct": verdict}
        unit.add(Prediction(model_id=best.id, confidence_score=Decimal("0.75"), created_at=at, **said))
    example = {"data_source": "cats.csv", "data_type": "image", "input_data": {"q": 1}, "created_at": JUNE}
    unit.add(TrainingExample(model_id=best.id, **example))
    unit.flush()
    return best
