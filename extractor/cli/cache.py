"""`extractor cache`: the replies that models gave before."""

import typer

from extractor.cli.commands import Commands
from extractor.cli.terminal import out, width

cache = Commands(
    help="""See and clear the replies that models gave before.

    A reply is used again when model, server, prompt, schema, settings and abstract are the same; `run --no-cache` asks anew.

    Example: extractor cache info
    """
)


@cache.command("info")
def info() -> None:
    """Print where the replies are, how many of each model, and their size.

    Example: extractor cache info
    """
    import sys
    from datetime import UTC, datetime

    from extractor.cli.table import pairs
    from extractor.llm import cache as replies

    found = replies.info()
    typer.echo(f"{found.path}")
    out(f"{sum(found.replies.values()):,} replies, {found.bytes / 1e6:.1f} MB")
    for line in pairs(((f"{count:8,}", model) for model, count in found.replies.items()), width(piped=sys.maxsize)):
        out(line)
    if found.oldest is not None and found.newest is not None:
        oldest, newest = (datetime.fromtimestamp(when, UTC).date().isoformat() for when in (found.oldest, found.newest))
        out(f"from {oldest} to {newest}")


@cache.command("clear")
def clear() -> None:
    """Forget every reply.

    Example: extractor cache clear
    """
    from extractor.llm import cache as replies

    out(f"{replies.clear():,} replies forgotten")
