"""Reads, one file per domain, its metrics first. Importing this package fills the registries."""

from db.queries import activity, agents, connections, fleet, spans, system

__all__ = ["activity", "agents", "connections", "fleet", "spans", "system"]
