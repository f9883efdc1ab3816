"""A new module costs five files and no list edited elsewhere: model, rules, migration, queries, page."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from db.schema import head

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".*", "var", "bench", "docs", "__pycache__", "node_modules", "looks", "*.png", "vendor"
)

MODEL = '''"""Boats."""
from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column
from db.base import Base, Instant, Key, new_id, now, uuid7

class Boat(Base):
    """One row per boat."""
    __tablename__ = "boats"
    __access__ = ("select authenticated", "insert system")
    id: Mapped[object] = mapped_column(Key, primary_key=True, default=uuid7, server_default=new_id(), doc="Its id.")
    name: Mapped[str] = mapped_column(Text, doc="Its name.")
    created_at: Mapped[object] = mapped_column(Instant, server_default=now(), doc="When it came.")
'''
RULES = '''"""Boats: who may do what."""
from db.policies.declare import AUTH, S, rule

rule("boats", S, "authenticated", AUTH, ours="everybody sees boats")
'''
MIGRATION = '''"""Boats.

Rolling back drops boats.
"""
import sqlalchemy as sa
from alembic import op
from db.base import Instant, new_id, now

revision = "20991231_boats"
down_revision = "{head}"
branch_labels = None
depends_on = None

def upgrade() -> None:
    op.create_table(
        "boats",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boats")),
    )

def downgrade() -> None:
    op.drop_table("boats")
'''
QUERIES = '''"""Boats."""
from sqlalchemy import func, select
from db.functions import day_of
from db.listing import Field, Listing, listed
from db.metric import metric, series
from db.models.boats import Boat

boats = listed(Listing(
    name="boats", title="Boats", model=Boat,
    fields=(Field(Boat.name, "Name"), Field(Boat.created_at, "Created", "moment")),
    search=(Boat.name,), filters=(), order=Boat.created_at,
))

@metric("boats.count", title="Boats", unit="boats", formula="count of rows")
def boat_count(window):
    """Boats that came in the window."""
    return select(func.count().label("value")).select_from(Boat).where(window.covers(Boat.created_at))

@series("boats.by_day", title="Boats by day", unit="boats", formula="count per day")
def boats_by_day(window):
    """Boats that came, by day."""
    day = day_of(Boat.created_at)
    counted = select(day.label("at"), func.count().label("count")).select_from(Boat)
    return counted.where(window.covers(Boat.created_at)).group_by(day)
'''
PAGE = '''"""Boats."""
from components.figures.bars import time_bars
from pages._module import Chart, Module, register_page

register_page(
    Module(
        name="boats", title=lambda lang: "Boats", lead=lambda lang: "All boats.", icon="pulse", order=500, needs="",
        cards=("boats.count",), charts=(Chart("boats.by_day", time_bars),), listings=("boats",),
        how=lambda lang: "They sail in.", command="sail",
    ),
    __name__,
)
'''
WALK = """
import json
import settings
from app import create_app
from db.engine import make_engine
from tests.sessions import session
from db.schema import upgrade
from tests.reader import Reader

current = settings.load({"QUANTUM_ENV": "test", "QUANTUM_DATA_DIR": "var/test"})
upgrade(current.database_url)
client = create_app(current).server.test_client()
reader = Reader(client)
outputs = "..boats-top.children...boats-list.children...boats-menus.children.."
empty = reader.post(outputs, {"url.search": ""})
assert empty.status_code == 200, empty.text
assert "They sail in." in empty.text
from db.models.boats import Boat
with session(make_engine(current.database_url), write=True) as unit:
    unit.add(Boat(name="Nautilus"))
shown = reader.post(outputs, {"url.search": "?search=naut"}).text
assert "Nautilus" in shown and 'data-metric": "boats.count"' in shown.replace('":"', '": "'), shown[:2000]
assert "/boats" in json.dumps(reader.layout("/boats"))
assert client.get("/boats").status_code == 200
print("a boat is shown")
"""


@pytest.mark.databases("sqlite")
def test_five_files_make_a_module(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    (copy / "db" / "models" / "boats.py").write_text(MODEL)
    (copy / "db" / "policies" / "boats.py").write_text(RULES)
    (copy / "migrations" / "versions" / "20991231_boats.py").write_text(MIGRATION.replace("{head}", head()))
    (copy / "db" / "queries" / "boats.py").write_text(QUERIES)
    (copy / "pages" / "boats.py").write_text(PAGE)
    done = subprocess.run(
        [sys.executable, "-c", WALK], cwd=copy, capture_output=True, text=True, timeout=120, check=False
    )
    assert "a boat is shown" in done.stdout, done.stderr
