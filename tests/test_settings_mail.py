"""Settings of mail, links and sign-up: what is refused is said with its remedy, and never with a password."""

from pathlib import Path

import pytest

from settings import Mail, Settings, SettingsError, load

BASE = {"QUANTUM_PUBLIC_URL": "https://quantum.example.com/", "QUANTUM_MAIL_FROM": "Quantum <q@example.com>"}
SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"


def read(tmp_path: Path, **given: str) -> Settings:
    return load({"QUANTUM_ENV": "test", "QUANTUM_DATA_DIR": str(tmp_path), **given})


@pytest.mark.parametrize(
    ("url", "mail"),
    [
        (
            "smtp://me%40x:p%40ss%2F@mail.example.com?starttls",
            Mail("mail.example.com", 587, "me@x", "p@ss/", "starttls", BASE["QUANTUM_MAIL_FROM"]),
        ),
        (
            "smtps://me:pw@mail.example.com:4650",
            Mail("mail.example.com", 4650, "me", "pw", "tls", BASE["QUANTUM_MAIL_FROM"]),
        ),
        ("smtp://10.0.0.5:25", Mail("10.0.0.5", 25, None, None, "none", BASE["QUANTUM_MAIL_FROM"])),
        (
            "smtp://me:pw@127.0.0.1:1025",
            Mail("127.0.0.1", 1025, "me", "pw", "none", BASE["QUANTUM_MAIL_FROM"]),
        ),
    ],
)
def test_a_mail_server_is_read_from_its_address(tmp_path: Path, url: str, mail: Mail) -> None:
    found = read(tmp_path, **BASE, QUANTUM_SMTP_URL=url)
    assert found.mail == mail and found.public_url == "https://quantum.example.com"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"QUANTUM_SMTP_URL": "smtp://me:hunter2@mail.example.com"}, "in the clear"),
        ({"QUANTUM_SMTP_URL": "http://me:hunter2@mail.example.com"}, "cannot be read"),
        ({"QUANTUM_SMTP_URL": "smtp://me:hunter2@mail.example.com:port"}, "cannot be read"),
        ({"QUANTUM_SMTP_URL": "smtp://me:hunter2@/x"}, "cannot be read"),
        ({"QUANTUM_SMTP_URL": "smtp://me:hunter2@mail.example.com?tls"}, "?starttls"),
        (
            {"QUANTUM_SMTP_URL": "smtps://me:hunter2@a.example", "QUANTUM_PUBLIC_URL": ""},
            "QUANTUM_PUBLIC_URL",
        ),
        ({"QUANTUM_SMTP_URL": "smtps://me:hunter2@a.example", "QUANTUM_MAIL_FROM": ""}, "QUANTUM_MAIL_FROM"),
        (
            {"QUANTUM_SMTP_URL": "smtps://a.example", "QUANTUM_MAIL_FROM": "a@b\r\nBcc: c@d"},
            "QUANTUM_MAIL_FROM",
        ),
        ({"QUANTUM_PUBLIC_URL": "quantum.example.com"}, "QUANTUM_PUBLIC_URL"),
        ({"QUANTUM_PUBLIC_URL": "javascript:alert(1)"}, "QUANTUM_PUBLIC_URL"),
        ({"QUANTUM_PUBLIC_URL": "https://a.example/?next=1"}, "QUANTUM_PUBLIC_URL"),
        ({"QUANTUM_PUBLIC_URL": "https://a.example:x"}, "QUANTUM_PUBLIC_URL"),
        ({"QUANTUM_PUBLIC_URL": "https://a b.example"}, "QUANTUM_PUBLIC_URL"),
        ({"QUANTUM_SIGN_UP": "nobody"}, "open, invited"),
    ],
)
def test_what_cannot_be_used_is_refused_without_telling_the_password(
    tmp_path: Path, given: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, **(BASE | given))
    assert said in str(refused.value) and "hunter2" not in str(refused.value)


def test_production_wants_https_in_its_links(tmp_path: Path) -> None:
    given = {
        "QUANTUM_ENV": "production",
        "QUANTUM_DATABASE_URL": "postgresql://a/b",
        "QUANTUM_SECRET_KEY": SECRET,
    }
    with pytest.raises(SettingsError):
        read(tmp_path, **given, QUANTUM_PUBLIC_URL="http://quantum.example.com")
    assert read(tmp_path, **given, QUANTUM_PUBLIC_URL="https://quantum.example.com").public_url


def test_without_any_of_them_everybody_signs_up_and_no_mail_is_sent(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.sign_up, found.mail, found.public_url) == ("open", None, None)
    assert read(tmp_path, QUANTUM_SIGN_UP="invited").sign_up == "invited"


def test_links_begin_with_this_machine_only_in_the_local_environment(tmp_path: Path) -> None:
    assert read(tmp_path, QUANTUM_ENV="local", QUANTUM_PORT="8051").link_base == "http://127.0.0.1:8051"
    assert read(tmp_path, QUANTUM_ENV="local", QUANTUM_HOST="::1").link_base == "http://[::1]:8050"
    with pytest.raises(SettingsError):
        _ = read(tmp_path).link_base


def test_the_password_is_not_in_what_is_printed_of_settings(tmp_path: Path) -> None:
    assert "hunter2" not in repr(read(tmp_path, **BASE, QUANTUM_SMTP_URL="smtps://me:hunter2@a.example"))
