"""Roll-ups and raw rows together where nothing can be taken away again: least, most, sums of fractions.

What `rolled` subtracts is left out here: a day in which five minutes were touched since is put together from its hours,
such an hour from its five minutes, and such five minutes from raw rows. That costs a day's hours and five minutes for
each that was touched, whatever is stored.
"""

from typing import Any

from sqlalchemy import CTE, and_, select, union_all

from db.metric import Window
from db.models.rollup import DAY, FIVE_MINUTES, HOUR
from db.moments import floored
from db.queries.rolled import Pairs, Parts, Plan, Source, touched_between

FINER = {DAY: HOUR, HOUR: FIVE_MINUTES}


class Pieced:
    """The rows of which one window consists, each moment in one of them alone. Made for one statement."""

    def __init__(self, window: Window, source: Source, plan: Plan | None = None) -> None:
        self.source, self.plan = source, plan or Plan.of(window)
        self.touched = touched_between(self.plan.first, self.plan.last, source.family)
        self._above: dict[int, CTE] = {FIVE_MINUTES: self.touched}

    def parts(self, keys: Pairs, values: Pairs) -> Parts:
        """Rows of the keys and values, of roll-ups and of raw rows."""
        source, plan = self.source, self.plan
        pairs = [*keys.items(), *values.items()]
        rolled = select(*(of.label(name) for name, (of, _) in pairs))
        raw = select(*(of.label(name) for name, (_, of) in pairs))
        found = [raw.select_from(source.raw).where(source.at_edge(plan), *source.of_raw)]
        if plan.stretches:
            fresh = raw.select_from(self.touched).join(source.raw, source.within(self.touched))
            found.append(fresh.where(*source.of_raw))
        for stretch in plan.stretches:
            found += self._of_stretch(rolled, *stretch)
        return union_all(*found)

    def _of_stretch(self, rolled: Any, coarsest: int, first: int | None, last: int | None) -> list[Any]:
        """Its roll-ups but for what was touched, and finer ones of what was touched."""
        model = self.source.model
        lies = () if first is None else (model.start >= first, model.start < last)
        whole = rolled.select_from(model).where(model.resolution == coarsest, *lies)
        found = [whole.where(self._is_untouched(coarsest), *self.source.of_model)]
        resolution = coarsest
        while finer := FINER.get(resolution):
            above = self._touched(resolution)
            inside = and_(
                model.resolution == finer,
                model.start >= above.c.start,
                model.start < above.c.start + resolution,
            )
            pieces = rolled.select_from(above).join(model, inside)
            found.append(pieces.where(self._is_untouched(finer), *lies, *self.source.of_model))
            resolution = finer
        return found

    def _is_untouched(self, resolution: int) -> Any:
        return self.source.model.start.not_in(select(self._touched(resolution).c.start))

    def _touched(self, resolution: int) -> CTE:
        """The stretches of this length in which something was touched."""
        if resolution not in self._above:
            start = floored(self.touched.c.start, resolution).label("start")
            name = f"{self.touched.name}_{resolution}"
            self._above[resolution] = select(start).distinct().cte(name)
        return self._above[resolution]
