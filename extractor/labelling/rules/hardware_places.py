"""Where a hardware mention stands: its sentence around it, and what the document says of itself."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from extractor.documents import Document, Span
from extractor.labelling.rules.lexicon import Lexicon
from extractor.records import Role
from extractor.spotting.hardware import HardwareMention
from extractor.spotting.mentions import Mentions

_MOST = 8
"""How often one sentence can name the same device and say something new of it."""
_REACH = 400
"""Code points of a sentence that are read on each side of a mention: more than all but the longest sentences have."""
_PREPOSITIONS = (
    "on|onto|upon|for|to|in|into|within|across|with|without|using|via|by|of|from|between|among|at|over|through|than|against|under"
    "|as|toward|towards"
)
_LINK = re.compile(rf"\b({_PREPOSITIONS})\s+(?:(?!(?:{_PREPOSITIONS})\b)[\w$%.-]+\s+){{0,4}}$")
_JOINING = r"(?:and|or|as well as|plus|such as|like|including|e\.g\.|i\.e\.),?\s+"
_SEPARATOR = re.compile(rf"(?!,\s+an?\s)(?:\s*[,/&()]\s*(?:{_JOINING})?|\s+{_JOINING})(?:\w+\s+)?")
_ROLES: tuple[Role, ...] = ("evaluated", "intended")
_DATA = re.compile(r"\bdatasets?\b(?! (?:and|&))|(?:drone|uav) detection|\bdetecting (?:[\w-]+ ){0,3}(?:aircraft|drones|uavs)")


@dataclass(frozen=True, slots=True)
class Cues:
    """The cue words of `lexicon/hardware.toml`, compiled; each list is explained there."""

    patterns: Mapping[str, re.Pattern[str]]

    def found(self, name: str, text: str) -> bool:
        """Whether a cue of a list is in a text: one that has to end it, where the list says so."""
        return self.patterns[name].search(f" {text}") is not None

    def follows(self, name: str, text: str) -> bool:
        """Whether a text begins with a cue of a list."""
        return self.patterns[name].match(text) is not None


_WORD, _ENDING, _PLAIN = r"[^\w-](?:{})(?!\w)", r"[^\w-](?:{})\s*$", r"\b(?:{})\b"
_FRAMES = {
    **dict.fromkeys(("evaluated", "intended", "need", "tried"), _WORD),
    **dict.fromkeys(("recording", "held", "owned", "made", "simulated", "others"), _ENDING),
    **dict.fromkeys(("environment", "survey", "own"), _PLAIN),
    "attribute": r"'s\b|(?:/\w{{2,4}}|\s+(?:and|or)\s+\w{{2,4}})?[\s-]+(?:{})\b(?!-)",
    "bearers": r"\b(?:{})\s+(?:of|from)\s+(?:[\w-]+\s+){{0,2}}$",
    "any_robot": r"(?:(?:{})[\s-]*)+",
    "first": r"\b(?:{})",
}
"""Where the cues of a list stand, and what is before: to ask for a character there takes half the time of looking behind."""


@lru_cache(maxsize=8)
def read_cues(lexicon: Lexicon) -> Cues:
    """Compile the cue words of a lexicon."""
    words = {name: "|".join(lexicon.expressions[f"hardware.{name}"]).replace(" ", r"\s+") for name in _FRAMES}
    return Cues({name: re.compile(frame.format(words[name])) for name, frame in _FRAMES.items()})


class Topic:
    """What a document is about. Each answer is sought when a row first asks: few rows do, and each search is of all the text.

    `own_from` is where it begins to speak of the paper's own work.
    """

    def __init__(self, document: Document, mentions: Mentions, cues: Cues) -> None:
        self._mentions, self._cues = mentions, cues
        self._title, self._abstract = document.title.lower(), document.abstract.lower()
        first = cues.patterns["first"].search(self._abstract)
        self.own_from = mentions.sentence_at(len(self._title) + 1 + first.start() if first else len(document.text) // 2)[0]

    @cached_property
    def survey(self) -> bool:
        """Whether it is a survey."""
        return self._cues.found("survey", self._title)

    @cached_property
    def operated(self) -> bool:
        """Whether it is about agents that operate devices."""
        environment = self._cues.patterns["environment"]
        return environment.search(self._title) is not None or len(environment.findall(self._abstract)) > 1

    @cached_property
    def recorded(self) -> bool:
        """Whether it is about a dataset, or detects what flies by."""
        return _DATA.search(self._title) is not None

    @cached_property
    def tried(self) -> bool:
        """Whether it names a robot or tells of tests on real ones."""
        named = any(mention.specific and mention.category == "robot" for mention in self._mentions.hardware)
        return named or self._cues.found("tried", self._mentions.text[self.own_from :].lower())

    @cached_property
    def kinds(self) -> Mapping[str, int]:
        """How often it holds the first word of each class of devices that it names."""
        text, kinds = self._mentions.text.lower(), {_kind(each) for each in self._mentions.hardware if not each.specific}
        return {kind: text.count(kind) for kind in kinds}


class Place(NamedTuple):
    """A mention, the text of its sentence before and after it in lower case, and what is known of sentence and document.

    `own`: the sentence speaks of the paper's own work. `early`: it stands before the first that says "we propose" or the like.
    `previous`: the mention before it, `gap` the text between.
    """

    mention: HardwareMention
    before: str
    after: str
    in_title: bool
    own: bool
    early: bool
    previous: HardwareMention | None
    gap: str
    topic: Topic
    cues: Cues

    @property
    def needed(self) -> bool:
        """Whether the sentence says what is hard."""
        return self.cues.found("need", self.before + self.after)

    @property
    def recurs(self) -> bool:
        """Whether the document names this class of devices again, by its first word."""
        return self.topic.kinds.get(_kind(self.mention), 0) > 1

    @property
    def again(self) -> bool:
        """Whether it is an abbreviation in parentheses, or the class that the name of a product leads."""
        if self.previous is None:
            return False
        alike = self.previous.specific == self.mention.specific
        abbreviation = alike and self.gap.strip() == "(" and self.after.startswith(")")
        return abbreviation or (self.previous.specific and not self.gap.strip())

    @property
    def special(self) -> bool:
        """Whether the name says more of a robot than that it is one."""
        return self.cues.patterns["any_robot"].fullmatch(self.mention.text.lower()) is None

    @property
    def link(self) -> str | None:
        """The preposition that ties the mention to what stands before it."""
        return match[1] if (match := _LINK.search(self.before)) else None

    @property
    def continues(self) -> bool:
        """Whether the mention continues an enumeration of a product or of another category, or is an example of it."""
        other = self.previous and (self.previous.specific or self.previous.category != self.mention.category)
        return bool(other and _SEPARATOR.fullmatch(self.gap))

    @property
    def cue(self) -> Role | None:
        """The role that the nearest cue before the mention gives; of two that end together the longer counts."""
        before, patterns = f" {self.before}", self.cues.patterns
        found = [(match.end(), len(match[0]), role) for role in _ROLES for match in patterns[role].finditer(before)]
        return max(found)[2] if found else None


def places_of(document: Document, mentions: Mentions, cues: Cues) -> list[Place]:
    """The places of the hardware mentions, in reading order."""
    if not mentions.hardware:
        return []
    text, topic = document.text, Topic(document, mentions, cues)
    sentences = {mention.sentence for mention in mentions.hardware}
    own = {span: span[0] >= topic.own_from or cues.found("own", text[slice(*span)].lower()) for span in sentences}
    places: list[Place] = []
    said: Counter[tuple[Span, str]] = Counter()
    for previous, mention in zip((None, *mentions.hardware), mentions.hardware, strict=False):
        span = mention.sentence
        said[span, mention.text] += 1
        if said[span, mention.text] > _MOST:
            continue
        place = Place(
            mention=mention,
            before=text[max(span[0], mention.span[0] - _REACH) : mention.span[0]].lower(),
            after=text[mention.span[1] : min(span[1], mention.span[1] + _REACH)].lower(),
            in_title=mention.span[1] <= len(document.title),
            own=own[span],
            early=span[0] < topic.own_from and mention.span[1] > len(document.title),
            previous=previous,
            gap=text[previous.span[1] : mention.span[0]].lower() if previous else "",
            topic=topic,
            cues=cues,
        )
        places.append(place)
    return places


def _kind(mention: HardwareMention) -> str:
    """What kind of device a mention names: its first word, the first two where that says little."""
    return re.sub(r"(?s)\A((?:(?:autonomous|real-world|robot(?:ic)?) )?\S+).*", r"\1", mention.text.lower()).rstrip("s")
