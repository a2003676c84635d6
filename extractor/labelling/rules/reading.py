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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from extractor.documents import Span, lowered
from extractor.labelling.rules.lexicon import COUNT, HARDWARE, QUANTITY, Lexicon
from extractor.spotting.mentions import Mentions
from extractor.spotting.quantities import QuantityMention

_PUNCTUATION = frozenset(",;:()/=.")
_BOUND_SIGNS = frozenset("~≈∼<>≤≥")


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """One sentence with its tokens: where they stand in the document's text, lower-case words, and `codes`, a letter for each.

    `at` holds the quantities by their tokens.
    """

    text: str
    span: Span
    spans: tuple[Span, ...]
    words: tuple[str, ...]
    codes: str
    at: Mapping[int, QuantityMention]
    lexicon: Lexicon

    def phrase(self, first: int, last: int) -> str:
        """The text from token `first` up to, not including, token `last`."""
        return self.text[self.spans[first][0] : self.spans[last - 1][1]]

    def holds(self, name: str, first: int, last: int) -> bool:
        """Whether one of the words from token `first` up to `last` is in a list of the lexicon."""
        return not self.lexicon.lists[name].isdisjoint(self.words[max(0, first) : last])

    def beats(self, n: int) -> bool:
        """Whether a word is one of change whose object is a rival: "outperforms"."""
        return (entry := self.lexicon.changes.get(self.words[n])) is not None and entry.rival


Previous = Callable[[int, re.Pattern[str] | None], Sentence | None]
"""Reads a sentence so many before a number's own. Few need it, and to read them all took an eighth of the time of claims."""


class Reading:
    """A document's sentences, each read when it is first asked for."""

    def __init__(self, mentions: Mentions, lexicon: Lexicon) -> None:
        self.mentions = mentions = mentions.as_read
        self._lexicon = lexicon
        devices = [mention.span for mention in mentions.hardware]
        numbers = [mention for mention in mentions.quantities if not _is_part_of_name(mention, devices)]
        counts = [mention for mention in numbers if _counts_tests(mention, mentions.text, lexicon)]
        quantities = [mention for mention in numbers if mention not in counts]
        self._masked = _mask(mentions, quantities, counts)
        self._quantities = {mention.span[0]: mention for mention in quantities}
        self._read: dict[int, Sentence] = {}

    def with_quantities(self) -> list[int]:
        """The numbers of the sentences that hold a quantity mention, in order."""
        held = {mention.sentence for mention in self._quantities.values()}
        return [n for n, span in enumerate(self.mentions.sentences) if span in held]

    def sentence(self, n: int) -> Sentence:
        """The sentence with number `n`."""
        found = self._read.get(n)
        if found is None:
            span = self.mentions.sentences[n]
            found = self._read[n] = read_sentence(self.mentions.text, self._masked, span, self._quantities, self._lexicon)
        return found

    def before(self, n: int, back: int, told: re.Pattern[str] | None) -> Sentence | None:
        """The sentence `back` before the one with number `n`, if its text in lower case begins as `told`; not the title."""
        fits = n > back and (told is None or told.match(self._masked, *self.mentions.sentences[n - back]))
        return self.sentence(n - back) if fits else None


_SIZE = re.compile(r"\d+ ?[x×] ?(?!10 ?[\^–-])\d|[\d.]+B(?: ?(?:[-–]|to) ?[\d.]+B)?$")


def _is_part_of_name(mention: QuantityMention, devices: list[Span]) -> bool:
    """Whether a quantity stands in a phrase as a word: "3x3 kernels", "the 4-bit model", "a 14B baseline", "A100 40GB GPU"."""
    start, end = mention.span
    if any(a <= start and end <= b for a, b in devices):
        return True
    if mention.unit is None:
        return _SIZE.match(mention.text) is not None
    return mention.measure.names or (mention.unit == "params" and mention.low < mention.high)


def _counts_tests(mention: QuantityMention, text: str, lexicon: Lexicon) -> bool:
    """Whether a number counts datasets or test conditions ("on 12 datasets"): no number comes between it and another."""
    return mention.unit is None and mention.text.isdigit() and lexicon.tests.match(text, mention.span[1]) is not None


def _mask(mentions: Mentions, quantities: list[QuantityMention], counts: list[QuantityMention]) -> str:
    """The text in lower case, mentions and asides blotted out, every offset kept."""
    lower = lowered(mentions.text)
    marks = [(*span, " ") for span in mentions.asides] + [(*mention.span, COUNT) for mention in counts]
    marks += [(*mention.span, QUANTITY) for mention in quantities] + [
        (*mention.span, HARDWARE) for mention in mentions.hardware
    ]
    pieces, end = [], 0
    for start, stop, sign in sorted(marks):
        if start >= end:
            pieces += [lower[end:start], sign * (stop - start)]
            end = stop
    return "".join([*pieces, lower[end:]])


def read_sentence(text: str, masked: str, span: Span, quantities: Mapping[int, QuantityMention], lexicon: Lexicon) -> Sentence:
    """Read one sentence of a masked text; `quantities` are those of the text by where they start."""
    known, cased = lexicon.codes, lexicon.lists["cased"]
    found = [*lexicon.lexer.finditer(masked, *span)]
    words = [match[0] for match in found]
    spans = tuple([match.span() for match in found])
    # Looked up all at once, and what stands in no list remembered: word by word it takes half as long again.
    codes = [*map(known.get, words)]
    for n, code in enumerate(codes):
        if code is None:
            codes[n] = _MARKS.get(words[n][0]) or _class_of(words[n], text[slice(*spans[n])], n == 0, lexicon)
        elif words[n] in cased and text[slice(*spans[n])].islower() == (len(words[n]) > 1):
            codes[n] = "w"
    at = MappingProxyType({n: quantities[start] for n, (start, _) in enumerate(spans) if start in quantities})
    return Sentence(text, span, spans, tuple(words), _settle("".join(map(str, codes)), words, at), at, lexicon)


_MARKS = {QUANTITY: "Q", HARDWARE: "H", COUNT: "w"}


@lru_cache(maxsize=4096)
def _class_of(word: str, raw: str, first: bool, lexicon: Lexicon) -> str:
    """The class of a token that stands in no list: a sign, or a word by its form."""
    if len(word) == 1 and not word.isalnum():
        return word if word in _PUNCTUATION else "B" if word in _BOUND_SIGNS else "-"
    if lexicon.at_rank(word) or lexicon.indexed(word):
        return "M"
    if "-" in word:
        metric = lexicon.metrics.get(word.rpartition("-")[2])
        descriptive = word.partition("-")[0] in lexicon.lists["descriptive"]
        if (metric and metric.kind != "any" and not descriptive) or word.startswith("time-to-"):
            return "M"
    if (not raw.islower() and (not first or not raw[1:].islower())) or re.match(r"[a-z][a-z-]*\d", word):
        return "N"
    if word.endswith("ly") and len(word) > 5 and "-" not in word and word not in lexicon.lists["unadverbial"]:
        return "R"
    return "w"


_AMBIGUOUS = re.compile(
    r"tQ|B(?![BDRC]*Q)|CT(?=[BDR]*Q)|T(?=[BDR]*Q)|(?<=[wNM])C(?=[wNYV])|C(?=[BDR]*Q)|(?<=[wN])V|(?<=D)V(?=[wNM])|w(?=Q)"
)
_ACTIVITIES = frozenset(["acceleration", "enhancement", "compression", "optimization", "improvement", "reduction", "benefit"])
_HARMS = frozenset(["loss", "losses", "degradation", "degradations", "drop", "drops", "sacrifice", "penalty", "slowdown"])
_AFTER_CHANGE = re.compile(r"C[RDB]*[wNM/]{0,4}$")
_BEFOREQUANTITY = re.compile("[BDR]*Q")


def _settle(codes: str, words: list[str], at: Mapping[int, QuantityMention]) -> str:
    """Settle words of two classes by what follows: "over 40 FPS", "more than 5%" bound; "over SegFormer" compares."""
    settled = list(codes)
    for match in _AMBIGUOUS.finditer(codes):
        n = match.start()
        match match.group():
            case "tQ" if words[n] in ("between", "from") and at[n + 1].low < at[n + 1].high:
                settled[n] = "O" if codes[n - 1] == "C" else "B"  # "savings between 1% and 2%"
            case "CT" if words[n + 1] == "than" and codes[n - 1] != "Q":
                settled[n] = settled[n + 1] = "B"
            case "CT" if words[n + 1] == "over" and codes[n + 2] == "Q":
                settled[n + 1] = "B"  # "saves over 20%"
            case "T" if words[n] == "over":
                settled[n] = "B"
            case "w" if words[n] in ("average", "mean", "median", "avg"):
                settled[n] = "B"  # "(average 2.5 s)"
            case "V" if words[n] in ("matching", "stay") or (codes[n - 1] == "D" and words[n].endswith(("ed", "ning"))):
                settled[n] = "w"  # "stereo matching", "the remaining tests"
            case "C" if words[n].startswith("exceed") and _BEFOREQUANTITY.match(codes, n + 1):
                settled[n] = "V"  # "accuracy exceeds 98%"
            case "C" if words[n] in _HARMS and _AFTER_CHANGE.search(codes, 0, n):
                settled[n] = "M"  # "reduces the L1 loss"
            case "C" if words[n] in ("losses", "optimization") or (words[n] in _ACTIVITIES and codes[n + 1] in "wN"):
                settled[n] = "w"  # "a video compression framework", "contrastive losses"
            case "B" if words[n] in ("below", "above") and codes[n - 1] in "Q)":
                settled[n] = "C"  # "5% below that of X"
            case "B":
                adverb = words[n] in ("only", "just", "on average", "even", "estimated")
                settled[n] = "R" if adverb else "D" if words[n].startswith(("a ", "an ")) else "p"
    return "".join(settled)
