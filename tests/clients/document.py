"""docs/connect.md as a program reads it: the blocks of code below each heading."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "connect.md"
HEADING = re.compile(r"^#{2,3} (.+)$")
NOT_RUN = "Not run by the tests"


@dataclass(frozen=True)
class Section:
    """One heading with its text and its blocks, as (language, code)."""

    title: str
    text: str
    blocks: tuple[tuple[str, str], ...]

    def block(self, language: str, number: int = 0) -> str:
        return [code for said, code in self.blocks if said == language][number]

    @property
    def is_run(self) -> bool:
        return NOT_RUN not in self.text


def sections(text: str | None = None) -> dict[str, Section]:
    """Every section of the document by its heading."""
    found: dict[str, Section] = {}
    title, words, blocks, language, code = "", [], [], None, []
    for line in (DOCUMENT.read_text() if text is None else text).splitlines() + ["## end"]:
        if language is None and (heading := HEADING.match(line)):
            found[title] = Section(title, "\n".join(words), tuple(blocks))
            title, words, blocks = heading[1], [], []
        elif line.startswith("```"):
            if language is None:
                language, code = line.removeprefix("```"), []
            else:
                blocks.append((language, "\n".join(code) + "\n"))
                language = None
        elif language is not None:
            code.append(line)
        else:
            words.append(line)
    return found
