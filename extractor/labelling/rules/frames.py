"""How a quantity hangs in its sentence: which words name its metric and which word of change governs it.

The rules are regular expressions over the class letters of `reading.py`; the first that matches decides.
"""

import itertools
import re
from dataclasses import dataclass

from extractor.labelling.rules.reading import Change, Metric, Sentence, lexicon
from extractor.spotting import QuantityMention


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
        if self.sentence.words[max(0, self.metric[0] - 2) : self.metric[0]] == ["number", "of"]:
            return _NUMBER_OF
        return metric_entry(self.sentence, *self.metric)

    @property
    def change_entry(self) -> Change | None:
        """What the lexicon knows of the word of change."""
        return None if self.change is None else lexicon().changes[self.sentence.words[self.change]]

    @property
    def metric_text(self) -> str | None:
        """The metric's words as written; a counted unit ("372M parameters") names it itself where nothing else does."""
        if self.metric is not None:
            return self.sentence.phrase(*self.metric)
        if self.mention.unit in _COUNTED_UNITS and (match := _OWN_NOUN.search(self.mention.text)) and len(match.group()) > 1:
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
            entry = metrics.get(word) or metrics.get(word.rsplit("-", 1)[-1]) or _TIME_TO
            if entry.kind != "any":
                return entry
            found = found or entry
    return found


_JOINT = re.compile(r"[,/]?&?[BR]*|T|-+|t")
_WITH_NOUN = re.compile(r",?&[BDR]*")


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
    frames = []
    for n, run in enumerate(runs):
        head = runs[n - 1][-1] + 1 if n else 0
        tail = runs[n + 1][0] if n + 1 < len(runs) else len(codes)
        for position, token in enumerate(run):
            mention = sentence.at[token]
            frames.append(Frame(mention, sentence, token, run[0], run[-1] + 1, position, len(run), head, tail))
    return frames


def _alike(sentence: Sentence, a: int, b: int, between: str) -> bool:
    """Whether two neighbouring quantities are of one sort, so that what is said of one is said of the other."""
    left, right = sentence.at[a], sentence.at[b]
    return left.unit == right.unit or (left.unit is None and between in ("T", "t"))


NP = "[wNMH/]"
"""Classes of the words of a noun phrase."""

_FILL = "[BDRv]*"


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern over the classes before (`head`) or behind (`tail`) a run; its groups `m` and `c` are metric and change."""

    name: str
    side: str
    pattern: re.Pattern[str]
    example: str


def _head(name: str, pattern: str, example: str) -> Rule:
    return Rule(name, "head", re.compile(pattern + "$"), example)


def _tail(name: str, pattern: str, example: str) -> Rule:
    return Rule(name, "tail", re.compile(pattern), example)


RULES: tuple[Rule, ...] = (
    _head("change is", rf"(?P<c>C)I[BDR]*(?P<m>{NP}+)[^CQ;SV]{{0,8}}v{_FILL}", "the gains in WER over X are Q"),
    _head("changes by", rf"(?P<m>{NP}*M[wN]?)[vR]*(?P<c>C)[RBD(]{{0,3}}Y{_FILL}", "latency is reduced by Q"),
    _head(
        "nominal change", rf"(?P<m>{NP}+)?(?P<c>C)w?(?:[OYA]|vO)?(?:[FV])?{_FILL}(?<=[OYAvF]){_FILL}", "an accuracy drop of Q"
    ),
    _head("metric of", rf"(?P<m>{NP}*M[wN]?)(?:\([^)]{{1,3}}\))?(?:[Ov=:(]+|A|vV|-|(?=B)){_FILL}", "AUC of Q, latency is Q"),
    _head("from to", rf"(?P<m>{NP}*M[wN]?)(?:[vR]*C)?[^CQ;SYV]{{0,8}}t{_FILL}", "shortens the sequence length from Q to Q"),
    _head("from to", rf"C[^CMQ;SYV]{{0,10}}t{_FILL}", "improves the model from Q to Q"),
    _head("changed by", rf"(?P<c>C)[RDB]*(?:{NP}+,?&D?)?(?P<m>{NP}*M{NP}*)[^CQ;SYV]{{0,12}}Y{_FILL}", "reduces memory by Q"),
    _head(
        "changed in by", rf"(?P<c>C)[^CQ;SYIV]{{0,12}}I[BDR]*(?P<m>{NP}+)[^CQ;SYI]{{0,6}}Y{_FILL}", "outperforms X in WER by Q"
    ),
    _tail(
        "Q change in metric", rf"[BDRw]{{0,2}}(?P<c>C)[wR]{{0,2}}(?:\([^)]*\))?[IO][BDR]*(?P<m>{NP}+)", "a Q improvement in F1"
    ),
    _tail("Q change on metric", rf"[BDRw]{{0,2}}(?P<c>C)P[BDR]*(?P<m>{NP}*M)", "a Q speed-up on epoch time"),
    _tail("Q metric change", rf"[RBD]*(?P<m>{NP}{{1,5}})(?P<c>C)", "Q latency reduction"),
    _tail("Q changed metric", rf"[RBDw]*(?P<c>C)[RDC]*(?P<m>{NP}*M)", "Q lower latency"),
    _head("changed by noun", rf"(?P<c>C)[RDB]*(?P<m>{NP}+)[^CQ;SYV]{{0,10}}Y{_FILL}", "speeds up fine-tuning by Q"),
    _head("metric changes", rf"(?P<m>{NP}*M)R*(?P<c>C)[RBD]*", "throughput increases Q"),
    _head("changing Q metric", r"(?P<c>C)[RBD]*", "reducing Q of the FLOPs"),
    _tail("Q metric", rf"-?[RBD]*(?P<m>{NP}{{0,4}}M)", "Q top-1 accuracy"),
    _head("metric reaches", rf"(?P<m>{NP}*M[wN]?)(?:\([^)]{{1,3}}\))?,?W?V{_FILL}", "accuracy reaches Q"),
    _tail("Q in metric", rf"[RB]*I[BDR]*(?P<m>{NP}*M[wN]?)", "Q in size"),
    _tail("Q change", r"[BDRw-]{0,2}(?P<c>C)", "Q faster, a Q speedup"),
    _tail("Q of metric change", rf"R*O[DBR]*(?P<m>{NP}+)(?P<c>C)", "Q of accuracy improvement"),
    _tail("Q of metric", rf"[RB]*O[DBR]*(?P<m>{NP}*M)", "Q of the parameters"),
    _head("metric Q", rf"(?P<m>{NP}*M){_FILL}", "performance Q"),
    _head("changed object", rf"(?P<c>C)[RDB]*{NP}+{_FILL}", "compressing a model Q times"),
    _head("name of", rf"(?P<m>{NP}{{0,3}}N)(?:O|=|\(){_FILL}", "S-measures of Q"),
    _head("name (Q)", rf"N\({_FILL}", "ModelNet40 (Q)"),
    _head("changed", rf"(?P<c>C)[^CQ;SV]{{0,10}}Y{_FILL}", "improves by Q"),
)
"""In order; the first that matches decides."""


def hang(frame: Frame) -> None:
    """Set metric, change and rule of a frame.

    The first rule that matches decides. Where it gives a change without a metric, the first later rule that gives a metric
    adds it ("a drop of Q in accuracy").
    """
    before = frame.before[-30:]
    shift = frame.first - len(before)
    for rule in RULES:
        match = rule.pattern.search(before) if rule.side == "head" else rule.pattern.match(frame.after)
        if match is None:
            continue
        base = shift if rule.side == "head" else frame.last
        groups = rule.pattern.groupindex
        if frame.rule and "c" in groups and frame.change != match.start("c") + base:
            continue
        metric = None
        if "m" in groups and match["m"]:
            metric = _named(frame.sentence, match.start("m") + base, match.end("m") + base)
            if metric is None and "c" not in groups:
                continue
        if not _fits(rule, frame, match):
            continue
        if frame.rule and metric is None:
            continue
        if "c" in groups and _BEATING.fullmatch(frame.sentence.words[match.start("c") + base]) and rule.name != "changed in by":
            metric = None
        if not frame.rule:
            frame.rule = rule.name
            if "c" in groups:
                frame.change = match.start("c") + base
        if metric is not None:
            frame.metric = _distributed(frame, *metric)
            break
    if frame.rule in ("metric of", "name of", "metric reaches") and (match := _CHANGED_AFTER.match(frame.after)):
        frame.change = match.start("c") + frame.last


def _fits(rule: Rule, frame: Frame, match: re.Match[str]) -> bool:
    """What a rule asks beyond its pattern."""
    sentence, unit = frame.sentence, frame.mention.unit
    match rule.name:
        case "name of" | "metric Q":
            return _is_score(frame)
        case "Q of metric change":
            return _NOUN_OF_CHANGE.fullmatch(sentence.words[match.start("c") + frame.last]) is not None
        case "name (Q)":
            return unit == "%" and frame.after[:1] in (")", "F", "I", "P")
        case "from to":
            return frame.size == 2 or frame.mention.low != frame.mention.high or "m" in rule.pattern.groupindex
        case "changed object":
            beats = _BEATING.fullmatch(sentence.words[frame.first - len(match.string) + match.start("c")]) is not None
            return unit == "x" or (unit == "%" and beats and frame.before.endswith("B"))
        case "changing Q metric":
            return _BEATING.fullmatch(sentence.words[frame.first - len(match.string) + match.start("c")]) is None
        case "metric of":  # "(99 ms latency)": what stands in the parentheses names the metric
            entry = metric_entry(
                sentence, frame.first - len(match.string) + match.start("m"), frame.first - len(match.string) + match.end("m")
            )
            vague = entry is not None and entry.kind == "any"
            return (not vague and _OPENED_BY.search(frame.before) is None) or _OWN_METRIC.match(frame.after) is None
        case _:
            return True


_NOUN_OF_CHANGE = re.compile(r"\w*(?:ments?|tions?|gains?|drops?|increases?|decreases?|savings?|speed-?ups?|loss|degradation)")
_OPENED_BY = re.compile(rf"\({_FILL}$")
_OWN_METRIC = re.compile(rf"(?:&[BDR]*Q)*[BDRw]{{0,2}}C|-?[RBD]*{NP}{{0,4}}M")
_CHANGED_AFTER = re.compile(r"R?(?P<c>C)")
_SHARED = re.compile(rf"I[BDR]*(?P<m>{NP}*M)")
_METRIC = re.compile(rf"{NP}*M")
_LIST_END = re.compile(rf"{NP}*M(?:,{NP}*M)*,?&[DBR]*{NP}*M")
_OWN_NOUN = re.compile(r"[A-Za-z]+$")
_COUNTED_UNITS = frozenset(["params", "FLOPs", "MACs", "tokens"])


def complete(frame: Frame) -> None:
    """Find a metric for a frame that has none: where its sentence names one a little further off.

    "outperforms X by 2.6% in F1", "1.5x faster than X, 2.6x faster than Y w.r.t. latency", "time efficiency (<10 s)",
    "a smaller size (7x smaller than X)".
    """
    if frame.metric is not None:
        return
    codes, sentence = frame.sentence.codes, frame.sentence
    change = frame.change_entry
    if change is not None and not frame.paired:
        match = _SHARED.search(codes, frame.last, frame.tail) or (_SHARED.search(codes, frame.tail) if change.kind else None)
        if match is not None and (change.kind is None or _kind_at(sentence, match) == change.kind):
            frame.metric = _named(sentence, *match.span("m"))
            return
    if change is not None and change.kind is None and sentence.words[frame.change or 0] not in _COMPARATIVE:
        return
    wanted = change.kind if change is not None else "time" if frame.mention.unit in TIMED else None
    if (change is None and wanted is None) or frame.rule in ("nominal change", "changed by noun"):
        return
    for match in reversed([*_METRIC.finditer(codes, frame.head, frame.first)]):
        kind = _kind_at(sentence, match)
        if (kind == wanted or (wanted is None and kind not in (None, "any"))) and not _PARTED.search(
            codes, match.end(), frame.first
        ):
            frame.metric = _named(sentence, *match.span())
            return


_PARTED = re.compile(r"[;S]|,R*[VUC]|,&|V")
TIMED = frozenset(["s", "ms", "us", "ns", "min", "h", "FPS", "tokens/s"])


def _kind_at(sentence: Sentence, match: re.Match[str]) -> str | None:
    entry = metric_entry(sentence, *match.span("m" if "m" in match.re.groupindex else 0))
    return entry.kind if entry else None


def _distributed(frame: Frame, first: int, last: int) -> tuple[int, int]:
    """The metric that belongs to the number's place in its run: "a precision and recall of Q and Q"; an acronym behind it."""
    sentence, codes = frame.sentence, frame.sentence.codes
    if frame.size > 1:
        match = (
            _LIST_END.match(codes, first)
            if first >= frame.last
            else next((m for m in _LIST_END.finditer(codes, frame.head, frame.first) if m.end() == last), None)
        )
        items = [m.span() for m in _METRIC.finditer(codes, *match.span())] if match else []
        if len(items) == frame.size:
            return items[frame.place]
    if codes[last : last + 1] == "(" and codes[last + 2 : last + 3] == ")" and codes[last + 1] in "MN":
        name = sentence.phrase(last + 1, last + 2)
        if sum(c.isupper() for c in name) > 1:
            return last + 1, last + 2
    return first, last


_BEATING = re.compile(r"(?:outperform|surpass|exceed|beat|outshin)\w*")


def _is_score(frame: Frame) -> bool:
    """Whether a number looks like a score: a percentage or a decimal."""
    mention = frame.mention
    return mention.unit == "%" or (
        mention.unit is None and "." in mention.text and _DECIMAL.fullmatch(mention.text) is not None
    )


_DECIMAL = re.compile(r"[\d.,+\-–~$\\\s]+(?:pm|plus-minus|±)?[\d.$\s]*")
_KEPT = frozenset(["average", "mean", "overall", "total", "median", "peak"])
_COMPARATIVE = frozenset(
    ["higher", "lower", "better", "worse", "less", "more", "fewer", "greater", "larger", "shorter", "longer", "exceeds"]
)


def _named(sentence: Sentence, first: int, last: int) -> tuple[int, int] | None:
    """A metric's words without fillers in front and devices behind; None if no name is left or it is a model's."""
    codes, words, fillers = sentence.codes, sentence.words, lexicon().fillers
    while last > first and codes[last - 1] in "H/":
        last -= 1
    if all(words[n] in fillers for n in range(first, last)):
        return None
    while words[first] == "/" or (words[first] in fillers and words[first] not in _KEPT):
        first += 1
    if "M" not in codes[first:last] and words[last - 1].endswith("ing"):
        return None
    if "M" not in codes[first:last] and codes[last - 1] == "N" and not _ACRONYM.fullmatch(sentence.phrase(last - 1, last)):
        return None
    return first, last


_ACRONYM = re.compile(r"[A-Z][A-Za-z]?[A-Z@]+[a-z]?[\w@.-]*|[A-Z]-\w+|[A-Z]{2,}[\w@-]*|[A-Z][a-z]?[A-Z]+")


def carry(frames: list[Frame]) -> None:
    """Give a frame what the one before it in the sentence was said of, where the words between them only continue it."""
    for before, frame in itertools.pairwise(frames):
        if before.first == frame.first:
            if not frame.rule or before.rule in _CARRIED_NAMES:
                frame.change, frame.metric, frame.rule, frame.paired = before.change, before.metric, before.rule, before.paired
            continue
        if not before.rule:
            continue
        between = frame.sentence.codes[before.last : frame.first]
        same = before.mention.unit == frame.mention.unit
        if before.change is not None and frame.change is None and (match := _AND_METRIC_BY.fullmatch(between)):
            frame.change, frame.rule = before.change, "and metric by"
            frame.metric = _named(frame.sentence, match.start("m") + before.last, match.end("m") + before.last)
        elif (
            same
            and before.change is not None
            and frame.change is None
            and _LISTED.fullmatch(between)
            and frame.rule in ("", "Q in metric", "Q metric", "Q of metric")
        ):
            frame.change, frame.metric, frame.rule = before.change, frame.metric or before.metric, "listed change"
        elif same and before.change is not None and frame.change is None and _AND_BY.fullmatch(between):
            frame.change, frame.metric, frame.rule = before.change, before.metric, "listed change"
        elif same and not frame.rule and _LISTED.fullmatch(between):
            frame.metric, frame.rule = before.metric, "listed value"
        elif (
            same
            and frame.size == 1
            and before.change is not None
            and frame.rule in ("", "metric of", "name of")
            and _OPENED.fullmatch(between)
        ):
            frame.change, frame.metric, frame.rule = before.change, before.metric, "listed change"


_AND_METRIC_BY = re.compile(rf"[^CQ;SV]{{0,12}}?[,&(][,&BDR]*(?P<m>{NP}+)[^CQ;SV]{{0,6}}Y{_FILL}")
_LISTED = re.compile(r"[^QC;SV]{0,8}[,&(][^QC;SVY]{0,6}|[^QC;SV]{0,3}")
_OPENED = re.compile(r"[^Q;SV.]{0,8}\([BDR]*")
_AND_BY = re.compile(rf"[^CQ;SV]{{0,8}},?&Y{_FILL}")
LISTED = frozenset(["listed change", "listed value"])
"""Names of the rules by which a number shares what the number before it in a list was said of."""

_CARRIED_NAMES = LISTED | {"and metric by"}


def pair(frames: list[Frame]) -> None:
    """ "9.1x faster decoding (0.75s vs 6.82s)": values in parentheses have the metric that the number before is about."""
    for before, frame in itertools.pairwise(frames):
        codes = frame.sentence.codes
        opened = codes.rfind("(", before.last, frame.first)
        if (
            before.first == frame.first
            or opened == -1
            or not before.rule
            or frame.rule not in ("", "metric of", "from to", "name of")
        ):
            continue
        if set(codes[opened + 1 : frame.first]) <= set("BDRt"):
            for other in frames:
                if other.first == frame.first:
                    other.metric, other.change, other.rule, other.paired = before.metric, None, "in parentheses", True


_REPORTED = re.compile(rf"V{_FILL}$")
_GOES_ON = frozenset("PNFwIW),.") | {""}


def reported(frame: Frame) -> bool:
    """Whether a verb of result stands right before a score: "achieves 59.8% on LongVideoBench"."""
    return (
        _is_score(frame)
        and re.search(rf"V{_FILL}$", frame.before) is not None
        and frame.after[:1] in ("P", "N", "F", "w", "I", "")
    )
