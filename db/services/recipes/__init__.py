"""Known files → rows: one recipe per kind of file. Importing this package fills `RECIPES`."""

import importlib
import pkgutil

from db.services.recipes.base import RECIPES

# Every module of this package declares recipes; none has to be named anywhere else.
for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")

__all__ = ["RECIPES"]
