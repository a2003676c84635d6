"""`extractor eval`: how well the built-in rules or a model agree with annotated abstracts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli import options
from extractor.cli.terminal import console, plain, say
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.evaluation import Alignment, GoldDocument
    from extractor.labelling.models import ModelOptions


def evaluate(
    gold: Annotated[
        Path,
        typer.Option("--gold", metavar="DIR", envvar="EXTRACTOR_GOLD", help="The annotated abstracts, a folder of JSON files."),
    ] = Path("evals/gold"),
    model: options.Model = "rules",
    base_url: options.BaseUrl = None,
    prompt: options.Prompt = None,
    narrow_schema: options.NarrowSchema = options.Narrow.auto,
    record: Annotated[
        bool,
        typer.Option(
            "--record", envvar="EXTRACTOR_RECORD", help="Ask the model what is not recorded yet; without it, nothing is sent."
        ),
    ] = False,
    cassettes: Annotated[
        Path,
        typer.Option(
            "--cassettes", metavar="DIR", envvar="EXTRACTOR_CASSETTES", help="Where the replies of models are recorded."
        ),
    ] = Path("evals/cassettes"),
    errors: Annotated[
        bool, typer.Option("--errors", envvar="EXTRACTOR_ERRORS", help="List each miss, false claim and wrong field instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", envvar="EXTRACTOR_JSON", help="Print the figures as JSON.")] = False,
) -> None:
    """Score the built-in rules or a model against annotated abstracts.

    Prints precision, recall and F1 of claims and hardware, the accuracy of each field, and how much of the gold spotting
    lists; for a model also calls, tokens, and what was rejected. docs/evaluation.md defines each figure. A model's replies
    are played from recordings; --record makes them, and goes on where it was interrupted.

    Example: extractor eval --errors | less

    Example: extractor eval --model openai/qwen2.5-7b --base-url http://127.0.0.1:8080/v1 --record

    Exit codes: 0 scored, 1 a gold file or a recording is not what it should be, or the model does not answer, 2 wrong
    usage.
    """
    import json

    from extractor.evaluation import read_gold, score
    from extractor.evaluation.coverage import cover
    from extractor.evaluation.listing import list_errors, table
    from extractor.labelling.models import RULES, ModelOptions

    if errors and as_json:
        raise UsageError("--errors and --json exclude each other; choose one")
    if record and model == RULES:
        raise UsageError("--record records a model, and the rules are none; name one with --model")
    documents = read_gold(gold)
    asked = ModelOptions(model, base_url, prompt, narrow_schema.value)
    alignments = _align(documents, asked, cassettes, record)
    if errors:
        for line in list_errors(alignments):
            typer.echo(plain(line))
        return
    scores, coverage, used = score(alignments), cover(documents), None
    if model != RULES:
        from extractor.evaluation.usage import usage

        used = usage(alignment.extraction for alignment in alignments)
    if as_json:
        figures = {**scores.as_dict(), "spotting": coverage.as_dict()}
        typer.echo(json.dumps(figures | ({} if used is None else {"usage": used.as_dict()}), indent=2))
    else:
        console().print(table(scores, coverage, used))


def _align(
    documents: "tuple[GoldDocument, ...]", asked: "ModelOptions", cassettes: Path, record: bool
) -> "tuple[Alignment, ...]":
    import asyncio

    from extractor.labelling.models import RULES

    if asked.model == RULES:
        from extractor.evaluation import align_all
        from extractor.labelling.rules import RulesLabeller

        return asyncio.run(align_all(documents, RulesLabeller()))
    from extractor.evaluation.cassettes import align_recorded

    return asyncio.run(align_recorded(documents, asked, cassettes, record=record, notice=say))
