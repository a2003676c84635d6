"""Find phrases that name computing hardware: products by the patterns of their families, classes by head nouns and modifiers.

Both live in `lexicon/hardware_*.toml`. A text is read once, word by word; a pattern is tried only at a word that one of its
family's names can begin with, a class only at one of its head nouns, so that a text without hardware costs a dictionary
look-up a word.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from extractor.documents import Span, lowered
from extractor.records import Category
from extractor.spotting.families import SPACE, Exclusion, HardwareLexicon, Product, compiled, hardware_lexicon
from extractor.spotting.mentions import HardwareMention

_WORD = re.compile(r"[A-Za-z]+")
_LOWERED_WORD = re.compile(r"(?<=\d)[x×](?=[a-z])|[a-z]+")
"""A run of letters; the "x" of "8xA100" is a word of its own."""
_LOOKBACK = 64
"""Code points before a head noun in which its modifiers are sought: the longest modifier has 40."""

_HEAD_CATEGORIES: Mapping[str, Category] = {
    "gpu": "gpu",
    "cpu": "cpu",
    "processor": "cpu",
    "fpga": "fpga",
    "mcu": "mcu",
    "microcontroller": "mcu",
    "npu": "npu",
    "tpu": "npu",
    "edgetpu": "npu",
    "dsp": "npu",
    "accelerator": "npu",
}
_HEAD_WORDS = r"(?:Edge ?)?(?:GPU|CPU|FPGA|MCU|NPU|TPU|DSP)s?|[Mm]icrocontrollers?|[Pp]rocessors?|[Aa]ccelerators?"
_HEAD = re.compile(rf"{SPACE}(?P<head>{_HEAD_WORDS})(?![\w-])".replace(" ?", f"{SPACE}?"))
_NOUN = re.compile(
    rf"{SPACE}(?:{_HEAD_WORDS}|chips?|chipsets?|SoCs?|boards?|instances?|cards?|device|laptop|robots?|robotic|quadruped|humanoid|arm|manipulator)"
    r"(?![\w-])".replace(" ?", f"{SPACE}?")
)
_MODEL = re.compile(
    rf"(?:{SPACE}(?:[A-Z]\w*|\w*\d\w*)(?:-\w+)*(?<!\d\.)(?<!The)){{1,4}}?{SPACE}(?P<head>{_HEAD_WORDS})(?![\w-])".replace(
        " ?", f"{SPACE}?"
    )
)
_ENUMERATION = re.compile(r"(?:\s*[,/&]\s*|\s+)(?:(?:and|or|vs\.?|versus)\s+)?(?:an?\s+|the\s+)?")
_OWN_MACHINE = re.compile(
    r"\b(?:introduc|present|propos|develop|design|describ|buil[dt])\w*\s+(?P<name>[A-Z][\w+-]{2,24}),\s+(?:an?|the)\s+"
    r"(?:[\w-]+\s+){0,7}?(?P<head>robot|humanoid|quadruped|exoskeleton|chip|processor|accelerator|SoC|microcontroller)"
    r"(?=\s+(?:designed|with|that|for|capable|built|developed|which)|\s*[,.;:(])"
)
_NAMED_ROBOT = re.compile(
    r"\b(?:the|an?|our|on|onto|with|using|real|physical|actual|real-world)\s"
    r"(?P<name>(?!\d?D\b|Humanoid|LiDAR|Delta|Cartesian|Stewart|SCARA)(?=[\w-]*[a-z]|[\w-]*\d|[A-Z-]{4})[A-Z][\w+-]*(?:\s[A-Z\d][\w+-]*){0,2}(?<!-based)(?<!-driven))\s"
    r"(?:(?!and|the|that|for)[a-z-]+\s){0,2}?(?P<head>robot|humanoid|quadruped|manipulator|quadrotor|quadcopter|drone|rover|gripper)s?\b"
)
_ROBOT_BODY = re.compile(
    rf"(?:{SPACE}(?:humanoid|quadruped(?:al)?|mobile|legged|bipedal|nano|robot(?:ic)?|arm|manipulator|hand|quadrotor|drone|edu|platform|base)s?)+(?![\w-])"
)
"""The nouns that say what kind of robot a named product is; they are no mention of their own."""
_COORDINATED = re.compile(
    r"(?<![\w-])(?P<name>mobile|edge|embedded|IoT|wearable|cloud|desktop|server|microcontroller)"
    r"(?:\s*/\s*|\s+(?:and|or|and/or)\s+)\Z"
)
_COORDINATED_CATEGORIES: Mapping[str, Category] = {
    "mobile": "mobile",
    "edge": "edge",
    "embedded": "edge",
    "IoT": "edge",
    "wearable": "wearable",
    "cloud": "server",
    "server": "server",
    "desktop": "pc",
    "microcontroller": "mcu",
}
_SHARING: frozenset[Category] = frozenset({"edge", "mobile", "wearable", "pc", "server", "mcu"})
_LIMITED_HEADS = frozenset({"device", "devices", "platform", "platforms", "hardware"})
_LIMITED_AFTER = re.compile(
    r"\s+(?:with|having|of|under|that\s+have)\s+(?:(?:very|extremely|highly|severely|strictly)\s+)?"
    r"(?:limited|constrained|low|scarce|restricted|insufficient|minimal|small|modest|tight|less|weak)\s+(?:[\w-]+\s+){0,3}?"
    r"(?:resources?|memory|RAM|power|capabilit(?:y|ies)|capacit(?:y|ies)|budgets?|storage|compute|computation|hardware)\b"
    r"|\s+(?:limited|constrained)\s+(?:by|in)\s+(?:[\w-]+\s+){0,3}?(?:resources?|memory|power|capabilit(?:y|ies)|capacity|budgets?|storage)\b"
)


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    specific: bool
    category: Category


def find_hardware(text: str) -> tuple[HardwareMention, ...]:
    """Find the hardware mentions of a text in reading order, numbered from 1; they do not overlap."""
    lexicon = hardware_lexicon()
    found: list[_Found] = []
    start_of_last, end, vendor, before = 0, 0, None, ""
    for match in _LOWERED_WORD.finditer(lowered(text)):
        start, word = match.start(), match[0]
        if start < end:
            continue
        if word not in lexicon.words and word not in _LIMITED_HEADS:  # most words: passing them by early halves the time
            before = word
            continue
        hit = None
        if word in lexicon.vendors and (named := lexicon.vendors[word].match(text, start)):
            vendor = (start, named.end()) if _starts(text, start) else None
        if word in lexicon.products and _starts(text, start):
            hit = _product(text, start, lexicon.products[word], vendor, found)
        if hit is None and vendor is not None and vendor[0] == start:
            hit = _unlisted_model(text, vendor, lexicon)
        if hit is None and word in lexicon.classes:
            hit = _class(text, match.span(), before, lexicon, end if found and found[-1].specific else start_of_last)
        if hit is None and word in _LIMITED_HEADS and (limited := _LIMITED_AFTER.match(text, match.end())):
            hit = _Found(start, limited.end(), False, "edge")
        if hit is not None:
            if hit.start < end:  # "server GPUs": the later head noun takes the earlier one as its modifier
                found.pop()
            if not hit.specific and (shared := _coordinated(text, hit, found[-1].end if found else 0)):
                found.append(shared)
            found.append(hit)
            start_of_last, end = hit.start, hit.end
            if hit.category == "robot" and hit.specific and (body := _ROBOT_BODY.match(text, end)):
                end = body.end()
        before = word
    found = _with_named_machines(text, found)
    return tuple(
        HardwareMention(n, (hit.start, hit.end), text[hit.start : hit.end], hit.specific, hit.category)
        for n, hit in enumerate(found, start=1)
    )


def _product(text: str, start: int, products: Sequence[Product], vendor: Span | None, found: Sequence[_Found]) -> _Found | None:
    """The longest product name at a word, with its vendor before and its head noun ("GPU", "FPGA") after it."""
    best: _Found | None = None
    for product in products:
        match = compiled(product.source).match(text, start)
        if match is None:
            continue
        end = match.end()
        sold = vendor is not None and vendor[1] <= start and re.fullmatch(SPACE, text[vendor[1] : start]) is not None
        if product.context and not (sold or _NOUN.match(text, end) or _enumerated(text, start, product.category, found)):
            continue
        head = _HEAD.match(text, end)
        category = product.category
        if head is not None:
            end = head.end()
            category = _category_of_part(product.category, head["head"])
        first = vendor[0] if vendor is not None and sold and not product.bare else start
        if best is None or end > best.end:
            best = _Found(first, end, True, category)
    return best


def _category_of_part(whole: Category, head: str) -> Category:
    """The category of a named part of a product: "iPhone 13 mini NPU" is an NPU, "Jetson Orin GPU" is still an edge board."""
    part = _HEAD_CATEGORIES[re.sub(r"\W", "", head.lower()).rstrip("s")]
    if whole in ("mobile", "pc") or (part == "npu" and whole in ("edge", "cpu")):
        return whole if head.lower().startswith("processor") else part
    return whole


def _enumerated(text: str, start: int, category: Category, found: Sequence[_Found]) -> bool:
    """Whether the word continues an enumeration of products of its category ("A100 and T4")."""
    if not found or not found[-1].specific or found[-1].category != category:
        return False
    return _ENUMERATION.fullmatch(text, found[-1].end, start) is not None


def _unlisted_model(text: str, vendor: Span, lexicon: HardwareLexicon) -> _Found | None:
    """A vendor, a model name that no family describes, and a head noun: "NVIDIA X9000 GPU"."""
    match = _MODEL.match(text, vendor[1])
    name = _WORD.search(text, vendor[1])
    listed = lexicon.products.get(name[0].lower(), ()) if name else ()
    if name and any(compiled(product.source).match(text, name.start()) for product in listed):
        return None
    if match is None or not any(c.isdigit() for c in text[vendor[1] : match.start("head")]):
        return None
    return _Found(vendor[0], match.end(), True, _HEAD_CATEGORIES[re.sub(r"\W", "", match["head"].lower()).rstrip("s")])


def _class(text: str, head: Span, before: str, lexicon: HardwareLexicon, free_from: int) -> _Found | None:
    """The class that a head noun names together with the words before it."""
    start, end = head
    following = text[end : end + 1]
    if following.isdigit() or (following == "-" and text[end + 1 : end + 2].isalnum()):  # "GPU-accelerated", "server-side"
        return None
    word = text[start:end].lower()
    excluded = lexicon.exclusions.get(word)
    if excluded is not None and _is_excluded(text, end, before, excluded):
        return None
    for kind in lexicon.classes[word]:
        if not kind.alone and before not in kind.last_words:
            continue
        match = compiled(kind.source).search(text, max(free_from, start - _LOOKBACK), end)
        if match is not None and (kind.needs is None or _holds(kind.needs, text)):
            return _Found(match.start("name"), end, False, kind.category)
    return None


def _coordinated(text: str, hit: _Found, free_from: int) -> _Found | None:
    """The class that shares the head noun of a class after it: the "mobile" of "mobile and edge devices"."""
    match = _COORDINATED.search(text, max(free_from, hit.start - _LOOKBACK), hit.start)
    if match is None or (category := _COORDINATED_CATEGORIES[match["name"]]) == hit.category or hit.category not in _SHARING:
        return None
    return _Found(match.start("name"), match.end("name"), False, category)


def _is_excluded(text: str, end: int, before: str, exclusion: Exclusion) -> bool:
    return (
        before in exclusion.before
        or (exclusion.after is not None and exclusion.after.match(text, end) is not None)
        or (exclusion.where is not None and _holds(exclusion.where, text))
    )


@lru_cache(maxsize=8)
def _holds(expression: re.Pattern[str], text: str) -> bool:
    """Whether a text holds an expression. Remembered, because a text that names 10,000 routers would ask 10,000 times."""
    return expression.search(text) is not None


def _with_named_machines(text: str, found: list[_Found]) -> list[_Found]:
    """Add the robots and chips whose names no family describes: "we introduce Name, a mobile robot", "the Name quadruped"."""
    robots = any(hit.category == "robot" for hit in found)
    matches = [*_OWN_MACHINE.finditer(text), *(_NAMED_ROBOT.finditer(text) if robots else ())]
    for match in matches:
        start, end = match.span("name")
        if all(hit.end <= start or end <= hit.start for hit in found):
            chip = match["head"] in ("chip", "processor", "accelerator", "SoC", "microcontroller")
            found = [*found, _Found(start, end, True, "npu" if chip else "robot")]
    return sorted(found, key=lambda hit: hit.start)


def _starts(text: str, start: int) -> bool:
    before = text[max(0, start - 2) : start]
    return not before or not (before[-1].isalnum() or before[-1] == "_") or (before[-1] == "x" and before[0].isdigit())
