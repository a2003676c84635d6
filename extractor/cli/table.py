"""Tables that fit a terminal: cells wrap at spaces, and a column that has no room beside the others stands below its row.

No word is broken. One that is longer than a line loses its middle.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from extractor.documents import shortened

if TYPE_CHECKING:
    from extractor.evaluation.report.terminal import Table

_TALL = 3
"""Lines that a cell may take, about, before its column stands below the row."""
_NAMES = 10
"""The first column has at least this part of the room, if it needs it."""
_GAP = 2
_INDENT = "    "


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, right: Collection[int] = ()) -> list[list[str]]:
    """The lines of the heading, and those of each row.

    The first column names the row; a name that is too long for it stands above the row, and another column that has no room
    below it. A cell may hold line breaks. `right` are the columns that are aligned to the right.
    """
    sizes = _sizes(columns, rows, width)
    below = [place for place, _ in enumerate(columns) if place not in sizes]

    def cells(row: Sequence[str]) -> list[list[str]]:
        return [[line for part in row[place].split("\n") for line in wrapped(part, size)] for place, size in sizes.items()]

    def beside(cells: list[list[str]]) -> Iterator[str]:
        for line in zip_longest(*cells, fillvalue=""):
            padded = [_padded(part, sizes[place], place in right) for place, part in zip(sizes, line, strict=True)]
            yield (" " * _GAP).join(padded).rstrip()

    def block(row: Sequence[str]) -> list[str]:
        name = row[0].lstrip()
        indent = " " * (len(row[0]) - len(name))
        above = wrapped(name, width, indent, indent) if _longest(name) > sizes[0] - len(indent) else []
        named = ["", *row[1:]] if above else row
        lines = [*above, *(beside(cells(named)) if any(named) or not above else ())]
        more = [f"{columns[place]}: {'  '.join(row[place].splitlines())}" for place in below if row[place]]
        for told in more:
            lines += wrapped(told, width, _INDENT, 2 * _INDENT)
        return [*lines, ""] if more else lines

    heading = [*beside([cell[::-1] for cell in cells(columns)])][::-1]  # the names stand at the bottom
    return [heading, *map(block, rows)]


def _sizes(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> dict[int, int]:
    """How wide each column is that has room beside the first; the widest give way, the last of them first."""
    places = range(len(columns))
    whole = [max((_size(line) for row in rows for line in row[place].split("\n")), default=0) for place in places]
    words = [max(_longest(row[place]) for row in (columns, *rows)) for place in places]
    sizes = {place: max(words[place], -(-whole[place] // _TALL)) for place in places}
    sizes[0] = min(sizes[0], max(width // _NAMES, _longest(columns[0])))
    while (spare := width - sum(sizes.values()) - _GAP * (len(sizes) - 1)) < 0 and len(sizes) > 1:
        del sizes[max(reversed([*sizes][1:]), key=sizes.__getitem__)]
    for place in sorted(sizes, key=lambda place: whole[place] - sizes[place]):
        more = max(0, min(spare, whole[place] - sizes[place]))
        sizes[place] += more
        spare -= more
    return sizes


def _longest(text: str) -> int:
    return max(map(_size, text.split()), default=0)


def page(parts: "Iterable[str | Table]", width: int) -> Iterator[str]:
    """The lines of paragraphs and tables of figures."""
    for part in parts:
        if isinstance(part, str):
            yield from wrapped(part, width)
        else:
            for block in table(part.columns, part.rows, width, right=range(1, len(part.columns))):
                yield from block


def pairs(rows: Iterable[tuple[str, str]], width: int, least: int = 0) -> Iterator[str]:
    """Lines of names, which have `least` columns or more and half of all at most, and what each is; long ones go on below."""
    rows = [*rows]
    size = min(max([least, *(_size(name) + _GAP for name, _ in rows)]), width // 2)
    for name, told in rows:
        if _size(name) > size - _GAP:
            yield from wrapped(name, width)
            name = ""
        yield from wrapped(told, width, _padded(name, size, right=False), " " * size)


def wrapped(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """The text in lines of at most so many columns, broken at spaces, with what the first and the other lines begin with."""
    lines, line, begun = [], first, False
    for word in text.split(" "):
        for piece in _pieces(word, width - _size(others)):
            if begun and _size(line) + 1 + _size(piece) > width:
                lines.append(line.rstrip())
                line, begun = others, False
            line += f" {piece}" if begun else piece
            begun = True
    return [*lines, line]


def cut(text: str, width: int) -> str:
    """As much of the text as a line of so many columns holds, up to a space."""
    return text if _size(text) <= width else f"{wrapped(text, width - 4)[0]} ..."


def _pieces(word: str, width: int) -> list[str]:
    """A word as it fits into a line: without its middle, or cut where its signs are words, as in Chinese."""
    room = max(8, width)
    if _size(word) <= room:
        return [word]
    if _size(word) == len(word):
        return [shortened(word, room)]
    half = room // 2
    return [word[start : start + half] for start in range(0, len(word), half)]


def _padded(text: str, size: int, right: bool) -> str:
    space = " " * (size - _size(text))
    return space + text if right else text + space


def _size(text: str) -> int:
    """Columns of a terminal that a text takes: two for a sign of full width."""
    return len(text) if text.isascii() else sum(1 + (east_asian_width(sign) in "WF") for sign in text)
