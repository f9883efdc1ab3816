"""GET /health: whether this process can do its work. Public, so it tells no address and no version of anything else."""

from flask import Blueprint, Response, jsonify

from auth.doors import PUBLIC, permitted
from db.engine import DatabaseUnavailable, Engine
from db.schema import version

AWAY = "The database does not answer."
EMPTY = "The database has no schema; run `quantum migrate`."


def blueprint(engine: Engine) -> Blueprint:
    """The door, asking `engine` each time."""
    door = Blueprint("health", __name__)

    @door.get("/health")
    @permitted(PUBLIC)
    def health() -> tuple[Response, int]:
        try:
            revision = version(engine)
        except DatabaseUnavailable:
            return _unwell("unavailable", AWAY)
        if revision is None:
            return _unwell("empty", EMPTY)
        return jsonify(status="ok", database="ok", revision=revision), 200

    return door


def _unwell(database: str, reason: str) -> tuple[Response, int]:
    return jsonify(status="unavailable", database=database, reason=reason, revision=None), 503
