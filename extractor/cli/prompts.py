"""`extractor prompts`: what models are told."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.cli.terminal import plain, say
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.documents import Document
    from extractor.labelling.prompts import Prompt

prompts = typer.Typer(
    help="""See and compare the prompts that models are asked with.

    A prompt is named as it is built in (label), or as a file of your own.

    Example: extractor prompts diff label mine.md
    """,
    no_args_is_help=True,
)

_Named = typer.Argument(metavar="PROMPT", help="The name of a built-in prompt, or a file.", show_default=False)
_TITLE = "FastNet: detection on small boards"
_ABSTRACT = "FastNet finds objects 2.3x faster than SlowNet on a Jetson Nano. It reaches 71% mAP on COCO with 40 MB of memory."
_SENTENCE_END = re.compile(r"(?<=[.;:?!])\s+")


@prompts.command("list")
def list_prompts(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Prompts of your own to list too.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", envvar="EXTRACTOR_JSON", help="Print a JSON array instead.")] = False,
) -> None:
    """List the built-in prompts, and those of files: name, hash, examples, and the tokens that stand before each abstract.

    Example: extractor prompts list mine.md
    """
    import json

    from extractor.labelling.prompts import load_prompt

    rows = [_facts(load_prompt(path), path) for path in [*_built_in().values(), *(files or [])]]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    typer.echo(f"{'prompt':<16} {'sha256':<12} {'examples':>8} {'tokens':>8}  file")
    for row in rows:
        line = f"{row['prompt']:<16} {row['sha256'][:12]} {row['examples']:>8} {row['tokens']:>8,}  {row['file']}"
        typer.echo(plain(line))


@prompts.command("show")
def show_prompt(
    name: Annotated[str, _Named] = "label",
    sample: Annotated[
        str | None,
        typer.Option(
            "--sample",
            metavar="INPUT",
            envvar="EXTRACTOR_SAMPLE",
            help="Show it with the first abstract of this file and not with a made-up one.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", envvar="EXTRACTOR_JSON", help="Print the messages as JSON.")] = False,
) -> None:
    """Print the messages that ask for the labels of one abstract, word for word.

    Example: extractor prompts show

    Example: extractor prompts show mine.md --sample abstracts.jsonl
    """
    import json

    from extractor.documents import Document
    from extractor.llm.pricing import estimated_tokens
    from extractor.spotting import spot

    prompt, path = _find(name)
    document = Document("sample", _TITLE, _ABSTRACT) if sample is None else _first(sample)
    messages = prompt.messages(document, spot(document.text))
    if as_json:
        typer.echo(json.dumps(messages, indent=2, ensure_ascii=False))
        return
    typer.echo(plain(_headline(prompt, path)))
    for message in messages:
        typer.echo(f"\n## {message['role']}, about {estimated_tokens([message]):,} tokens\n")
        for line in message["content"].splitlines():
            typer.echo(plain(line))


@prompts.command("diff")
def diff(first: Annotated[str, _Named], second: Annotated[str, _Named]) -> None:
    """Print what differs between two prompts, section by section and sentence by sentence.

    Example: extractor prompts diff label mine.md
    """
    from difflib import unified_diff
    from itertools import zip_longest

    (ours, path), (theirs, other) = _find(first), _find(second)
    typer.echo(plain(f"--- {_headline(ours, path)}"))
    typer.echo(plain(f"+++ {_headline(theirs, other)}"))
    differ = False
    for left, right in zip_longest(_sections(ours), _sections(theirs)):
        title = (left or right)[0]
        before, after = left[1] if left else [], right[1] if right else []
        if before == after:
            continue
        differ = True
        typer.echo(f"\n# {title}: {_tokens(before)} -> {_tokens(after)}")
        changes = unified_diff(before, after, lineterm="", n=1)
        for line in [*changes][2:]:  # without the names of two files, which stand above
            typer.echo("..." if line.startswith("@@") else plain(line))
    if not differ:
        say("Both ask the same." if ours.label == theirs.label else "Both ask the same, under different names.")


def _built_in() -> Mapping[str, Path]:
    """The prompts that come with the package, by their names."""
    from extractor.labelling.prompts import _home  # one place knows where they are, installed or not

    return {path.stem: path for path in sorted(_home().glob("*.md"))}


def _find(name: str) -> "tuple[Prompt, Path]":
    """A prompt by its built-in name or its file. Raises `UsageError` if it is neither."""
    from extractor.labelling.prompts import load_prompt

    known = _built_in()
    for stem, path in known.items():
        if name in (stem, (prompt := load_prompt(path)).label):
            return prompt, path
    if not Path(name).exists():
        raise UsageError(f"There is no prompt {name!r}. Built in: {', '.join(known)}. A prompt of your own is a Markdown file.")
    return load_prompt(Path(name)), Path(name)


def _first(source: str) -> "Document":
    """The first abstract of an input. Raises `UsageError` if its first record is none."""
    import sys

    from extractor.sources import BadRecord, read

    found = next(iter(read([source], stdin=sys.stdin.buffer)))
    if isinstance(found, BadRecord):
        raise UsageError(f"{found.location}: {found.cause.rstrip('.')}. {found.fix}")
    return found.document


def _facts(prompt: "Prompt", path: Path) -> dict[str, Any]:
    from extractor.llm.pricing import estimated_tokens

    return {
        "prompt": prompt.label,
        "sha256": prompt.sha256,
        "examples": len(prompt.examples),
        "tokens": estimated_tokens(prompt.opening),
        "file": str(path),
    }


def _headline(prompt: "Prompt", path: Path) -> str:
    facts = _facts(prompt, path)
    return f"{prompt.label} {prompt.sha256[:12]}, about {facts['tokens']:,} tokens before the abstract, {path}"


def _sections(prompt: "Prompt") -> Iterator[tuple[str, list[str]]]:
    """Each section as lines of one sentence, or of one label."""
    import json

    yield "System", _sentences(prompt.system)
    yield "Document", prompt.document.splitlines()
    for n, (document, labels) in enumerate(prompt.examples, start=1):
        said = labels.model_dump(mode="json")
        listed = {name: values if isinstance(values, list) else [values] for name, values in said.items()}
        rows = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, values in listed.items() for value in values]
        yield f"Example {n}", [f"title: {document.title}", *_sentences(document.abstract), *rows]


def _sentences(text: str) -> list[str]:
    return [sentence for line in text.splitlines() for sentence in _SENTENCE_END.split(line)]


def _tokens(lines: list[str]) -> str:
    from extractor.llm.pricing import estimated_tokens

    return f"about {estimated_tokens([{'content': ' '.join(lines)}]):,} tokens" if lines else "none"
