"""Seed the catalogue: agents that were never seeded before, with no invented state."""

import csv
from collections.abc import Iterator
from importlib import resources
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db.models import Agent, CatalogueSeed
from db.services import audit
from db.services.network import place_agents

FACTS = ("squad_basis", "domain", "kind", "source_state")


def catalogue() -> Iterator[dict[str, Any]]:
    """The catalogue's rows as columns of `agents`; everything live is left null."""
    text = resources.files("db.catalogue").joinpath("agents.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield {
            "id": row["id"],
            "name": row["name"],
            "role": row["role"],
            "squad": row["squad"],
            "origin": "catalogue",
            "meta": {**{fact: row[fact] for fact in FACTS}, "source_file": row["source"]},
        }


def seed(session: Session) -> int:
    """Insert catalogue agents whose id was never seeded; returns how many.

    An agent that a person changed or deleted since stays as it is: its id was seeded before.
    """
    before = set(session.scalars(select(CatalogueSeed.agent_id)))
    missing = [row for row in catalogue() if row["id"] not in before]
    if missing:
        held = set(session.scalars(select(Agent.id).where(Agent.id.in_([row["id"] for row in missing]))))
        fresh = [row for row in missing if row["id"] not in held]
        if fresh:
            session.execute(insert(Agent), fresh)
        session.execute(insert(CatalogueSeed), [{"agent_id": row["id"]} for row in missing])
        audit.record(session, audit.Act("IMPORT", "agents", new={"catalogue": len(missing)}))
    place_agents(session)
    return len(missing)
