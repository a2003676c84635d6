"""Hardware mentions: the phrases of a text that name computing hardware.

Products are found by the patterns of their families, classes by head nouns and modifiers; both are in
`lexicon/hardware_*.toml`. A text is read once, word by word. A pattern is tried only at a word that a name of its family can
begin with, a class only at one of its head nouns, so a word of a text without hardware costs one look-up in a dictionary.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar

from extractor.documents import Span
from extractor.records import Category
from extractor.spotting.lexicon import KeyWord, load
from extractor.spotting.machines import BARE_ROBOT, CHIPS, MACHINE, NAMED_HAND, NAMED_ROBOT, OWN_NAME, listed_among
from extractor.text import View

_PRODUCTS, _CLASSES = load("hardware_products"), load("hardware_classes")
_SPACE = r"(?:(?:[®™]|\((?:R|TM)\))?(?:[ ~-]|\\[ ,]))"
"""What stands between two words of a name: a space, line break, tie, hyphen or thin space, perhaps behind a trademark."""
_SPACED = re.compile(_SPACE)
_LETTERS = re.compile(r"[A-Za-z]+")
_WORD_SET = re.compile(r"\{(\w+)\}")
_T = TypeVar("_T")


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


@dataclass(frozen=True, slots=True)
class _Product:
    """A family of products: `source` describes its names. See the head of `hardware_products.toml` for `context` and `bare`."""

    source: str
    category: Category
    context: bool
    bare: bool


@dataclass(frozen=True, slots=True)
class _HardwareClass:
    """A class of hardware. Its expression has the group `name` and ends at the head noun; `last_words` end its modifiers."""

    source: str
    category: Category
    alone: bool
    last_words: frozenset[str]
    needs: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class _Exclusion:
    """What makes a head noun something else: a word in lower case before it, words after it, `where` anywhere in the text."""

    before: frozenset[str]
    after: re.Pattern[str] | None
    where: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class _Word:
    """What a word in lower case can be: the beginning of a vendor or of products, the head noun of classes.

    `numbered` are the products that it can begin before a digit, `products` those that it can begin anywhere. One of
    `last_words` stands before it in each of its classes, but for those that it names `alone`.
    """

    vendor: str
    products: tuple[_Product, ...]
    numbered: tuple[_Product, ...]
    classes: tuple[_HardwareClass, ...]
    alone: bool
    last_words: frozenset[str]
    exclusion: _Exclusion | None


@cache
def _compiled(source: str) -> re.Pattern[str]:
    """An expression of the lexicon, compiled when first tried: all of them would cost the first abstract 0.1 s."""
    return re.compile(source)


@cache
def _lexicon() -> dict[str, _Word]:
    """The lexicon by word."""
    vendors = _by_word((name.split()[0].lower(), name) for name in _PRODUCTS["vendors"])
    starts = [pair for family in _PRODUCTS["product"] for pair in _read_product(family)]
    products = _by_word((start, product) for start, product in starts if not start.endswith("#"))
    numbered = _by_word((start.rstrip("#"), product) for start, product in starts)
    classes = _by_word(pair for entry in _CLASSES["class"] for pair in _read_class(entry, _CLASSES["words"]))
    exclusions = _read_exclusions(_CLASSES["not"])
    return {
        word: _Word(
            vendor=_vendor_source(vendors[word]) if word in vendors else "",
            products=products.get(word, ()),
            numbered=numbered.get(word, ()),
            classes=classes.get(word, ()),
            alone=any(kind.alone for kind in classes.get(word, ())),
            last_words=frozenset(last for kind in classes.get(word, ()) for last in kind.last_words),
            exclusion=exclusions.get(word),
        )
        for word in {*vendors, *numbered, *classes, *_LIMITED_HEADS}
    }


def _vendor_source(names: Sequence[str]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    spellings = (form for name in longest_first for form in dict.fromkeys((name, name.capitalize(), name.upper())))
    return "(?:" + "|".join(spelling.replace(" ", _SPACE) for spelling in spellings) + r")(?:'s)?(?![\w'])"


def _read_product(family: Mapping[str, Any]) -> Iterator[tuple[str, _Product]]:
    source = "(?:" + family["pattern"].replace(" ", _SPACE) + r")s?(?![A-Za-z0-9])"
    product = _Product(source, family["category"], family.get("context", False), family.get("bare", False))
    return ((start, product) for start in family["starts"])


def _read_class(entry: Mapping[str, Any], words: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, _HardwareClass]]:
    """The class under each word that can end one of its heads: "computer" and "computers" for "single-board computer"."""
    heads = [form for head in entry["heads"] for form in (head, _plural(head))]
    noun = f"(?:{'|'.join(_pattern(head, words) for head in heads)})"
    modifiers = "|".join(_pattern(modifier, words) for modifier in entry["modifiers"])
    before = rf"(?:{modifiers})(?:\s\([A-Za-z]{{2,6}}\))?[ ~-]+"  # "Internet of Things (IoT) devices"
    alone = entry.get("alone", False)
    if entry.get("bare", False):
        phrase = f"{before}(?P<name>{noun})"
    elif entry["modifiers"]:
        phrase = f"(?P<name>(?:{before}){'?' if alone else ''}{noun})"
    else:
        phrase = f"(?P<name>{noun})"
    source = rf"{'' if entry.get('case', False) else '(?i)'}(?<![\w-]){phrase}\Z"
    needs = re.compile(entry["needs"], re.IGNORECASE) if "needs" in entry else None
    modifier_ends = {word for modifier in entry["modifiers"] for word in _last_words(modifier, words)}
    for word, lengths in _by_word((letters[-1], letters) for letters in map(_LETTERS.findall, map(str.lower, heads))).items():
        single = any(len(letters) == 1 for letters in lengths)
        last_words = {letters[-2] for letters in lengths if len(letters) > 1} | (modifier_ends if single else set())
        yield word, _HardwareClass(source, entry["category"], alone and single, frozenset(last_words), needs)


def _read_exclusions(entries: Iterable[Mapping[str, Any]]) -> dict[str, _Exclusion]:
    by_head: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        for head in entry["heads"]:
            for form in (head.lower(), _plural(head).lower()):
                by_head.setdefault(form, []).append(entry)
    return {form: _exclusion(entries) for form, entries in by_head.items()}


def _exclusion(entries: Sequence[Mapping[str, Any]]) -> _Exclusion:
    before = frozenset(word.lower() for entry in entries for word in entry.get("before", ()))
    after = "|".join(_pattern(phrase, {}) for entry in entries for phrase in entry.get("after", ()))
    where = "|".join(entry["where"] for entry in entries if "where" in entry)
    return _Exclusion(
        before,
        re.compile(rf"[\W_](?:{after})(?![A-Za-z])", re.IGNORECASE) if after else None,
        re.compile(where, re.IGNORECASE) if where else None,
    )


def _pattern(phrase: str, words: Mapping[str, Sequence[str]]) -> str:
    """The expression for a phrase: a hyphen also matches a space, {name} any word of a set."""
    parts = _WORD_SET.split(phrase)
    for n in range(1, len(parts), 2):
        parts[n] = "(?:" + "|".join(_pattern(word, words) for word in words[parts[n]]) + ")"
    return "".join(part if n % 2 else re.escape(part).replace(r"\-", r"[ ~-]") for n, part in enumerate(parts))


def _last_words(phrase: str, words: Mapping[str, Sequence[str]]) -> set[str]:
    """The words, in lower case, that can end a phrase."""
    if phrase.endswith("}"):
        return {end for word in words[_WORD_SET.findall(phrase)[-1]] for end in _last_words(word, words)}
    return {_LETTERS.findall(phrase)[-1].lower()}


def _plural(noun: str) -> str:
    if noun.endswith(("ch", "s", "x")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("ty") else noun + "s"


def _by_word(pairs: Iterable[tuple[str, _T]]) -> dict[str, tuple[_T, ...]]:
    table: dict[str, tuple[_T, ...]] = {}
    for word, value in pairs:
        table[word] = (*table.get(word, ()), value)
    return table


_WORD = re.compile(r"[A-Za-z]+")
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
_HEAD = re.compile(rf"{_SPACE}(?P<head>{_HEAD_WORDS})(?![\w-])".replace(" ?", f"{_SPACE}?"))
_NOUN = re.compile(
    rf"{_SPACE}(?:{_HEAD_WORDS}|chips?|chipsets?|SoCs?|boards?|instances?|cards?|device|laptop|robots?|robotic|quadruped|humanoid|arm|manipulator)"
    r"(?![\w-])".replace(" ?", f"{_SPACE}?")
)
_MODEL = re.compile(
    rf"(?:{_SPACE}(?:[A-Z]\w*|\w*\d\w*)(?:-\w+)*(?<!\d\.)(?<!The)){{1,4}}?{_SPACE}(?P<head>{_HEAD_WORDS})(?![\w-])".replace(
        " ?", f"{_SPACE}?"
    )
)
_ENUMERATION = re.compile(r"(?:\s*[,/&]\s*|\s+)(?:(?:and|or|vs\.?|versus)\s+)?(?:an?\s+|the\s+)?")
_ROBOT_BODY = re.compile(
    rf"(?:{_SPACE}(?:humanoid|quadruped(?:al)?|mobile|legged|bipedal|nano|robot(?:ic)?|arm|manipulator|hand|quadrotor|drone|edu|platform|base)s?)+(?![\w-])"
)
"""The nouns that say what kind of robot a named product is; they do not make a mention of their own."""
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


def hardware_words() -> frozenset[str]:
    """The words that a mention begins or ends with."""
    return frozenset(_lexicon())


def find_hardware(view: View, words: Sequence[KeyWord]) -> tuple[HardwareMention, ...]:
    """Find the hardware mentions of a text in reading order, numbered from 1; they do not overlap.

    `words` are the key words of the text, those of hardware among them.
    """
    text, lexicon = view.text, _lexicon()
    found: list[_Found] = []
    start_of_last, end, vendor = 0, 0, None
    for start, word, before in words:
        known = lexicon.get(word)
        if known is None or start < end:
            continue
        hit = None
        behind = start + len(word)
        if known.vendor and (named := _compiled(known.vendor).match(text, start)):
            owner = vendor is not None and _SPACED.fullmatch(text, vendor[1], start)  # "AMD Xilinx"
            vendor = (vendor[0] if vendor and owner else start, named.end()) if _starts(text, start) else None
        products = known.numbered if text[behind : behind + 1].isdigit() else known.products
        if products and _starts(text, start):
            hit = _product(text, start, products, vendor, found)
        if hit is None and vendor is not None and vendor[0] == start:
            hit = _unlisted_model(text, vendor)
        if hit is None and (known.alone or before in known.last_words):
            hit = _class(text, (start, behind), before, known, end if found and found[-1].specific else start_of_last)
        if hit is None and word in _LIMITED_HEADS and (limited := _LIMITED_AFTER.match(text, behind)):
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
    found = _with_named_machines(text, found)
    return tuple(
        HardwareMention(n, (hit.start, hit.end), text[hit.start : hit.end], hit.specific, hit.category)
        for n, hit in enumerate(found, start=1)
    )


def _product(
    text: str, start: int, products: Sequence[_Product], vendor: Span | None, found: Sequence[_Found]
) -> _Found | None:
    """The longest product name at a word, with its vendor before and its head noun ("GPU", "FPGA") after it."""
    best: _Found | None = None
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


def _unlisted_model(text: str, vendor: Span) -> _Found | None:
    """A vendor, a model name that no family describes, and a head noun: "NVIDIA X9000 GPU"."""
    match = _MODEL.match(text, vendor[1])
    name = _WORD.search(text, vendor[1])
    known = _lexicon().get(name[0].lower()) if name else None
    if name and known and any(_compiled(product.source).match(text, name.start()) for product in known.numbered):
        return None
    if match is None or not any(c.isdigit() for c in text[vendor[1] : match.start("head")]):
        return None
    return _Found(vendor[0], match.end(), True, _HEAD_CATEGORIES[re.sub(r"\W", "", match["head"].lower()).rstrip("s")])


def _class(text: str, head: Span, before: str, known: _Word, free_from: int) -> _Found | None:
    """The class that a head noun names together with the words before it."""
    start, end = head
    following = text[end : end + 1]
    if following.isdigit() or (following == "-" and text[end + 1 : end + 2].isalnum()):  # "GPU-accelerated", "server-side"
        return None
    if known.exclusion is not None and _is_excluded(text, end, before, known.exclusion):
        return None
    for kind in known.classes:
        if not kind.alone and before not in kind.last_words:
            continue
        match = _compiled(kind.source).search(text, max(free_from, start - _LOOKBACK), end)
        if match is not None and (kind.needs is None or _holds(kind.needs, text)):
            return _Found(match.start("name"), end, False, kind.category)
    return None


def _coordinated(text: str, hit: _Found, free_from: int) -> _Found | None:
    """The class that shares the head noun of a class after it: the "mobile" of "mobile and edge devices"."""
    match = _COORDINATED.search(text, max(free_from, hit.start - _LOOKBACK), hit.start)
    if match is None or (category := _COORDINATED_CATEGORIES[match["name"]]) == hit.category or hit.category not in _SHARING:
        return None
    return _Found(match.start("name"), match.end("name"), False, category)


def _is_excluded(text: str, end: int, before: str, exclusion: _Exclusion) -> bool:
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
    """Add what no family describes: "we introduce Name, a mobile robot", "the Name quadruped", "Jetson, Name and RTX 3090".

    Where no robot is named, add the bare noun "robot" too.
    """
    machines = [
        _Found(*name.span("name"), True, "npu" if machine["head"] in CHIPS else "robot")
        for machine in MACHINE.finditer(text)
        if (name := OWN_NAME.search(text, max(0, machine.start() - _LOOKBACK), machine.start()))
    ]
    products = [(hit.start, hit.end) for hit in found if hit.specific]
    for start, end in listed_among(
        text, products
    ):  # of the kind of what stands before it: "processors--Name, Jetson Nano and A100"
        before = found[max(0, bisect_right(found, start, key=_start) - 1)]
        machines.append(_Found(start, end, True, before.category))
    if "obot" in text or any(hit.category == "robot" for hit in found):
        for named in (NAMED_ROBOT, NAMED_HAND):
            machines += [_Found(*match.span("name"), True, "robot") for match in named.finditer(text)]
        if not any(machine.specific and machine.category == "robot" for machine in (*found, *machines)):
            machines += [_Found(*match.span(), False, "robot") for match in BARE_ROBOT.finditer(text)]
    for machine in machines:
        place = bisect_right(found, machine.start, key=_start)
        free_until = found[place].start if place < len(found) else len(text)
        if machine.end <= free_until and (place == 0 or found[place - 1].end <= machine.start):
            found.insert(place, machine)
    return found


def _start(hit: _Found) -> int:
    return hit.start


def _starts(text: str, start: int) -> bool:
    before = text[max(0, start - 2) : start]
    return not before or not (before[-1].isalnum() or before[-1] == "_") or (before[-1] == "x" and before[0].isdigit())
