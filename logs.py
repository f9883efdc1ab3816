"""What stands in the log: one line per event, whatever was sent. Nobody can write a line of their own into it."""

import logging
import traceback
import unicodedata
from typing import Any

# Control characters, half characters, and those that turn the direction of reading or break a line.
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
MARGIN = "  | "  # before every line of a traceback: a line of the log begins in the first column


class Record(logging.LogRecord):
    """A log record that keeps to its line, whichever logger and handler it goes through."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        if isinstance(self.exc_info, tuple) and self.exc_info[0]:
            told = "".join(traceback.format_exception(*self.exc_info)).rstrip("\n")
            self.exc_text = "\n".join(MARGIN + one_line(line) for line in told.split("\n"))

    def getMessage(self) -> str:
        return one_line(super().getMessage())


def one_line(text: str) -> str:
    """`text` with everything that is not a visible character spelled out, such as \\\\n and \\\\x1b."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in UNSEEN
        else character
        for character in text
    )


def init() -> None:
    """From now on every record of this process is such a one."""
    logging.setLogRecordFactory(Record)
