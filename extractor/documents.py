"""The input of every step: one paper abstract."""

from dataclasses import dataclass, field

Span = tuple[int, int]
"""Start and exclusive end, counted in Unicode code points of `Document.text`."""


def lowered(text: str) -> str:
    """The text in lower case with every offset kept: a letter whose lower case is longer stays as it is."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


@dataclass(frozen=True, slots=True)
class Document:
    """One abstract with its title.

    `id` is unique within a job. `text` is `title + "\\n" + abstract`: every offset in an extraction counts its code points.
    """

    id: str
    title: str
    abstract: str
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", f"{self.title}\n{self.abstract}")
