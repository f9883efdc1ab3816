"""Who may see what, by role: permissions read `domain:verb` or `domain:thing:verb`, in the order of the alphabet."""

from enum import StrEnum

ROLES = ("admin", "architect", "observer", "strategist", "user")


class Permission(StrEnum):
    """Everything that needs more than being signed in."""

    AI_EXAMPLES_READ = "ai:examples:read"
    AI_MODELS_READ = "ai:models:read"
    AI_PREDICTIONS_READ = "ai:predictions:read"
    API_KEYS_READ = "api:keys:read"
    API_LOGS_READ = "api:logs:read"
    CHECKS_WRITE = "checks:write"
    CRM_READ = "crm:read"
    FINANCE_READ = "finance:read"
    FLEET_WRITE = "fleet:write"
    GAMIFICATION_READ = "gamification:read"
    GAMIFICATION_STATS_READ = "gamification:stats:read"
    OBJECTIVES_WRITE = "objectives:write"
    PEOPLE_ADMIN = "people:admin"
    PEOPLE_READ = "people:read"
    SECURITY_READ = "security:read"
    SESSIONS_READ = "sessions:read"
    SOCIAL_READ = "social:read"
    SUPPORT_READ = "support:read"
    SYSTEM_READ = "system:read"
    TELEMETRY_WRITE = "telemetry:write"
    UPTIME_CORRECT = "uptime:correct"
    USAGE_READ = "usage:read"


EVERYONE = frozenset(ROLES)
# Which doors a role finds open. Which rows it then finds inside, `db.policies` says: most tables hold rows of one's
# own, so most doors are open to everyone, and closed is only what a role sees no row of.
HELD_BY: dict[Permission, frozenset[str]] = {
    Permission.AI_EXAMPLES_READ: frozenset({"admin", "architect"}),
    Permission.AI_MODELS_READ: EVERYONE,
    Permission.AI_PREDICTIONS_READ: EVERYONE,
    Permission.API_KEYS_READ: EVERYONE,
    Permission.API_LOGS_READ: EVERYONE,
    Permission.CHECKS_WRITE: frozenset({"admin", "architect"}),  # what is watched, and maintenance
    Permission.CRM_READ: EVERYONE,
    Permission.FINANCE_READ: EVERYONE,
    Permission.FLEET_WRITE: frozenset({"admin", "architect"}),
    Permission.GAMIFICATION_READ: EVERYONE,
    Permission.GAMIFICATION_STATS_READ: EVERYONE,
    Permission.OBJECTIVES_WRITE: frozenset({"admin", "architect"}),
    Permission.PEOPLE_ADMIN: frozenset({"admin"}),
    Permission.PEOPLE_READ: frozenset({"admin"}),  # one's own profile has a page of its own
    Permission.SECURITY_READ: EVERYONE,
    Permission.SESSIONS_READ: EVERYONE,
    Permission.SOCIAL_READ: EVERYONE,
    Permission.SUPPORT_READ: EVERYONE,
    Permission.SYSTEM_READ: EVERYONE,
    Permission.TELEMETRY_WRITE: frozenset({"admin", "architect"}),  # what agents report, everybody then reads
    Permission.UPTIME_CORRECT: frozenset({"admin"}),
    Permission.USAGE_READ: frozenset(
        {"admin", "architect", "observer", "strategist"}
    ),  # what providers charge
}


def allows(role: str | None, needed: str) -> bool:
    """Whether `role` holds the permission `needed`; "" needs no more than being signed in.

    A name that is no permission is refused to everyone.
    """
    if not needed:
        return role is not None
    try:
        return role in HELD_BY[Permission(needed)]
    except ValueError:
        return False
