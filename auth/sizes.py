"""How much may be sent: the largest body of a form and of a callback, the longest value inside, and how deep."""

from typing import Any

LARGEST_FORM = 64 * 1024
LARGEST_CALLBACK = 2 * 1024 * 1024
LONGEST_VALUE = 4096  # characters; every field has a shorter limit of its own
MOST_VALUES = 5000
DEEPEST = 20


def is_too_much(body: Any) -> bool:
    """Whether a callback's body holds a text, a name or a nesting that no page of ours sends."""
    waiting, seen = [(body, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if seen > MOST_VALUES or depth > DEEPEST:
            return True
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            return True
        if isinstance(value, dict):
            waiting += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]
    return False
