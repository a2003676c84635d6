"""Hardware mentions: the phrases of a text that name computing hardware.

Products are found by the patterns of their families, classes by head nouns and modifiers; both are in
`lexicon/hardware_*.toml`. A text is read once, word by word. A pattern is tried only at a word that a name of its family can
begin with, a class only at one of its head nouns, so a word of a text without hardware costs one look-up in a dictionary.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from extractor.documents import Span
from extractor.records import Category
from extractor.spotting import machines as shapes
from extractor.spotting.families import FAMILIES, LIMITED_HEADS, SPACE, Exclusion, HardwareClass, Product, Word
from extractor.spotting.gates import Before
from extractor.spotting.lexicon import KeyWord
from extractor.text import View

_SPACED = re.compile(SPACE)


@dataclass(frozen=True, slots=True)
class HardwareMention:
    """A phrase that names computing hardware: a product (`specific`) or a class. `spot` gives it `id` and `sentence`."""

    id: int
    span: Span
    text: str
    specific: bool
    category: Category
    sentence: Span = (0, 0)

    def placed(self, id: int, span: Span, text: str, sentence: Span) -> "HardwareMention":
        """The same mention with another number, in another place."""
        return HardwareMention(id, span, text, self.specific, self.category, sentence)


@cache
def _compiled(source: str) -> re.Pattern[str]:
    """An expression of the lexicon, compiled when first tried: all of them would cost the first abstract 0.1 s."""
    return re.compile(source)


_WORD = re.compile(r"[A-Za-z]+")
_WORD_START = re.compile(r"(?<![\w-])\w")
_ABBREVIATED = re.compile(r"\s\([A-Za-z]{2,6}\)\Z")
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
_ROBOT_BODY = re.compile(
    rf"(?:{SPACE}(?:humanoid|quadruped(?:al)?|mobile|legged|bipedal|nano|robot(?:ic)?|arm|manipulator|hand|quadrotor|drone|edu|platform|base)s?)+(?![\w-])"
)
"""The nouns that say what kind of robot a named product is; they do not make a mention of their own."""
_BENCHMARK_AFTER = re.compile(r" (?:[Bb]enchmark|[Cc]ompetition|[Cc]hallenge)s?(?!\w)")
_BENCHMARK_BEFORE = Before(
    r"\b(?:LIBERO|SIMPLER|Simpler ?Env|CALVIN|RLBench|Meta-?World|RoboCasa|RoboTwin|[Rr]obosuite|ManiSkill\d?)[ -]", 12, " -"
)
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
_LIMITED_AFTER = re.compile(
    r"\s+(?:with|having|of|under|that\s+have)\s+(?:(?:very|extremely|highly|severely|strictly)\s+)?"
    r"(?:limited|constrained|low|scarce|restricted|insufficient|minimal|small|modest|tight|less|weak)\s+(?:[\w-]+\s+){0,3}?"
    r"(?:resources?|memory|RAM|power|capabilit(?:y|ies)|capacit(?:y|ies)|budgets?|storage|compute|computation|hardware)\b"
    r"|\s+(?:limited|constrained)\s+(?:by|in)\s+(?:[\w-]+\s+){0,3}?(?:resources?|memory|power|capabilit(?:y|ies)|capacity|budgets?|storage)\b"
)


@dataclass(slots=True)
class FoundHardware:
    """A hardware mention in the making."""

    start: int
    end: int
    specific: bool
    category: Category

    def mention(self, id: int, text: str, sentence: Span) -> HardwareMention:
        """The mention that it is in a text."""
        return HardwareMention(id, (self.start, self.end), text[self.start : self.end], self.specific, self.category, sentence)


def hardware_words() -> frozenset[str]:
    """The words that a mention begins or ends with."""
    return frozenset(FAMILIES) | shapes.NOUNS


def find_hardware(view: View, words: Sequence[KeyWord]) -> list[FoundHardware]:
    """Find the hardware of a text in reading order; none overlaps another.

    `words` are the key words of the text, those of hardware among them.
    """
    text = _with_trademarks(view.text)
    found: list[FoundHardware] = []
    start_of_last, end, vendor = 0, 0, None
    for start, word, before in words:
        known = FAMILIES.get(word)
        if known is None or start < end:
            continue
        hit = None
        behind = start + len(word)
        if known.vendor and (named := _compiled(known.vendor).match(text, start)):
            owner = vendor is not None and _SPACED.fullmatch(text, vendor[1], start)  # "AMD Xilinx"
            vendor = (vendor[0] if vendor and owner else start, named.end()) if _starts(text, start) else None
        products = known.numbered if text[behind : behind + 1].isdigit() else known.products
        if products and (known.small or not text[start].islower()) and _starts(text, start):
            hit = _product(text, start, products, vendor, found)
        if hit is None and vendor is not None and vendor[0] == start:
            hit = _unlisted_model(text, vendor)
        if hit is None and (known.alone or before in known.last_words):
            hit = _class(view, (start, behind), before, known, end if found and found[-1].specific else start_of_last)
        if hit is None and word in LIMITED_HEADS and (limited := _LIMITED_AFTER.match(text, behind)):
            hit = FoundHardware(start, limited.end(), False, "edge")
        if hit is not None:
            if hit.start < end:  # "server GPUs": the later head noun takes the earlier one as its modifier
                found.pop()
            if not hit.specific and (shared := _coordinated(text, hit, found[-1].end if found else 0)):
                found.append(shared)
            found.append(hit)
            start_of_last, end = hit.start, _behind(text, hit)
    return _with_named_machines(text, found, words)


def _product(
    text: str, start: int, products: Sequence[Product], vendor: Span | None, found: Sequence[FoundHardware]
) -> FoundHardware | None:
    """The longest product name at a word, with its vendor before and its head noun ("GPU", "FPGA") after it."""
    best: FoundHardware | None = None
    for product in products:
        match = _compiled(product.source).match(text, start)
        if match is None:
            continue
        end = match.end()
        sold = vendor is not None and vendor[1] <= start and _SPACED.fullmatch(text, vendor[1], start) is not None
        if product.context and not (sold or _NOUN.match(text, end) or _enumerated(text, start, product.category, found)):
            continue
        head = _HEAD.match(text, end)
        category = product.category
        if head is not None:
            end = head.end()
            category = _category_of_part(product.category, head["head"])
        first = vendor[0] if vendor is not None and sold and not product.bare else start
        if best is None or end > best.end:
            best = FoundHardware(first, end, True, category)
    return None if best and best.category == "robot" and _names_benchmark(text, best) else best


def _names_benchmark(text: str, product: FoundHardware) -> bool:
    """Whether the name of a robot is part of the name of a benchmark or a contest."""
    return _BENCHMARK_AFTER.match(text, product.end) is not None or _BENCHMARK_BEFORE.match(text, product.start) is not None


def _category_of_part(whole: Category, head: str) -> Category:
    """The category of a named part of a product: "iPhone 13 mini NPU" is an NPU, "Jetson Orin GPU" is still an edge board."""
    part = _HEAD_CATEGORIES[re.sub(r"\W", "", head.lower()).rstrip("s")]
    if whole in ("mobile", "pc") or (part == "npu" and whole in ("edge", "cpu")):
        return whole if head.lower().startswith("processor") else part
    return whole


def _enumerated(text: str, start: int, category: Category, found: Sequence[FoundHardware]) -> bool:
    """Whether the word continues an enumeration of products of its category ("A100 and T4")."""
    if not found or not found[-1].specific or found[-1].category != category:
        return False
    return _ENUMERATION.fullmatch(text, found[-1].end, start) is not None


def _unlisted_model(text: str, vendor: Span) -> FoundHardware | None:
    """A vendor, a model name that no family describes, and a head noun: "NVIDIA X9000 GPU"."""
    match = _MODEL.match(text, vendor[1])
    name = _WORD.search(text, vendor[1])
    known = FAMILIES.get(name[0].lower()) if name else None
    if name and known and any(_compiled(product.source).match(text, name.start()) for product in known.numbered):
        return None
    if match is None or not any(c.isdigit() for c in text[vendor[1] : match.start("head")]):
        return None
    return FoundHardware(vendor[0], match.end(), True, _HEAD_CATEGORIES[re.sub(r"\W", "", match["head"].lower()).rstrip("s")])


def _class(view: View, head: Span, before: str, known: Word, free_from: int) -> FoundHardware | None:
    """The class that a head noun names together with the words before it."""
    text, (start, end) = view.text, head
    following = text[end : end + 1]
    if following.isdigit() or (following == "-" and text[end + 1 : end + 2].isalnum()):  # "GPU-accelerated", "server-side"
        return None
    if known.exclusion is not None and _is_excluded(text, end, before, known.exclusion):
        return None
    for kind in known.classes:
        if not kind.alone and before not in kind.last_words:
            continue
        begin = _begin(kind, text if kind.case else view.lower, max(free_from, start - _LOOKBACK), end)
        if begin is not None and (kind.needs is None or _holds(kind.needs, text)):
            return None if _is_acronym(text[start:end]) else FoundHardware(begin, end, False, kind.category)
    return None


def _is_acronym(word: str) -> bool:
    """Whether the letters of a name only happen to spell a noun of machines: "RoVer"."""
    return not (word.islower() or word.istitle() or word.isupper()) and word.lower() in shapes.NOUNS - shapes.CHIPS


def _begin(kind: HardwareClass, text: str, first: int, end: int) -> int | None:
    """Where the name of a class begins that ends at a place: at its modifier, or at its head."""
    window = text[first:end].replace("-", " ").replace("~", " ")
    for head in kind.heads:
        start = end - len(head)
        before = text[start - 1 : start]
        if not window.endswith(head) or before.isalnum() or before == "_":
            continue
        if before and before in " ~-" and (modifier := _modifier(kind, text, first, start)) is not None:
            return start if kind.bare else modifier
        if kind.unmodified and before != "-":
            return start
    return None


def _modifier(kind: HardwareClass, text: str, first: int, end: int) -> int | None:
    """Where the longest modifier of a class begins that ends at a place, perhaps with its abbreviation in parentheses."""
    window = text[first:end].replace("-", " ").replace("~", " ").rstrip(" ")
    if window.endswith(")"):  # "Internet of Things (IoT) devices"
        window = _ABBREVIATED.sub("", window)
    for match in _WORD_START.finditer(text, first, first + len(window)):
        if window[match.start() - first :] in kind.modifiers:
            return match.start()
    return None


def _coordinated(text: str, hit: FoundHardware, free_from: int) -> FoundHardware | None:
    """The class that shares the head noun of a class after it: the "mobile" of "mobile and edge devices"."""
    match = _COORDINATED.search(text, max(free_from, hit.start - _LOOKBACK), hit.start)
    if match is None or (category := _COORDINATED_CATEGORIES[match["name"]]) == hit.category or hit.category not in _SHARING:
        return None
    return FoundHardware(match.start("name"), match.end("name"), False, category)


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


def _with_named_machines(text: str, found: list[FoundHardware], words: Sequence[KeyWord]) -> list[FoundHardware]:
    """Add what no family describes: "we introduce Name, a mobile robot", "the Name quadruped", "Jetson, Name and RTX 3090".

    The bare noun "robot" is added too.
    """
    machines = [
        FoundHardware(*span, True, "npu" if head in shapes.CHIPS else "robot") for span, head in _own_machines(text, words)
    ]
    products = [(hit.start, hit.end) for hit in found if hit.specific]
    for start, end in _listed_among(text, products):  # of the kind of what stands before it: "processors--Name, A100 and T4"
        before = found[max(0, bisect_right(found, start, key=_start) - 1)]
        machines.append(FoundHardware(start, end, True, before.category))
    if "obot" in text or any(hit.category == "robot" for hit in found):
        machines += [FoundHardware(*name, True, "robot") for name in _named_robots(text, words)]
        named = any(machine.specific and machine.category == "robot" for machine in (*found, *machines))
        machines += _bare_robots(text, words, named)
        systems = shapes.ROBOTIC_SYSTEM.finditer(text)
        machines += [FoundHardware(system.start() - 1, system.end(), False, "robot") for system in systems]
    for machine in machines:
        _insert(text, found, machine)
    return found


def _insert(text: str, found: list[FoundHardware], machine: FoundHardware) -> None:
    """Add a machine where it overlaps none. A name takes the place of the classes within it: "the XY Gripper"."""
    place = bisect_right(found, machine.start, key=_start)
    if place and _behind(text, found[place - 1]) > machine.start:
        return
    behind = place
    while behind < len(found) and found[behind].start < machine.end:
        if not machine.specific or found[behind].specific or found[behind].end > machine.end:
            return
        behind += 1
    found[place:behind] = [machine]


def _bare_robots(text: str, words: Sequence[KeyWord], named: bool) -> Iterator[FoundHardware]:
    """The bare nouns "robot" and "robots", with their degrees of freedom; where robots are `named`, "Robot" may end a name."""
    for start, word, _ in words:
        if word not in ("robot", "robots") or (named and word == "robot" and text[start] == "R"):
            continue
        if noun := shapes.BARE_ROBOT.match(text, start):
            degrees = shapes.DEGREES.match(text, start)
            if degrees or shapes.FREE.match(text, start):
                yield FoundHardware(degrees.start() if degrees else start, noun.end(), False, "robot")


def _own_machines(text: str, words: Sequence[KeyWord]) -> Iterator[tuple[Span, str]]:
    """The names that a paper gives to machines of its own, each with the noun that says what it is."""
    if titled := shapes.TITLED.match(text):
        yield titled.span("name"), titled["head"].lower()
    for start, word, before in words:
        if word not in shapes.NOUNS and (before != "robotic" or word not in shapes.ROBOTIC):
            continue
        if word in shapes.PARTS and "obot" not in text:
            continue
        end = start + len(word)
        first = max(0, start - 2 * _LOOKBACK)
        ended = text.find(" a", first, start) >= 0 and shapes.ENDED.match(text, end)
        if ended and (name := shapes.OWN_NAME.search(text, first, start)):
            yield name.span("name" if name["name"] else "subject"), word
        name = shapes.APPOSED.match(text, end)
        if name and not shapes.CLASS.fullmatch(name["name"]):
            presented = shapes.TOLD if name["told"] else shapes.PRESENTED
            if presented.search(text, first, start) and (name["told"] or not shapes.abbreviates(name["name"], text[first:end])):
                yield name.span("name"), word


def _named_robots(text: str, words: Sequence[KeyWord]) -> Iterator[Span]:
    """The names of robots before and behind their nouns: "the Name quadruped", "the XY Hand", "the quadruped robot FooBot"."""
    for start, word, before in words:
        if word not in shapes.NAMING:
            continue
        first, end = max(0, start - shapes.LONGEST_NAME), start + len(word)
        if word in ("hand", "gripper") and text[start].isupper():
            name = shapes.NAMED_HAND.search(text, first, start + shapes.LONGEST_NAME)
        elif text[start].islower() and (word in shapes.NAMED_NOUNS or (word in shapes.ROBOTIC and before == "robotic")):
            name = shapes.NAMED_ROBOT.search(text, first, start) or shapes.NAMED_BEHIND.match(text, end)
        else:
            name = None
        if name:
            yield name.span("name")
        if word in shapes.LISTING and (listed := shapes.LISTED.match(text, end)):
            names = shapes.NAME_IN_LIST.finditer(text, *listed.span("names"))
            yield from (each.span() for each in names if not shapes.CLASS.fullmatch(each[0]))


def _listed_among(text: str, products: Sequence[Span]) -> Iterator[Span]:
    """The names that no family describes in enumerations of products.

    Two products have to be beside it, or a product and a noun of devices: "Name, RTX 3090 and A100", "Go2 and Name robots".
    """
    starts = [*(start for start, _ in products), len(text)]
    ends = [0, *(end for _, end in products)]
    for n, (start, end) in enumerate(products):
        names = [shapes.LAST_OF_TWO.match(text, end, starts[n + 1])]
        if n and shapes.BETWEEN.fullmatch(text, ends[n], start):
            first = starts[n - 1]
            names += [
                shapes.FIRST.search(text, max(ends[n - 1], first - 48), first),
                shapes.LAST.match(text, end, starts[n + 1]),
            ]
        elif n:
            names.append(shapes.MIDDLE.fullmatch(text, ends[n], start))
        yield from (name.span("name") for name in names if name)


def _behind(text: str, hit: FoundHardware) -> int:
    """Where a mention ends, with the nouns that say what kind of robot a named product is."""
    body = _ROBOT_BODY.match(text, hit.end) if hit.specific and hit.category == "robot" else None
    return body.end() if body else hit.end


def _start(hit: FoundHardware) -> int:
    return hit.start


def _starts(text: str, start: int) -> bool:
    before = text[max(0, start - 2) : start]
    return not before or not (before[-1].isalnum() or before[-1] == "_") or (before[-1] == "x" and before[0].isdigit())


def _with_trademarks(text: str) -> str:
    """A text with a run of ® in place of each sign of a trademark, so that expressions need know but one: they compile in half
    the time."""
    return text.replace("™", "®").replace("(R)", "®®®").replace("(TM)", "®®®®")
