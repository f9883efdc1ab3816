"""Reads, one file per domain, its metrics first. Importing this package fills the registries."""

import importlib
import pkgutil

# Every module of this package declares metrics or lists; none has to be named anywhere else.
__all__ = sorted(module.name for module in pkgutil.iter_modules(__path__))
for name in __all__:
    importlib.import_module(f"{__name__}.{name}")
