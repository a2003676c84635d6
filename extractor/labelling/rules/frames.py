"""A quantity in its sentence: the run that it stands in, the stretches around the run, and what governs it."""

import re
from dataclasses import dataclass

from extractor.labelling.rules.reading import Change, Metric, Sentence, at_rank, indexed, lexicon, phrase_words
from extractor.spotting import QuantityMention

NP = "[wNMH/]"
"""Classes of the words of a noun phrase."""

FILL = "[BDRv]*"

DAY = 86400.0
"""Seconds."""

METRIC_PHRASE = re.compile(rf"{NP}*M")
BEATING = re.compile(rf"(?:{'|'.join(sorted(phrase_words('beating')))})\w*")
_OWN_NOUN = re.compile(r"[A-Za-z]+$")


@dataclass(slots=True)
class Frame:
    """One quantity in its sentence. `first` and `last` bound its run, the coordinated quantities that it stands with.

    `place` is its position in the run of `size` quantities; `head` is the first token of the stretch before the run, `tail` the
    token after the stretch behind it: neither stretch holds another quantity. `metric` and `change` are token ranges and
    indices, `rule` the name of the rule that found them.
    """

    mention: QuantityMention
    sentence: Sentence
    token: int
    first: int
    last: int
    place: int
    size: int
    head: int
    tail: int
    paired: bool = False
    metric: tuple[int, int] | None = None
    change: int | None = None
    rule: str = ""

    @property
    def before(self) -> str:
        """Classes of the tokens between the run before and this run."""
        return self.sentence.codes[self.head : self.first]

    @property
    def after(self) -> str:
        """Classes of the tokens between this run and the next."""
        return self.sentence.codes[self.last : self.tail]

    @property
    def listed(self) -> bool:
        """Whether the run coordinates numbers of several things ("Q and Q"), not two of one ("from Q to Q", "Q vs Q")."""
        return self.size > 1 and not set("tT") & set(self.sentence.codes[self.first : self.last]) and self.rule != "from to"

    @property
    def words_before(self) -> list[str]:
        return self.sentence.words[self.head : self.first]

    @property
    def words_after(self) -> list[str]:
        return self.sentence.words[self.last : self.tail]

    @property
    def entry(self) -> Metric | None:
        """What the lexicon knows of the metric: the entry of its last known word."""
        if self.metric is None:
            return None
        if self.metric[0] and self.sentence.words[self.metric[0] - 1].endswith(("number of", "amount of", "volume of")):
            return _NUMBER_OF
        return metric_entry(self.sentence, *self.metric)

    @property
    def change_entry(self) -> Change | None:
        """What the lexicon knows of the word of change."""
        return None if self.change is None else lexicon().changes[self.sentence.words[self.change]]

    @property
    def metric_text(self) -> str | None:
        """The metric's words as written; a counted unit ("372M parameters") names it itself where nothing else does."""
        counted = self.mention.measure.counts
        if self.metric is not None and not (counted and self.entry is not None and self.entry.kind == "accuracy"):
            return self.sentence.phrase(*self.metric)
        if counted and (match := _OWN_NOUN.search(self.mention.text)) and len(match.group()) > 1:
            return match.group()
        return None


_TIME_TO = Metric("time", "lower")
_NUMBER_OF = Metric("resource", "lower")


def metric_entry(sentence: Sentence, first: int, last: int) -> Metric | None:
    """The lexicon's entry of the last metric word of a phrase; an entry of kind "any" gives way to one before it."""
    metrics, found = lexicon().metrics, None
    for n in range(last - 1, first - 1, -1):
        if sentence.codes[n] == "M":
            word = sentence.words[n]
            entry = metrics.get(word) or metrics.get(word.rsplit("-", 1)[-1]) or at_rank(word) or indexed(word) or _TIME_TO
            if entry.kind != "any":
                return entry
            found = found or entry
    return found


_JOINT = re.compile(r"[,/]?&?[BR]*|T|-+|t")


def frames_of(sentence: Sentence) -> list[Frame]:
    """The frames of the quantities of a sentence, in order."""
    codes, places = sentence.codes, sorted(sentence.at)
    runs: list[list[int]] = []
    for place in places:
        between = codes[runs[-1][-1] + 1 : place] if runs else None
        if between is not None and _JOINT.fullmatch(between) and _alike(sentence, runs[-1][-1], place, between):
            runs[-1].append(place)
        else:
            runs.append([place])
    runs = [part for run in runs for part in _coordinated(codes, run)]
    frames = []
    for n, run in enumerate(runs):
        head = runs[n - 1][-1] + 1 if n else 0
        tail = runs[n + 1][0] if n + 1 < len(runs) else len(codes)
        for position, token in enumerate(run):
            mention = sentence.at[token]
            frames.append(Frame(mention, sentence, token, run[0], run[-1] + 1, position, len(run), head, tail))
    return frames


def _coordinated(codes: str, run: list[int]) -> list[list[int]]:
    """The run in one piece, or number by number if nothing but a comma joins two ("a score of 82.1, 1.5 points higher")."""
    if len(run) == 2 and set(codes[run[0] + 1 : run[1]]) <= set(",BR"):
        return [[place] for place in run]
    return [run]


def _alike(sentence: Sentence, a: int, b: int, between: str) -> bool:
    """Whether two neighbouring quantities are of one sort, so that what is said of one is said of the other."""
    left, right = sentence.at[a], sentence.at[b]
    return left.unit == right.unit or (left.unit is None and between in ("T", "t"))


def is_timed(frame: Frame) -> bool:
    """Whether a number is a time under a day, or a rate: what one run takes or reaches."""
    unit = frame.mention.measure
    return unit.dimension in ("time", "rate") and 0 < unit.base < DAY


def is_score(frame: Frame) -> bool:
    """Whether a number looks like a score: a percentage or a decimal."""
    mention = frame.mention
    return mention.unit == "%" or (
        mention.unit is None and "." in mention.text and _DECIMAL.fullmatch(mention.text) is not None
    )


_DECIMAL = re.compile(r"[\d.,+\-–~$\\\s]+(?:pm|plus-minus|±)?[\d.$\s]*")
_TALLIES = frozenset(["score", "scores", "value", "values", "metric", "metrics"])
_VAGUE = frozenset(["performance", "score", "scores"])
_KEPT = frozenset(["end-to-end", "average", "mean", "overall", "total", "median", "peak"])


def named(sentence: Sentence, first: int, last: int) -> tuple[int, int] | None:
    """A metric's words without fillers in front and devices behind; None if no name is left or it is a model's."""
    codes, words, fillers = sentence.codes, sentence.words, lexicon().fillers
    while last > first and codes[last - 1] in "H/":
        last -= 1
    for n in range(last - 2, first - 1, -1):
        if words[n].endswith(("'s", "’s")):
            first = n + 1
            break
    if last - first > 1 and codes[last - 2 : last] == "Mw" and words[last - 1].endswith(("ed", "ing")):
        last -= 1
    if all(words[n] in fillers for n in range(first, last)):
        return None
    while words[first] == "/" or (words[first] in fillers and words[first] not in _KEPT):
        first += 1
    if last - first > 1 and words[last - 1] in _TALLIES and "M" in codes[first : last - 1]:
        last -= 1
    if last - first > 1 and words[first] in ("average", "mean") and words[last - 1] not in _VAGUE:
        first += 1
    if "M" not in codes[first:last] and words[last - 1].endswith("ing"):
        return None
    if "M" not in codes[first:last] and codes[last - 1] == "N" and not _ACRONYM.fullmatch(sentence.phrase(last - 1, last)):
        return None
    return first, last


_ACRONYM = re.compile(r"[A-Z][A-Za-z]?[A-Z@]+[a-z]?[\w@.-]*|[A-Z]-\w+|[A-Z]{2,}[\w@-]*|[A-Z][a-z]?[A-Z]+")


REPORTED = re.compile(rf"Vt?{FILL}$")
_GOES_ON = frozenset("PFIW),.") | {""}


def reported(frame: Frame) -> bool:
    """Whether a verb of result stands right before a score: "achieves 59.8% on LongVideoBench"."""
    return is_score(frame) and REPORTED.search(frame.before) is not None and frame.after[:1] not in tuple("OMCH-/")
