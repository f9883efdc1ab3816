"""Listening to social networks: posts, how people react to them, and what is talked about."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, select

from db.functions import day_of
from db.listing import Field, Listing, listed
from db.metric import Column, Statement, Window, metric, series
from db.models import SocialPost, SocialTrend

NEEDS = "social:read"
TYPE = SocialPost.meta["type"].as_string()  # what the post consists of, where its source says so
KNOWN_TYPES = ("link", "photo", "status", "video")
COUNTS = (SocialPost.likes_count, SocialPost.comments_count, SocialPost.shares_count)
NO_LIKES = "No post of this window states its likes."
NO_COMMENTS = "No post of this window states its comments."
NO_SHARES = "No post of this window states its shares."
NO_COUNTS = "No post of this window states its likes, comments and shares."

posts = listed(
    Listing(
        name="posts",
        title="Posts",
        model=SocialPost,
        fields=(
            Field(SocialPost.external_id, "Post"),
            Field(SocialPost.platform, "Platform", "word"),
            Field(SocialPost.meta, "Type", "word", shows=TYPE, name="type", words=KNOWN_TYPES),
            Field(SocialPost.author, "Author"),
            Field(SocialPost.content, "Text"),
            Field(SocialPost.likes_count, "Likes", "number"),
            Field(SocialPost.comments_count, "Comments", "number"),
            Field(SocialPost.shares_count, "Shares", "number"),
            Field(SocialPost.sentiment_score, "Sentiment score", "number"),
            Field(SocialPost.posted_at, "Posted", "moment"),
        ),
        search=(SocialPost.external_id, SocialPost.author, SocialPost.content, TYPE),
        filters=(SocialPost.platform,),
        order=SocialPost.posted_at,
        needs=NEEDS,
    )
)
trends = listed(
    Listing(
        name="trends",
        title="Trends",
        model=SocialTrend,
        fields=(
            Field(SocialTrend.tag, "Tag"),
            Field(SocialTrend.volume, "Volume", "number"),
            Field(SocialTrend.sentiment, "Sentiment", "word"),
            Field(SocialTrend.recorded_at, "Recorded", "moment"),
        ),
        search=(SocialTrend.tag,),
        filters=(SocialTrend.sentiment,),
        order=SocialTrend.recorded_at,
        needs=NEEDS,
    )
)


def among(window: Window, *columns: Any, where: ColumnElement[bool] | None = None) -> Statement:
    """`columns` of the posts that appeared in the window and fulfil `where`."""
    chosen: Statement = select(*columns).select_from(SocialPost).where(window.covers(SocialPost.posted_at))
    return chosen if where is None else chosen.where(where)


def _rows(where: ColumnElement[bool] | None = None) -> Any:
    columns = (SocialPost.id, SocialPost.platform, SocialPost.external_id, *COUNTS, SocialPost.posted_at)
    newest = (SocialPost.posted_at.desc().nulls_last(), SocialPost.id)
    return lambda window: among(window, *columns, where=where).order_by(*newest)


def _total(window: Window, counted: Column, stated: ColumnElement[bool]) -> Statement:
    """The sum of `counted` over the posts that state it, and how many those are."""
    total = cast(func.sum(counted), BigInteger).label("value")
    return among(window, total, func.count().label("n"), where=stated)


@metric("social.posts", title="Posts", unit="posts", formula="count of rows", needs=NEEDS, evidence=_rows())
def post_count(window: Window) -> Statement:
    """Posts that appeared in the window. A post without a known moment counts in all time only."""
    return among(window, func.count().label("value"))


@metric(
    "social.likes",
    title="Likes",
    unit="likes",
    formula="sum of likes_count",
    excluded="Posts that do not state their likes.",
    least=1,
    few=NO_LIKES,
    needs=NEEDS,
    evidence=_rows(SocialPost.likes_count.is_not(None)),
)
def likes(window: Window) -> Statement:
    """Likes of the posts that appeared in the window, as last fetched. A post that does not state them is left out."""
    return _total(window, SocialPost.likes_count, SocialPost.likes_count.is_not(None))


@metric(
    "social.comments",
    title="Comments",
    unit="comments",
    formula="sum of comments_count",
    excluded="Posts that do not state their comments.",
    least=1,
    few=NO_COMMENTS,
    needs=NEEDS,
    evidence=_rows(SocialPost.comments_count.is_not(None)),
)
def comments(window: Window) -> Statement:
    """Comments on the posts that appeared in the window, as last fetched. A post that does not state them is left
    out."""
    return _total(window, SocialPost.comments_count, SocialPost.comments_count.is_not(None))


@metric(
    "social.shares",
    title="Shares",
    unit="shares",
    formula="sum of shares_count",
    excluded="Posts that do not state how often they were passed on.",
    least=1,
    few=NO_SHARES,
    needs=NEEDS,
    evidence=_rows(SocialPost.shares_count.is_not(None)),
)
def shares(window: Window) -> Statement:
    """How often the posts that appeared in the window were passed on, as last fetched. A post that does not state it
    is left out."""
    return _total(window, SocialPost.shares_count, SocialPost.shares_count.is_not(None))


@metric(
    "social.interactions",
    title="Interactions per post",
    unit="interactions",
    formula="mean of likes_count + comments_count + shares_count",
    excluded="Posts that do not state all three counts.",
    least=1,
    few=NO_COUNTS,
    needs=NEEDS,
    evidence=_rows(and_(*[column.is_not(None) for column in COUNTS])),
)
def interactions(window: Window) -> Statement:
    """How often people reacted to a post on average, over the posts of the window that state likes, comments and
    shares."""
    likes, comments, shares = (cast(column, BigInteger) for column in COUNTS)
    stated = and_(*[column.is_not(None) for column in COUNTS])
    mean = (func.sum(likes + comments + shares) * 1.0 / func.count()).label("value")
    return among(window, mean, func.count().label("n"), where=stated)


@metric(
    "social.trends",
    title="Trends recorded",
    unit="snapshots",
    formula="count of rows",
    needs=NEEDS,
    evidence=lambda window: (
        select(
            SocialTrend.id,
            SocialTrend.tag,
            SocialTrend.volume,
            SocialTrend.sentiment,
            SocialTrend.recorded_at,
        )
        .where(window.covers(SocialTrend.recorded_at))
        .order_by(SocialTrend.recorded_at.desc().nulls_last(), SocialTrend.id)
    ),
)
def trend_count(window: Window) -> Statement:
    """How often the volume and mood of a tag were taken down in the window."""
    counted = select(func.count().label("value")).select_from(SocialTrend)
    return counted.where(window.covers(SocialTrend.recorded_at))


@series(
    "social.posts_by_platform",
    title="Posts by platform",
    unit="posts",
    formula="count of posts per platform",
    needs=NEEDS,
    evidence=_rows(),
)
def posts_by_platform(window: Window) -> Statement:
    """On which networks the posts of the window appeared."""
    counted = among(window, SocialPost.platform.label("label"), func.count().label("count"))
    return counted.group_by(SocialPost.platform).order_by(func.count().desc(), SocialPost.platform)


@series(
    "social.posts_by_type",
    title="Posts by type",
    unit="posts",
    formula="count of posts per metadata.type",
    needs=NEEDS,
    evidence=_rows(),
)
def posts_by_type(window: Window) -> Statement:
    """What the posts of the window consist of, as their source says; unknown where it does not."""
    typed = among(window, TYPE.label("label")).subquery("typed")
    counted = select(typed.c.label, func.count().label("count"))
    return counted.group_by(typed.c.label).order_by(func.count().desc(), typed.c.label)


@series(
    "social.posts_by_day",
    title="Posts by day",
    unit="posts",
    formula="count of posts per day (UTC) of their appearance",
    excluded="Posts without a known moment.",
    needs=NEEDS,
    evidence=_rows(SocialPost.posted_at.is_not(None)),
)
def posts_by_day(window: Window) -> Statement:
    """How many posts appeared on which day. A day without a bar had none; posts without a known moment are left
    out."""
    day = day_of(SocialPost.posted_at)
    known = SocialPost.posted_at.is_not(None)
    counted = among(window, day.label("at"), func.count().label("count"), where=known)
    return counted.group_by(day).order_by(day)
