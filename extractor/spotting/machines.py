"""Machines whose names no family describes: "we introduce Name, a mobile robot", "the Name quadruped", and the bare "robot"."""

import re
from collections.abc import Sequence

from extractor.records import Category
from extractor.spotting.gates import Gated

_LOOKBACK = 64
"""Code points before ", a robot" in which the name of a paper's own machine is sought."""

_MACHINE = re.compile(
    r",\s+(?:an?|the)\s+(?:[\w-]+\s+){0,7}?"
    r"(?P<head>robot|humanoid|quadruped|exoskeleton|chip|processor|accelerator|SoC|microcontroller)"
    r"(?=\s+(?:designed|with|that|for|capable|built|developed|which)|\s*[,.;:(])"
)
_CHIPS = frozenset({"chip", "processor", "accelerator", "SoC", "microcontroller"})
_OWN_NAME = re.compile(r"\b(?:introduc|present|propos|develop|design|describ|buil[dt])\w*\s+(?P<name>[A-Z][\w+-]{2,24})\Z")
"""What stands before ", a robot" where a paper names its own."""


def _behind(*words: str) -> str:
    """The space between one of the words and a capital: a search that begins with the space takes half the time."""
    places = "|".join(rf"(?<=\b{word}\s)" for word in words)
    return rf"[ \n](?=[A-Z])(?:{places})"


_OUR = ("the", "a", "an", "our", "on", "onto", "with", "using")
_NAMED_ROBOT = re.compile(
    _behind(*_OUR, "real", "physical", "actual", "real-world")
    + r"(?P<name>(?!\d?D\b|Humanoid|LiDAR|Delta|Cartesian|Stewart|SCARA)(?=[\w-]*[a-z]|[\w-]*\d|[A-Z-]{4})"
    r"[A-Z][\w+-]*(?:\s[A-Z\d][\w+-]*){0,2}(?<!-based)(?<!-driven))\s"
    r"(?:(?!and|the|that|for|of)[a-z-]+\s){0,2}?(?P<head>robot|humanoid|quadruped|manipulator|quadrotor|quadcopter|drone|rover|gripper)s?\b"
)
_NAMED_HAND = Gated(
    _behind(*_OUR) + r"(?P<name>[A-Z](?=[\w-]*[A-Z\d-])[\w-]+\s(?:Hand|Gripper)(?:\s[A-Z]?\d+)?)(?![\w-])", "Hand|Gripper"
)
_BARE_ROBOT = re.compile(
    r"[Rr\d](?<![\w-].)(?<!\d\s.)(?:(?<=\d)\d*[ -]D[Oo][Ff]s?[\s-][Rr]|(?<=[Rr]))obot(?:s(?![\w'-])|(?=\s*[.,;:)]"
    r"|\s+(?:embodiments?|body|to|in|with|and|or|that|which|must|should|can|could|may|will|is|has|on|onto|for|from|by|at|as|while|when"
    r"|where|under|during|through|across|via|using|within|perform(?:s|ed)|execute[sd]|achieve[sd]|learn(?:s|ed)|\(|\d[\d,]*)(?![\w-])))"
)
"""The noun "robot": not the first part of another ("robot learning"), and not what digits count ("on 2 robots")."""


def machines_of(text: str, robots: Sequence[bool]) -> list[tuple[int, int, bool, Category]]:
    """Start, end, whether it is a name, and category of the machines of a text.

    `robots` says of each robot that is known already whether it is a product. Where no robot has a name, the noun counts.
    """
    found: list[tuple[int, int, bool, Category]] = [
        (*name.span("name"), True, "npu" if machine["head"] in _CHIPS else "robot")
        for machine in _MACHINE.finditer(text)
        if (name := _OWN_NAME.search(text, max(0, machine.start() - _LOOKBACK), machine.start()))
    ]
    if "robot" in text or robots:
        for named in (_NAMED_ROBOT, _NAMED_HAND):
            found += [(*match.span("name"), True, "robot") for match in named.finditer(text)]
        if not any(robots) and all(category != "robot" for *_, category in found):
            found += [(*match.span(), False, "robot") for match in _BARE_ROBOT.finditer(text)]
    return found
