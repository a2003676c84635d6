"""What a job would take, for `extractor run --dry-run`."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extractor.jobs.journal import Job
    from extractor.labelling.models import Chosen
    from extractor.sources import BadRecord, Sourced


def foresee(
    items: "Iterable[Sourced | BadRecord]",
    chosen: "Chosen",
    job: "Job",
    folder: Path | None,
    fresh: bool,
    max_cost: float | None,
    batch: bool,
) -> None:
    """Print what the job would take, by calls or in batches."""
    import asyncio

    from extractor.jobs.journal import Journal

    if chosen.client is None:
        typer.echo("The built-in rules make no call and cost nothing.")
        return

    from extractor.jobs.estimate import estimate

    journal = None if folder is None else Journal(folder, job, fresh=fresh).look()
    is_done = (lambda _document: False) if journal is None else journal.is_done
    total = asyncio.run(estimate(items, chosen, is_done))
    rows = [("documents", total.documents)]
    rows += [
        (name, number)
        for name, number in (("done before", total.done), ("unreadable", total.unreadable), ("in the cache", total.cached))
        if number
    ]
    rows += [("without a number or hardware", total.uncalled), ("need a call", total.asked)]
    rows += [("calls", total.calls)] if total.calls != total.asked else []
    rows += [("input tokens, about", total.input_tokens), ("output tokens, about", total.output_tokens)]
    for name, number in rows:
        typer.echo(f"{name:<30}{number:>12,}")
    cost = total.cost(chosen.client.price)
    if cost is not None and batch:
        from extractor.llm.batch import PRICE

        cost *= PRICE
    if cost is None:
        typer.echo(f"cost unknown: no price is known for {job.model}. Give --price IN,OUT to see it.")
        return
    typer.echo(f"{'cost in US dollars, about':<30}{cost:>12.4f}" + ("  at the price of batches" if batch else ""))
    spent = 0.0 if journal is None else journal.spent
    if max_cost is not None and spent + cost > max_cost:
        typer.echo(f"The job would stop at its cap of ${max_cost:g}" + (f", ${spent:.4f} of it spent." if spent else "."))
