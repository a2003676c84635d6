"""Shapes of machines that no family describes: "we introduce Name, a mobile robot", "the Name quadruped", a bare "robot"."""

import re

from extractor.spotting.gates import Before, Gated

MACHINE = re.compile(
    r",\s+(?:an?|the)\s+(?:[\w-]+\s+){0,7}?"
    r"(?P<head>robot|humanoid|quadruped|exoskeleton|chip|processor|accelerator|SoC|microcontroller)"
    r"(?=\s+(?:designed|with|that|for|capable|built|developed|which)|\s*[,.;:(])"
)
CHIPS = frozenset({"chip", "processor", "accelerator", "soc", "microcontroller"})
_NOUN = "robot|humanoid|quadruped|exoskeleton|quadrotor|drone|rover|gripper|manipulator|vehicle|hand|chip|processor|accelerator"
NOUNS = frozenset(_NOUN.split("|"))
"""The nouns of machines that papers give names to."""
TITLED = re.compile(
    r"(?P<name>[A-Z][\w+-]{2,24}): (?!\w+ing )(?:Design(?: and \w+)? of )?"
    r"(?:(?!(?:for|of|via|in|on|using|with|from|towards?|to|and)\b)[\w-]+ ){0,7}?"
    rf"(?P<head>(?i:{_NOUN}))"
    r"(?=\n|,| (?:for|with|using|that|to|in|via|based|capable|featuring)\b)"
)
"""A title that says of the paper's own name that it is a machine: "Name: A wall-climbing robot"."""
APPOSED = re.compile(
    r"(?:, | \((?=[A-Z]\w*[a-z]|[A-Z]{5})|,? (?:called|named|dubbed|termed) |,? [\"“`']{1,2})"
    r"(?P<name>[A-Z][\w+-]{2,24})(?=[\"”'’,.)])"
)
"""The name behind the noun of a machine where a paper presents it: "a surfing vehicle, Name,"."""
PRESENTED = re.compile(
    r"\b(?:introduc|present|propos|develop|design|describ|buil[dt]|fabricat)\w* (?:the [\w-]+ of )?(?:an?|our|the) "
    r"(?:(?!(?:for|of|on|with|to|that|using|in)\b)[\w-]+,? ){0,6}\Z"
)
"""What stands before that noun there."""
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
_FREE = r"(?<![\w-])(?<!\d\s)"
FREE = re.compile(_FREE)
"""Where a bare robot may begin: not inside a word, and not behind what digits count ("on 2 robots")."""
DEGREES = Before(rf"{_FREE}\d+[ -]D[Oo][Ff]s?[\s-]", 16, " -\n")
"""The degrees of freedom of a bare robot: "a 7-DoF robot"."""
_AFTER_ROBOT = (
    "embodiments?|body|itself|to|into|in|with|without|and|or|but|that|which|whose|who|must|should|shall|can|could|cannot|may|might|will"
    "|would|is|was|were|has|had|does|did|on|onto|for|from|by|at|as|over|about|around|along|against|between|towards?|up|while|when|where"
    "|under|during|through|across|via|using|within|before|after|until|because|if|so|then|first|[a-z]+ly|also|further|operates|moves"
    "|navigates|explores|walks|runs|follows|reaches|interacts|acts|picks|grasps|uses|takes|makes|finds|detects|receives|sends|collects"
    "|completes|encounters|fails|needs|requires|lacks|becomes|remains|provides|carries|performing|carrying|moving|navigating|running"
    "|working|interacting|exploring|traversing|walking|equipped|mounted|operated|capable|able|incapable|named|called|dubbed|we|it|this"
    "|perform(?:s|ed)|execute[sd]|achieve[sd]|learn(?:s|ed)|navigated|moved|reached|completed|started|began"
)
BARE_ROBOT = re.compile(
    r"[Rr]obot(?:s(?![\w-])|(?=\s*[.,;:)]|'s|\s+(?:\(|\d[\d,]*(?![\w-])"
    rf"|(?:{_AFTER_ROBOT})(?![\w-]))))"
)
"""The noun "robot": not the first part of another ("robot learning")."""

_COMMA = r"(?:, (?:and |or )?|,? (?:and|or|&) | ?/ ?)(?:the |an? )?"
_UNLISTED = r"(?P<name>[A-Z](?=[\w+ -]{0,24}[A-Z\d])[\w+-]*(?: [A-Z\d][\w+-]*){0,2}(?<!-))"
BETWEEN = re.compile(_COMMA)
FIRST = re.compile(rf"(?:(?<=--)|(?<=\()|(?<=[a-z:] )){_UNLISTED}{_COMMA}\Z")
MIDDLE = re.compile(f"{_COMMA}{_UNLISTED}{_COMMA}")
LAST = re.compile(rf",? (?:and|or) (?:the |an? )?{_UNLISTED}(?![\w-])")
LAST_OF_TWO = re.compile(rf"{LAST.pattern} (?:robot|arm|hand|humanoid|quadruped|board|phone|chip|GPU|microcontroller|FPGA)s?\b")
