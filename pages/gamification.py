"""Points and rankings: what people have earned, what there is to earn, and who leads."""

from components.figures.bars import category_bars
from i18n import t
from pages._module import Chart, Module, register_page

register_page(
    Module(
        name="gamification",
        title=lambda lang: t("Gamification", lang),
        lead=lambda lang: t("What people have earned, what there is to earn, and who leads.", lang),
        icon="trophy",
        order=50,
        needs="gamification:read",
        cards=(
            "gamification.people",
            "gamification.points",
            "gamification.tasks_completed",
            "gamification.achievements",
            "gamification.achievement_points",
            "gamification.rankings",
        ),
        charts=(
            Chart("gamification.people_by_level", category_bars),
            Chart("gamification.achievements_by_rarity", category_bars),
            Chart("gamification.rankings_by_period", category_bars),
        ),
        listings=("stats", "achievements", "leaderboard"),
        how=lambda lang: t("Awards come in from a file of comma-separated values, one award a line:", lang),
        command=".venv/bin/quantum import table achievements FILE.csv",
        ways={
            "stats": (lambda lang: t("A person's totals start at zero when they sign up.", lang), ""),
            "leaderboard": (
                lambda lang: t(
                    "Rankings come in from a file of comma-separated values, one place a line:", lang
                ),
                ".venv/bin/quantum import table leaderboard FILE.csv",
            ),
        },
    ),
    __name__,
)
