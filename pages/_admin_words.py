"""Permissions and rules of access in words, as administrators read them."""

from collections.abc import Sequence

from auth.permissions import Permission
from components.shell import role_word
from db.rules import Rule, Verb, Who
from i18n import declared, t


def permission_words(permission: str, lang: str) -> str:
    """What a permission opens; one we have no words for is shown by its name."""
    words = {
        Permission.AI_EXAMPLES_READ: t("training examples", lang),
        Permission.AI_MODELS_READ: t("AI", lang),
        Permission.AI_PREDICTIONS_READ: t("predictions", lang),
        Permission.API_KEYS_READ: t("API keys", lang),
        Permission.API_LOGS_READ: t("API requests", lang),
        Permission.CHECKS_WRITE: t("checks and maintenance", lang),
        Permission.CRM_READ: t("CRM", lang),
        Permission.FINANCE_READ: t("finance", lang),
        Permission.GAMIFICATION_READ: t("gamification", lang),
        Permission.GAMIFICATION_STATS_READ: t("points", lang),
        Permission.OBJECTIVES_WRITE: t("objectives", lang),
        Permission.PEOPLE_ADMIN: t("administration", lang),
        Permission.PEOPLE_READ: t("people's profiles", lang),
        Permission.SECURITY_READ: t("security", lang),
        Permission.SESSIONS_READ: t("sessions", lang),
        Permission.SOCIAL_READ: t("social", lang),
        Permission.SUPPORT_READ: t("support", lang),
        Permission.SYSTEM_READ: t("the system itself", lang),
        Permission.UPTIME_CORRECT: t("corrections of states", lang),
        Permission.USAGE_READ: t("what providers report", lang),
    }
    found = {str(name): said for name, said in words.items()}
    return found.get(str(permission), str(permission))


def verb_words(verb: Verb, lang: str) -> str:
    words = {
        Verb.SELECT: t("See", lang),
        Verb.INSERT: t("Add", lang),
        Verb.UPDATE: t("Change", lang),
        Verb.DELETE: t("Delete", lang),
    }
    return words[verb]


def who_words(rule: Rule, lang: str) -> str:
    """Of whom a rule speaks."""
    words = {
        Who.AUTHENTICATED: t("everybody who is signed in", lang),
        Who.SELF: t("the person it is about", lang),
        Who.OWNER: t("the owner of the row", lang),
        Who.ASSIGNEE: t("whom it is assigned to", lang),
        Who.DEAL_OWNER: t("the owner of its deal", lang),
        Who.TICKET_OWNER: t("the owner of its ticket", lang),
        Who.TICKET_ASSIGNEE: t("whom its ticket is assigned to", lang),
    }
    if rule.who in (Who.ROLE, Who.ADMIN):
        roles = ", ".join(role_word(role, lang) for role in rule.needed_roles)
        return t("people with the role {roles}", lang, roles=roles)
    return words.get(rule.who, str(rule.who))


def bounds_words(rule: Rule, lang: str) -> list[str]:
    """What narrows a rule, one by one: its limit in words, else its columns and values."""
    said = [declared(rule.limit, lang)] if rule.limit else []
    if rule.columns is not None and not said:
        said.append(t("only the columns {names}", lang, names=", ".join(sorted(rule.columns))))
    for column, values in rule.becomes.items():
        shown = ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
        said.append(t("{column} may become {values}", lang, column=column, values=shown))
    return said


def origin_words(rule: Rule, lang: str) -> str:
    """Where a rule comes from: the facts about the schema, or a decision of this project with its reason."""
    if not rule.ours:
        return t("from the schema's own rules", lang)
    return t("added here: {reason}", lang, reason=declared(rule.ours, lang))


def reach_words(rules: Sequence[Rule], lang: str) -> str:
    """Which rows these rules reach together, in a word or two; "" for none."""
    if any(rule.is_unconditional() and rule.columns is None for rule in rules):
        return t("all", lang)
    short = {
        Who.SELF: t("oneself", lang),
        Who.OWNER: t("own", lang),
        Who.ASSIGNEE: t("assigned", lang),
        Who.DEAL_OWNER: t("of own deals", lang),
        Who.TICKET_OWNER: t("of own tickets", lang),
        Who.TICKET_ASSIGNEE: t("of assigned tickets", lang),
    }
    said = []
    for rule in rules:
        word = short.get(rule.who, t("all", lang))
        said.append(t("{rows}, in part", lang, rows=word) if bounds_words(rule, lang) else word)
    return "; ".join(dict.fromkeys(said))
