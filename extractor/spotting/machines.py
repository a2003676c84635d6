"""Shapes of machines that no family describes: "we introduce Name, a mobile robot", "the Name quadruped", a bare "robot"."""

import re

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
    places = "|".join(rf"(?<=\b{word}\s)" for word in words)
    return rf"[ \n](?=[A-Z])(?:{places})"


_OUR = ("the", "a", "an", "our", "on", "onto", "with", "using")
NAMED_ROBOT = re.compile(
    _behind(*_OUR, "real", "physical", "actual", "real-world")
    + r"(?P<name>(?!\d?D\b|Humanoid|LiDAR|Delta|Cartesian|Stewart|SCARA)(?=[\w-]*[a-z]|[\w-]*\d|[A-Z-]{4})"
    r"[A-Z][\w+-]*(?:\s[A-Z\d][\w+-]*){0,2}(?<!-based)(?<!-driven))\s"
    r"(?:(?!and|the|that|for|of)[a-z-]+\s){0,2}?(?P<head>robot|humanoid|quadruped|manipulator|quadrotor|quadcopter|drone|rover|gripper)s?\b"
)
NAMED_HAND = Gated(
    _behind(*_OUR) + r"(?P<name>[A-Z](?=[\w-]*[A-Z\d-])[\w-]+\s(?:Hand|Gripper)(?:\s[A-Z]?\d+)?)(?![\w-])", "Hand|Gripper"
)
BARE_ROBOT = re.compile(
    r"[Rr\d](?<![\w-].)(?<!\d\s.)(?:(?<=\d)\d*[ -]D[Oo][Ff]s?[\s-][Rr]|(?<=[Rr]))obot(?:s(?![\w'-])|(?=\s*[.,;:)]"
    r"|\s+(?:embodiments?|body|to|in|with|and|or|that|which|must|should|can|could|may|will|is|has|on|onto|for|from|by|at|as|while|when"
    r"|where|under|during|through|across|via|using|within|perform(?:s|ed)|execute[sd]|achieve[sd]|learn(?:s|ed)|\(|\d[\d,]*)(?![\w-])))"
)
"""The noun "robot": not the first part of another ("robot learning"), and not what digits count ("on 2 robots")."""
