"""A few rows of every kind in the support, social and gamification tables, with values tests can count on."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import null, select, update
from sqlalchemy.orm import Session

from db.models import (
    Achievement,
    AuthAccount,
    LeaderboardEntry,
    Profile,
    SocialPost,
    SocialTrend,
    SupportTicket,
    TicketMessage,
    UserSession,
    UserStats,
)
from db.services.accounts import register_account

MAY = datetime(2024, 5, 1, 12, tzinfo=UTC)  # a day of its own before everything of June
JUNE = datetime(2024, 6, 1, 12, tzinfo=UTC)
IN_JUNE = "2024-06-01T00:00:00Z/2024-07-01T00:00:00Z"


def person(unit: Session, name: str) -> Profile:
    """The person of this name; made where missing."""
    found = unit.scalars(select(Profile).where(Profile.username == name)).one_or_none()
    if found is not None:
        return found
    account = {"email": f"{name}@example.com", "username": name, "full_name": "", "password_hash": "none"}
    register_account(unit, **account)
    return unit.scalars(select(Profile).where(Profile.username == name)).one()


def support(unit: Session) -> SupportTicket:
    """Five tickets, the first of May, one without a moment; on the second one a message, a note and one unmarked."""
    ada = person(unit, "ada")
    rows = [
        ("Printer on fire", "resolved", "critical", MAY, timedelta(hours=100)),
        ("Mail is slow", "closed", "normal", JUNE, timedelta(hours=1)),
        ("No sound", "resolved", "normal", JUNE + timedelta(hours=2), timedelta(hours=5, minutes=30)),
        ("Lost badge", "in_progress", "low", JUNE + timedelta(days=2), None),
        ("Undated", "open", None, None, None),
    ]
    made = [
        SupportTicket(
            subject=subject,
            status=status,
            priority=null() if priority is None else priority,
            created_at=null() if created is None else created,
            resolved_at=created + took if created and took else None,
            assigned_to=ada.id if status == "closed" else None,
            sentiment_score="-0.25" if status == "closed" else None,
        )
        for subject, status, priority, created, took in rows
    ]
    unit.add_all(made)
    unit.flush()
    for text, internal in (("We look into it", False), ("The relay is full", True), ("Unmarked", null())):
        message = TicketMessage(ticket_id=made[1].id, user_id=ada.id, message=text, is_internal=internal)
        message.created_at = JUNE
        unit.add(message)
    unit.flush()
    return made[1]


def social(unit: Session) -> None:
    """Four posts, one of May, one without a moment that states no counts; two snapshots of tags."""
    posts = [
        ("facebook", "11", "video", 10, 4, 1, MAY),
        ("facebook", "12", "photo", 20, 0, 0, JUNE),
        ("reddit", "t3", None, 3, 2, None, JUNE),
        ("facebook", "13", "photo", None, None, None, None),
    ]
    for platform, key, kind, likes, comments, shares, posted in posts:
        unit.add(
            SocialPost(
                platform=platform,
                external_id=key,
                meta={} if kind is None else {"type": kind},
                likes_count=null() if likes is None else likes,
                comments_count=null() if comments is None else comments,
                shares_count=null() if shares is None else shares,
                posted_at=posted,
            )
        )
    unit.add(SocialTrend(tag="ceramics", volume=120, sentiment="positive", recorded_at=JUNE))
    unit.add(SocialTrend(tag="kilns", volume=null(), sentiment=None, recorded_at=MAY))
    unit.flush()


def gamification(unit: Session) -> None:
    """Ada and Grace with points, three awards of which one is withdrawn, and three places in rankings."""
    for name, points, level, tasks in (("ada", 700, 2, 5), ("grace", 50, 1, 2)):
        stats = unit.get_one(UserStats, person(unit, name).id)
        stats.xp_points, stats.level, stats.total_tasks_completed = points, level, tasks
        stats.last_activity_date = date(2024, 6, 1)
    awards = [
        ("First deal", "common", 50, True),
        ("Night shift", "epic", 400, True),
        ("Founder", "epic", 1000, False),
    ]
    for name, rarity, points, active in awards:
        unit.add(
            Achievement(
                name=name, description=f"How to earn {name}.", rarity=rarity, points=points, is_active=active
            )
        )
    ada = person(unit, "ada").id
    for period, recorded in (("weekly", MAY), ("weekly", JUNE), ("all_time", JUNE)):
        unit.add(
            LeaderboardEntry(
                user_id=ada, period=period, metric_type="xp_points", rank=1, score=700, recorded_at=recorded
            )
        )
    unit.flush()


def promote(unit: Session, name: str, role: str) -> None:
    """Give the person of this name a role as if it had been theirs when they signed in, which a change would end."""
    promoted = unit.scalars(select(Profile).where(Profile.username == name)).one()
    if promoted.role == "admin":  # the last one would keep it
        account = AuthAccount(email="keeper@example.com", password_hash="nobody's")
        unit.add(account)
        unit.flush()
        unit.add(Profile(auth_user_id=account.id, username="keeper", role="admin"))
        unit.flush()
    mine = UserSession.user_id == promoted.id
    open_ones = unit.scalars(select(UserSession.id).where(mine, UserSession.is_active.is_(True))).all()
    version = unit.scalar(
        select(AuthAccount.credential_version).where(AuthAccount.id == promoted.auth_user_id)
    )
    promoted.role = role
    unit.flush()
    unit.execute(update(UserSession).where(UserSession.id.in_(open_ones)).values(is_active=True))
    account_of = update(AuthAccount).where(AuthAccount.id == promoted.auth_user_id)
    unit.execute(account_of.values(credential_version=version))
