"""Security: events, who did what, sessions and people."""

from components.figures.bars import category_bars, time_bars
from i18n import t
from pages._module import Chart, Module, register_page

register_page(
    Module(
        name="security",
        title=lambda lang: t("Security", lang),
        lead=lambda lang: t("Security events, who did what, sessions and people.", lang),
        icon="shield",
        order=70,
        needs="security:read",
        cards=(
            "security.events",
            "security.unresolved",
            "security.failed_logins",
            "security.sources",
            "security.audit_entries",
            "security.active_sessions",
        ),
        charts=(
            Chart("security.events_by_type", category_bars),
            Chart("security.events_by_source", category_bars),
            Chart("security.events_by_day", time_bars),
        ),
        listings=("events", "audit", "sessions", "people"),
        how=lambda lang: t("Security events come in from the log of an SSH server:", lang),
        command=".venv/bin/quantum import table security_events FILE.log --recipe sshd-log",
        ways={
            "audit": (
                lambda lang: t(
                    "Only the system writes entries, together with the change they record; no file can add one.",
                    lang,
                ),
                "",
            ),
            "sessions": (
                lambda lang: t(
                    "Every sign-in stores one; no file can bring one.",
                    lang,
                ),
                "",
            ),
        },
    ),
    __name__,
)
