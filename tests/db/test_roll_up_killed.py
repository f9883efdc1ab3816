"""kill -9 of whoever rolls up: no number is wrong meanwhile, and the roll-ups are whole afterwards.

`make crash` does it twenty times on each database.
"""

import pytest

from tests.databases import Databases
from tests.rolling import Killed


@pytest.mark.databases("sqlite")
def test_a_roll_up_killed_at_any_moment_leaves_what_is_counted_anew(databases: Databases) -> None:
    with databases.migrated("sqlite") as url:
        killed = Killed(url, seed=6)
        try:
            for _ in range(2):
                killed.round()
            tally = killed.finish()
        finally:
            killed.close()
    assert tally.holds, tally
