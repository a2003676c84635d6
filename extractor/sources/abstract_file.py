"""A text file that holds one abstract: the title up to a blank line, then the abstract up to the end."""

import re
from collections.abc import Iterator
from io import BufferedReader

from extractor.sources.base import BOM, MAX_RECORD, TOO_LONG, Fault, Fields, Format, Paper
from extractor.sources.fields import unusable
from extractor.sources.opening import not_decoded

_LONGEST = 20_000
"""Bytes up to which a text can be one abstract."""
_TITLE = 400
_BLANK = re.compile(rb"\n\s*\n")
_ENDED = re.compile(r"""\.["'”’)\]}$]*$|https?://\S+$""")  # titles ask and shout, and none ends in a full stop


def read_abstract_file(stream: BufferedReader, fields: Fields) -> Iterator[Paper | Fault]:  # noqa: ARG001 (every format is called so)
    """Read the one record of a file; line breaks inside a paragraph become spaces."""
    raw = stream.read(MAX_RECORD + 1).removeprefix(BOM)
    if len(raw) > MAX_RECORD:
        yield Fault(1, *TOO_LONG)
        return
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        yield Fault(1, *not_decoded(error))
        return
    if fault := unusable(text):
        yield Fault(1, *fault)
        return
    before = len(text) - len(text.lstrip())
    title, *paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))
    abstract = "\n".join(paragraphs)
    line = 1 + text[:before].count("\n")
    if abstract:
        yield Paper(line, None, title, abstract)
    else:
        yield Fault(line, "no abstract", "Put the abstract below its title, after a blank line.")


def _recognises(head: bytes) -> bool:
    """Whether a title stands above one or more paragraphs that are not titles; so a scrape of several papers is not one."""
    if len(head) > _LONGEST:
        return False
    blocks = [b" ".join(block.split()) for block in _BLANK.split(head.replace(b"\r\n", b"\n").strip())]
    if len(blocks) < 2 or len(blocks[0]) > _TITLE or blocks[0].endswith(b"."):
        return False
    return all(_ENDED.search(block.decode(errors="replace")) and block.count(b" ") >= 4 for block in blocks[1:])


ABSTRACT_FILE = Format(
    "one abstract",
    (),
    _recognises,
    read_abstract_file,
    "a short first paragraph, and below it paragraphs that end as sentences do, 20 KB at most",
    marks=False,
    whole=True,
)
