"""docs/comparison.md, made from RESULTS.md: what a reader who chooses between this and the peers wants to know.

`python -m bench.comparison` writes the page again; `make bench` does so by itself, and a test compares the two.
"""

from pathlib import Path

from bench.peers import MLFLOW, PHOENIX
from bench.report import HEAD, RESULTS, ROOT

PAGE = ROOT / "docs" / "comparison.md"
SECTIONS = ("Ingest", "Answers")
NOTES = (
    f"Ingest: the peers are MLflow {MLFLOW.version} and Phoenix {PHOENIX.version}, each on SQLite in an environment of "
    "its own and started as it comes; all get the same bodies in protobuf from the same client. A rate counts from the "
    "first octet sent until the last span can be counted in the server's database, whatever was answered before: "
    "MLflow answers after it committed, as we do, Phoenix before. Phoenix is measured once, since a round takes it "
    "minutes. "
    "Memory is the sum of what the server's processes hold, shared pages counted in shares. On disk counts everything "
    "the server's folder grew by, journals folded in.",
    "Ingest: twenty people read the overview of the recorded minute while an exporter sends spans that happen now; "
    "quiet is the middle of before and after. The flood comes from a process of its own that never waits.",
)
TEXT = """# Beside MLflow and Phoenix

Both take OpenTelemetry's spans over HTTP, both keep them in SQLite unless told otherwise, and both are good at what
they are made for: MLflow at experiments and evaluations, Phoenix at looking into single traces of language models.
This page compares what all three do: take what a fleet reports, keep it, and say who did what. It is made by `make
bench` from [bench/RESULTS.md](../bench/RESULTS.md), with MLflow {mlflow} and Phoenix {phoenix}, on one machine in one
run.

## Measured

{measured}

{tables}

## Who sent it

A span arrives with a resource: the service, the pod, the version that sent it. Neither peer keeps the resource, so
neither can tell the ten services of the shop minute apart, and the agents of different programs become one heap. Here
every resource attribute is kept, once for all spans of a sender, and each span belongs to an agent: the one it names,
the closest ancestor's, or its service.

## Tokens

Spans name tokens in several ways: OpenTelemetry's `gen_ai.usage.*`, older spellings of it, OpenInference's
`llm.token_count.*`, and as numbers or as text. The recorded runs hold {tokens_in} tokens read and {tokens_out}
written; Phoenix finds those of one spelling, MLflow only what its own SDK wrote.

## Data of another week

Both peers opened on the last seven days when tried by hand; the bench does not look at their pages. Whoever reports
older data, as an import does, sees empty pages there. Here a page without spans in its range says when there are
some and leads there in one click.

## What 200 means

Here, and with MLflow, a span that was acknowledged is stored. Phoenix answers first and stores later: what was
acknowledged and not yet stored is lost when it is killed. `make crash` kills this application again and again while
clients report, on both databases, and counts: nothing acknowledged may be lost, doubled, or stored in part.

## Who gets in

Neither peer asks for a key unless it is told to. Here nothing is taken without one, each key has a scope, a limit and
an owner whose rights it never exceeds.
"""


def render(results: str) -> str:
    """The page for what RESULTS.md says."""
    told = "\n\n".join(table for name in SECTIONS if (table := _table(results, name)))
    when = next((line for line in results.splitlines() if line.startswith("Machine: ")), "")
    return TEXT.format(
        mlflow=MLFLOW.version,
        phoenix=PHOENIX.version,
        measured=when.partition(" Load average")[0] if told else "Not measured yet: run `make bench`.",
        tables=told,
        tokens_in="34,133",
        tokens_out="881",
    )


def _table(results: str, section: str) -> str:
    """The table of one section, without its heading; "" where RESULTS.md has none."""
    _, found, rest = results.partition(f"\n## {section}\n")
    rows = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return "\n".join([*HEAD, *rows[len(HEAD) :]]) if found else ""


def write(results: Path = RESULTS) -> None:
    PAGE.write_text(render(results.read_text()))


if __name__ == "__main__":
    write()
