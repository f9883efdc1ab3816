"""Numbers and instants as people read them, in both languages."""

from datetime import UTC, datetime, timedelta

import pytest

from components.format import ago, by_unit, day, moment, number, split_unit

AT = datetime(2022, 8, 22, 6, 53, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "unit", "english", "portuguese"),
    [
        (81.377755, "ms", "81.4 ms", "81,4 ms"),
        (2.09024, "ms", "2.09 ms", "2,09 ms"),
        (0.0123456, "ms", "0.0123 ms", "0,0123 ms"),
        (0.9996, "ms", "1.00 ms", "1,00 ms"),
        (999.6, "ms", "1,000 ms", "1.000 ms"),
        (1234.4, "ms", "1,234 ms", "1.234 ms"),
        (10_000, "ms", "10,000 ms", "10.000 ms"),
        (12_345.6, "ms", "12.3 s", "12,3 s"),
        (0, "ms", "0 ms", "0 ms"),
        (99.96, "percent", "99.9 %", "99,9 %"),
        (99.9999, "percent", "99.9 %", "99,9 %"),
        (100, "percent", "100.0 %", "100,0 %"),
        (0.29, "percent", "0.2 %", "0,2 %"),
        (0, "percent", "0.0 %", "0,0 %"),
        (23019, "spans", "23,019", "23.019"),
        (0, "errors", "0", "0"),
        (412.38, "days", "412.3 days", "412,3 dias"),
        (None, "ms", "—", "—"),
        (None, "agents", "—", "—"),
    ],
)
def test_a_value_by_its_unit(value: float | None, unit: str, english: str, portuguese: str) -> None:
    assert by_unit(value, unit, "en").replace("\u00a0", " ") == english
    assert by_unit(value, unit, "pt-BR").replace("\u00a0", " ") == portuguese


def test_a_count_keeps_its_noun_apart_and_an_unknown_has_none() -> None:
    assert split_unit(13, "connections", "pt-BR") == ("13", "conexões")
    assert split_unit(None, "connections", "en") == ("—", "")
    # 479.422 would read as thousands where a point groups
    assert split_unit(479.422, "interactions", "en") == ("479", "interactions")
    assert split_unit(4.7942, "interactions", "pt-BR")[0] == "4,79"
    assert split_unit(5.0, "interactions", "en")[0] == "5"


@pytest.mark.parametrize(
    ("value", "digits", "english", "portuguese"),
    [
        (1234567, None, "1,234,567", "1.234.567"),
        (1.5, None, "1.5", "1,5"),
        (1.5, 0, "2", "2"),
        (2, 2, "2.00", "2,00"),
        (None, 2, "—", "—"),
    ],
)
def test_plain_numbers(value: float | None, digits: int | None, english: str, portuguese: str) -> None:
    assert (number(value, "en", digits), number(value, "pt-BR", digits)) == (english, portuguese)


def test_an_instant_says_its_zone() -> None:
    assert moment(AT, "en", "America/Sao_Paulo") == "22 Aug 2022, 03:53:00 UTC−3"
    assert moment(AT, "pt-BR", "America/Sao_Paulo") == "22/08/2022 03:53:00 UTC−3"
    assert moment(AT, "en", "UTC") == "22 Aug 2022, 06:53:00 UTC"
    assert moment(AT, "en", "Asia/Kolkata") == "22 Aug 2022, 12:23:00 UTC+5:30"
    assert moment(AT.replace(tzinfo=None), "en", "UTC") == moment(AT, "en", "UTC")
    assert moment(None, "en", "UTC") == "—"


def test_a_day_is_the_day_where_the_reader_is() -> None:
    late = datetime(2022, 8, 22, 1, 0, tzinfo=UTC)
    assert (day(late, "pt-BR", "America/Sao_Paulo"), day(late, "pt-BR", "UTC")) == (
        "21/08/2022",
        "22/08/2022",
    )


def test_how_long_ago() -> None:
    assert ago(AT - timedelta(minutes=3), AT, "en") == "3 minutes ago"
    assert ago(AT - timedelta(minutes=3), AT, "pt-BR") == "há 3 minutos"
    assert ago(None, AT, "en") == "—"
