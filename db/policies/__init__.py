"""Who may do what with which rows and columns, declared once per table; what is not declared is refused.

`access_target` of the schema facts, rule by rule under its own name, and this project's additions with their reasons
(`ours`). From here come PostgreSQL's row security, grants and guards (`db.row_security`), the same rules on both
databases inside the process (`db.guard`) and `docs/access.md`; the tests attack what stands here.
"""

import importlib
import pkgutil

from db.policies.declare import KEPT, RULES, SECRET_COLUMNS, STAMPS, every_rule, rules

__all__ = ["KEPT", "RULES", "SECRET_COLUMNS", "STAMPS", "every_rule", "rules"]

# Every file of this package declares rules, `apart` last: it completes what the others leave open.
for _module in sorted(
    (each.name for each in pkgutil.iter_modules(__path__)), key=lambda name: (name == "apart", name)
):
    importlib.import_module(f"{__name__}.{_module}")
