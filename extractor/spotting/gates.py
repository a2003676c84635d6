"""Gates: expressions that are tried only where they can match, because most never do."""

import re
from collections.abc import Iterator


class Gated:
    """An expression that few texts hold. It is searched only in a text that holds its `gate`, a cheaper expression.

    The gate matches in each match of the expression. One that begins with rare characters is cheapest: a search passes by all
    others.
    """

    __slots__ = ("expression", "gate")

    def __init__(self, expression: str, gate: str) -> None:
        self.expression = re.compile(expression)
        self.gate = re.compile(gate)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """The matches in a text, in order."""
        return self.expression.finditer(text) if self.gate.search(text) else iter(())


class Before:
    """An expression for what stands right before a place: it ends there, and with one of the `last` characters.

    It is tried only behind one of these, in the `width` characters before the place.
    """

    __slots__ = ("expression", "last", "width")

    def __init__(self, expression: str, width: int, last: str) -> None:
        self.expression = re.compile(rf"(?:{expression})\Z")
        self.width = width
        self.last = last

    def match(self, text: str, place: int) -> re.Match[str] | None:
        """The match that ends at a place of a text."""
        if text[place - 1 : place] not in self.last:
            return None
        return self.expression.search(text, max(0, place - self.width), place)
