"""docs/comparison.md says what the bench measured, and nothing else."""

from bench.comparison import PAGE, render
from bench.report import HEAD, RESULTS

MADE = """
# What `make bench` measured

Machine: a machine, 2 cores. Load average over one minute when the parts began: 0.1.

## Ingest

{head}
| spans | 9,000 spans/s | 1,000 spans/s | 9 | >= 5 | kept |

## Notes

- | no row |
"""


def test_the_page_says_what_was_measured() -> None:
    assert PAGE.read_text() == render(RESULTS.read_text()), "write it again: python -m bench.comparison"


def test_rows_of_the_results_stand_on_the_page() -> None:
    page = render(MADE.format(head="\n".join(HEAD)))
    assert "| spans | 9,000 spans/s | 1,000 spans/s | 9 | >= 5 | kept |" in page
    assert "Machine: a machine, 2 cores." in page and "Load average" not in page and "no row" not in page


def test_results_without_ingest_are_not_made_up() -> None:
    assert "Not measured yet" in render("# nothing")
