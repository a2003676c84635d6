"""Where a hardware mention stands: its sentence around it, and what the document says of itself."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from extractor.documents import Document, Span
from extractor.labelling.rules.reading import load
from extractor.records import Category, Role
from extractor.spotting import HardwareMention, Mentions, QuantityMention

Decision = Literal["evaluated", "intended", "none"]

_MOST = 8
"""How often one sentence can name the same device and say something new of it."""
_REACH = 400
"""Code points of a sentence that are read on each side of a mention: more than all but the longest sentences have."""
_PREPOSITIONS = (
    "on|onto|upon|for|to|in|into|within|across|with|without|using|via|by|of|from|between|among|at|over|through|than|against|under"
    "|as|toward|towards"
)
_LINK = re.compile(rf"\b({_PREPOSITIONS})\s+(?:(?!(?:{_PREPOSITIONS})\b)[\w$%.-]+\s+){{0,4}}$")
_GROUP = re.compile(
    r"\b(?:set|range|variety|number|pair|fleet|pool|array|collection|group|cluster|network|hundreds|dozens|thousands|tens|types?|kinds?|"
    r"classes)\s+of\s+(?:[\w-]+\s+){0,3}$"
)
_CLAUSE = re.compile(r";|\b(?:while|whereas|although)\b")
_SEPARATOR = re.compile(
    r"(?:\s+(?:boards?|chips?|devices?|processors?|phones?|smartphones?|headsets?|platforms?|robot(?:s|ic)?|arms?|manipulators?|hands?))*"
    r"(?:\s*[,/&()]\s*|\s+)(?:(?:and|or|as well as|plus|and/or)\s+)?(?:an?\s+|the\s+|other\s+|even\s+|\w+\s+)?"
)
_EXAMPLE = re.compile(
    r"[\s,(]*(?:such as|like|including|e\.g\.,?|especially|particularly|i\.e\.,?|for example|for instance)[\s:,]*"
    r"(?:an?\s+|the\s+|various\s+|\w+\s+)?"
)
_DATASET = re.compile(r"\bdatasets?\b(?! (?:and|&))")


@dataclass(frozen=True, slots=True)
class Cues:
    """The cue words of `lexicon/hardware.toml`, compiled; each field is explained there."""

    roles: tuple[tuple[Role, re.Pattern[str]], ...]
    attribute: re.Pattern[str]
    recording: re.Pattern[str]
    held: re.Pattern[str]
    records: re.Pattern[str]
    owned: re.Pattern[str]
    compared: re.Pattern[str]
    others: re.Pattern[str]
    environment: re.Pattern[str]
    stage: re.Pattern[str]
    design: re.Pattern[str]
    need: re.Pattern[str]
    bearers: re.Pattern[str]
    measures: re.Pattern[str]
    robotics: re.Pattern[str]
    any_robot: re.Pattern[str]
    survey: re.Pattern[str]
    own: re.Pattern[str]
    first: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Place:
    """A mention, the text of its sentence before and after it in lower case, and what is known of sentence and document.

    `own`: the sentence speaks of the paper's own work. `early`: it stands before the first that says "we propose" or the like.
    `measured`: it holds a time, rate, factor or energy. `survey`, `operated`, `recorded`: the document is a survey, about
    agents that operate devices, about a dataset. `previous`: the mention before it in the sentence, `gap` the text between,
    `inherited` what was decided of it and may hold for this one too. `products`: the categories of which the document names
    products.
    """

    mention: HardwareMention
    before: str
    after: str
    in_title: bool
    own: bool
    early: bool
    measured: bool
    survey: bool
    operated: bool
    recorded: bool
    previous: HardwareMention | None
    gap: str
    products: frozenset[Category]
    inherited: Decision | None = None

    @property
    def clause(self) -> str:
        """What stands before the mention in its clause."""
        return _CLAUSE.split(self.before)[-1]

    @property
    def link(self) -> str | None:
        """The preposition that ties the mention, or the group of such things, to what stands before it."""
        match = _LINK.search(_GROUP.sub("", self.before.replace("as well as", "and")))
        return match[1] if match else None

    @property
    def continues(self) -> bool:
        """Whether the mention continues an enumeration, or is an example of the mention before it."""
        return bool(self.previous and (_SEPARATOR.fullmatch(self.gap) or _EXAMPLE.fullmatch(self.gap)))

    @property
    def cue(self) -> Role | None:
        """The role that the nearest cue before the mention gives; of two cues that end at one place the longer counts."""
        found = [(match.end(), len(match[0]), role) for role, cues in cue_words().roles for match in cues.finditer(self.clause)]
        return max(found)[2] if found else None


def places_of(document: Document, mentions: Mentions) -> list[Place]:
    """The places of the hardware mentions, in reading order."""
    if not mentions.hardware:
        return []
    cues, text, title, abstract = cue_words(), document.text, document.title.lower(), document.abstract.lower()
    survey = cues.survey.search(title) is not None
    operated = cues.environment.search(title) is not None or len(cues.environment.findall(abstract)) > 1
    recorded = _DATASET.search(title) is not None
    products = frozenset(mention.category for mention in mentions.hardware if mention.specific)
    first = cues.first.search(abstract)
    own_from = mentions.sentence_at(len(title) + 1 + first.start() if first else len(text) // 2)[0]
    sentences = [mention.sentence for mention in mentions.hardware]
    own = {span: span[0] >= own_from or cues.own.search(text[slice(*span)].lower()) is not None for span in set(sentences)}
    costs = {quantity.sentence for quantity in mentions.quantities if _measures_a_run(quantity)}
    places: list[Place] = []
    said: Counter[tuple[Span, str]] = Counter()
    for n, (mention, span) in enumerate(zip(mentions.hardware, sentences, strict=True)):
        said[span, mention.text] += 1
        if said[span, mention.text] > _MOST:
            continue
        previous = mentions.hardware[n - 1] if n and _continues(text, sentences[n - 1], span) else None
        place = Place(
            mention=mention,
            before=text[max(span[0], mention.span[0] - _REACH) : mention.span[0]].lower(),
            after=text[mention.span[1] : min(span[1], mention.span[1] + _REACH)].lower(),
            in_title=mention.span[1] <= len(document.title),
            own=own[span],
            early=span[0] < own_from and mention.span[1] > len(document.title),
            measured=span in costs,
            survey=survey,
            operated=operated,
            recorded=recorded,
            previous=previous,
            gap=text[previous.span[1] : mention.span[0]].lower() if previous else "",
            products=products,
        )
        places.append(place)
    return places


def _continues(text: str, before: Span, span: Span) -> bool:
    """Whether two spans are of one sentence, also one that is read in parts."""
    return before == span or (
        span[0] - before[1] < 2 and text[before[1] - 1] not in ".!?\n" and "\n" not in text[before[1] : span[0]]
    )


def _measures_a_run(quantity: QuantityMention) -> bool:
    """Whether a quantity is a time, rate, factor, energy or power."""
    unit = quantity.measure
    return unit.reports == "time" or quantity.unit == "x" or unit.dimension in ("energy", "power")


@cache
def cue_words() -> Cues:
    """The packaged cue words, compiled at their first use."""
    words = load("hardware")
    word, ending = r"(?<![\w-])(?:{})(?!\w)", r"(?<![\w-])(?:{})\s*$"
    return Cues(
        roles=(("evaluated", _any_of(words["evaluated"], word)), ("intended", _any_of(words["intended"], word))),
        attribute=_any_of(words["attribute"], r"'s\b|(?:/\w{{2,4}}|\s+(?:and|or)\s+\w{{2,4}})?[\s-]+(?:{})\b"),
        recording=_any_of(words["recording"], ending),
        held=_any_of(words["held"], ending),
        records=_any_of(words["records"], r"\b(?:{})"),
        owned=_any_of(words["owned"], ending),
        compared=_any_of(words["compared"], ending),
        others=_any_of(words["others"], ending),
        environment=_any_of(words["environment"], r"\b(?:{})\b"),
        stage=_any_of(words["stage"], r"\s+(?:{})\b"),
        design=_any_of(words["design"], ending),
        need=_any_of(words["need"], word),
        bearers=_any_of(words["bearers"], r"\b(?:{})\s+(?:of|from)\s+(?:[\w-]+\s+){{0,2}}$"),
        measures=_any_of(words["measures"], r"\b(?:{})\s+of\s+(?:[\w-]+\s+){{0,3}}$"),
        robotics=_any_of(words["robotics"], r"[\s-]+(?:{})\b"),
        any_robot=_any_of(words["any_robot"], r"(?:(?:{})[\s-]*)+"),
        survey=_any_of(words["survey"], r"\b(?:{})\b"),
        own=_any_of(words["own"], r"\b(?:{})\b"),
        first=_any_of(words["first"], r"\b(?:{})"),
    )


def _any_of(expressions: Sequence[str], frame: str) -> re.Pattern[str]:
    return re.compile(frame.format("|".join(expressions).replace(" ", r"\s+")))
