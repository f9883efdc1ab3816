"""Who may see what, by role: permissions read `domain:verb` or `domain:thing:verb`, in the order of the alphabet."""

from enum import StrEnum

ROLES = ("admin", "architect", "observer", "strategist", "user")


class Permission(StrEnum):
    """Everything that needs more than being signed in."""

    AI_EXAMPLES_READ = "ai:examples:read"
    AI_MODELS_READ = "ai:models:read"
    API_KEYS_READ = "api:keys:read"
    API_LOGS_READ = "api:logs:read"
    CRM_READ = "crm:read"
    FINANCE_READ = "finance:read"
    GAMIFICATION_READ = "gamification:read"
    GAMIFICATION_STATS_READ = "gamification:stats:read"
    PEOPLE_ADMIN = "people:admin"
    PEOPLE_READ = "people:read"
    SECURITY_READ = "security:read"
    SESSIONS_READ = "sessions:read"
    SOCIAL_READ = "social:read"
    SUPPORT_INTERNAL_READ = "support:internal:read"
    SUPPORT_READ = "support:read"
    SYSTEM_READ = "system:read"


EVERYONE = frozenset(ROLES)
# After the target rules of the schema facts. Rows of one's own follow with row-level rules.
HELD_BY: dict[Permission, frozenset[str]] = {
    Permission.AI_EXAMPLES_READ: frozenset({"admin", "architect"}),
    Permission.AI_MODELS_READ: EVERYONE,
    Permission.API_KEYS_READ: frozenset({"admin"}),
    Permission.API_LOGS_READ: frozenset({"admin", "observer"}),
    Permission.CRM_READ: frozenset({"admin", "strategist"}),
    Permission.FINANCE_READ: frozenset({"admin", "strategist"}),
    Permission.GAMIFICATION_READ: EVERYONE,
    Permission.GAMIFICATION_STATS_READ: frozenset({"admin"}),
    Permission.PEOPLE_ADMIN: frozenset({"admin"}),
    Permission.PEOPLE_READ: frozenset({"admin"}),
    Permission.SECURITY_READ: frozenset({"admin", "observer"}),
    Permission.SESSIONS_READ: frozenset({"admin", "observer"}),
    Permission.SOCIAL_READ: EVERYONE,
    Permission.SUPPORT_INTERNAL_READ: frozenset({"admin"}),
    Permission.SUPPORT_READ: frozenset({"admin"}),
    Permission.SYSTEM_READ: EVERYONE,
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
