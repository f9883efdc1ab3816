"""Addresses that keep the page's state: every link changes what it means to change and leaves the rest alone."""

from urllib.parse import parse_qsl, quote, urlencode

AGENT_PATH = "/agents/agent"
STATUS_PATH = "/status/subject"
VIEW = ("range", "lang", "theme", "zone")


def with_query(search: str | None, /, **changes: object) -> str:
    """The query string with `changes` applied, "?" included; a change to None or "" takes the key away."""
    state = dict(parse_qsl((search or "").lstrip("?")))
    for key, value in changes.items():
        if value is None or value == "":
            state.pop(key, None)
        else:
            state[key] = str(value)
    return "?" + urlencode(state, safe="/:") if state else ""


def link_to(path: str, search: str | None, /, **changes: object) -> str:
    """Another page's address that carries over range, language, theme and zone, and nothing of this page's own."""
    kept = {key: value for key, value in parse_qsl((search or "").lstrip("?")) if key in VIEW}
    return path + with_query("?" + urlencode(kept), **changes)


def agent_address(search: str | None, agent: str) -> str:
    """The page of one agent. Ids are free text: what a browser rewrites in a path ("//", "..") goes into the query."""
    parts = agent.split("/")
    if all(part not in ("", ".", "..") for part in parts):
        return link_to("/agents/" + quote(agent, safe="/"), search)
    return link_to(AGENT_PATH, search, id=agent)


def status_address(search: str | None, subject: str) -> str:
    """The page of one subject's states (agent:ID, part:ID, check:ID), by the same rule."""
    parts = subject.split("/")
    if all(part not in ("", ".", "..") for part in parts):
        return link_to("/status/" + quote(subject, safe="/:"), search)
    return link_to(STATUS_PATH, search, id=subject)
