"""`extractor retry`: a job's failed documents again, without repeating its options."""

import os
from pathlib import Path
from typing import Annotated

import typer

from extractor.cli import options
from extractor.cli.codes import ALL_DONE
from extractor.cli.run import STDIN, LogFormat, LogFormatOption, Order, run
from extractor.cli.terminal import say
from extractor.errors import UsageError


def retry(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A job's folder.")],
    max_cost: options.MaxCost = None,
    fallback: options.Fallback = None,
    log_format: LogFormatOption = LogFormat.text,
) -> None:
    """Try again what failed in a job, and do what it had not come to.

    The same as its `extractor run` again: inputs, model and all other options are those in job.json, also the folder that
    the command was given in. What is done is not done again.

    Example: extractor retry claims

    Example: extractor retry claims --fallback rules

    Exit codes: those of `extractor run`.
    """
    from extractor.jobs.journal import JOB, read_description

    if not (folder / JOB).exists():
        raise UsageError(f"{folder} holds no {JOB}. Name a folder that `extractor run` wrote.")
    description = read_description(folder)
    try:
        inputs, model, directory = list(description["inputs"]), description["model"], description["directory"]
        settings = dict(description["options"])
        counts = description["counts"]
        prompt = settings.pop("prompt")
        narrow, order = options.Narrow(settings.pop("narrow_schema")), Order(settings.pop("order"))
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{folder / JOB} does not say how the job was started. Run its command again.") from None
    if description.get("finished") and not counts["failed"]:
        say(f"Nothing has failed in {folder}.")
        raise typer.Exit(ALL_DONE)
    if STDIN in inputs:
        raise UsageError("The job has read standard input, which is gone. Run its command again with the same input.")
    target = folder.resolve()
    try:
        os.chdir(directory)  # its inputs are named from there
    except OSError:
        raise UsageError(f"The job was started in {directory}, which is not here. Run its command again.") from None
    settings |= {} if max_cost is None else {"max_cost": max_cost}
    settings |= {"fallback": fallback} if fallback else {}
    run(
        inputs,
        output=str(target),
        model=model,
        prompt=None if prompt is None else Path(prompt),
        narrow_schema=narrow,
        order=order,
        log_format=log_format,
        **settings,
    )
