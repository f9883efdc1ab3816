"""Exports of social networks → posts."""

from collections.abc import Iterator

from db.services.otlp import Invalid
from db.services.recipes.base import Found, Options, Reading, Record, kept, known_sheet, recipe
from db.services.table_files import Lines, null_or

COUNTS = {"likes_count": "num_likes", "comments_count": "num_comments", "shares_count": "num_shares"}
NEEDED = ("status_id", "status_type", "status_published", "time", *COUNTS.values())


@recipe(
    "facebook-posts", "social_posts", notes=("the file has neither text nor author nor moment of collection",)
)
def facebook_posts(lines: Lines, options: Options) -> Reading:
    """Posts of Facebook pages (UCI Facebook Live Sellers), one row per post.

    status_id → external_id; num_likes, num_comments, num_shares → likes_count, comments_count, shares_count;
    status_published and time → posted_at (the month comes first); status_type → metadata.type; every other field →
    metadata as recorded. Posts are known by platform and external_id.
    """
    found = known_sheet(lines, NEEDED)
    return Reading(
        _posts(found.mappings()),
        fields={"external_id": "status_id", "posted_at": "status_published", **COUNTS},
        formats={"posted_at": "mdy"},
        key=("platform", "external_id"),
    )


def _posts(rows: Iterator[tuple[int, dict[str, str] | Invalid]]) -> Iterator[Found]:
    for line, row in rows:
        yield line, row if isinstance(row, Invalid) else _post(row)


def _post(row: dict[str, str]) -> Record | Invalid:
    if null_or(row["status_id"]) is None:
        return Invalid("status_id is empty; without it the post would be stored again with every import")
    used = (*NEEDED[:4], *COUNTS.values())
    said = {"type": null_or(row["status_type"])} | kept(row, used)
    posted = f"{row['status_published']} {row['time']}".strip()
    return Record(
        {
            "platform": "facebook",
            "external_id": row["status_id"],
            "posted_at": posted,
            "metadata": said,
        }
        | {column: row[name] for column, name in COUNTS.items()},
        f"facebook-posts {row['status_id']}",
    )
