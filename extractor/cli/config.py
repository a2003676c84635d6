"""`extractor config`: the value of each option, and where it comes from."""

import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from extractor.cli import options
from extractor.cli.completion import commands
from extractor.cli.terminal import out, width
from extractor.errors import UsageError


def config(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            autocompletion=commands,
            help="A command, such as run or batch submit; without it, all.",
            show_default=False,
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Show the value of each option, and where it comes from.

    A value comes from the environment (EXTRACTOR_MODEL), else from the file extractor.toml in the working folder, else from
    the program; the command line wins over them all. The file has a table for each command:

    \b
    [run]
    model = "openai/gpt-4o-mini"
    max-cost = 5
    [batch.submit]
    keep = ["tldr"]

    Keys of providers do not belong into it: `extractor keys set` stores them.

    Example: extractor config run
    """
    import json

    from extractor.cli.settings import in_force
    from extractor.cli.table import table

    root = context.find_root()
    asked = " ".join(words or ())
    rows = [row for row in in_force(root.command, context) if f"{row[0]} ".startswith(f"{asked} ".lstrip())]
    if not rows:
        raise UsageError(f"No command {asked} has options. `extractor --help` lists the commands.")
    if as_json:
        found: dict[str, dict[str, Any]] = {}
        for command, option, value, place in rows:
            found.setdefault(command, {})[option] = {"value": _plain(value), "from": place}
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    cells = [(command, option, _shown(_plain(value)), place) for command, option, value, place in rows]
    for lines in table(("command", "option", "value", "from"), cells, width(piped=sys.maxsize)):
        for line in lines:
            out(line)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value.value if isinstance(value, Enum) else str(value) if isinstance(value, Path) else value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value in (None, "") else str(value).lower() if isinstance(value, bool) else str(value)
