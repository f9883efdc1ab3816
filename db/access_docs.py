"""docs/access.md out of the declaration: who may do what with which rows, so that what is read is what ships."""

from collections.abc import Iterator
from uuid import UUID

from db.actor import NOBODY, OPERATOR, SYSTEM, Actor
from db.describe import MODULES, mapped_classes, module_of
from db.policies import every_rule, rules
from db.row_security import DIRECTORY, groups
from db.rules import Rule, Verb, Who
from db.services.account_fields import ROLES

PREFACE = """# Who may do what

Made from `db/policies` by `make docs`; a test fails while this page says something else.

- A rule lets somebody do something with some rows of a table. What no rule allows is refused.
- **all** in the matrix: every row. **some**: the rows that the rules below name, such as one's own. **–**: nothing.
- Every session of the application works in somebody's name and keeps to these rules, on both databases. On PostgreSQL
  the database enforces them as well, for raw SQL too: row security that binds the tables' owner, grants, and triggers
  that hold a change against one rule as a whole (its rows, its columns, its values).
- PostgreSQL is the boundary. The embedded database knows no logins: there the rules guard against mistakes of this
  program, not against whoever can open the file.
- `quantum db bootstrap` makes four logins: owner (migrations), app (people who see their own rows), staff (people whose
  role sees others'), system (sign-up, ingest, collectors, the request log, the quantum command). None is a superuser
  and none may bypass row security. Who is asking stands in settings of each transaction and ends with it.
- Whoever can send SQL of their own over one of these logins can name any person that login may speak for: row security
  guards against mistakes of this program, not against a stolen login.
"""
WORDS = {
    Who.AUTHENTICATED: "everybody signed in",
    Who.SELF: "the person themselves",
    Who.OWNER: "the owner (user_id)",
    Who.ASSIGNEE: "the assignee (assigned_to)",
    Who.DEAL_OWNER: "the owner of the deal",
    Who.TICKET_OWNER: "the owner of the ticket",
    Who.TICKET_ASSIGNEE: "the assignee of the ticket",
    Who.ADMIN: "admin",
    Who.SYSTEM: "the system",
    Who.OPERATOR: "the person at the console",
    Who.DEFINER: "functions of the schema's owner",
}


def access_doc() -> str:
    """The page as Markdown."""
    return "\n".join([PREFACE, *_matrix(), *_tables()]).rstrip("\n") + "\n"


def _casts() -> list[tuple[str, Actor]]:
    people = [(role, Actor.person(UUID(int=0), role)) for role in ROLES]
    return [("stranger", NOBODY), *people, ("system", SYSTEM), ("console", OPERATOR)]


def _matrix() -> Iterator[str]:
    casts = _casts()
    yield "## Role, table, verb\n"
    yield f"{len(every_rule())} rules over {len(_names())} tables. S read, I add, U change, D delete.\n"
    yield "| table | " + " | ".join(name for name, _ in casts) + " |"
    yield "|---" * (len(casts) + 1) + "|"
    for table in _names():
        yield f"| {table} | " + " | ".join(_cell(table, actor) for _, actor in casts) + " |"
    yield ""


def _cell(table: str, actor: Actor) -> str:
    """Each verb with how far it goes."""
    told = []
    for letter, verb in (("S", Verb.SELECT), ("I", Verb.INSERT), ("U", Verb.UPDATE), ("D", Verb.DELETE)):
        mine = [each for each in rules(table, verb) if each.applies(actor)]
        if mine:
            whole = any(
                each.is_unconditional() and each.columns is None and not each.becomes for each in mine
            )
            told.append(f"{letter} {'all' if whole else 'some'}")
    return ", ".join(told) or "–"


def _names() -> list[str]:
    order = {name: place for place, name in enumerate(MODULES)}
    classes = sorted(mapped_classes(), key=lambda mapped: order.get(module_of(mapped), len(order)))
    return [mapped.__tablename__ for mapped in classes]


def _tables() -> Iterator[str]:
    yield "## Table by table\n"
    yield f"The public card of a person (`{DIRECTORY}`: user name, full name, picture, role) is a view.\n"
    for table in _names():
        yield f"### {table}\n"
        yield "| rule | verb | who | limit | login |"
        yield "|---|---|---|---|---|"
        for verb in Verb:
            yield from (_line(each) for each in rules(table, verb))
        yield ""


def _line(rule: Rule) -> str:
    who = ", ".join(rule.roles) if rule.who is Who.ROLE else WORDS[rule.who]
    limit = rule.limit or _columns(rule)
    why = f"{limit + '; ' if limit else ''}ours: {rule.ours}" if rule.ours else limit
    logins = ", ".join(
        group.removeprefix("quantum_").replace("CURRENT_USER", "owner") for group in groups(rule)
    )
    return f"| {rule.name} | {rule.verb} | {who} | {why.replace('|', '/')} | {logins} |"


def _columns(rule: Rule) -> str:
    return "" if rule.columns is None else f"columns {', '.join(sorted(rule.columns))}"
