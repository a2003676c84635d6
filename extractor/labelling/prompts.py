"""Prompts are Markdown files: a front matter, the instructions, how a document is shown to the model, and worked examples.

    ---
    name: label
    version: 1
    expects: title, abstract, quantities, hardware
    ---
    # System        what the model is told once
    # Document      how one document is shown; {title} and the other names that it expects stand for the document's own
    # Example       JSON: {"title": ..., "abstract": ..., "labels": {...}}, as often as there are examples

All names are replaced in one pass, so braces in an abstract stay what they are. Examples are spotted like any
document when the prompt is read: their mention ids are those that spotting gives.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from extractor.documents import Document, Span
from extractor.errors import DataError, UsageError
from extractor.labels import Labels
from extractor.llm.structured import Message
from extractor.spotting.mentions import Mentions, spot

_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
_HEADING = re.compile(r"^# (System|Document|Example)[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"\{(\w+)\}")
_NAMES = frozenset({"title", "abstract", "quantities", "hardware"})
_CONTEXT = 28
"""Characters of context on either side of a mention, rounded to whole words: enough for its noun and its verb."""


@dataclass(frozen=True)
class Prompt:
    """A prompt as read from its file. `name` and `version` go into each record with the SHA-256 of the file."""

    name: str
    version: str
    system: str
    document: str
    examples: tuple[tuple[Document, Labels], ...]
    sha256: str

    @property
    def label(self) -> str:
        """Name and version, as records show them: `label@1`."""
        return f"{self.name}@{self.version}"

    @cached_property
    def opening(self) -> tuple[Message, ...]:
        """The messages that every document's request begins with."""
        messages: list[Message] = [{"role": "system", "content": self.system}]
        for document, labels in self.examples:
            messages.append({"role": "user", "content": self.show(document, spot(document.text))})
            messages.append({"role": "assistant", "content": labels.model_dump_json()})
        return tuple(messages)

    def messages(self, document: Document, mentions: Mentions) -> list[Message]:
        """The whole conversation that asks for the labels of one document."""
        return [*self.opening, {"role": "user", "content": self.show(document, mentions)}]

    def show(self, document: Document, mentions: Mentions) -> str:
        """One document as the model sees it."""
        values = {
            "title": document.title,
            "abstract": document.abstract,
            "quantities": _numbered(mentions.text, [(m.id, m.span) for m in mentions.quantities]),
            "hardware": _numbered(mentions.text, [(m.id, m.span) for m in mentions.hardware]),
        }
        return _NAME.sub(lambda name: values.get(name[1], name[0]), self.document)


def _numbered(text: str, mentions: Sequence[tuple[int, Span]]) -> str:
    lines = [f"{number}. {_context(text, start, end)}" for number, (start, end) in mentions]
    return "\n".join(lines) or "-"


def _context(text: str, start: int, end: int) -> str:
    """A few words around a mention, of its own line (the title, or the abstract), the mention in brackets."""
    opens = text.rfind("\n", 0, start) + 1
    first = max(opens, start - _CONTEXT)
    first = first if first == opens else text.find(" ", first, start) + 1 or start
    closes = text.find("\n", end)
    closes = len(text) if closes == -1 else closes
    last = min(closes, end + _CONTEXT)
    last = last if last == closes else max(text.rfind(" ", end, last), end)
    return " ".join(f"{text[first:start]}[{text[start:end]}]{text[end:last]}".split())


def load_prompt(path: Path | None = None) -> Prompt:
    """Read a prompt: the built-in one if no path is given, an earlier built-in one by its label, `label@1`.

    Raises `UsageError` if the file cannot be read, `DataError` if it is not a prompt.
    """
    if path is None:
        return _parse((_home() / "label.md").read_text(encoding="utf-8"), "the built-in prompt")
    path = built_in().get(str(path), path)
    try:
        return _parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read the prompt {path}: {error}. Name a Markdown file with --prompt.") from None


@cache
def built_in() -> dict[str, Path]:
    """The prompts that come with the program, by their labels."""
    return {_parse(path.read_text(encoding="utf-8"), str(path)).label: path for path in sorted(_home().glob("*.md"))}


def _home() -> Path:
    """Where the prompts are: in the package once it is installed, beside it in a checkout."""
    installed = Path(str(files("extractor"))) / "prompts"
    return installed if installed.is_dir() else installed.parent.parent / "prompts"


def _parse(text: str, where: str) -> Prompt:
    text = text.replace("\r\n", "\n")
    matter = _FRONT_MATTER.match(text)
    if matter is None:
        raise DataError(f"{where} has no front matter. Begin it with --- name: ..., version: ..., expects: ... ---.")
    settings = dict(line.split(": ", 1) for line in matter[1].splitlines() if ": " in line)
    pieces = _HEADING.split(text[matter.end() :])[1:]
    sections = [(title, body.strip()) for title, body in zip(pieces[::2], pieces[1::2], strict=True)]
    single = {title: body for title, body in sections if title != "Example"}
    for name in ("name", "version", "expects"):
        if name not in settings:
            raise DataError(f"{where}: the front matter lacks {name!r}. Add a line `{name}: ...`.")
    for title in ("System", "Document"):
        if not single.get(title):
            raise DataError(f"{where} has no section `# {title}`. Add it.")
    expected = {name.strip() for name in settings["expects"].split(",")}
    if unknown := expected - _NAMES:
        raise DataError(f"{where} expects {', '.join(sorted(unknown))}. It can have {', '.join(sorted(_NAMES))}.")
    if missing := {name for name in expected if f"{{{name}}}" not in single["Document"]}:
        raise DataError(f"{where}: `# Document` does not show {', '.join(sorted(missing))}. Put it there in braces.")
    bodies = (body for title, body in sections if title == "Example")
    examples = tuple(_example(body, f"{where}, example {n}") for n, body in enumerate(bodies, start=1))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Prompt(settings["name"], settings["version"], single["System"], single["Document"], examples, digest)


def _example(body: str, where: str) -> tuple[Document, Labels]:
    try:
        example = json.loads(body)
        return Document(where, example["title"], example["abstract"]), Labels.model_validate(example["labels"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        cause = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise DataError(f'{where}: {cause}. An example is JSON: {{"title": ..., "abstract": ..., "labels": ...}}.') from None
