"""Social networks: posts, how people react to them, and what is talked about."""

from components.figures.bars import category_bars, time_bars
from i18n import t
from pages._module import Chart, Module, register_page

register_page(
    Module(
        name="social",
        title=lambda lang: t("Social", lang),
        lead=lambda lang: t("Posts, how people react to them, and what is talked about.", lang),
        icon="social",
        order=40,
        needs="social:read",
        cards=(
            "social.posts",
            "social.likes",
            "social.comments",
            "social.shares",
            "social.interactions",
            "social.trends",
        ),
        charts=(
            Chart("social.posts_by_platform", category_bars),
            Chart("social.posts_by_type", category_bars),
            Chart("social.posts_by_day", time_bars),
        ),
        listings=("posts", "trends"),
        how=lambda lang: t(
            "Posts come in from a file of comma-separated values, such as an export of a page's posts:", lang
        ),
        command=".venv/bin/quantum import table social_posts FILE.csv --recipe facebook-posts",
        ways={
            "trends": (
                lambda lang: t("Trends come in from a file of comma-separated values, one tag a line:", lang),
                ".venv/bin/quantum import table social_trends FILE.csv",
            )
        },
    ),
    __name__,
)
