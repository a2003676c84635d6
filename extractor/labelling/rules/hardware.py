"""Which hardware mentions are targets of the paper's own contribution, and in which role.

The first row that fits a mention decides. Then one mention is chosen for each product, and one for each category of classes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from extractor.documents import Document
from extractor.labelling.rules.hardware_places import Cues, Place, places_of
from extractor.labels import HardwareLabel
from extractor.records import Category, Role
from extractor.spotting.mentions import Mentions

Decision = Literal["evaluated", "intended", "none"]

FIELD: frozenset[Category] = frozenset({"edge", "mobile", "mcu", "wearable", "pc"})
"""Categories that name where a model is to run; the others name what it is computed with."""
HELD: frozenset[Category] = frozenset({"mobile", "wearable", "pc"})
"""Categories of what people hold or wear, operate, and record with."""
CHIPS: frozenset[Category] = frozenset({"cpu", "gpu", "fpga", "npu", "mcu"})
ROBOTS: frozenset[Category] = frozenset({"robot"})


@dataclass(frozen=True, slots=True)
class HardwareRow:
    """What a mention is that stands like this. All that is asked has to hold.

    `specific`: the mention names a product, or a class. `categories`: it is of one of them, and of none of `but`. `before` and
    `after` are lists of cues in `hardware.toml`. `asks` are names of `CONDITIONS`. In the example, a title and an abstract, the
    row decides the last mention.
    """

    name: str
    role: Decision
    example: tuple[str, str]
    specific: bool | None = None
    categories: frozenset[Category] | None = None
    but: frozenset[Category] = frozenset()
    before: str | None = None
    after: str | None = None
    asks: tuple[str, ...] = ()


_ON = frozenset({"on", "onto", "with", "to", "across", "using", "in"})
_LEADING = re.compile(r"(?:\w+,\s+)?(?:on|in|for)\s+(?:[\w-]+\s+){0,3}")
_MACHINE = re.compile(r"\s+(?:\w+\s+)?(?:robot(?:ic)?|arm|hand|manipulator|quadruped|humanoid|vehicle|platform|board)s?\b")
_APPLICATION = re.compile(r"\b(?:such as|like|including|e\.g\.|applications?|scenarios)(?!\w)[^.;]*$")
CONDITIONS: Mapping[str, Callable[[Place], bool]] = {
    "survey": lambda place: place.topic.survey,
    "operated": lambda place: place.topic.operated,
    "own": lambda place: place.own,
    "no dataset": lambda place: not place.topic.recorded,
    "said again": lambda place: place.again,
    "special": lambda place: (
        place.special or (place.link == "for" and not place.own) or (place.link == "on" and " " in place.mention.text)
    ),
    "on it": lambda place: place.link in _ON,
    "tried": lambda place: place.topic.tried,
    "what it is about": lambda place: (
        place.in_title
        or (place.own and (place.link in ("for", "of", "in", "on", "toward", "towards") or place.cue == "intended"))
        or (place.early and (place.recurs or place.needed) and _APPLICATION.search(place.before) is None)
    ),
    "in its own words": lambda place: place.own and place.recurs and place.link not in _ON | {"from", "between", "of", "by"},
    "what it answers": lambda place: place.early and place.needed,
    "leading": lambda place: place.link == "on" and _LEADING.fullmatch(place.before) is not None,
    "cue of results": lambda place: place.cue == "evaluated",
    "cue of a purpose": lambda place: place.cue == "intended",
    "tied to results": lambda place: place.own and place.link != "from",
    "tied to a purpose": lambda place: (
        (place.own or place.mention.category in FIELD)
        and (place.link not in ("of", "from", "between") or place.cues.found("bearers", place.before))
    ),
    "something on it": lambda place: place.link in ("on", "for", "in", "via"),
}
"""What a row may ask of the place of a mention, by name."""


def label_hardware(decided: Sequence[tuple[Place, HardwareRow | None]]) -> tuple[HardwareLabel, ...]:
    """Label the hardware mentions that are targets, in reading order: one a product, one a category of classes."""
    shown = {place.mention.category for place, row in decided if place.mention.specific and row and row.role != "none"}
    targets: list[tuple[Place, Role]] = []
    for (place, row), (following, _) in zip(decided, [*decided, (None, None)][1:], strict=False):
        named = following is not None and following.mention.specific and following.gap.strip() == "("
        if row is None or row.role == "none" or (named and not place.mention.specific):
            continue
        # Beside results on a product of its category, a bare "GPU", a title and other results restate it, unless it lists both.
        plain = place.in_title or (place.mention.category in CHIPS and not re.search(r"\W", place.mention.text))
        restates = (row.role == "evaluated" or plain) and not place.mention.specific and place.mention.category in shown
        if place.continues or (following is not None and following.continues) or not restates:
            targets.append((place, row.role))
    labels = [HardwareLabel(mention=place.mention.id, role=role) for place, role in (*_products(targets), *_classes(targets))]
    return tuple(sorted(labels, key=lambda label: label.mention))


def decide(
    document: Document, mentions: Mentions, rows: tuple[HardwareRow, ...], cues: Cues
) -> list[tuple[Place, HardwareRow | None]]:
    """The places of the hardware mentions in reading order, each with the row that decides; None where none does: no target."""
    places = places_of(document, mentions, cues)
    return [(place, next((row for row in rows if _fits(row, place)), None)) for place in places]


def _fits(row: HardwareRow, place: Place) -> bool:
    mention, cues = place.mention, place.cues
    if row.specific not in (None, mention.specific) or mention.category in row.but:
        return False
    if row.categories is not None and mention.category not in row.categories:
        return False
    if (row.before and not cues.found(row.before, place.before)) or (row.after and not cues.follows(row.after, place.after)):
        return False
    return all(CONDITIONS[name](place) for name in row.asks)


def _products(targets: Sequence[tuple[Place, Role]]) -> list[tuple[Place, Role]]:
    """One target for each name ("Orin" is one with "Orin Nano"): evaluated, outside the title, before "arm" or such first."""
    best: dict[str, tuple[Place, Role]] = {}
    for place, role in sorted(targets, key=lambda at: (at[1], at[0].in_title, not _MACHINE.match(at[0].after))):
        if place.mention.specific:
            name = re.sub(r"\W+", "", place.mention.text.lower())
            best.setdefault(next((known for known in best if name in known or name.startswith(known)), name), (place, role))
    return list(best.values())


def _classes(targets: Sequence[tuple[Place, Role]]) -> list[tuple[Place, Role]]:
    """One target for each category of classes: evaluated before intended, a kind of robot before a robot, own work first."""
    best: dict[Category, tuple[Place, Role]] = {}
    for place, role in sorted(targets, key=lambda at: (at[1] != "evaluated", not at[0].special, at[0].in_title, at[0].early)):
        if not place.mention.specific:
            best.setdefault(place.mention.category, (place, role))
    return list(best.values())
