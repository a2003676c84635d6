"""Families of products and classes of hardware, from `lexicon/hardware_*.toml`, by the words at which they are sought."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

from extractor.records import Category
from extractor.spotting.lexicon import load

_PRODUCTS, _CLASSES = load("hardware_products"), load("hardware_classes")
SPACE = "(?:®*[ ~-])"
"""What stands between two words of a name: a space, tie or hyphen, perhaps behind signs of a trademark, all ® by then."""
LIMITED_HEADS = frozenset({"device", "devices", "platform", "platforms", "hardware"})
"""Nouns of hardware that is told by what it lacks: "devices with limited memory"."""
_LETTERS = re.compile(r"[A-Za-z]+")
_SHORTEST_WITH_PLURAL = 5
"""Letters of the shortest beginning of names that is sought in the plural too: with fewer it would be a common word."""
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
    """A class of hardware under a word: the `heads` that end with it, the longest first, and the modifiers before them.

    Both are in lower case, unless `case` counts, with spaces between their words. `unmodified`: the head needs no modifier;
    `bare`: the modifier is no part of the name; `alone`: no word has to stand before the word, else one of `last_words` does.
    """

    heads: tuple[str, ...]
    modifiers: frozenset[str]
    category: Category
    case: bool
    alone: bool
    unmodified: bool
    bare: bool
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

    `numbered` are the products that it can begin before a digit, `products` those that it can begin anywhere; `small`: one of
    them in lower case too. One of `last_words` stands before it in each of its classes, but for those that it names `alone`.
    """

    vendor: str
    products: tuple[Product, ...]
    numbered: tuple[Product, ...]
    small: bool
    classes: tuple[HardwareClass, ...]
    alone: bool
    last_words: frozenset[str]
    exclusion: Exclusion | None


def _read() -> dict[str, Word]:
    vendors = _by_word((name.split()[0].lower(), name) for name in _PRODUCTS["vendors"])
    starts = [pair for family in _PRODUCTS["product"] for pair in _read_product(family)]
    products = _by_word((start, made) for start, made in starts if not start.endswith("#"))
    numbered = _by_word((start.rstrip("#"), made) for start, made in starts)
    examples = " ".join(example for family in _PRODUCTS["product"] for example in family["examples"])
    small = frozenset(word.lower() for word in _LETTERS.findall(examples) if word[0].islower())
    classes = _by_word(pair for entry in _CLASSES["class"] for pair in _read_class(entry, _CLASSES["words"]))
    exclusions = _read_exclusions(_CLASSES["not"])
    return {
        word: Word(
            vendor=_vendor_source(vendors[word]) if word in vendors else "",
            products=products.get(word, ()),
            numbered=numbered.get(word, ()),
            small=word in small,
            classes=classes.get(word, ()),
            alone=any(kind.alone for kind in classes.get(word, ())),
            last_words=_union([kind.last_words for kind in classes.get(word, ())]),
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
    made = Product(source, family["category"], family.get("context", False), family.get("bare", False))
    starts = family["starts"]
    plurals = (start + "s" for start in starts if len(start) >= _SHORTEST_WITH_PLURAL)
    return ((start, made) for start in dict.fromkeys((*starts, *plurals)))


def _read_class(entry: Mapping[str, Any], words: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, HardwareClass]]:
    """The class under each word that can end one of its heads: "computer" and "computers" for "single-board computer"."""
    case, alone = entry.get("case", False), entry.get("alone", False)
    modifiers = frozenset(_normal(phrase, case) for modifier in entry["modifiers"] for phrase in _spelled_out(modifier, words))
    needs = re.compile(entry["needs"], re.IGNORECASE) if "needs" in entry else None
    modifier_ends = frozenset(map(_last_word, modifiers))
    heads = [_normal(form, case) for head in entry["heads"] for form in (head, _plural(head))]
    for word, forms in _by_word((_last_word(head), head) for head in heads).items():
        lengths = [_LETTERS.findall(form.lower()) for form in forms]
        single = any(len(letters) == 1 for letters in lengths)
        head_words = frozenset(letters[-2] for letters in lengths if len(letters) > 1)
        yield (
            word,
            HardwareClass(
                heads=tuple(sorted(set(forms), key=len, reverse=True)),
                modifiers=modifiers,
                category=entry["category"],
                case=case,
                alone=alone and single,
                unmodified=alone or not modifiers,
                bare=entry.get("bare", False),
                last_words=_union([head_words, modifier_ends] if single else [head_words]),
                needs=needs,
            ),
        )


def _read_exclusions(entries: Iterable[Mapping[str, Any]]) -> dict[str, Exclusion]:
    by_head: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        for head in entry["heads"]:
            for form in (head.lower(), _plural(head).lower()):
                by_head.setdefault(form, []).append(entry)
    return {form: _exclusion(entries) for form, entries in by_head.items()}


def _exclusion(entries: Sequence[Mapping[str, Any]]) -> Exclusion:
    before = frozenset(word.lower() for entry in entries for word in entry.get("before", ()))
    after = "|".join(_pattern(phrase) for entry in entries for phrase in entry.get("after", ()))
    where = "|".join(entry["where"] for entry in entries if "where" in entry)
    return Exclusion(
        before,
        re.compile(rf"[\W_](?:{after})(?![A-Za-z])", re.IGNORECASE) if after else None,
        re.compile(where, re.IGNORECASE) if where else None,
    )


def _pattern(phrase: str) -> str:
    """The expression for a phrase: a hyphen also matches a space."""
    return re.escape(phrase).replace(r"\-", r"[ ~-]")


def _spelled_out(phrase: str, words: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """The phrases that a phrase stands for, with each word of a set in the place of {name}."""
    parts = _WORD_SET.split(phrase)
    choices = [words[part] if n % 2 else [part] for n, part in enumerate(parts)]
    return map("".join, product(*choices))


def _normal(phrase: str, case: bool) -> str:
    """A phrase with spaces for its hyphens, in lower case unless that counts."""
    return (phrase if case else phrase.lower()).replace("-", " ")


def _last_word(phrase: str) -> str:
    """The word, in lower case, that ends a phrase."""
    last = phrase.rpartition(" ")[2]
    return (last if last.isalpha() else str(_LETTERS.findall(phrase)[-1])).lower()


def _plural(noun: str) -> str:
    if noun.endswith(("ch", "s", "x")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("ty") else noun + "s"


def _union(sets: Sequence[frozenset[str]]) -> frozenset[str]:
    """The words of several sets. Where one alone has any, it is that set and no copy, which all words of a class would need."""
    full = [each for each in sets if each]
    return full[0] if len(full) == 1 else frozenset().union(*full)


def _by_word(pairs: Iterable[tuple[str, _T]]) -> dict[str, tuple[_T, ...]]:
    table: dict[str, tuple[_T, ...]] = {}
    for word, value in pairs:
        table[word] = (*table.get(word, ()), value)
    return table


FAMILIES = _read()
"""What each word in lower case can be."""
