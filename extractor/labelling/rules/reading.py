"""Read a sentence as a string of word classes, one letter a token, so that a rule is a regular expression over classes.

"reduces peak memory by up to 24%" reads `CwMYBQ`. The letters:

    Q quantity mention       M metric word           C word of change         B bound or limiter before a number
    H hardware mention       N name (capitals)       w any other word         D determiner
    T comparator (than)      O of   Y by   I in      F for  P on  A at        t to, from
    W with, using            p other preposition     V verb that reports      v auxiliary
    R adverb                 S subordinator (while)  U pronoun (we, it)       & and, or
    punctuation stands for itself; an opening or closing quotation mark, a dash or any other sign is `-`.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from extractor.documents import Span, lowered
from extractor.spotting import HardwareMention, Mentions, QuantityMention

_QUANTITY, _HARDWARE, COUNT = "\x01", "\x02", "\x03"
_PUNCTUATION = frozenset(",;:()/=.")
_BOUND_SIGNS = frozenset("~≈∼<>≤≥")
_DESCRIPTIVE = (
    "multi-",
    "single-",
    "few-",
    "one-",
    "two-",
    "large-",
    "small-",
    "high-",
    "low-",
    "real-",
    "long-",
    "full-",
    "per-",
    "fixed-",
    "non-",
    "mixed-",
    "variable-",
    "zero-",
    "first-",
    "second-",
    "third-",
    "early-",
    "four-",
    "three-",
)
_NOT_ADVERBS = frozenset(
    ["family", "assembly", "anomaly", "only", "supply", "reply", "apply", "multiply", "early", "monopoly", "fly", "friendly"]
)


class Metric(NamedTuple):
    """What a metric word says: the kind of claim ("time": speed or speedup; "any": open) and which way is better."""

    kind: str
    better: str


class Change(NamedTuple):
    """What a word of change says: its effect (rise, fall, loss, gain, harm), and the kind where the word alone tells it."""

    effect: str
    kind: str | None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The word lists, by word in lower case. `lexer` matches one token at a time."""

    codes: dict[str, str]
    metrics: dict[str, Metric]
    changes: dict[str, Change]
    cased: frozenset[str]
    fillers: frozenset[str]
    lexer: re.Pattern[str]


class Sentence:
    """One sentence with its tokens: offsets into the document's text, lower-case words, and `codes`, a letter for each."""

    __slots__ = ("at", "codes", "ends", "span", "starts", "text", "words")

    def __init__(self, text: str, span: Span, starts: list[int], ends: list[int], words: list[str], codes: str) -> None:
        self.text = text
        self.span = span
        self.starts = starts
        self.ends = ends
        self.words = words
        self.codes = codes
        self.at: dict[int, QuantityMention] = {}

    @property
    def line(self) -> str:
        """The sentence as written."""
        return self.text[self.span[0] : self.span[1]]

    def phrase(self, first: int, last: int) -> str:
        """The text from token `first` up to, not including, token `last`."""
        return self.text[self.starts[first] : self.ends[last - 1]]


@cache
def lexicon() -> Lexicon:
    """Read the word lists. A word that stands in two classes belongs to the one that is read last."""
    codes: dict[str, str] = {}
    metrics: dict[str, Metric] = {}
    changes: dict[str, Change] = {}
    for code, group in load("words")["classes"].items():
        codes.update(dict.fromkeys(group["words"], code))
    lists = load("metrics")
    for group in lists["metric"]:
        for word in group["words"]:
            for form in (word, f"{word}s"):
                metrics[form] = Metric(group["kind"], group["better"])
                codes[form] = "M"
    for group in load("changes")["change"]:
        for word in group["words"]:
            changes[word] = Change(group["effect"], group.get("kind"))
            codes[word] = "C"
    phrases = trie_pattern([word for word in codes if not re.fullmatch(r"[\w-]+", word)])
    lexer = re.compile(
        rf"{_QUANTITY}+|{_HARDWARE}+|{COUNT}+|{phrases}(?![\w-])|[\w$\\^{{}}@#]+(?:(?:(?!--)[-.'’+&@^]+|(?<=\d):(?=\d))[\w$\\^{{}}]+)*\+*|[^\s\w]"
    )
    return Lexicon(codes, metrics, changes, frozenset(lists["cased"]), frozenset(lists["fillers"]), lexer)


def load(name: str) -> dict[str, Any]:
    """Read a packaged word list."""
    return tomllib.loads(files(__package__).joinpath("lexicon", f"{name}.toml").read_text(encoding="utf-8"))


@cache
def phrase_words(name: str) -> frozenset[str]:
    """One of the lists of words that phrases are judged by."""
    return frozenset(load("phrases")[name])


def is_model(word: str) -> bool:
    """Whether a word is the name of a well-known model, such as "qwen2.5-vl-7b"."""
    return re.split(r"[-\d.]", word, maxsplit=1)[0] in phrase_words("models")


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
    if not branches:
        return ""
    inner = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    return f"(?:{inner})?" if "" in node else inner


class Reading:
    """A document's sentences, each read when it is first asked for."""

    def __init__(self, mentions: Mentions) -> None:
        self.mentions = mentions = mentions.as_read
        devices = [mention.span for mention in mentions.hardware]
        numbers = [mention for mention in mentions.quantities if not _is_part_of_name(mention, devices)]
        counts = [mention for mention in numbers if _counts_tests(mention, mentions.text)]
        quantities = [mention for mention in numbers if mention not in counts]
        self._masked = _mask(_without(mentions.text, mentions.asides), quantities, counts, mentions.hardware)
        self._quantities = {mention.span[0]: mention for mention in quantities}
        self._read: dict[int, Sentence] = {}

    def with_quantities(self) -> list[int]:
        """The numbers of the sentences that hold a quantity mention, in order."""
        sentences, n = self.mentions.sentences, 0
        numbers: list[int] = []
        for mention in self._quantities.values():
            while n + 1 < len(sentences) and sentences[n + 1][0] <= mention.span[0]:
                n += 1
            if not numbers or numbers[-1] != n:
                numbers.append(n)
        return numbers

    def sentence(self, n: int) -> Sentence:
        """The sentence with number `n`."""
        found = self._read.get(n)
        if found is None:
            found = self._read[n] = read_sentence(self.mentions.text, self._masked, self.mentions.sentences[n])
            starts, quantities = found.starts, self._quantities
            found.at = {n: quantities[start] for n, start in enumerate(starts) if start in quantities}
        return found


_SIZE = re.compile(r"\d+ ?[x×] ?(?!10 ?[\^–-])\d|[\d.]+B$")


def _is_part_of_name(mention: QuantityMention, devices: list[Span]) -> bool:
    """Whether a quantity stands in a phrase as a word: "3x3 kernels", "the 4-bit model", "a 14B baseline", "A100 40GB GPU"."""
    start, end = mention.span
    if any(a <= start and end <= b and (a, b) != (start, end) for a, b in devices):
        return True
    if mention.unit is None:
        return _SIZE.match(mention.text) is not None
    return mention.unit == "bit" or (mention.unit == "px" and mention.bound == "exact")


def _counts_tests(mention: QuantityMention, text: str) -> bool:
    """Whether a number counts datasets or test conditions ("on 12 datasets"): no number comes between it and another."""
    return mention.unit is None and mention.text.isdigit() and _tests().match(text, mention.span[1]) is not None


@cache
def _tests() -> re.Pattern[str]:
    return re.compile(
        rf"\+? (?:[\w-]+ ){{0,3}}?(?:{'|'.join(word for word in phrase_words('places') if word.endswith('s'))})\b"
    )


def _mask(
    text: str, quantities: list[QuantityMention], counts: list[QuantityMention], hardware: tuple[HardwareMention, ...]
) -> str:
    """The text in lower case, mentions blotted out, every offset kept."""
    lower = lowered(text)
    pieces, end = [], 0
    for start, stop, sign in _marks(quantities, counts, hardware):
        if start < end:
            continue
        pieces += [lower[end:start], sign * (stop - start)]
        end = stop
    pieces.append(lower[end:])
    return "".join(pieces)


def _without(text: str, asides: tuple[Span, ...]) -> str:
    """The text with asides blotted out, so that they part no number from its words."""
    pieces, end = [], 0
    for start, stop in asides:
        if text[start - 1 : start] == "(" and text[stop : stop + 1] == ")":
            start, stop = start - 1, stop + 1
        pieces += [text[end:start], " " * (stop - start)]
        end = stop
    return "".join([*pieces, text[end:]])


def _marks(
    quantities: list[QuantityMention], counts: list[QuantityMention], hardware: tuple[HardwareMention, ...]
) -> list[tuple[int, int, str]]:
    held = [mention.span for mention in quantities]
    marks = [(*span, _QUANTITY) for span in held] + [(*mention.span, COUNT) for mention in counts]
    for mention in hardware:
        start, stop = mention.span
        if not any(a < stop and start < b for a, b in held):
            marks.append((start, stop, _HARDWARE))
    return sorted(marks)


def read_sentence(text: str, masked: str, span: Span) -> Sentence:
    """Read one sentence of a masked text."""
    words_of = lexicon()
    starts: list[int] = []
    ends: list[int] = []
    words: list[str] = []
    codes: list[str] = []
    known = words_of.codes
    for match in words_of.lexer.finditer(masked, *span):
        word = match.group()
        if word[0] in "{}$\\" and (word[-1] == "{" or not word.strip("{}$\\")):
            continue  # mark-up: "\\textbf{", "$"
        start, end = match.span()
        code = known.get(word)
        if code is None and word[0] in "$\\" and (plain := word.strip("$\\{}")) in known:
            word, code = plain, known[plain]
        if code is None:
            first = word[0]
            if first == _QUANTITY:
                code = "Q"
            elif first == _HARDWARE:
                code = "H"
            elif first == COUNT:
                code = "w"
            elif len(word) == 1 and not word.isalnum():
                code = word if word in _PUNCTUATION else "B" if word in _BOUND_SIGNS else "w" if word == "→" else "-"
            else:
                code = _class_of(word, text[start:end], not starts)
        elif code == "M" and word in words_of.cased and text[start:end].islower():
            code = "w"
        starts.append(start)
        ends.append(end)
        words.append(word)
        codes.append(code)
    return Sentence(text, span, starts, ends, words, _settle("".join(codes), words))


def at_rank(word: str) -> Metric | None:
    """The entry of a metric that is taken at a rank or of so many tries, whatever the number: "pass@4"."""
    name, at, rank = word.partition("@")
    return lexicon().metrics.get(f"{name}@1") if at and rank[:1].isdigit() else None


def indexed(word: str) -> Metric | None:
    """The entry of a metric that has an index: "mAP^N", "N_Acc"."""
    return next((lexicon().metrics[part] for part in re.split("[_^]", word) if part in lexicon().metrics), None)


def _class_of(word: str, raw: str, first: bool) -> str:
    if "@" in word and at_rank(word):
        return "M"
    if ("_" in word or "^" in word) and indexed(word):
        return "M"
    if "-" in word:
        tail = word.rsplit("-", 1)[1]
        metric = lexicon().metrics.get(tail)
        named = raw[0].isupper() and word.split("-", 1)[0] in phrase_words("models")
        if (metric and metric.kind != "any" and not word.startswith(_DESCRIPTIVE) and not named) or word.startswith("time-to-"):
            return "M"
    if not raw.islower() and (not first or not raw[1:].islower()):
        return "N"
    if word.endswith("ly") and len(word) > 5 and "-" not in word and word not in _NOT_ADVERBS:
        return "R"
    return "w"


_AMBIGUOUS = re.compile(r"B(?![BDRC]*Q)|CT(?=[BDR]*Q)|T(?=[BDR]*Q)|(?<=[wNM])C(?=[wN])|C(?=[BDR]*Q)|(?<=[wN])V")
_ACTIVITIES = frozenset(["acceleration", "enhancement", "compression", "optimization", "improvement", "reduction", "benefit"])
_BEFORE_QUANTITY = re.compile("[BDR]*Q")
_QUANTIFIERS = frozenset(["more", "less", "fewer", "greater", "higher", "lower", "larger", "smaller"])


def _settle(codes: str, words: list[str]) -> str:
    """Settle words of two classes by what follows: "over 40 FPS", "more than 5%" bound; "over SegFormer" compares."""
    settled = list(codes)
    for match in _AMBIGUOUS.finditer(codes):
        n = match.start()
        match match.group():
            case "CT" if words[n] in _QUANTIFIERS and words[n + 1] == "than":
                settled[n] = settled[n + 1] = "B"
            case "CT" if words[n + 1] == "over":
                settled[n + 1] = "B"  # "saves over 20%"
            case "T" if words[n] == "over":
                settled[n] = "B"
            case "V" if words[n] == "matching":
                settled[n] = "w"  # "stereo matching"
            case "C" if words[n].startswith("exceed") and _BEFORE_QUANTITY.match(codes, n + 1):
                settled[n] = "V"  # "accuracy exceeds 98%"
            case "C" if words[n] in _ACTIVITIES and codes[n + 1] in "wN":
                settled[n] = "w"  # "a video compression framework"
            case "B":
                adverb = words[n] in ("only", "just", "on average", "even")
                settled[n] = "R" if adverb else "D" if words[n].startswith(("a ", "an ")) else "p"
    return "".join(settled)
