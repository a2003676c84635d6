"""`extractor retry`: a job's failed documents again, without repeating its options."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from extractor.cli import options
from extractor.cli.codes import ALL_DONE
from extractor.cli.run import STDIN, LogFormat, start
from extractor.cli.terminal import TALK, say
from extractor.errors import UsageError


def retry(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A job's folder.")],
    max_cost: options.MaxCost = None,
    fallback: options.Fallback = None,
    log_format: LogFormat = "text",
) -> None:
    """Try again what failed in a job, and do what it had not come to.

    The same as its `extractor run` again: inputs, model and all other options are those in job.json, also the folder that
    the command was given in. What is done is not done again.

    Example: extractor retry claims

    Example: extractor retry claims --fallback rules

    Exit codes: those of `extractor run`.
    """
    from extractor.jobs.job import Description

    TALK.as_json = log_format == "json"
    description = Description.read(folder)
    if (job := description.job) is None:
        raise UsageError(f"{folder / 'job.json'} is not the description of a job. Run its command again.")
    if description.finished and not description.counts.failed:
        say(f"Nothing has failed in {folder}.")
        raise typer.Exit(ALL_DONE)
    if STDIN in job.inputs:
        raise UsageError("The job has read standard input, which is gone. Run its command again with the same input.")
    target = folder.resolve()
    try:
        os.chdir(job.directory)  # its inputs are named from there
    except OSError:
        raise UsageError(f"The job was started in {job.directory}, which is not here. Run its command again.") from None
    model = job.model if max_cost is None else replace(job.model, max_cost=max_cost)
    start(replace(job, model=replace(model, fallbacks=tuple(fallback)) if fallback else model), target)
