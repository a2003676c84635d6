"""`extractor eval`: how well the built-in rules agree with annotated abstracts."""

from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.terminal import console, plain
from extractor.errors import UsageError


def evaluate(
    gold: Annotated[
        Path,
        typer.Option("--gold", metavar="DIR", envvar="EXTRACTOR_GOLD", help="The annotated abstracts, a folder of JSON files."),
    ] = Path("evals/gold"),
    errors: Annotated[
        bool, typer.Option("--errors", envvar="EXTRACTOR_ERRORS", help="List each miss, false claim and wrong field instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", envvar="EXTRACTOR_JSON", help="Print the figures as JSON.")] = False,
) -> None:
    """Score the built-in rules against annotated abstracts.

    Prints precision, recall and F1 of claims and hardware, the accuracy of each field, and how much of the gold spotting
    lists. docs/evaluation.md defines each figure.

    Example: extractor eval --errors | less

    Exit codes: 0 scored, 1 a gold file is not what it should be, 2 wrong usage.
    """
    import asyncio
    import json

    from extractor.evaluation import align_all, read_gold, score
    from extractor.evaluation.coverage import cover
    from extractor.evaluation.listing import list_errors, table
    from extractor.labelling.rules import RulesLabeller

    if errors and as_json:
        raise UsageError("--errors and --json exclude each other; choose one")
    documents = read_gold(gold)
    alignments = asyncio.run(align_all(documents, RulesLabeller()))
    if errors:
        for line in list_errors(alignments):
            typer.echo(plain(line))
        return
    scores, coverage = score(alignments), cover(documents)
    if as_json:
        typer.echo(json.dumps({**scores.as_dict(), "spotting": coverage.as_dict()}, indent=2))
    else:
        console().print(table(scores, coverage))
