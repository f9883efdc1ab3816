"""data-* and aria-* attributes of an element; the element types name only the others."""

from collections.abc import Mapping
from typing import Any


def attributes(*pairs: Mapping[str, str]) -> dict[str, Any]:
    """The given attributes together, ready to be spread over an element's keywords."""
    return {name: value for given in pairs for name, value in given.items()}
