"""`extractor prompt`: what a model is told."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli import options
from extractor.cli.terminal import plain
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.documents import Document
    from extractor.labelling.prompts import Prompt

_TITLE = "FastNet: detection on small boards"
_ABSTRACT = "FastNet finds objects 2.3x faster than SlowNet on a Jetson Nano. It reaches 71% mAP on COCO with 40 MB of memory."


def prompt(
    name: Annotated[
        str, typer.Argument(metavar="PROMPT", help="A prompt of your own, or the name of a built-in one.")
    ] = "label",
    sample: Annotated[
        str | None,
        options.option(
            "--sample", metavar="INPUT", help="Show it with the first abstract of this file and not with a made-up one."
        ),
    ] = None,
    as_json: Annotated[bool, options.option("--json", help="Print the messages as JSON.")] = False,
) -> None:
    """Print what a model is asked about one abstract, word for word.

    Example: extractor prompt

    Example: extractor prompt mine.md --sample abstracts.jsonl
    """
    import json

    from extractor.documents import Document
    from extractor.llm.pricing import estimated_tokens
    from extractor.spotting import spot

    found, path = _find(name)
    document = Document("sample", _TITLE, _ABSTRACT) if sample is None else _first(sample)
    messages = found.messages(document, spot(document.text))
    if as_json:
        typer.echo(json.dumps(messages, indent=2, ensure_ascii=False))
        return
    before = f"about {estimated_tokens(found.opening):,} tokens before the abstract"
    typer.echo(plain(f"{found.label} {found.sha256[:12]}, {before}, {path}"))
    for message in messages:
        typer.echo(f"\n## {message['role']}, about {estimated_tokens([message]):,} tokens\n")
        for line in message["content"].splitlines():
            typer.echo(plain(line))


def _find(name: str) -> "tuple[Prompt, Path]":
    """A prompt by its built-in name or its file. Raises `UsageError` if it is neither."""
    from extractor.labelling.prompts import built_in, load_prompt

    for label, path in built_in().items():
        if name in (path.stem, label):
            return load_prompt(path), path
    if not Path(name).exists():
        raise UsageError(
            f"There is no prompt {name!r}. Built in: {', '.join(built_in())}. A prompt of your own is a Markdown file."
        )
    return load_prompt(Path(name)), Path(name)


def _first(source: str) -> "Document":
    """The first abstract of an input. Raises `UsageError` if its first record cannot be read."""
    import sys

    from extractor.sources import BadRecord, read

    found = next(iter(read([source], stdin=sys.stdin.buffer)))
    if isinstance(found, BadRecord):
        raise UsageError(f"{found.location}: {found.cause.rstrip('.')}. {found.fix}")
    return found.document
