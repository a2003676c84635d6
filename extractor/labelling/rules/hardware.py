"""Which hardware mentions are targets of the paper's own contribution, and in which role.

`PRODUCT_RULES` and `CLASS_RULES` are tried in order on each mention; the first that decides gives its role, or says that it
is no target. Then one mention is chosen for each product, and one for each category of classes. The cue words are in
`lexicon/hardware.toml`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from extractor.documents import Document
from extractor.labelling.rules.hardware_places import Decision, Place, cue_words, places_of
from extractor.labels import HardwareLabel
from extractor.records import Category, Role
from extractor.spotting import Mentions

_FIELD: frozenset[Category] = frozenset({"edge", "mobile", "mcu", "wearable", "pc"})
"""Categories that name where a model is to run; the others name what it is computed with."""
_EVERYDAY = re.compile(r"\b(?:commodity|consumer|low-end|edge|mobile|embedded|laptop|desktop|entry-level)\b")
"""What makes a chip one on which a model is to run."""
_HELD: frozenset[Category] = frozenset({"mobile", "wearable", "pc"})
"""Categories of what people hold or wear, operate, and record with."""
_CHIPS: frozenset[Category] = frozenset({"cpu", "gpu", "fpga", "npu", "mcu"})
_ON = frozenset({"on", "onto", "with", "to", "across", "using", "in"})
_FOR = frozenset({"for", "of", "in", "on", "toward", "towards"})
_LEADING = re.compile(r"(?:\w+ly,\s+)?(on|in|for)\s+(?:[\w-]+\s+){0,3}")
_REAL = re.compile(r"\b(?:real|physical|hardware|deploy\w*)\b")
_DEFINITE = re.compile(r"\b(?:the|this|these|such|our)\s+(?:[\w-]+\s+)?$")
_SHARED_WORK = re.compile(r"\b(?:split|partition|collaborat|cooperat|distribut)")
_APPLICATION = re.compile(r"\b(?:such as|like|including|e\.g\.|applications?|domains?|scenarios|tasks|fields)\b[^.;]*$")
_PART = re.compile(r"[\s,(]*(?:using|with|on|via|its|only|just|a|an|the|single|integrated|built-in|onboard|[\s,])+\s*")
_TITLE_LINK = re.compile(r"\b(?:for|on|in|to|at|with|of|via)\s+(?:[\w-]+\s+){0,3}$")
_EVALUATION_ON = re.compile(r"\b(?:evaluat\w+|benchmark\w*|measurements?|performance) .*\bon\b")
_OUR = re.compile(r"\bour\s+(?:[\w-]+\s+){0,2}$")
_SUPPORT = re.compile(r"(?:[\s/,]+(?:and\s+)?(?!to\b)\w{2,5})?\s+(?:support|compatibility|backends?)\b")


def label_hardware(document: Document, mentions: Mentions) -> tuple[HardwareLabel, ...]:
    """Label the hardware mentions that are targets, in reading order: one a product, one a category of classes."""
    places = places_of(document, mentions)
    decided = decide_all(places)
    shown = {place.mention.category for place, role in zip(places, decided, strict=True) if _is_shown(place, role)}
    targets: list[tuple[Place, Role]] = []
    for place, following, (_, role) in zip(places, [*places, None][1:], decided, strict=True):
        # Beside results on a product of its category, a bare "GPU" and other results restate it, unless the text lists both.
        bare = place.mention.category in _CHIPS and not re.search(r"\W", place.mention.text)
        restates = (role == "evaluated" or bare) and not place.mention.specific and place.mention.category in shown
        followed = following is not None and following.continues and following.mention.category != place.mention.category
        if role != "none" and (place.continues or followed or not restates):
            targets.append((place, role))
    labels = [HardwareLabel(mention=place.mention.id, role=role) for place, role in (*_products(targets), *_classes(targets))]
    return tuple(sorted(labels, key=lambda label: label.mention))


def decide_all(places: Sequence[Place]) -> list[tuple[str, Decision]]:
    """Decide the places of a document in reading order: a rule may look at what was decided of the mention before."""
    decided: list[tuple[str, Decision]] = []
    for place in places:
        rule, role = decided[-1] if decided and place.previous else ("no rule", "none")
        shared = role != "none" or rule in _SHARED
        decided.append(decide(replace(place, inherited=role if shared else None)))
    return decided


def decide(place: Place) -> tuple[str, Decision]:
    """The name of the rule that decides a mention, and its decision."""
    for rule in PRODUCT_RULES if place.mention.specific else CLASS_RULES:
        decision = rule(place)
        if decision is not None:
            return rule.__name__, decision
    return "no rule", "none"


def survey(place: Place) -> Decision | None:
    """A survey, review or roadmap runs nothing of its own."""
    return "none" if place.survey else None


def environment(place: Place) -> Decision | None:
    """The phones and computers that the paper's agents operate are their environment."""
    return "none" if place.operated and place.mention.category in _HELD | {"edge"} else None


def support(place: Place) -> Decision | None:
    """The support of a chip, as in "GPU and TPU support", says what the work is made for."""
    return "intended" if _SUPPORT.match(place.after) else None


def attribute(place: Place) -> Decision | None:
    """What only qualifies another noun: "GPU memory", "smartphone users", "iPhone scans". A named chip still counts."""
    if (place.mention.specific and place.mention.category not in _HELD) or place.mention.category == "robot":
        return None
    return "none" if cue_words().attribute.match(place.after) else None


def alias(place: Place) -> Decision | None:
    """The same thing once more: an abbreviation in parentheses, or the class that a product's name leads."""
    if place.previous is None:
        return None
    alike = place.previous.specific == place.mention.specific
    abbreviation = alike and place.gap.strip() == "(" and place.after.startswith(")")
    return "none" if abbreviation or (place.previous.specific and not place.gap.strip()) else None


def stage(place: Place) -> Decision | None:
    """What the sentence calls its case study or test platform is what the results were obtained on."""
    return "evaluated" if cue_words().stage.match(place.after) else None


def design(place: Place) -> Decision | None:
    """A processor or wearable that the paper itself designs is its contribution, not what the contribution runs on."""
    return "none" if place.mention.category in ("npu", "wearable") and cue_words().design.search(place.before) else None


def own_tool(place: Place) -> Decision | None:
    """A chip that says what the paper's own tool is for: "our FPGA circuit partitioner"."""
    qualifies = re.match(r"\s+\w", place.after) and _OUR.search(place.before)
    return "intended" if qualifies and place.mention.category in _CHIPS else None


def recording(place: Place) -> Decision | None:
    """What records data or carries sensors is not a target, nor is what people hold or wear while it records."""
    cues = cue_words()
    held = place.mention.category in _HELD and not place.measured
    while_held = held and (cues.held.search(place.before) or cues.records.search(place.after[:80]))
    return "none" if while_held or cues.recording.search(place.before) else None


def others(place: Place) -> Decision | None:
    """What existing work ran on is background."""
    return "none" if cue_words().others.search(place.before) else None


def enumerated(place: Place) -> Decision | None:
    """A mention in an enumeration, or an example of the class before it, has the role of its neighbour."""
    return place.inherited if place.continues else None


def owned(place: Place) -> Decision | None:
    """What people own, what spreads, and what a method does without is background."""
    return "none" if cue_words().owned.search(place.before) else None


def compared(place: Place) -> Decision | None:
    """A class in a comparison ("than a comparable FPGA baseline") is somebody else's."""
    return "none" if cue_words().compared.search(place.before) else None


def restated(place: Place) -> Decision | None:
    """A definite class only restates the named product of its category ("the mobile device"), or what "our hardware" is."""
    ours = _OUR.search(place.before) and place.mention.category == "edge" and place.products & _FIELD
    known = ours or place.mention.category in place.products
    return "none" if known and _DEFINITE.search(place.before) else None


def part(place: Place) -> Decision | None:
    """A processor named beside the product that holds it is a part of it: "on a Raspberry Pi 5 using only a CPU"."""
    whole = place.previous is not None and place.previous.specific and place.previous.category in _FIELD
    held = whole and place.mention.category in ("cpu", "gpu", "npu") and _PART.fullmatch(place.gap)
    return "none" if held else None


def robot(place: Place) -> Decision | None:
    """A class of robots counts where results were obtained on some, or where the work is said to be made for its kind.

    The bare "robot" of a robotics paper says no more than its field does: only a real one counts. The robots of a dataset
    recorded it.
    """
    if place.mention.category != "robot":
        return None
    cues, name = cue_words(), place.mention.text.lower()
    special = cues.any_robot.fullmatch(name) is None
    if not special and cues.robotics.match(place.after):
        return "none"
    tested = (place.cue == "evaluated" or _LEADING.fullmatch(place.before)) and not place.after.startswith("'s")
    real = special or _REAL.search(place.before[-90:] + name + place.after[:20])
    if place.link in _ON and not place.in_title and tested and real and place.own:
        return "evaluated"
    needed = place.early and cues.need.search(place.before + place.after) and not _APPLICATION.search(place.before)
    made_for = place.own and (place.link in _FOR or place.cue == "intended" or place.after.startswith(" can "))
    return "intended" if special and not place.recorded and (place.in_title or needed or made_for) else "none"


def title(place: Place) -> Decision | None:
    """A class in the title, after "for", "on" or the like, is what the work is made for, or evaluated on."""
    if not place.in_title:
        return None
    if _TITLE_LINK.search(place.before) is None or place.mention.category in place.products & _CHIPS:
        return "none"
    return "evaluated" if _EVALUATION_ON.search(place.before) else "intended"


def product(place: Place) -> Decision | None:
    """A named product is what results were obtained on, unless it is only said to be meant for it.

    A phone, watch or laptop that no preposition ties to a result is a subject of study.
    """
    if place.mention.category in _HELD and not place.measured and place.link is None:
        return "none"
    return "intended" if place.cue == "intended" and not place.measured and not place.own else "evaluated"


def leading(place: Place) -> Decision | None:
    """A sentence that begins "On mobile platforms, ..." tells what holds there."""
    start = _LEADING.fullmatch(place.before)
    if start is None:
        return None
    evaluated = dict(cue_words().roles)["evaluated"].search(place.after)
    return "evaluated" if start[1] == "on" and (place.measured or evaluated) else "intended"


def need(place: Place) -> Decision | None:
    """What the motivation says to be hard on a class of devices is the need that the work answers."""
    everyday = place.mention.category in _FIELD | {"quantum"} or _EVERYDAY.search(place.mention.text.lower())
    return "intended" if place.early and everyday and place.link and cue_words().need.search(place.clause) else None


def shared_work(place: Place) -> Decision | None:
    """A server that shares the work of a device in the motivation is what the work is meant for, one to offload to is not."""
    shared = place.early and place.mention.category == "server" and _SHARED_WORK.search(place.clause)
    return "intended" if shared else None


def nearest_cue(place: Place) -> Decision | None:
    """The cue that stands nearest before the mention in its clause decides, if the mention is tied to it."""
    if place.cue == "evaluated":
        whole = place.measured and place.mention.category in _FIELD
        loose = place.link == "from" or (place.link == "of" and not whole and not cue_words().measures.search(place.before))
        return "evaluated" if not loose and (place.own or place.measured) else "none"
    if place.cue == "intended":
        if place.measured and place.own and place.mention.category in _CHIPS and place.link in _ON:
            return "evaluated"
        loose = place.link in ("of", "from", "between") and not cue_words().bearers.search(place.before)
        return "intended" if not loose and (place.own or place.mention.category in _FIELD) else "none"
    return None


def clause_subject(place: Place) -> Decision | None:
    """A class that begins a clause with a measurement: "while cloud services need 10 seconds"."""
    if not (place.own and place.measured) or len(place.clause.split()) > 1:
        return None
    reports = dict(cue_words().roles)["evaluated"].search(place.after[:60])
    return "evaluated" if reports and place.mention.category in _FIELD | {"server"} else None


def following_cue(place: Place) -> Decision | None:
    """A class of devices that begins its sentence is what the work is meant for if the cue after it says so."""
    if place.mention.category not in _FIELD or len(place.before.split()) > 4:
        return None
    return "intended" if dict(cue_words().roles)["intended"].search(place.after[:80]) else None


def field(place: Place) -> Decision | None:
    """Without any cue, a class of devices is what the work is meant for where a preposition puts something on it."""
    return "intended" if place.mention.category in _FIELD and place.link in ("on", "for", "in", "via") else None


Rule = Callable[[Place], Decision | None]

PRODUCT_RULES: tuple[Rule, ...] = (survey, environment, attribute, alias, stage, recording, enumerated, product)
CLASS_RULES: tuple[Rule, ...] = (
    survey,
    environment,
    support,
    attribute,
    alias,
    stage,
    design,
    own_tool,
    recording,
    others,
    enumerated,
    owned,
    compared,
    restated,
    part,
    robot,
    title,
    leading,
    need,
    shared_work,
    nearest_cue,
    clause_subject,
    following_cue,
    field,
)


_SHARED = frozenset(rule.__name__ for rule in (recording, others, enumerated, owned, compared))
"""The rules that make a whole enumeration background, not only its first member."""


def _is_shown(place: Place, decided: tuple[str, Decision]) -> bool:
    return place.mention.specific and decided[1] == "evaluated"


def _products(targets: Sequence[tuple[Place, Role]]) -> list[tuple[Place, Role]]:
    """One target for each product: the first evaluated mention of its name, else the first."""
    best: dict[str, tuple[Place, Role]] = {}
    for place, role in targets:
        if place.mention.specific:
            name = re.sub(r"\W+|(?<=[a-z\d])s$", "", place.mention.text.lower())
            name = next((known for known in best if _same_product(known, name)), name)
            if name not in best or (best[name][1] != "evaluated" and role == "evaluated"):
                best[name] = place, role
    return list(best.values())


def _same_product(known: str, name: str) -> bool:
    """Whether one name only shortens the other: "Jetson Orin" and "Jetson Orin Nano", "ARM Cortex-M4 MCU" and "Cortex-M4"."""
    return name in known or name.startswith(known)


def _classes(targets: Sequence[tuple[Place, Role]]) -> list[tuple[Place, Role]]:
    """One target for each category of classes: evaluated before intended, the paper's own work first, then the first."""
    best: dict[Category, tuple[Place, Role]] = {}
    for place, role in sorted(targets, key=lambda target: (target[1] != "evaluated", target[0].in_title, target[0].early)):
        if not place.mention.specific:
            best.setdefault(place.mention.category, (place, role))
    return list(best.values())
