"""The frame round the pages, the drawer's inside, and the states."""

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from dash import html

from components.document import document
from components.forms import query_select, text_field
from components.icons import icon
from components.proof import proof_body
from components.shell import nav_items, page_header, shell
from components.states import elsewhere, empty, error_state, skeleton, status
from tests.components.readings import AT, Proof, Reading, Series, Window, one, parts, text


def frame(**given: Any) -> html.Div:
    chosen = {"csrf_token": "t0k", "content": html.P("page")} | given
    return shell("Ada Lovelace", "strategist", nav_items("pt-BR"), "pt-BR", "dark", **chosen)


def test_the_frame_holds_every_id_the_pages_rely_on() -> None:
    ids = [part["id"] for part in parts(frame()) if "id" in part]
    shell_ids = {f"shell-{part}" for part in ("refresh", "range", "lang", "theme", "zone")}
    wanted = shell_ids | {"url", "proof", "proof-body", "proof-request", "toasts"}
    assert wanted <= set(ids)
    assert len(ids) == len(set(ids))


def test_signing_out_is_a_post_with_the_token() -> None:
    drawn = frame()
    assert one(drawn, type="Form")["action"] == "/logout" and one(drawn, type="Form")["method"] == "post"
    assert one(drawn, name="csrf_token")["value"] == "t0k"
    assert "Ada Lovelace" in text(drawn) and "estrategista" in text(drawn)


def test_what_is_chosen_is_pressed() -> None:
    pressed = [
        (part["data-query-set"], part["data-query-value"])
        for part in parts(frame(range_name="90d", utc=True))
        if part.get("aria-pressed") == "true" and "data-query-set" in part
    ]
    assert set(pressed) == {("range", "90d"), ("zone", "UTC"), ("lang", "pt-BR"), ("theme", "dark")}
    assert len(pressed) == 4


def test_a_range_of_one_s_own_presses_the_last_button() -> None:
    drawn = frame(range_name="2022-08-22T03:00:00Z/2022-08-23T03:00:00Z")
    assert one(drawn, id="shell-range-custom")["aria-pressed"] == "true"


def test_the_zone_is_shown_by_its_city() -> None:
    assert "São Paulo" in text(frame()) and "UTC" in text(frame())
    assert [
        part["data-query-value"]
        for part in parts(frame(zone="UTC", utc=True))
        if part.get("data-query-set") == "zone"
    ] == ["UTC"]


def test_every_button_without_words_has_a_name() -> None:
    for part in parts(frame()):
        if part["type"] == "Button" and not text(part.get("children")).strip():
            assert part.get("aria-label"), part


def test_a_page_has_one_heading() -> None:
    drawn = page_header("Agents", "All of them.", lang="en", zone="UTC", measured_at=AT)
    assert one(drawn, type="H1")["children"] == "Agents"
    assert "Measured 22 Aug 2022, 06:53:00 UTC" in text(drawn)


def test_the_document_says_language_and_theme_and_escapes() -> None:
    class Head(HTMLParser):
        seen: dict[str, dict[str, str | None]] = {}

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.setdefault(tag, dict(attrs))

    given = {"metas": "", "css": "", "app_entry": "<div></div>", "config": "", "scripts": "", "renderer": ""}
    page = document('pt-BR"><script>', "purple", title="<b>", **given)
    head = Head()
    head.feed(page)
    assert head.seen["html"] == {"lang": 'pt-BR"><script>', "data-bs-theme": "dark"}
    assert "script" not in head.seen and "b" not in head.seen
    assert head.seen["meta"]["name"] == "viewport"


def test_the_drawer_shows_how_a_number_was_made() -> None:
    drawn = proof_body(Proof(), "en", "UTC")
    words = text(drawn)
    for wanted in (
        "81.4 ms",
        "81.377755",
        "23,019",
        "spans",
        "SELECT max(x) FROM spans",
        "1661064780000000000",
        "nearest rank",
    ):
        assert wanted in words
    assert "from 21 Aug 2022, 06:53:00 UTC until 22 Aug 2022, 06:53:00 UTC" in words
    assert "x" * 161 not in words and "…" in words


def test_the_drawer_of_an_unknown_value_says_why() -> None:
    unknown = replace(Reading(), value=None, reason="Nothing was recorded in this window.", n=0)
    drawn = proof_body(Proof(reading=unknown, rows=()), "pt-BR", "UTC")
    assert "Nada foi registrado neste período." in text(
        drawn
    ) and "Não há nenhuma linha por trás dele." in text(drawn)


def test_the_drawer_of_a_series_and_of_a_metric_without_window() -> None:
    assert "n = 44" in text(proof_body(Proof(reading=Series()), "en", "UTC"))
    assert "now, without a window" in text(
        proof_body(Proof(reading=replace(Reading(), window=None)), "en", "UTC")
    )
    assert "all time" in text(
        proof_body(Proof(reading=replace(Reading(), window=Window(None, None, "all"))), "en", "UTC")
    )


def test_the_drawer_takes_proofs_only() -> None:
    with pytest.raises(TypeError, match="proof must be a Proven"):
        proof_body(Reading(), "en", "UTC")  # type: ignore[arg-type]


def test_an_empty_state_says_why_and_what_to_do() -> None:
    drawn = empty("No telemetry yet", "No span is stored.", "quantum import otlp FILE", lang="en")
    assert text(drawn) == "No telemetry yet No span is stored. quantum import otlp FILE Copy"
    assert one(drawn, type="Button")["data-copy"] == "quantum import otlp FILE"


def test_data_elsewhere_is_one_click_away() -> None:
    drawn = elsewhere(AT, AT, href="?range=all", lang="pt-BR", zone="UTC")
    assert one(drawn, type="Link")["href"] == "?range=all"
    assert "Há dados de 22/08/2022 06:53:00 UTC" in text(drawn)


def test_an_error_is_announced() -> None:
    drawn = error_state("The database is away", "Start it.", lang="en", reference="7f3a")
    assert one(drawn, role="alert") and "Reference 7f3a" in text(drawn)


def test_unknown_pieces_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'banner'"):
        skeleton("banner")
    with pytest.raises(ValueError, match="'unicorn'"):
        icon("unicorn")


def test_a_status_is_a_word_and_silence_is_said() -> None:
    assert text(status("ERROR", "pt-BR")) == "erro"
    assert text(status(None, "en")) == "never heard"
    assert one(status("DANCING", "en"), className="status status-unknown")


def test_a_refused_field_says_why_beside_it() -> None:
    drawn = text_field("profile-zone", "Time zone", "Mars", error="No zone has this name.")
    assert one(drawn, id="profile-zone-error")["children"] == "No zone has this name."
    assert one(drawn, id="profile-zone")["invalid"] is True
    assert one(drawn, type="Label")["htmlFor"] == "profile-zone"


def test_no_filter_is_an_option_of_its_own() -> None:
    drawn = query_select("agents-squad", "Squad", "squad", [("", "All"), ("CORE", "CORE")], None)
    assert one(drawn, type="Select")["value"] == "*"
