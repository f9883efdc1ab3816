"""`quantum key` as the operator uses it, on both databases: what it prints where, and what is then so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cli import main
from db.models import ApiKey, AuditEntry, AuthAccount
from db.services.api_keys import hash_of, prefix_of
from tests.people import make_person
from tests.sessions import session

Say = Callable[..., tuple[int, str, str]]
ALICE = ("--user", "alice@example.com", "--name", "till")


@pytest.fixture
def say(
    migrated_url: str,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Say:
    """Run `quantum key ARGUMENTS` beside Alice, an architect: exit code, standard output, and its complaint."""
    monkeypatch.setenv("QUANTUM_DATABASE_URL", migrated_url)
    monkeypatch.setenv("QUANTUM_DATA_DIR", str(tmp_path / "var"))
    make_person(engine, "alice", "architect")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["key", *arguments])
        return (code, *capsys.readouterr())

    return run


def kept(engine: Engine) -> ApiKey:
    with session(engine) as unit:
        return unit.scalars(select(ApiKey)).one()


def test_only_the_key_is_printed_so_that_a_shell_can_keep_it(say: Say, engine: Engine) -> None:
    code, out, told = say(
        "create", *ALICE, "--scope", "ingest", "--scope", "agent:shop/till", "--expires", "30"
    )
    token = out.removesuffix("\n")
    key = kept(engine)
    assert code == 0 and prefix_of(token) == key.key_prefix and " " not in token
    assert "shown only this once" in told and token not in told
    assert key.permissions == ["agent:shop/till", "ingest"] and key.rate_limit is None
    assert key.expires_at is not None
    assert abs(key.expires_at - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=5)
    with session(engine) as unit:
        assert unit.scalars(select(ApiKey.key_hash)).one() == hash_of(token)
        (entry,) = unit.scalars(select(AuditEntry).where(AuditEntry.table_name == "api_keys")).all()
    assert entry.action == "INSERT" and token.split("_", 2)[2] not in str(entry.new_data)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--user", "bob@example.com", "--name", "x", "--scope", "ingest"), "--user: there is no account"),
        ((*ALICE, "--scope", "everything"), "--scope everything: there is no such scope"),
        ((*ALICE, "--scope", "agent:"), "--scope agent:: there is no such scope"),
        ((*ALICE, "--scope", "people:read"), "--scope people:read: a key cannot exceed its person"),
        ((*ALICE, "--scope", "people:admin"), "--scope people:admin: there is no such scope"),
        (
            (*ALICE, "--scope", "ingest", "--expires", "soon"),
            "--expires soon: give a number of days or a date",
        ),
        ((*ALICE, "--scope", "ingest", "--expires", "0"), "--expires: Choose a moment in the future"),
        (
            (*ALICE, "--scope", "ingest", "--expires", "2020-01-01"),
            "--expires: Choose a moment in the future",
        ),
        ((*ALICE, "--scope", "ingest", "--expires", "9" * 20), "--expires"),
        ((*ALICE, "--scope", "ingest", "--rate-limit", "0"), "--rate-limit: Write a whole number"),
        (("--user", "alice@example.com", "--name", "", "--scope", "ingest"), "--name: Give the key a name"),
        (ALICE, "--scope"),
    ],
)
def test_what_cannot_be_is_refused_by_its_option(
    say: Say, engine: Engine, arguments: tuple[str, ...], complaint: str
) -> None:
    code, out, told = say("create", *arguments)
    assert code != 0 and out == "" and complaint in told and "Traceback" not in told
    with session(engine) as unit:
        assert unit.scalars(select(ApiKey)).all() == []


@pytest.mark.databases("sqlite")
def test_a_closed_account_gets_no_key(say: Say, engine: Engine) -> None:
    with session(engine, write=True) as unit:
        unit.scalars(
            select(AuthAccount).where(AuthAccount.email == "alice@example.com")
        ).one().is_active = False
    code, out, told = say("create", *ALICE, "--scope", "ingest")
    assert code != 0 and out == "" and "is closed" in told and "quantum user open" in told


def test_keys_are_listed_and_revoked_by_prefix(say: Say, engine: Engine) -> None:
    assert say("list")[1] == ""
    token = say("create", *ALICE, "--scope", "fleet:read", "--rate-limit", "10")[1].strip()
    prefix = str(prefix_of(token))
    for arguments in ((), ("--user", "alice@example.com")):
        code, out, _ = say("list", *arguments)
        assert code == 0 and prefix in out and "active" in out and "fleet:read" in out and "alice" in out
        assert token not in out and hash_of(token) not in out
    code, out, _ = say("revoke", f"qk_{prefix}")
    assert code == 0 and prefix in out and not kept(engine).is_active and kept(engine).rate_limit == 10
    assert "revoked" in say("list")[1]
    code, out, told = say("revoke", prefix)
    assert code != 0 and out == "" and "no active key" in told
    with session(engine) as unit:
        acts = unit.scalars(select(AuditEntry).where(AuditEntry.table_name == "api_keys")).all()
    assert [each.action for each in acts] == ["INSERT", "UPDATE"]
