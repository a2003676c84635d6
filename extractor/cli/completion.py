"""What a shell completes beside commands, options and files. What does not begin as typed is left out by typer."""

import re
from collections.abc import Iterable
from pathlib import Path

import typer

_MUCH = 32 << 20
"""Bytes of records that are looked through for ids; more would make the shell wait."""


def models(incomplete: str) -> list[str]:
    """The names of models: of providers until one is begun, then those with a published price."""
    from extractor.llm.pricing import known_models

    names = ["rules", *known_models()]
    return names if incomplete else [*dict.fromkeys(name.partition("/")[0] + "/" * ("/" in name) for name in names)]


def formats() -> Iterable[str]:
    """The formats of inputs."""
    from extractor.sources.formats import slugs

    return slugs()


def queries() -> list[str]:
    """The questions that have a name."""
    from extractor.outputs.query import named_queries

    return [query.name for query in named_queries()]


def ids(context: typer.Context) -> list[str]:
    """The ids of the job that is named before them, or of the first of its shards."""
    folder = Path(context.params["folder"])
    shards = sorted(folder.glob("shards/*/extractions.jsonl"))
    file = shards[0] if shards else folder / "extractions.jsonl" if folder.is_dir() else folder
    try:
        with file.open("rb") as lines:
            head = lines.read(_MUCH).decode(errors="replace")
    except OSError:
        return []
    return re.findall(r'^\{"schema_version":\d+,"id":"([^"\\]*)"', head, re.MULTILINE)


def commands(context: typer.Context) -> list[str]:
    """The commands, or those of the command before."""
    command = context.find_root().command
    for word in context.params.get("words") or ():
        command = getattr(command, "commands", {}).get(word, command)
    return [*getattr(command, "commands", {})]
