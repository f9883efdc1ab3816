"""Points, levels, awards and rankings. What one person has earned is for those who may read it."""

from typing import Any

from sqlalchemy import BigInteger, Text, cast, func, select

from db.listing import Field, Listing, listed
from db.metric import Column, Statement, Window, metric, series
from db.models import Achievement, LeaderboardEntry, UserStats
from db.queries.people import username_of

NEEDS = "gamification:read"
NEEDS_STATS = "gamification:stats:read"
NOBODY = "Nobody has points yet: a person gets them by signing up."
NO_POINTS = "No award that can be earned states its points."
ACTIVE = Achievement.is_active.is_(True)

stats = listed(
    Listing(
        name="stats",
        title="People's totals",
        model=UserStats,
        fields=(
            Field(UserStats.user_id, "Person", shows=username_of(UserStats.user_id), name="username"),
            Field(UserStats.xp_points, "Points", "number"),
            Field(UserStats.level, "Level", "number"),
            Field(UserStats.streak_days, "Streak (days)", "number"),
            Field(UserStats.total_tasks_completed, "Tasks", "number"),
            Field(UserStats.total_deals_closed, "Deals won", "number"),
            Field(UserStats.total_tickets_resolved, "Tickets resolved", "number"),
            Field(UserStats.last_activity_date, "Last active day", "day"),
        ),
        search=(username_of(UserStats.user_id),),
        filters=(),
        order=UserStats.xp_points,
        needs=NEEDS_STATS,
    )
)
achievements = listed(
    Listing(
        name="achievements",
        title="Awards",
        model=Achievement,
        fields=(
            Field(Achievement.name, "Award"),
            Field(Achievement.category, "Category", "word"),
            Field(Achievement.rarity, "Rarity", "word"),
            Field(Achievement.points, "Points", "number"),
            Field(Achievement.is_active, "Can be earned", "yes_no"),
            Field(Achievement.description, "Description"),
        ),
        search=(Achievement.name, Achievement.description),
        filters=(Achievement.category, Achievement.rarity),
        order=Achievement.points,
        needs=NEEDS,
    )
)
leaderboard = listed(
    Listing(
        name="leaderboard",
        title="Rankings",
        model=LeaderboardEntry,
        fields=(
            Field(
                LeaderboardEntry.user_id,
                "Person",
                shows=username_of(LeaderboardEntry.user_id),
                name="username",
            ),
            Field(LeaderboardEntry.metric_type, "Ranked by"),
            Field(LeaderboardEntry.period, "Period", "word"),
            Field(LeaderboardEntry.rank, "Rank", "number"),
            Field(LeaderboardEntry.score, "Score", "number"),
            Field(LeaderboardEntry.recorded_at, "Recorded", "moment"),
        ),
        search=(username_of(LeaderboardEntry.user_id), LeaderboardEntry.metric_type),
        filters=(LeaderboardEntry.period, LeaderboardEntry.metric_type),
        order=LeaderboardEntry.recorded_at,
        needs=NEEDS,
    )
)


@metric(
    "gamification.people",
    title="People who play",
    unit="people",
    formula="count of rows",
    windowed=False,
    needs=NEEDS,
    # Only the moments: whose rows these are and what they hold is for readers of the totals.
    evidence=lambda window: select(UserStats.created_at).order_by(UserStats.created_at.desc().nulls_last()),
)
def people(window: Window) -> Statement:
    """People whose points are counted, now. Everybody who signs up is one of them."""
    return select(func.count().label("value")).select_from(UserStats)


def _earned(column: Column) -> Any:
    shown = (username_of(UserStats.user_id).label("username"), column, UserStats.updated_at)
    return lambda window: select(*shown).order_by(column.desc().nulls_last(), UserStats.user_id)


def _total(column: Column) -> Statement:
    return select(cast(func.sum(column), BigInteger).label("value"), func.count(column).label("n"))


@metric(
    "gamification.points",
    title="Points earned",
    unit="points",
    formula="sum of xp_points",
    excluded="People without a total.",
    windowed=False,
    least=1,
    few=NOBODY,
    needs=NEEDS_STATS,
    evidence=_earned(UserStats.xp_points),
)
def points(window: Window) -> Statement:
    """Experience points that people have earned together, now."""
    return _total(UserStats.xp_points)


@metric(
    "gamification.tasks_completed",
    title="Tasks completed",
    unit="tasks",
    formula="sum of total_tasks_completed",
    excluded="People without a total.",
    windowed=False,
    least=1,
    few=NOBODY,
    needs=NEEDS_STATS,
    evidence=_earned(UserStats.total_tasks_completed),
)
def tasks_completed(window: Window) -> Statement:
    """Tasks that people have completed together, now."""
    return _total(UserStats.total_tasks_completed)


def _awards(window: Window) -> Statement:
    columns = (Achievement.id, Achievement.name, Achievement.category, Achievement.rarity, Achievement.points)
    return select(*columns).where(ACTIVE).order_by(Achievement.points.desc().nulls_last(), Achievement.name)


@metric(
    "gamification.achievements",
    title="Awards to earn",
    unit="awards",
    formula="count of rows with is_active true",
    excluded="Awards that were withdrawn.",
    windowed=False,
    needs=NEEDS,
    evidence=_awards,
)
def achievement_count(window: Window) -> Statement:
    """Awards that can be earned now; withdrawn ones do not count."""
    return select(func.count().label("value")).select_from(Achievement).where(ACTIVE)


@metric(
    "gamification.achievement_points",
    title="Points to earn",
    unit="points",
    formula="sum of points over rows with is_active true",
    excluded="Awards that were withdrawn, and those that state no points.",
    windowed=False,
    least=1,
    few=NO_POINTS,
    needs=NEEDS,
    evidence=_awards,
)
def achievement_points(window: Window) -> Statement:
    """What the awards that can be earned now bring together, each earned once."""
    return _total(Achievement.points).where(ACTIVE)


def _rankings(window: Window) -> Statement:
    entry = LeaderboardEntry
    columns = (entry.period, entry.metric_type, entry.rank, entry.score, entry.recorded_at)
    shown = (username_of(entry.user_id).label("username"), *columns)
    return (
        select(*shown)
        .where(window.covers(entry.recorded_at))
        .order_by(entry.recorded_at.desc().nulls_last(), entry.rank)
    )


@metric(
    "gamification.rankings",
    title="Ranking entries",
    unit="rankings",
    formula="count of rows",
    needs=NEEDS,
    evidence=_rankings,
)
def ranking_count(window: Window) -> Statement:
    """Places in rankings that were taken down in the window, one per person, period and thing ranked."""
    counted = select(func.count().label("value")).select_from(LeaderboardEntry)
    return counted.where(window.covers(LeaderboardEntry.recorded_at))


@series(
    "gamification.people_by_level",
    title="People by level",
    unit="people",
    formula="count of people per level, the lowest first",
    windowed=False,
    needs=NEEDS_STATS,
    evidence=_earned(UserStats.level),
)
def people_by_level(window: Window) -> Statement:
    """How many people stand on which level, now."""
    counted = select(cast(UserStats.level, Text).label("label"), func.count().label("count"))
    return counted.group_by(UserStats.level).order_by(UserStats.level.asc().nulls_last())


@series(
    "gamification.achievements_by_rarity",
    title="Awards by rarity",
    unit="awards",
    formula="count of rows with is_active true per rarity",
    excluded="Awards that were withdrawn.",
    windowed=False,
    needs=NEEDS,
    evidence=_awards,
)
def achievements_by_rarity(window: Window) -> Statement:
    """How rare the awards that can be earned now are meant to be; declared, not counted from who has them."""
    counted = select(Achievement.rarity.label("label"), func.count().label("count")).where(ACTIVE)
    return counted.group_by(Achievement.rarity).order_by(func.count().desc(), Achievement.rarity)


@series(
    "gamification.rankings_by_period",
    title="Ranking entries by period",
    unit="rankings",
    formula="count of rows per period",
    needs=NEEDS,
    evidence=_rankings,
)
def rankings_by_period(window: Window) -> Statement:
    """Which spans of time the rankings taken down in the window cover."""
    entry = LeaderboardEntry
    counted = select(entry.period.label("label"), func.count().label("count"))
    return (
        counted.where(window.covers(entry.recorded_at))
        .group_by(entry.period)
        .order_by(func.count().desc(), entry.period)
    )
