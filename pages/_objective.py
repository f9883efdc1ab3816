"""The error budget: what is aimed at, how much of the allowed failures is left, and how fast it burns."""

from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from auth.permissions import Permission, allows
from components.attributes import attributes
from components.cards import card, measured
from components.format import moment, number
from components.forms import text_field
from components.icons import icon
from components.measured import beside, unmeasured
from components.tables import Column, data_table
from db.engine import Session
from db.metric import Reading, read
from db.queries.objectives import ALARMS, STRETCHES, Alarm
from db.services.objectives import Aim, tasks_objective
from i18n import declared, t
from pages._view import View, person

PART, FORM = "performance-objective", "performance-objective-form"
TARGET, LEAST, DROP = (
    "performance-objective-target",
    "performance-objective-least",
    "performance-objective-drop",
)
USUAL_LEAST = 20
BURN, LEFT = "objective.burn", "objective.budget_left"
Burns = Mapping[str, Reading]


def objective_part(
    unit: Session,
    view: View,
    said: Component | None = None,
    given: tuple[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> list[Component | None]:
    """The whole part; the form is for those who may set the objective."""
    aim = tasks_objective(unit)
    return [
        html.H2(t("Error budget", view.lang), className="section-title"),
        said,
        _standing(unit, aim, view) if aim else _none(view.lang),
        _form(aim, view.lang, given, errors or {})
        if allows(person().role, Permission.OBJECTIVES_WRITE)
        else None,
    ]


def _none(lang: str) -> Component:
    words = t(
        "No objective is set, so there is no budget to burn. An administrator or architect sets it.", lang
    )
    return html.P(words, className="muted")


def _standing(unit: Session, aim: Aim, view: View) -> Component:
    lang = view.lang
    burns = {stretch: read(unit, BURN, view.window, (stretch,)) for stretch in STRETCHES}
    aimed = t(
        "Aimed at: {target} % of the fleet's tasks succeed. With fewer than {least} tasks in a stretch nothing is said."
        " Set {at}.",
        lang,
        target=number(float(aim.target), lang),
        least=number(aim.least_events, lang),
        at=moment(aim.set_at, lang, view.zone),
    )
    columns = [
        Column("alarm", t("Urgency", lang), lambda row: _urgency(row["alarm"], lang)),
        Column(
            "long", t("Long stretch", lang), lambda row: _burn(row["alarm"].long, burns, lang), align="end"
        ),
        Column(
            "short", t("Short stretch", lang), lambda row: _burn(row["alarm"].short, burns, lang), align="end"
        ),
        Column("limit", t("Limit", lang), lambda row: _limit(row["alarm"], lang), align="end"),
        Column("state", t("State", lang), lambda row: _state(row["alarm"], burns, aim, lang)),
    ]
    title, note = (
        t("Burn of the error budget", lang),
        t("It burns when both stretches reach the limit.", lang),
    )
    table = data_table(
        columns, [{"alarm": each} for each in ALARMS], lang=lang, caption=title, id="performance-burn"
    )
    head = html.Header(
        [
            html.H2(title),
            html.P(note, className="frame-note"),
        ],
        className="frame-head",
    )
    return html.Div(
        [
            html.P(aimed, className="muted", **attributes(unmeasured("definition"))),
            html.Div(card(read(unit, LEFT, view.window), lang, zone=view.zone), className="card-grid"),
            html.Section([head, table], className="frame framed-table section"),
        ]
    )


def _urgency(alarm: Alarm, lang: str) -> str:
    return t("Call somebody", lang) if alarm.is_urgent else t("Write a ticket", lang)


def _burn(stretch: str, burns: Burns, lang: str) -> Component:
    n = t("n = {n}", lang, n=number(burns[stretch].n, lang))
    words = f"{_length(stretch, lang)} · {n}"
    beneath = html.Span(words, className="cell-under", **attributes(beside(burns[stretch])))
    return html.Span([measured(burns[stretch], lang), beneath])


def _limit(alarm: Alarm, lang: str) -> Component:
    return html.Span(f"{number(alarm.limit, lang)}×", **attributes(unmeasured("limit")))


def _length(stretch: str, lang: str) -> str:
    words = {"m": t("min", lang), "h": t("h", lang), "d": t("d", lang)}
    return f"{stretch[:-1]} {words[stretch[-1]]}"


def _state(alarm: Alarm, burns: Burns, aim: Aim, lang: str) -> Component:
    """Burning, within the budget, or too few tasks to say: that is never shown as good."""
    both = [burns[alarm.long], burns[alarm.short]]
    if any(each.value is None or each.n < aim.least_events for each in both):
        return html.Span([icon("help"), " ", t("insufficient", lang)], className="burn-state is-unknown")
    if all((each.value or 0) >= alarm.limit for each in both):
        return html.Span([icon("warning"), " ", t("burning", lang)], className="burn-state is-burning")
    return html.Span([icon("check"), " ", t("within the budget", lang)], className="burn-state is-good")


def _form(aim: Aim | None, lang: str, given: tuple[str, str] | None, errors: Mapping[str, str]) -> Component:
    stored = (f"{aim.target.normalize():f}", str(aim.least_events)) if aim else ("", str(USUAL_LEAST))
    target, least = given or stored
    words = {name: declared(text, lang) for name, text in errors.items()}
    drop = html.Button(t("Take it back", lang), id=DROP, type="button", className="btn btn-quiet")
    fields: list[Any] = [
        text_field(
            TARGET, t("Tasks that should succeed (%)", lang), target, error=words.get("target"), maxlength=10
        ),
        text_field(LEAST, t("Least tasks in a stretch", lang), least, error=words.get("least"), maxlength=7),
        html.Div(
            [
                dbc.Button(t("Set the objective", lang), type="submit", color="primary"),
                drop if aim else html.Button(id=DROP, hidden=True, type="button"),
            ],
            className="form-actions",
        ),
    ]
    return html.Details(
        [
            html.Summary(
                t("Change the objective", lang) if aim else t("Set an objective", lang),
                className="btn btn-quiet",
            ),
            dbc.Form(fields, id=FORM, prevent_default_on_submit=True, className="form-panel"),
        ],
        open=bool(errors),
        className="section",
    )
