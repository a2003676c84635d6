"""The input of every step: one paper abstract."""

from dataclasses import dataclass, field

from typing_extensions import TypedDict

Span = tuple[int, int]
"""Start and exclusive end, counted in Unicode code points of `Document.text`."""


def lowered(text: str) -> str:
    """The text in lower case with every offset kept: a letter whose lower case is longer stays as it is."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def joined(title: str, abstract: str) -> str:
    """What the offsets of a record count in: the title on one line, and the abstract behind it.

    A line break inside the title counts as the one character that it is, and stands there as a space.
    """
    return "\n".join((title.replace("\n", " ").replace("\r", " "), abstract))  # a translation takes ten times as long


def spaced(text: str) -> str:
    """A text with each run of white space made one space: how a record's field says what its span holds."""
    return " ".join(text.split())


class Source(TypedDict, total=False):
    """What the input knows of a paper beside its text, absent where it does not know it, and the fields kept by name."""

    doi: str
    """The DOI, in lower case and without an address."""
    arxiv_id: str
    """The arXiv id, with its version where the input has it."""
    pmid: str
    """The number in PubMed."""
    url: str
    """An address of the paper."""
    year: int
    """The year of publication."""
    authors: list[str]
    """The authors, given name first."""
    venue: str
    """The journal, conference or other place of publication."""
    categories: list[str]
    """The categories or fields of study."""


def shortened(text: str, length: int = 80) -> str:
    """A text as it can be shown in a line: of a longer one the beginning and the end."""
    return text if len(text) <= length else f"{text[: length * 2 // 3]}…{text[len(text) + 1 - length // 3 :]}"


@dataclass(frozen=True, slots=True)
class Document:
    """One abstract with its title.

    `id` is unique within a job. `text` is `title + "\\n" + abstract`, the title's own line breaks as spaces: every offset in an
    extraction counts its code points.
    `source` passes through into the extraction.
    """

    id: str
    title: str
    abstract: str
    source: Source = field(default_factory=Source, compare=False, kw_only=True)
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", joined(self.title, self.abstract))
