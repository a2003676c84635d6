"""The word lists of `lexicon/`: what each word is, and what its list says of it."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal, NamedTuple

_FILES = ("metrics", "changes", "words", "phrases", "counts", "naming", "hardware")
_VERSION = re.compile(r"[-\d.]")
QUANTITY, HARDWARE, COUNT = "\x01", "\x02", "\x03"
"""What stands in a text in place of a mention."""


class Metric(NamedTuple):
    """What a metric word says: the kind of claim ("time": speed or speedup; "any": open) and which way is better."""

    kind: Literal["accuracy", "time", "resource", "any"]
    better: str


class Change(NamedTuple):
    """What a word of change says: its effect, the kind where the word alone tells it, and whether its object is a rival."""

    effect: Literal["rise", "fall", "loss", "gain", "harm"]
    kind: Literal["accuracy", "time", "resource"] | None
    rival: bool


class Words(NamedTuple):
    """Words of one list, and what the list says of them."""

    list: str
    words: tuple[str, ...]
    says: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The word lists, by word in lower case; phrases are judged by `lists`."""

    codes: Mapping[str, str]
    metrics: Mapping[str, Metric]
    changes: Mapping[str, Change]
    lists: Mapping[str, frozenset[str]]
    expressions: Mapping[str, tuple[str, ...]]

    @cached_property
    def lexer(self) -> re.Pattern[str]:
        """What matches one token at a time. Who needs the lists alone does not wait for it, which takes 8 ms."""
        means = trie_pattern([word.partition(" ")[2] for word in self.metrics if word.startswith(("mean ", "average "))])
        phrases = trie_pattern([word for word in self.codes if not re.fullmatch(r"\w[\w-]*", word)])
        return re.compile(
            rf"{QUANTITY}+|{HARDWARE}+|{COUNT}+|{phrases}(?![\w-]|(?:(?<=a mean)|(?<=an average)) {means})"
            r"|[\w$\\^{}@#]+(?:(?:(?!--)[-.'’+&@^]+|(?<=\d):(?=\d))[\w$\\^{}]+)*\+*|[^\s\w]"
        )

    @cached_property
    def tests(self) -> re.Pattern[str]:
        """What matches the words behind a number up to a noun of datasets."""
        plurals = "|".join(sorted(word for word in self.lists["places"] if word.endswith("s")))
        return re.compile(rf"\+? (?:[\w-]+ ){{0,3}}?(?:{plurals})\b")

    def at_rank(self, word: str) -> Metric | None:
        """The entry of a metric that is taken at a rank or of so many tries, whatever the number: "pass@4"."""
        name, at, _ = word.partition("@")
        return (self.metrics.get(f"{name}@1") or self.metrics.get(name)) if at else None

    def indexed(self, word: str) -> Metric | None:
        """The entry of a metric that has an index: "mAP^N", "N_Acc"."""
        return next((self.metrics[part] for part in word.replace("^", "_").split("_") if part in self.metrics), None)

    def metric(self, word: str) -> Metric:
        """The entry of a word of class M."""
        known = self.metrics.get(word) or self.metrics.get(word.partition("-per-")[0].rsplit("-", 1)[-1])
        return known or self.at_rank(word) or self.indexed(word) or Metric("time", "lower")  # "time-to-..."

    def is_model(self, word: str) -> bool:
        """Whether a word is the name of a well-known model, such as "qwen2.5-vl-7b"."""
        return _VERSION.split(word)[0] in self.lists["models"]


@cache
def lexicon() -> Lexicon:
    """The whole lexicon."""
    return read_lexicon(word_lists())


def read_lexicon(groups: Iterable[Words]) -> Lexicon:
    """The lexicon of some word lists. A word that stands in two classes belongs to the one that is read last."""
    codes: dict[str, str] = {}
    metrics: dict[str, Metric] = {}
    changes: dict[str, Change] = {}
    lists: dict[str, frozenset[str]] = {}
    expressions: dict[str, tuple[str, ...]] = {}
    for group in groups:
        words = group.words
        match group.list:
            case "words":
                codes.update(dict.fromkeys(words, group.says["code"]))
            case "metrics":
                forms = [form for word in words for form in (word, f"{word}s", re.sub("y$", "ies", word))]
                metrics.update(dict.fromkeys(forms, Metric(group.says["kind"], group.says["better"])))
                codes.update(dict.fromkeys(forms, "M"))
            case "changes":
                change = Change(group.says["effect"], group.says.get("kind"), group.says.get("rival", False))
                changes.update(dict.fromkeys(words, change))
                codes.update(dict.fromkeys(words, "C"))
            case name if name.startswith(("naming.", "hardware.")):
                expressions[name], lists[name] = words, frozenset(words)
            case name:
                lists[name.partition(".")[2]] = frozenset(words)
    return Lexicon(codes, metrics, changes, lists, expressions)


@cache
def word_lists() -> tuple[Words, ...]:
    """The packaged lists, in the order in which they are read."""
    return tuple(group for name in _FILES for group in _groups(name))


def _groups(name: str) -> Iterator[Words]:
    said = tomllib.loads(files(__package__).joinpath("lexicon", f"{name}.toml").read_text(encoding="utf-8"))
    for key, value in said.items():
        if key == "classes":
            yield from (Words(name, tuple(words), {"code": code}) for code, words in value.items())
        elif isinstance(value[0], dict):
            yield from (Words(name, tuple(group["words"]), group) for group in value)
        else:
            yield Words(f"{name}.{key}", tuple(value), {})


def trie_pattern(words: list[str]) -> str:
    """A regular expression for any of the words that shares their beginnings, longest word first.

    Matching time grows with the length of a word instead of the number of words.
    """
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for character in word:
            node = node.setdefault(character, {})
        node[""] = {}
    return _trie(root)


def _trie(node: dict[str, Any]) -> str:
    branches = [re.escape(character) + _trie(child) for character, child in sorted(node.items()) if character]
    if "" in node:
        return f"(?:{'|'.join(branches)})?" if branches else ""
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
