"""Delimited files → rows: types, keys, refusals by line, and nothing that the file did not say."""

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from cli import main
from db.base import Base
from db.models import (
    Achievement,
    ApiLog,
    Deal,
    DealActivity,
    Invoice,
    LeaderboardEntry,
    SecurityEvent,
    SocialPost,
    SupportTicket,
)
from db.services.otlp import Invalid
from db.services.recipes.base import MOST_REMEMBERED, Occurrence, Options
from db.services.table_files import MOST_LINE
from db.services.table_import import CLOSED, MOST_KEPT, TABLES, TableReport, import_table
from db.services.table_values import checks_of
from tests.sessions import session

sqlite_only = pytest.mark.databases("sqlite")


@pytest.fixture
def bring(engine: Engine, tmp_path: Path) -> Callable[..., TableReport]:
    """Import a file of this content into a table; options by name."""
    names = iter(range(1000))

    def run(table: str, content: str | bytes, **asked: Any) -> TableReport:
        path = tmp_path / f"{next(names)}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_table(engine, table, [path], Options(**asked))

    return run


def rows(engine: Engine, model: type[Any], order: str = "created_at") -> list[Any]:
    with session(engine) as unit:
        return list(unit.scalars(select(model).order_by(getattr(model, order))))


def only(report: TableReport) -> str:
    (refusal,) = report.refused
    return f"{refusal.line}: {refusal.reason}"


# --- what is stored ---------------------------------------------------------------------------------


def test_what_the_file_does_not_say_stays_null(bring: Any, engine: Engine) -> None:
    assert bring("deals", "client_name,value\nAda,12.50\n").stored == 1
    (deal,) = rows(engine, Deal)
    assert (deal.client_name, deal.value, deal.meta) == ("Ada", Decimal("12.50"), {})
    assert (deal.status, deal.probability, deal.stage, deal.user_id) == (None, None, None, None)
    assert abs((datetime.now(UTC) - deal.created_at).total_seconds()) < 300
    bring("invoices", "invoice_number,amount,total\nA1,10,10\n")
    (invoice,) = rows(engine, Invoice)
    assert (invoice.tax, invoice.currency, invoice.status, invoice.items) == (None,) * 4
    bring("social_posts", "platform,external_id\nreddit,x\n")
    (post,) = rows(engine, SocialPost, "platform")
    assert (post.likes_count, post.shares_count, post.comments_count, post.fetched_at) == (None,) * 4


def test_every_type_is_converted(bring: Any, engine: Engine) -> None:
    content = (
        "id;Kunde;Summe;probability;close_date;metadata;created_at;notes\n"
        '0190b6c4-7e1a-7c3e-9d2f-1a2b3c4d5e6f;"Müller; ""Söhne""";"1.234,56";40;29.02.2016;"{""a"": [1]}";'
        "2024-05-01T10:00:00-03:00;=1+1\n"
    )
    report = bring(
        "deals",
        content,
        maps={"client_name": "Kunde", "value": "Summe:comma", "close_date": "close_date:dmy"},
    )
    assert (report.stored, report.refused) == (1, [])
    (deal,) = rows(engine, Deal)
    assert deal.id == UUID("0190b6c4-7e1a-7c3e-9d2f-1a2b3c4d5e6f")
    assert (deal.client_name, deal.value, deal.probability) == ('Müller; "Söhne"', Decimal("1234.56"), 40)
    assert (deal.close_date, deal.meta) == (date(2016, 2, 29), {"a": [1]})
    assert deal.created_at == datetime(2024, 5, 1, 13, tzinfo=UTC)
    assert deal.notes == "=1+1"
    bring(
        "security_events",
        "event_type,severity,description,ip_address,resolved\nbrute_force,low,d, ::1 ,Yes\n",
    )
    (event,) = rows(engine, SecurityEvent)
    assert (str(event.ip_address), event.resolved) == ("::1", True)


@sqlite_only
@pytest.mark.parametrize("missing", ["", "?", "\\N", "NA"])
def test_words_for_missing_are_null_where_that_is_allowed(missing: str, bring: Any, engine: Engine) -> None:
    report = bring(
        "deals", f"client_name,value,stage,created_at\nAda,1,{missing},{missing}\n{missing},1,x,\n"
    )
    assert (report.stored, report.refusals) == (1, 1)
    assert "client_name is empty and must be stated" in only(report)
    (deal,) = rows(engine, Deal)
    assert (deal.stage, deal.created_at is None) == (None, False)


@sqlite_only
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str, bring: Any, engine: Engine) -> None:
    line = delimiter.join(["client_name", '"a,;|b"', "value"])
    assert bring("deals", f"{line}\r\n{delimiter.join(['Ada', 'x', '1'])}\r\n").stored == 1
    assert (
        bring("deals", f"sep={delimiter}\n{delimiter.join(['value', 'client_name'])}\n2{delimiter}B").stored
        == 1
    )
    assert [deal.client_name for deal in rows(engine, Deal)] == ["Ada", "B"]


@sqlite_only
def test_encodings_are_told(bring: Any, engine: Engine) -> None:
    header = "client_name,value\n"
    assert bring("deals", b"\xef\xbb\xbf" + f"{header}José,1\n".encode()).notes == []
    (note,) = bring("deals", f"{header}a,1\nZoë €,2\n".encode("cp1252")).notes
    assert "1 lines (the first is line 3)" in note
    assert "Windows-1252" in note
    assert {deal.client_name for deal in rows(engine, Deal)} == {"José", "a", "Zoë €"}
    assert "UTF-16" in only(bring("deals", f"{header}a,1\n".encode("utf-16")))


@sqlite_only
def test_fields_that_go_nowhere_are_named(bring: Any) -> None:
    report = bring("deals", "client_name,value,shoe size,=cmd()\nAda,1,44,x\n")
    assert report.stored == 1
    assert "'shoe size', '=cmd()'" in report.notes[0]


@sqlite_only
def test_times_without_an_offset_are_read_in_the_zone_named(bring: Any, engine: Engine) -> None:
    content = "client_name,value,created_at\nAda,1,2024-05-01 12:00\n"
    assert "read as America/Sao_Paulo" in bring("deals", content, zone="America/Sao_Paulo").notes[0]
    assert rows(engine, Deal)[0].created_at == datetime(2024, 5, 1, 15, tzinfo=UTC)


# --- stored once ------------------------------------------------------------------------------------


def test_a_key_stores_a_row_once_and_never_changes_it(bring: Any, engine: Engine) -> None:
    header = "client_name,stage,value\n"
    asked = {"key": ("client_name", "stage")}
    first = bring("deals", f"{header}Ada,a,1\nAda,b,2\nAda,a,3\n,,4\nBob,,5\nBob,,5\n", **asked)
    assert (first.stored, first.already, first.refusals) == (4, 1, 1)
    again = bring("deals", f"{header}Ada,a,9\nBob,,5\nBob,,5\nBob,,6\n", **asked)
    assert (again.stored, again.already) == (1, 3)
    assert sorted(deal.value for deal in rows(engine, Deal)) == [1, 2, 5, 5, 6]


def test_without_a_key_a_row_is_known_by_all_it_says(bring: Any, engine: Engine) -> None:
    content = "client_name,value\nAda,1\nAda,1\nAda,2\n"
    assert [(each.stored, each.already) for each in (bring("deals", content), bring("deals", content))] == [
        (3, 0),
        (0, 3),
    ]
    assert len(rows(engine, Deal)) == 3


def test_the_tables_own_key_is_used(bring: Any, engine: Engine) -> None:
    header = "invoice_number,amount,total\n"
    assert bring("invoices", f"{header}A1,1,1\n").stored == 1
    report = bring("invoices", f"{header}A1,2,2\nA2,2,2\nA2,3,3\n")
    assert (report.stored, report.already) == (1, 2)
    taken = bring(
        "invoices", f"id,{header}0190b6c4-7e1a-7c3e-9d2f-1a2b3c4d5e6f,A1,2,2\n".replace("id,", "id,", 1)
    )
    assert "invoice_number 'A1' is taken by a row with other values" in only(taken)
    assert {invoice.amount for invoice in rows(engine, Invoice)} == {1, 2}


def test_a_trial_stores_nothing_and_finds_what_occurs_twice(bring: Any, engine: Engine) -> None:
    lines = "".join(f"{number % 1500},1\n" for number in range(2500))
    content = "client_name,value\n" + lines
    trial = bring("deals", content, key=("client_name",), dry_run=True)
    assert not rows(engine, Deal)
    done = bring("deals", content, key=("client_name",))
    assert (trial.stored, trial.already) == (done.stored, done.already) == (1500, 1000)
    assert str(trial).startswith("would store 1,500 rows")


def test_rows_that_refer_to_nothing_are_refused(bring: Any, engine: Engine) -> None:
    bring("deals", "id,client_name,value\n0190b6c4-7e1a-7c3e-9d2f-1a2b3c4d5e6f,Ada,1\n")
    there, missing = "0190b6c4-7e1a-7c3e-9d2f-1a2b3c4d5e6f", "0190b6c4-7e1a-7c3e-9d2f-000000000000"
    report = bring("deal_activities", f"deal_id,activity_type\n{there},call\n{missing},call\n")
    assert report.stored == 1
    assert "names a row that is not there" in only(report)
    assert len(rows(engine, DealActivity)) == 1


def test_a_rule_only_the_database_knows_refuses_one_row(bring: Any, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE UNIQUE INDEX one_stage ON deals (stage)")
    report = bring("deals", "client_name,value,stage\nA,1,x\nB,1,x\nC,1,y\n")
    assert (report.stored, report.refusals) == (2, 1)
    assert "3: the database refuses the row" in only(report)


@sqlite_only
def test_equal_lines_are_counted_with_bounded_memory() -> None:
    occurrence = Occurrence()
    assert [occurrence.of("a"), occurrence.of("a"), occurrence.of("b")] == [0, 1, 0]
    for number in range(MOST_REMEMBERED):
        occurrence.of(str(number))
    assert occurrence.of("a") == 0


# --- what is refused, and how -----------------------------------------------------------------------

REFUSED = [
    ("deals", "client_name,value\nAda,12.505\n", "2: value '12.505': more than 2 decimal places"),
    ("deals", "client_name,value\nAda,=1+1\n", "value '=1+1': no number"),
    ("deals", 'client_name,value\nAda,"1,5"\n', "add :comma to its --map"),
    ("deals", "client_name,value\nAda,NaN\n", "not a finite number"),
    ("deals", "client_name,value\nAda,1e400\n", "value '1e400'"),
    ("deals", "client_name,value\nAda,99999999999999999\n", "does not fit"),
    ("deals", "client_name,value,probability\nAda,1,120\n", "probability '120' is out of range"),
    ("deals", "client_name,value,probability\nAda,1,1.5\n", "no whole number"),
    ("deals", "client_name,value,probability\nAda,1,99999999999\n", "must lie between"),
    ("deals", "client_name,value,status\nAda,1,won\n", "not one of lead, negotiation, closed, lost"),
    ("deals", "client_name,value,created_at\nAda,1,29-02-2016 01:16\n", "--map created_at=Date:dmy"),
    ("deals", "client_name,value,created_at\nAda,1,yesterday\n", "no time in ISO 8601"),
    ("deals", "client_name,value,created_at\nAda,1,0001-01-01T00:00:00+10:00\n", "outside the years"),
    ("deals", "client_name,value,close_date\nAda,1,2016-02-30\n", "no day in ISO 8601"),
    ("deals", "client_name,value,metadata\nAda,1,{\n", "no JSON"),
    ("deals", "client_name,value,metadata\nAda,1,[1]\n", "must be a JSON object"),
    ("deals", 'client_name,value,metadata\nAda,1,"{""a"": ""\\u0000""}"\n', "NUL"),
    ("deals", "client_name,value,user_id\nAda,1,7\n", "no UUID"),
    ("deals", "client_name,value\nAda,1,2\n", "2: 3 fields where the first line names 2"),
    ("deals", "client_name,value\nA\0da,1\n", "2: a NUL byte"),
    ("deals", 'client_name,value\n"Ada,1\n', "a quote that is opened here is never closed"),
    ("deals", 'client_name,value\n"Ada"x,1\n', "not valid CSV"),
    ("deals", f"client_name,value\n{'x' * 1_100_000},1\n", "a field of more than a million characters"),
    ("deals", f"client_name,value\n{'x' * (MOST_LINE + 9)},1\n", "a line of more than 4 MiB"),
    ("deals", "client_name,value\rAda,1\r", "line ends"),
    ("deals", "", "is empty"),
    ("deals", "\n\n", "is empty"),
    ("deals", "name,worth\nAda,1\n", "none of its fields is a column of deals"),
    ("deals", "client_name\nAda\n", "value must be stated"),
    ("deals", "client_name,value,value\nAda,1,2\n", "the field 'value' is there twice"),
    ("deals", ",".join(f"f{n}" for n in range(1001)) + "\n", "1,001 fields in the first line"),
    ("deals", "a," * 1_000_000 + "a\n", "1,000,001 fields in the first line"),
    ("deals", "a," * 3_000_000 + "a\n", "a line of more than 4 MiB"),
    ("transactions", "type,amount\nfee,0\n", "amount '0.00' is out of range; it must be not 0"),
    ("api_logs", "endpoint,method,status_code\n/,BREW,200\n", "method 'BREW' is not one of GET"),
    ("api_logs", "endpoint,method,status_code\n/,GET,600\n", "at least 100 and below 600"),
    ("api_logs", "endpoint,method,status_code,ip_address\n/,GET,200,host.example\n", "no IPv4 or IPv6"),
    ("api_logs", f"endpoint,method,status_code\n/{'é' * 1400},GET,200\n", "at most 2,600 bytes"),
    ("invoices", "invoice_number,amount,tax,total\nA,1,1,3\n", "total 3.00 is not amount 1.00 plus tax 1.00"),
    (
        "security_events",
        "event_type,severity,description,resolved\nbrute_force,low,d,maybe\n",
        "neither true",
    ),
    (
        "support_tickets",
        "subject,resolved_at\nx,2001-01-01T00:00:00Z\n",
        "resolved_at 2001-01-01 00:00:00 lies before created_at",
    ),
]


@sqlite_only
@pytest.mark.parametrize(("table", "content", "reason"), REFUSED, ids=[each[2][:40] for each in REFUSED])
def test_what_does_not_fit_is_told_by_line(
    table: str, content: str, reason: str, bring: Any, engine: Engine
) -> None:
    report = bring(table, content)
    assert reason in only(report)
    assert len(only(report)) < 1200
    with session(engine) as unit:
        assert unit.scalar(select(func.count()).select_from(Base.metadata.tables[table])) == 0


@sqlite_only
def test_what_was_valid_around_a_bad_line_is_stored(bring: Any, engine: Engine) -> None:
    content = 'client_name,value\n"A\n1",1\nB,x\n\nC,3\nD,4,\n"E"x,5\nF,6\n'
    report = bring("deals", content)
    assert [refusal.line for refusal in report.refused] == [4, 7, 8]
    assert {deal.client_name for deal in rows(engine, Deal)} == {"A\n1", "C", "F"}


@sqlite_only
def test_a_gzip_file_that_breaks_off_keeps_what_came_before(bring: Any, engine: Engine) -> None:
    lines = "".join(f"client {number:x} {number * 7919 % 10007:x},{number}\n" for number in range(20_000))
    packed = gzip.compress(f"client_name,value\n{lines}".encode())
    report = bring("deals", packed[: len(packed) // 2])
    assert "damaged or cut off" in only(report)
    assert 1000 < report.stored < 20_000
    assert report.refused[0].line > report.stored


@sqlite_only
def test_many_refusals_are_counted_and_the_first_are_told(bring: Any) -> None:
    report = bring("deals", "client_name,value\n" + "A,x\n" * (MOST_KEPT + 500))
    assert (report.refusals, len(report.refused)) == (MOST_KEPT + 500, MOST_KEPT)


@sqlite_only
def test_memory_stays_flat(bring: Any, tmp_path: Path, engine: Engine) -> None:
    """Ten times the rows take no more memory than a few batches; each line is 4 kB, refused or not."""
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("client_name,value,stage\n")
        for number in range(12_000):
            file.write(f"{number},{'x' if number % 2 else number},{'y' * 4000}\n")
    tracemalloc.start()
    report = import_table(engine, "deals", [path], Options(dry_run=True))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.stored == report.refusals == 6_000
    assert peak < 24_000_000 < path.stat().st_size


@sqlite_only
@pytest.mark.parametrize(
    ("table", "asked", "reason"),
    [
        ("profiles", {}, "user create"),
        ("auth_account", {}, "user create"),
        ("api_keys", {}, "shown once"),
        ("audit_log", {}, "nothing else may write"),
        ("alembic_version", {}, "these are: achievements"),
        ("deals", {"maps": {"klient": "a"}}, "has no column 'klient'"),
        ("deals", {"key": ("metadata",)}, "cannot be a key"),
        ("deals", {"recipe": "nope"}, "these are: "),
        ("invoices", {"recipe": "bank-campaign"}, "fills deals"),
        ("deals", {"recipe": "bank-campaign", "key": ("id",)}, "leave --map and --key out"),
        ("security_events", {"recipe": "sshd-log"}, "--year 2017"),
        ("deals", {"zone": "Mars/Olympus"}, "no time zone"),
    ],
)
def test_what_cannot_be_asked(table: str, asked: dict[str, Any], reason: str, bring: Any) -> None:
    with pytest.raises(Invalid, match=reason):
        bring(table, "client_name,value\nAda,1\n", **asked)


@sqlite_only
def test_maps_and_keys_must_be_in_the_file(bring: Any) -> None:
    content = "client_name,value\nAda,1\n"
    assert "no field 'Kunde'" in only(bring("deals", content, maps={"client_name": "Kunde"}))
    assert "the key 'stage' is not in the file" in only(bring("deals", content, key=("stage",)))
    assert "client_name is no such column" in only(bring("deals", content, maps={"client_name": "value:dmy"}))


@sqlite_only
def test_each_table_of_the_modules_can_be_filled_or_says_why_not() -> None:
    assert not set(TABLES) & set(CLOSED)
    assert set(TABLES) | set(CLOSED) <= Base.metadata.tables.keys()
    for name in TABLES:
        table = Base.metadata.tables[name]
        assert checks_of(table) is not None
        assert [column.name for column in table.primary_key] == ["id"]


# --- recipes and files that are not what they seem --------------------------------------------------

RETAIL = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


@sqlite_only
def test_scattered_lines_make_one_invoice_and_a_wrong_line_refuses_its_invoice(
    bring: Any, engine: Engine
) -> None:
    when = "2010-12-01 08:26:00"
    content = f"{RETAIL}1,a,x,2,{when},0.10,,UK\n2,a,x,1,{when},5,,UK\n"
    content += f"1,b,?,3,{when},0.10,,UK\n2,a,x,one,{when},5,,UK\n"
    report = bring("invoices", content, recipe="online-retail")
    assert "invoice '2', line 5: Quantity 'one' is no number" in only(report)
    (invoice,) = rows(engine, Invoice)
    assert (invoice.amount, len(invoice.items), invoice.items[1]["description"]) == (Decimal("0.50"), 2, None)
    other = bring("invoices", f"{RETAIL}1,a,x,9,{when},0.10,,UK\n", recipe="online-retail")
    assert "invoice_number '1' is taken by a row with other values" in only(other)
    broken = bring("invoices", f"{RETAIL}3,a,x,9,{when},0.10,,UK\n4,a,x\n", recipe="online-retail")
    assert (broken.stored, broken.refusals) == (0, 1)
    assert "Nothing of this file was stored" in only(broken)


@sqlite_only
def test_the_last_event_is_the_tickets_state(bring: Any, engine: Engine) -> None:
    header = "number,incident_state,priority,opened_at,resolved_at\n"
    content = (
        f"{header}I1,Closed,1 - Critical,01-02-2016 10:00,01-02-2016 11:00\n"
        "I2,New,4 - Low,01-02-2016 10:00,?\nI1,Active,2 - High,01-02-2016 10:00,?\n"
        "I3,Lost,4 - Low,01-02-2016 10:00,?\n"
    )
    report = bring("support_tickets", content, recipe="incidents")
    assert "incident_state 'Lost' is not one of" in only(report)
    found = {ticket.subject: (ticket.status, ticket.priority) for ticket in rows(engine, SupportTicket)}
    assert found == {"I1": ("in_progress", "high"), "I2": ("open", "low")}


@sqlite_only
def test_log_lines_that_cannot_be_rows(bring: Any, engine: Engine) -> None:
    def line(request: str) -> str:
        return f'10.0.0.1 - - [17/May/2015:10:05:03 +0200] "{request}" 200 - "-" "-"\n'

    content = line("GET /a?token=b HTTP/1.1") * 2 + line("PROPFIND / HTTP/1.1") + line("-") + "nonsense\n"
    content += line("GET / HTTP/1.1").replace("May", "Mai")
    report = bring("api_logs", content, recipe="access-log")
    assert [refusal.line for refusal in report.refused] == [3, 4, 5, 6]
    assert "is not one of GET" in report.refused[0].reason
    first, second = rows(engine, ApiLog)
    assert (first.endpoint, second.user_agent, first.created_at.hour) == ("/a", None, 8)


@sqlite_only
def test_the_year_turns_with_january(bring: Any, engine: Engine) -> None:
    failed = "host sshd[1]: Failed password for invalid user x from 10.0.0.1 port 22 ssh2\n"
    content = f"Dec 31 23:59:59 {failed}Jan  1 00:00:01 {failed}Feb 29 00:00:00 {failed}"
    content += "Feb  1 00:00:00 host sshd[1]: reverse mapping for a.b [10.0.0.2] failed - POSSIBLE BREAK-IN ATTEMPT!\n"
    content += "Feb  1 00:00:00 host cron[1]: nothing\n"
    report = bring("security_events", content, recipe="sshd-log", year=2017)
    assert "no such time in the year 2018" in only(report)
    assert report.skipped == 1
    events = rows(engine, SecurityEvent)
    assert [event.created_at.year for event in events] == [2017, 2018, 2018]
    assert [event.event_type for event in events][2] == "suspicious_activity"
    assert str(events[2].ip_address) == "10.0.0.2"


@sqlite_only
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("a: 1\n", "no YAML list"),
        ("- [\n", "not valid YAML at line 2"),
        ("- &a {model: x}\n- *a\n", "aliases"),
        ("- model: !!python/object:os.system {}\n", "not readable"),
        ("- {name: x}\n", "names no model"),
        ("- {model: x, pass_rate_2: high}\n", "no number in percent"),
        ("- {model: x, pass_rate_2: 184}\n", "accuracy '1.8400' is out of range"),
        ('- {model: x, note: "\\0"}\n', "NUL"),
    ],
)
def test_yaml_that_is_no_list_of_runs(content: str, reason: str, bring: Any) -> None:
    assert reason in only(bring("ai_models", content, recipe="model-benchmarks"))


@sqlite_only
@pytest.mark.parametrize(
    ("table", "recipe"),
    [("deals", "bank-campaign"), ("support_tickets", "incidents"), ("invoices", "online-retail")],
)
def test_a_recipe_tells_a_file_it_does_not_know(table: str, recipe: str, bring: Any) -> None:
    assert "the file has no field" in only(bring(table, "a,b\n1,2\n", recipe=recipe))


# --- the command ------------------------------------------------------------------------------------


@pytest.fixture
def quantum(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    monkeypatch.setenv("QUANTUM_DATABASE_URL", migrated_url)
    monkeypatch.setenv("QUANTUM_DATA_DIR", str(tmp_path / "var"))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    yield run


@sqlite_only
def test_the_command_tells_what_it_did(quantum: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Kunde,value,extra\nAda,1,x\nBob,two,x\n")
    arguments = ["import", "table", "deals", str(path), "--map", "client_name=Kunde", "--key", "client_name"]
    code, out, _ = quantum(*arguments, "--dry-run", "--allow-refused")
    assert (code, "would store 1 rows" in out) == (0, True)
    code, out, err = quantum(*arguments)
    assert code == 1
    assert "stored 1 rows · already there 0 · refused 1" in out
    assert "fields not imported" in out
    assert f"{path}:3: value 'two': no number" in err
    code, out, _ = quantum(*arguments, "--allow-refused")
    assert (code, "stored 0 rows · already there 1" in out) == (0, True)


@sqlite_only
def test_the_command_says_what_is_wrong_with_its_words(quantum: Any, tmp_path: Path) -> None:
    for words, reason in (
        (["deals", "x.csv", "--map", "a"], "write COLUMN=FIELD"),
        (["deals", "x.csv", "--map", "stage=a", "--map", "stage=b"], "names stage twice"),
        (["user_sessions", "x.csv"], "takes no rows from a file"),
        (["deals", str(tmp_path)], "is a folder"),
        (["deals", str(tmp_path / "none.csv")], "no such file"),
    ):
        code, _, err = quantum("import", "table", *words)
        assert (code, reason in err) == (1, True), err
    assert "--recipe online-retail" in quantum("import", "recipes")[1]


@sqlite_only
def test_a_catalogue_and_a_ranking_can_come_from_files(bring: Any, engine: Engine) -> None:
    assert bring("achievements", "name,description\nFirst,Once\n").stored == 1
    (found,) = rows(engine, Achievement)
    assert (found.points, found.rarity, found.category, found.is_active, found.requirements) == (None,) * 5
    nobody = "0190b6c4-7e1a-7c3e-9d2f-1a2b3c4d5e6f"
    report = bring("leaderboard", f"user_id,period,rank,score,metric_type\n{nobody},daily,1,5,xp\n")
    assert "names a row that is not there" in only(report)
    assert not rows(engine, LeaderboardEntry, "rank")
    assert json.dumps(report.notes) == "[]"
