"""`extractor mcp`: the worker as tools of an assistant."""

from pathlib import Path
from typing import Annotated

import typer

from extractor.cli import options
from extractor.cli.terminal import say


def mcp(
    jobs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIR", help="Jobs' folders that may be asked; without one, nothing can.", show_default=False),
    ] = None,
    model: options.Model = "rules",
    base_url: options.BaseUrl = None,
    prompt: options.Prompt = None,
    concurrency: options.Concurrency = None,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    price: options.Price = None,
    max_cost: options.MaxCost = None,
    max_output_tokens: options.MaxOutputTokens = None,
    votes: options.Votes = 1,
    fallback: options.Fallback = None,
    when_unsure: options.WhenUnsure = None,
    no_cache: options.NoCache = False,
    timeout: options.Timeout = None,
) -> None:
    """Serve the worker to an assistant.

    Speaks the Model Context Protocol on standard input and output, until the input ends; the assistant starts it. Its tools
    are extract (the claims of an abstract), verify (which numbers of a text do not stand in its source) and, where jobs are
    named, query (what they found, in SQL). A cap with --max-cost holds for as long as it runs.

    Example: extractor mcp

    Example: extractor mcp claims --model openai/gpt-4o-mini --max-cost 1
    """
    from extractor.labelling.models import ModelOptions, require_packages

    require_packages("serve", "mcp", of="The protocol", instead="")

    import asyncio

    from extractor.outputs.jsonl import read_extractions
    from extractor.service.tools import run

    for job in jobs or ():
        read_extractions(job)  # that it is there is told before an assistant waits for it
    asked = ModelOptions(
        model=model,
        base_url=base_url,
        prompt=prompt,
        concurrency=concurrency,
        requests_per_minute=rpm,
        tokens_per_minute=tpm,
        timeout=timeout,
        price=price,
        max_cost=max_cost,
        max_output_tokens=max_output_tokens,
        votes=votes,
        fallbacks=tuple(fallback or ()),
        when_unsure=when_unsure,
        cache=not no_cache,
    )
    asyncio.run(run(asked, jobs or (), say))
