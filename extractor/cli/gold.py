"""`extractor gold`: annotated abstracts of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli import options
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES, NOTHING_DONE
from extractor.cli.commands import Commands
from extractor.cli.completion import models
from extractor.cli.terminal import out, passed_over, plain, say, width
from extractor.documents import shortened
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.documents import Document
    from extractor.errors import Spent
    from extractor.records import Extraction, Failure

gold = Commands(
    help="""Annotate abstracts of your own, and compare annotators.

    docs/annotating.md says how; evals/GUIDELINES.md says what.

    Example: extractor gold new abstracts.jsonl -o mygold
    """
)


@gold.command("new")
def new(
    inputs: options.Inputs,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", envvar="EXTRACTOR_GOLD_OUTPUT", help="The folder of the new files.")
    ] = Path("gold"),
    model: Annotated[
        str | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME",
            autocompletion=models,
            # Not EXTRACTOR_MODEL: a model that is set for all runs must not fill annotations in unasked.
            envvar="EXTRACTOR_GOLD_MODEL",
            help="Fill the files in: rules, or PROVIDER/NAME. Without it they hold no claim.",
            show_default=False,
        ),
    ] = None,
    base_url: options.BaseUrl = None,
    fields: options.Fields = "",
    as_format: options.Format = None,
) -> None:
    """Write a file to annotate for each abstract.

    Reads what `extractor run` reads. Each file is marked unreviewed, and so is each claim and hardware target that a labeller
    filled in; eval refuses it until a person has deleted every mark. A file that is there already is left as it is.

    Example: extractor gold new abstracts.jsonl -o mygold

    Example: extractor gold new abstracts.jsonl -o mygold --model rules

    Exit codes: 0 all written or there already, 1 nothing could be done, 2 wrong usage, 3 done with failures.
    """
    import asyncio
    import sys
    from contextlib import nullcontext

    from extractor.errors import JobError
    from extractor.evaluation.drafts import NoLabeller
    from extractor.jobs.flow import run_job
    from extractor.labelling.models import RULES, Labelling, ModelOptions, choose
    from extractor.sources import Fields, Gauge, read

    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is not a folder. Name one for the new files with -o DIR.")
    chosen = choose(ModelOptions(model or RULES, base_url), say)
    gauge = Gauge()
    items = read(inputs, Fields.parse(fields) if fields else Fields(), sys.stdin.buffer, gauge, as_format)
    drafts = _Drafts(output)

    async def job() -> JobError | None:
        async with nullcontext(Labelling(NoLabeller())) if model is None else chosen.open() as labelling:
            try:
                await run_job(items, labelling.labeller, drafts, window=chosen.window)
            except JobError as error:
                return error
        return None

    if stopped := asyncio.run(job()):
        say(f"extractor: {stopped}")
    passed_over(gauge.repeated, gauge.skipped)
    written = drafts.counts.extracted
    say(f"{written:,} written, {drafts.kept:,} there already, {drafts.counts.failed:,} failed")
    if written:
        say(
            f"Annotate them as evals/GUIDELINES.md says, delete each mark that you have reviewed, and see what is left: "
            f"extractor gold check {output}"
        )
    failed = stopped is not None or drafts.counts.failed
    raise typer.Exit((DONE_WITH_FAILURES if written or drafts.kept else NOTHING_DONE) if failed else ALL_DONE)


class _Drafts:
    """Takes each extraction as a file to annotate."""

    def __init__(self, folder: Path) -> None:
        from extractor.jobs.job import Counts

        self.counts = Counts()
        self.kept = 0
        self._folder = folder

    def is_done(self, document: "Document") -> bool:
        """Whether the document has its file; what a person may have written there is never touched."""
        from extractor.evaluation.drafts import draft_path, is_drafted

        there = is_drafted(draft_path(self._folder, document.id), document.id)
        self.kept += there
        return there

    def add(self, record: "Extraction") -> None:
        """Write the file of a document."""
        from extractor.evaluation.drafts import draft_path, write_draft

        path = draft_path(self._folder, record.id)
        try:
            left_out = write_draft(path, record)
        except FileExistsError:
            fix = "Give this one another id, or choose another folder with -o."
            say(f"{shortened(record.id)}: {path} is of another document. {fix}")
            self.counts.fail()
            return
        self.counts.add(record)
        for phrase in left_out:
            say(f"{path}: {phrase!r} is left out, because no snippet around it occurs only once. Annotate it by hand.")

    def fail(self, failure: "Failure", spent: "Spent | None" = None) -> None:
        """Say which input gave no file, and why."""
        place = failure.source if failure.line is None else f"{failure.source}:{failure.line}"
        say(f"{place}: {failure.cause.rstrip('.')}. {failure.fix}")
        self.counts.fail(spent)


@gold.command("check")
def check(
    place: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of annotated abstracts, or of such folders, or one file.")
    ] = Path("evals/gold"),
) -> None:
    """List all faults of annotated abstracts, each with its fix.

    A line names file, field, cause and fix.

    Example: extractor gold check mygold

    Exit codes: 0 no fault, 1 there are faults, 2 wrong usage.
    """
    from extractor.evaluation.gold import check_gold

    files = faults = 0
    for _, found in check_gold(place):
        files += 1
        faults += len(found)
        for fault in found:
            typer.echo(plain(str(fault)))
    say(f"{files:,} file{'s' * (files != 1)}, {faults:,} fault{'s' * (faults != 1)}")
    raise typer.Exit(NOTHING_DONE if faults else ALL_DONE)


@gold.command("agree")
def agree(
    first: Annotated[Path, typer.Argument(metavar="A", help="One annotator's folder.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="B", help="The other's.", show_default=False)],
    errors: Annotated[
        bool,
        options.option(
            "--errors", help="List each disagreement instead: missed is what A alone has, spurious what B alone has."
        ),
    ] = False,
    as_json: Annotated[bool, options.option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Print how far two annotations of the same abstracts agree.

    That is the ceiling that a model can be held to. Documents belong together by their ids. Matching and figures are
    those of eval; docs/annotating.md says how to read them.

    Example: extractor gold agree mygold hergold

    Example: extractor gold agree mygold hergold --errors | less

    Exit codes: 0 compared, 1 a gold file is broken, 2 wrong usage.
    """
    import json

    from extractor.cli.table import page
    from extractor.evaluation import read_gold
    from extractor.evaluation.annotators import align_annotators
    from extractor.evaluation.report.terminal import list_errors
    from extractor.evaluation.sets import read_sets

    if errors and as_json:
        raise UsageError("--errors and --json exclude each other; choose one")
    both = align_annotators(read_gold(first), read_gold(second))
    for folder, ids in ((first, both.only_first), (second, both.only_second)):
        if ids:
            say(f"only in {folder}, left out: {', '.join(ids)}")
    if not both.alignments:
        raise UsageError(f"{first} and {second} have no document in common. Give a document the same id in both.")
    if errors:
        held_out = [each for place in (first, second) for each in read_sets(place) if each.held_out]
        hidden = {gold.document.id for each in held_out for gold in each.documents}
        for each in held_out:
            say(f"{each.name} is held out: its disagreements are not listed")
        listed = [each for each in both.alignments if each.gold.document.id not in hidden]
        for line in list_errors(listed, spotting=False):
            typer.echo(plain(line))
    elif as_json:
        typer.echo(json.dumps(both.as_dict(), indent=2))
    else:
        for line in page(both.table(), width()):
            out(line)
