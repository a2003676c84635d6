"""Families of products and classes of hardware, from `lexicon/hardware_*.toml`, by the words at which they are sought."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from extractor.records import Category
from extractor.spotting.lexicon import load

_PRODUCTS, _CLASSES = load("hardware_products"), load("hardware_classes")
SPACE = "(?:®*[ ~-])"
"""What stands between two words of a name: a space, tie or hyphen, perhaps behind signs of a trademark, all ® by then."""
LIMITED_HEADS = frozenset({"device", "devices", "platform", "platforms", "hardware"})
"""Nouns of hardware that is told by what it lacks: "devices with limited memory"."""
_LETTERS = re.compile(r"[A-Za-z]+")
_WORD_SET = re.compile(r"\{(\w+)\}")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Product:
    """A family of products: `source` describes its names. See the head of `hardware_products.toml` for `context` and `bare`."""

    source: str
    category: Category
    context: bool
    bare: bool


@dataclass(frozen=True, slots=True)
class HardwareClass:
    """A class of hardware. Its expression has the group `name` and ends at the head noun; `last_words` end its modifiers. It
    describes a text in lower case, unless `case` counts."""

    source: str
    category: Category
    case: bool
    alone: bool
    last_words: frozenset[str]
    needs: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What makes a head noun something else: a word in lower case before it, words after it, `where` anywhere in the text."""

    before: frozenset[str]
    after: re.Pattern[str] | None
    where: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Word:
    """What a word in lower case can be: the beginning of a vendor or of products, the head noun of classes.

    `numbered` are the products that it can begin before a digit, `products` those that it can begin anywhere. One of
    `last_words` stands before it in each of its classes, but for those that it names `alone`.
    """

    vendor: str
    products: tuple[Product, ...]
    numbered: tuple[Product, ...]
    classes: tuple[HardwareClass, ...]
    alone: bool
    last_words: frozenset[str]
    exclusion: Exclusion | None


def _read() -> dict[str, Word]:
    vendors = _by_word((name.split()[0].lower(), name) for name in _PRODUCTS["vendors"])
    starts = [pair for family in _PRODUCTS["product"] for pair in _read_product(family)]
    products = _by_word((start, product) for start, product in starts if not start.endswith("#"))
    numbered = _by_word((start.rstrip("#"), product) for start, product in starts)
    classes = _by_word(pair for entry in _CLASSES["class"] for pair in _read_class(entry, _CLASSES["words"]))
    exclusions = _read_exclusions(_CLASSES["not"])
    return {
        word: Word(
            vendor=_vendor_source(vendors[word]) if word in vendors else "",
            products=products.get(word, ()),
            numbered=numbered.get(word, ()),
            classes=classes.get(word, ()),
            alone=any(kind.alone for kind in classes.get(word, ())),
            last_words=frozenset(last for kind in classes.get(word, ()) for last in kind.last_words),
            exclusion=exclusions.get(word),
        )
        for word in {*vendors, *numbered, *classes, *LIMITED_HEADS}
    }


def _vendor_source(names: Sequence[str]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    spellings = (form for name in longest_first for form in dict.fromkeys((name, name.capitalize(), name.upper())))
    return "(?:" + "|".join(spelling.replace(" ", SPACE) for spelling in spellings) + r")(?:'s)?(?![\w'])"


def _read_product(family: Mapping[str, Any]) -> Iterator[tuple[str, Product]]:
    source = "(?:" + family["pattern"].replace(" ", SPACE) + r")s?(?![A-Za-z0-9])"
    product = Product(source, family["category"], family.get("context", False), family.get("bare", False))
    return ((start, product) for start in family["starts"])


def _read_class(entry: Mapping[str, Any], words: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, HardwareClass]]:
    """The class under each word that can end one of its heads: "computer" and "computers" for "single-board computer"."""
    case = entry.get("case", False)
    heads = [form for head in entry["heads"] for form in (head, _plural(head))]
    noun = f"(?:{'|'.join(_pattern(head, words) for head in heads)})"
    modifiers = "|".join(_pattern(modifier, words) for modifier in entry["modifiers"])
    if not case:  # to ignore it takes half as long again
        noun, modifiers = noun.lower(), modifiers.lower()
    before = rf"(?:{modifiers})(?:\s\([A-Za-z]{{2,6}}\))?[ ~-]+"  # "Internet of Things (IoT) devices"
    alone = entry.get("alone", False)
    if entry.get("bare", False):
        phrase = f"{before}(?P<name>{noun})"
    elif entry["modifiers"]:
        phrase = f"(?P<name>(?:{before}){'?' if alone else ''}{noun})"
    else:
        phrase = f"(?P<name>{noun})"
    source = rf"(?<![\w-]){phrase}\Z"
    needs = re.compile(entry["needs"], re.IGNORECASE) if "needs" in entry else None
    modifier_ends = {word for modifier in entry["modifiers"] for word in _last_words(modifier, words)}
    for word, lengths in _by_word((letters[-1], letters) for letters in map(_LETTERS.findall, map(str.lower, heads))).items():
        single = any(len(letters) == 1 for letters in lengths)
        last_words = {letters[-2] for letters in lengths if len(letters) > 1} | (modifier_ends if single else set())
        yield word, HardwareClass(source, entry["category"], case, alone and single, frozenset(last_words), needs)


def _read_exclusions(entries: Iterable[Mapping[str, Any]]) -> dict[str, Exclusion]:
    by_head: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        for head in entry["heads"]:
            for form in (head.lower(), _plural(head).lower()):
                by_head.setdefault(form, []).append(entry)
    return {form: _exclusion(entries) for form, entries in by_head.items()}


def _exclusion(entries: Sequence[Mapping[str, Any]]) -> Exclusion:
    before = frozenset(word.lower() for entry in entries for word in entry.get("before", ()))
    after = "|".join(_pattern(phrase, {}) for entry in entries for phrase in entry.get("after", ()))
    where = "|".join(entry["where"] for entry in entries if "where" in entry)
    return Exclusion(
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


FAMILIES = _read()
"""What each word in lower case can be."""
