"""Maintenance and corrections as people read and write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from auth.permissions import allows
from components.attributes import attributes
from components.format import moment
from components.forms import select_field, text_field
from components.tables import Column, data_table
from components.timeline import state_mark, state_word
from db.models.uptime import JUDGED
from db.queries.uptime_rows import SubjectRow
from i18n import declared, t
from pages._admin import asked_first
from pages._moments import written
from pages._status import CORRECTS, WRITES
from pages._view import View, person

END = "end-maintenance"
EVERYTHING = "*"
ABOUT, STARTS, ENDS, WHY = "maintenance-about", "maintenance-starts", "maintenance-ends", "maintenance-why"
C_STARTS, C_ENDS, C_STATE, C_WHY = "correct-starts", "correct-ends", "correct-state", "correct-why"
C_FORM = "correct-form"
EDIT_FORM, EDIT_STARTS, EDIT_ENDS, EDIT_WHY = "edit-maintenance", "edit-starts", "edit-ends", "edit-why"


@dataclass(frozen=True)
class Given:
    """What stands in a form about a stretch of time, and what was wrong with it."""

    about: str = EVERYTHING
    starts: str = ""
    ends: str = ""
    state: str = "up"
    why: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, name: str, lang: str) -> str | None:
        found = self.errors.get(name)
        return None if found is None else declared(found, lang)


def moment_field(id: str, label: str, value: str, view: View, error: str | None) -> Component:
    """A moment in the reader's zone."""
    lang = view.lang
    hint = t("Such as 2026-11-27 22:30, in the zone {zone}.", lang, zone=view.zone)
    return text_field(id, label, value, placeholder="2026-11-27 22:30", hint=hint, error=error, maxlength=40)


# --- maintenance --------------------------------------------------------------------------------------


def maintenance_form(view: View, subjects: Sequence[tuple[str, str]], given: Given) -> list[Component]:
    """The fields of a new one."""
    lang = view.lang
    known = [(EVERYTHING, t("Everything", lang)), *[(key, f"{name} ({key})") for key, name in subjects]]
    return [
        select_field(ABOUT, t("For", lang), known, given.about, error=given.wrong("subject_id", lang)),
        html.Div(
            [
                moment_field(STARTS, t("Starts", lang), given.starts, view, given.wrong("starts_at", lang)),
                moment_field(ENDS, t("Ends", lang), given.ends, view, given.wrong("ends_at", lang)),
            ],
            className="field-row",
        ),
        text_field(WHY, t("What for", lang), given.why, error=given.wrong("why", lang), maxlength=500),
        dbc.Button(t("Declare it", lang), type="submit", color="primary"),
    ]


def edit_form(view: View, row: Mapping[Any, Any], given: Given | None = None) -> list[Component]:
    """The fields of one that is changed: the reason is asked for anew."""
    lang = view.lang
    told = given or Given(
        starts=written(row["starts_at"], view.zone), ends=written(row["ends_at"], view.zone)
    )
    why = t("Why it is changed", lang)
    return [
        html.Div(
            [
                moment_field(
                    EDIT_STARTS, t("Starts", lang), told.starts, view, told.wrong("starts_at", lang)
                ),
                moment_field(EDIT_ENDS, t("Ends", lang), told.ends, view, told.wrong("ends_at", lang)),
            ],
            className="field-row",
        ),
        text_field(EDIT_WHY, why, told.why, error=told.wrong("why", lang), maxlength=500),
        dbc.Button(t("Change it", lang), type="submit", color="primary"),
    ]


def maintenance_table(view: View, rows: Sequence[Mapping[Any, Any]], *, edit: str = "") -> Component:
    """What was declared, with who declared it and whether it was edited; `edit` is the page that changes it."""
    lang, zone = view.lang, view.zone
    columns = [
        Column("about", t("For", lang), lambda row: _about(row, lang)),
        Column("state", t("State", lang), lambda row: html.Span(_stage(row, view), className="nowrap")),
        Column("starts", t("Starts", lang), lambda row: moment(row["starts_at"], lang, zone)),
        Column("ends", t("Ends", lang), lambda row: moment(row["ends_at"], lang, zone)),
        Column("why", t("What for", lang), lambda row: _reasons(row, view)),
        Column("by", t("Declared", lang), lambda row: _declared(row, view)),
    ]
    if edit and allows(person().role, WRITES):
        columns.append(Column("act", t("Act", lang), lambda row: _acts(row, view, edit)))
    return data_table(
        columns, rows, lang=lang, caption=t("Maintenance", lang), id="maintenance-list", stored=True
    )


def _about(row: Mapping[Any, Any], lang: str) -> Component | str:
    everything = html.Span(t("everything", lang), className="nowrap")
    return everything if row["subject_id"] is None else str(row["subject_id"])


def _stage(row: Mapping[Any, Any], view: View) -> str:
    lang = view.lang
    if row["cancelled_at"] is not None:
        return t("called off", lang)
    if view.now < row["starts_at"]:
        return t("to come", lang)
    return t("now", lang) if view.now < row["ends_at"] else t("over", lang)


def _reasons(row: Mapping[Any, Any], view: View) -> Component:
    lang = view.lang
    if row["edited_at"] is None:
        return html.Span(row["why"])
    at = moment(row["edited_at"], lang, view.zone)
    edited = t("edited {at}: {why}", lang, at=at, why=declared(row["edit_why"], lang))
    return html.Span([row["why"], html.Span(edited, className="cell-under")])


def _declared(row: Mapping[Any, Any], view: View) -> Component:
    who = row["declared_by"] or t("somebody who left", view.lang)
    at = moment(row["declared_at"], view.lang, view.zone)
    return html.Span([who, html.Span(at, className="cell-under")])


def _acts(row: Mapping[Any, Any], view: View, edit: str) -> Component | None:
    lang = view.lang
    if row["cancelled_at"] is not None or row["ends_at"] <= view.now:
        return None
    key = str(row["id"])
    change = html.A(
        t("Change", lang), href=edit + view.with_query(edit=key), className="btn btn-quiet btn-sm"
    )
    words = t("End it now", lang) if row["starts_at"] <= view.now else t("Call it off", lang)
    why = t("What it would still have covered is judged as ever. It stays listed, marked as edited.", lang)
    sure = html.Button(
        words,
        id={"kind": END, "key": key},
        type="button",
        className="btn btn-danger btn-sm",
        **attributes({"aria-label": f"{words}: {row['why']}"}),
    )
    return html.Div([change, asked_first(words, why, sure)], className="status-acts")


# --- corrections --------------------------------------------------------------------------------------


def corrections_panel(view: View, row: SubjectRow, rows: Sequence[Mapping[Any, Any]]) -> Component | None:
    """What was corrected, and, for whom it is, the form for it. Nothing where there is neither."""
    lang = view.lang
    may = allows(person().role, CORRECTS)
    if not rows and not may:
        return None
    return html.Section(
        [
            html.H2(t("Corrections", lang), className="section-title"),
            _corrections(view, rows) if rows else None,
            _correct(view) if may else None,
        ],
        className="section",
    )


def _corrections(view: View, rows: Sequence[Mapping[Any, Any]]) -> Component:
    lang, zone = view.lang, view.zone

    def made(row: Mapping[Any, Any]) -> Component:
        who = row["made_by"] or t("somebody who left", lang)
        told = moment(row["made_at"], lang, zone)
        waits = t("counts within a minute", lang) if row["applied_at"] is None else None
        return html.Span(
            [who, html.Span(told, className="cell-under"), html.Span(waits, className="cell-under")]
        )

    columns = [
        Column("state", t("State", lang), lambda row: state_mark(row["state"], lang)),
        Column("from", t("From", lang), lambda row: moment(row["starts_at"], lang, zone)),
        Column("until", t("Until", lang), lambda row: moment(row["ends_at"], lang, zone)),
        Column("why", t("How it is known", lang), lambda row: row["why"]),
        Column("made", t("Corrected by", lang), made),
    ]
    return data_table(
        columns, rows, lang=lang, caption=t("Corrections", lang), id="status-corrections", stored=True
    )


def _correct(view: View) -> Component:
    lang = view.lang
    why = t(
        "A correction stands over what was measured, which stays stored, and says who made it and why. A later one "
        "stands over it in turn.",
        lang,
    )
    form = dbc.Form(correct_form(view, Given()), id=C_FORM, prevent_default_on_submit=True)
    return asked_first(t("Correct a stretch of time", lang), why, form)


def correct_form(view: View, given: Given, said: Component | None = None) -> list[Component | None]:
    """The fields of a correction."""
    lang = view.lang
    states = [(state, state_word(state, lang)) for state in JUDGED]
    return [
        said,
        html.Div(
            [
                moment_field(C_STARTS, t("From", lang), given.starts, view, given.wrong("starts_at", lang)),
                moment_field(C_ENDS, t("Until", lang), given.ends, view, given.wrong("ends_at", lang)),
            ],
            className="field-row",
        ),
        select_field(C_STATE, t("It was", lang), states, given.state, error=given.wrong("state", lang)),
        text_field(
            C_WHY, t("How it is known", lang), given.why, error=given.wrong("why", lang), maxlength=500
        ),
        dbc.Button(t("Correct it", lang), type="submit", color="primary"),
    ]


def moments_of(starts: datetime | None, ends: datetime | None, complaint: str) -> dict[str, str]:
    """What is wrong with two moments that were typed."""
    told = {"starts_at": starts, "ends_at": ends}
    return {name: complaint for name, value in told.items() if value is None}
