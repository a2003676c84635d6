"""`extractor eval`: how well the built-in rules agree with annotated abstracts."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    gold: Annotated[Path, typer.Option(help="Folder of annotated abstracts, one JSON file each.", metavar="DIR")] = Path(
        "evals/gold"
    ),
    errors: Annotated[bool, typer.Option("--errors", help="List every miss, false claim and wrong field instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Score the built-in rules against annotated abstracts.

    Example: extractor eval --gold evals/gold --errors
    """
    import asyncio
    import json

    from rich.console import Console

    from extractor.errors import UsageError
    from extractor.evaluation import evaluate as align_all
    from extractor.evaluation import read_gold, score
    from extractor.evaluation.coverage import cover
    from extractor.evaluation.listing import errors as list_errors
    from extractor.evaluation.listing import table
    from extractor.labelling.rules import RulesLabeller

    if errors and as_json:
        raise UsageError("--errors and --json exclude each other; choose one")
    documents = read_gold(gold)
    alignments = asyncio.run(align_all(documents, RulesLabeller()))
    if errors:
        for line in list_errors(alignments):
            typer.echo(line)
        return
    scores, coverage = score(alignments), cover(documents)
    if as_json:
        typer.echo(json.dumps({**scores.as_dict(), "spotting": coverage.as_dict()}, indent=1))
    else:
        Console(highlight=False).print(table(scores, coverage))


if __name__ == "__main__":
    typer.run(evaluate)
