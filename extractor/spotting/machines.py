"""Shapes of machines that no family describes: "we introduce Name, a mobile robot", "the Name quadruped", a bare "robot"."""

import re

from extractor.spotting.gates import Before

CHIPS = frozenset({"chip", "processor", "coprocessor", "accelerator", "soc", "asic", "microcontroller"})
_PART = "arm|finger|leg|glove|catheter|endoscope|glider|boat|car|wheelchair|prosthesis"
PARTS = frozenset(_PART.split("|"))
"""Nouns of machines only where a text is about robots."""
_NOUN = (
    "robot|humanoid|quadruped|biped|hexapod|exoskeleton|exosuit|quadrotor|multirotor|drone|rover|ornithopter|airship|blimp|gripper"
    f"|manipulator|vehicle|hand|UAV|AUV|UGV|USV|ROV|SoC|ASIC|chip|processor|coprocessor|accelerator|microcontroller|{_PART}"
)
NOUNS = frozenset(_NOUN.lower().split("|"))
"""The nouns of machines that papers give names to."""
_OF_WHICH = "(?: (?:system|platform|prototype))?"
_NAME = r"[A-Z][\w+-]{2,24}"
_OTHERWISE = (
    "for|of|on|with|to|that|using|in|from|by|via|as|is|are|which|where|whose|targeting|model|framework|method|dataset|benchmark|approach"
    "|policy|suite|network|algorithm|technique|simulator"
)
_KIND = rf"(?:(?!(?:{_OTHERWISE})\b)[\w-]+,? ){{0,7}}"
"""The words between the article of a machine and its noun."""
_DESIGN = r"(?:Design|Development)(?:,? (?:and \w+|[A-Z]\w+)){0,5} of "
_LIMB = "arm|hand|leg|finger|wrist|glove|ankle|knee|foot|limb|tail"
TITLED = re.compile(
    rf"(?P<name>{_NAME}(?: (?:Hand|Leg|Arm|Finger|Gripper|Robot))?)(?: Prototype)?: (?!\w+ing )(?:{_DESIGN})?"
    r"(?:(?!(?:for|of|via|in|on|using|with|from|towards?|to|and)\b)[\w-]+,? ){0,7}?"
    rf"(?P<head>(?i:{_NOUN}|robotic(?= (?:platform|system|device|{_PART}|{_LIMB}))))"
    rf"(?i: (?:platform|system|prototype|device|{_LIMB}))?"
    r"(?=\n|,| (?i:for|with|using|that|to|in|via|based|capable|(?:enabl|featur|integrat|combin|employ|support)ing|equipped"
    r"|driven|inspired|actuated)\b)"
)
"""A title that says of the paper's own name that it is a machine: "Name: A wall-climbing robot"."""
APPOSED = re.compile(
    rf"{_OF_WHICH}(?: \([a-z][^()]{{2,40}}\))?"
    r"(?:(?P<told>,? (?:called|named|dubbed|termed|nicknamed|shortly|known as) | \((?=[A-Z][\w-]*[a-z][\w-]*[A-Z\d]|[A-Z\d]+-))"
    r"|, | \((?=[A-Z]\w*[a-z]|[A-Z]{4})|,? [\"“`']{1,2})"
    rf"(?P<name>{_NAME}(?: (?:Hand|Leg|Arm|Finger|Gripper|Robot))?)(?=[\"”'’,.)])"
)
"""The name behind the noun of a machine where a paper presents it: "a surfing vehicle, Name,". It may be `told` as a name."""
CLASS = re.compile("[A-Z]{2,7}s|ROS|SLAM|LLM|VLM|VLA|URDF|LiDAR|SCARA")
"""The name of a class, or of what robots have."""
_INITIAL = re.compile("(?<![A-Za-z])[A-Za-z]")


def abbreviates(name: str, phrase: str) -> bool:
    """Whether a name only abbreviates the words that end a phrase: the CDPR of "a cable-driven parallel robot"."""
    return name.isalpha() and name.isupper() and "".join(_INITIAL.findall(phrase)).upper().endswith(name)


PRESENTED = re.compile(
    r"\b(?:(?:introduc|present|propos|develop|design|describ|buil[dt]|fabricat)\w* (?:the [\w-]+ of )?(?:an?|our|the)|[Oo]ur) "
    rf"{_KIND}\Z"
)
"""What stands before that noun there."""
TOLD = re.compile(rf"\b(?:[Aa]n?|[Oo]ur) {_KIND}\Z")
"""What stands before that noun where the name is told as one."""
_MADE = r"(?:introduc|present|propos|develop|design|describ|buil[dt])\w*\s+(?:the )?"
_LONG_NAME = rf"{_NAME}(?: [A-Z\d][\w+-]*){{0,2}}"
OWN_NAME = re.compile(
    rf"\b(?:{_MADE}(?P<name>{_LONG_NAME})(?: \([^()]{{2,60}}\))?(?:,| ?--?-?| [–—])"
    rf"|(?P<subject>[A-Z]\w*(?:[a-z]\w*[A-Z\d]|[A-Z\d]-?[A-Z\d])[\w-]*)(?: is|,(?!.*botic \Z)))\s+(?:an?|our|the)\s+{_KIND}\Z"
)
"""What stands before the noun where a paper names its own: "we introduce Name, a mobile ", "FooBot is a ", "for FooBot, a "."""
ENDED = re.compile(
    rf"{_OF_WHICH}(?=\s+(?:[a-z]+ed|with|that|for|to|in|on|capable|built|driven|made|which|using|having|(?:combin|featur|consist|compris"
    r"|integrat|enabl|offer|incorporat|employ|provid|weigh|support|allow)ing)\b|\s*[,.;:(])"
)
"""What stands behind the noun of a machine: not another noun, of which it would be a part."""


def _behind(*words: str) -> str:
    """The space between one of the words and a capital: a search that begins with the space takes half the time.

    A participle or a compound adjective may stand for the word: "the modified Name", "a two-finger Name".
    """
    adjectives = ["[a-z]{3}ed", *(f"-[a-z]{{{letters}}}" for letters in range(3, 9)), "-D[Oo]F"]
    places = "|".join(rf"(?<={word} )" for word in (*(rf"\b{word}" for word in words), *adjectives))
    return rf" (?=[A-Z])(?:{places})"


_SOFTWARE = "and|or|vision|perception|control|software|planning|learning|simulation|AI|operating|navigation|mapping"
ROBOTIC_SYSTEM = re.compile(rf"obotic (?:(?!(?:{_SOFTWARE}) )[\w-]+ ){{1,2}}system(?![\w-])")
"""A system that is a robot for something, but for its first letter: "a robotic ultrasound system"."""
_OUR = ("the", "The", "a", "an", "our", "on", "onto", "with", "using")
_NAMED = (
    "robot|humanoid|quadruped|manipulator|quadrotor|quadcopter|drone|rover|gripper|exoskeleton|exosuit|excavator|testbed"
    "|nanosatellite|spacecraft|vessel|glider"
)
NAMED_NOUNS = frozenset(noun + plural for noun in _NAMED.split("|") for plural in ("", "s"))
"""The nouns of robots behind a name."""
ROBOTIC = frozenset({"arm", "arms", "hand", "hands", "finger", "leg", "platform", "platforms", "system"})
"""The nouns of robots behind "robotic", and behind a name and it."""
NAMED_ROBOT = re.compile(
    _behind(*_OUR, "'s", "real", "physical", "actual", "real-world")
    + r"(?P<name>(?!\d?D\b|Humanoid|LiDAR|Delta|Cartesian|Stewart|SCARA)(?=[\w-]*[a-z]|[\w-]*\d|[A-Z-]{4})"
    r"[A-Z][\w+-]*(?: [A-Z\d][\w+-]*){0,2}(?<!-based)(?<!-driven)) "
    r"(?:(?!and|the|that|for|of)[a-z-]+ ){0,2}\Z"
)
"""A name before the noun of a robot."""
NAMED_HAND = re.compile(
    _behind(*_OUR) + r"(?P<name>[A-Z](?=[\w-]*[A-Z\d-]|\w+ \w+ [A-Z]?\d)[\w-]+ (?:Hand|Gripper)(?: [A-Z]?\d+)?)(?![\w-])"
)
LONGEST_NAME = 64
"""Characters in which a name before the noun of a robot is sought."""
NAMED_BEHIND = re.compile(
    r" (?P<name>(?=\w*[a-z]\w*[A-Z\d]|[A-Z]+-?\d)[A-Z][\w-]{2,24}(?<!-based))"
    r"(?=[.,;:)]| (?:and|or|in|on|with|to|for|is|was|as|by|at|which|that|using|from|under|while|during|has|can)\b)"
)
"""A name behind the noun of a robot: "the quadruped robot FooBot"."""
_ONE = r"(?:the |an? )?[A-Z][\w+-]*(?: [A-Z\d][\w+-]*){0,2}"
LISTED = re.compile(
    r"(?: \(|: |, (?:namely|including|i\.e\.,?) )"
    rf"(?P<names>(?=(?:the |an? )?[A-Z][\w-]*[A-Z\d]){_ONE}(?:, {_ONE}){{0,7}},? (?:and|&) {_ONE})(?=[).;]|, [a-z])"
)
"""The names of several robots behind their noun: "three robots (FooBot, Bar 2, and BAZ)"."""
LISTING = frozenset({noun for noun in NAMED_NOUNS if noun.endswith("s")} | {"hands", "arms", "platforms", "embodiments"})
"""The nouns behind which robots are listed."""
NAMING = NAMED_NOUNS | ROBOTIC | LISTING
"""The nouns beside which names of robots are sought."""
NAME_IN_LIST = re.compile(r"[A-Z][\w+-]*(?: [A-Z\d][\w+-]*){0,2}")
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
    r"[Rr]obot(?:s(?![\w-])|(?=\s*[.,;:)\n]|'s|\s+(?:\(|\d[\d,]*(?![\w-])"
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
