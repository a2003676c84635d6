"""Shapes of machines that no family describes: "we introduce Name, a mobile robot", "the Name quadruped", a bare "robot"."""

import re
from collections.abc import Iterator, Sequence

from extractor.documents import Span
from extractor.spotting.gates import Gated

MACHINE = re.compile(
    r",\s+(?:an?|the)\s+(?:[\w-]+\s+){0,7}?"
    r"(?P<head>robot|humanoid|quadruped|exoskeleton|chip|processor|accelerator|SoC|microcontroller)"
    r"(?=\s+(?:designed|with|that|for|capable|built|developed|which)|\s*[,.;:(])"
)
CHIPS = frozenset({"chip", "processor", "accelerator", "SoC", "microcontroller"})
OWN_NAME = re.compile(r"\b(?:introduc|present|propos|develop|design|describ|buil[dt])\w*\s+(?P<name>[A-Z][\w+-]{2,24})\Z")
"""What stands before ", a robot" where a paper names its own."""


def _behind(*words: str) -> str:
    """The space between one of the words and a capital: a search that begins with the space takes half the time."""
    places = "|".join(rf"(?<=\b{word} )" for word in words)
    return rf" (?=[A-Z])(?:{places})"


_OUR = ("the", "The", "a", "an", "our", "on", "onto", "with", "using")
NAMED_ROBOT = re.compile(
    _behind(*_OUR, "real", "physical", "actual", "real-world")
    + r"(?P<name>(?!\d?D\b|Humanoid|LiDAR|Delta|Cartesian|Stewart|SCARA)(?=[\w-]*[a-z]|[\w-]*\d|[A-Z-]{4})"
    r"[A-Z][\w+-]*(?: [A-Z\d][\w+-]*){0,2}(?<!-based)(?<!-driven)) "
    r"(?:(?!and|the|that|for|of)[a-z-]+ ){0,2}?"
    r"(?:robot|humanoid|quadruped|manipulator|quadrotor|quadcopter|drone|rover|gripper)s?\b"
)
NAMED_HAND = Gated(
    _behind(*_OUR) + r"(?P<name>[A-Z](?=[\w-]*[A-Z\d-]|\w+ \w+ [A-Z]?\d)[\w-]+ (?:Hand|Gripper)(?: [A-Z]?\d+)?)(?![\w-])",
    "Hand|Gripper",
)
BARE_ROBOT = re.compile(
    r"[Rr\d](?<![\w-].)(?<!\d\s.)(?:(?<=\d)\d*[ -]D[Oo][Ff]s?[\s-][Rr]|(?<=[Rr]))obot(?:s(?![\w'-])|(?=\s*[.,;:)]"
    r"|\s+(?:embodiments?|body|to|in|with|and|or|that|which|must|should|can|could|may|will|is|has|on|onto|for|from|by|at|as|while|when"
    r"|where|under|during|through|across|via|using|within|[a-z]+ly|also|further|operates|moves|navigates|fails|needs|capable"
    r"|perform(?:s|ed)|execute[sd]|achieve[sd]|learn(?:s|ed)|\(|\d[\d,]*)(?![\w-])))"
)
"""The noun "robot": not the first part of another ("robot learning"), and not what digits count ("on 2 robots")."""

_COMMA = r"(?:, (?:and |or )?|,? (?:and|or|&) | ?/ ?)(?:the |an? )?"
_UNLISTED = r"(?P<name>[A-Z](?=[\w+ -]{0,24}[A-Z\d])[\w+-]*(?: [A-Z\d][\w+-]*){0,2}(?<!-))"
_ENUMERATED = re.compile(_COMMA)
_FIRST = re.compile(rf"(?:(?<=--)|(?<=\()|(?<=[a-z:] )){_UNLISTED}{_COMMA}\Z")
_MIDDLE = re.compile(f"{_COMMA}{_UNLISTED}{_COMMA}")
_LAST = re.compile(rf",? (?:and|or) (?:the |an? )?{_UNLISTED}(?![\w-])")
_LAST_OF_TWO = re.compile(
    rf"{_LAST.pattern} (?:robot|arm|hand|humanoid|quadruped|board|phone|chip|GPU|microcontroller|FPGA)s?\b"
)


def listed_among(text: str, products: Sequence[Span]) -> Iterator[Span]:
    """The names that no family describes in enumerations of products.

    Two products have to be beside it, or a product and a noun of devices: "Name, RTX 3090 and A100", "Go2 and Name robots".
    """
    starts = [*(start for start, _ in products), len(text)]
    ends = [0, *(end for _, end in products)]
    for n, (start, end) in enumerate(products):
        names = [_LAST_OF_TWO.match(text, end, starts[n + 1])]
        if n and _ENUMERATED.fullmatch(text, ends[n], start):
            first = starts[n - 1]
            names += [_FIRST.search(text, max(ends[n - 1], first - 48), first), _LAST.match(text, end, starts[n + 1])]
        elif n:
            names.append(_MIDDLE.fullmatch(text, ends[n], start))
        yield from (name.span("name") for name in names if name)
