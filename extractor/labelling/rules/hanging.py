"""How a quantity hangs in its sentence: which words name its metric and which word of change governs it.

The rules are regular expressions over the class letters of `reading.py`; the first that matches decides.
"""

import re
from dataclasses import dataclass

from extractor.labelling.rules.frames import (
    BEATING,
    FILL,
    METRIC_PHRASE,
    NP,
    REPORTED,
    Frame,
    is_score,
    is_timed,
    metric_entry,
    named,
    reported,
)
from extractor.labelling.rules.reading import Sentence, phrase_words


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


TO = FILL.replace("D", "")
"""No article: "contributes to a Q gain" goes from nothing to nothing."""

RULES: tuple[Rule, ...] = (
    _head(
        "change is", rf"(?P<c>C)I[BDR]*(?:{NP}+&)?(?P<m>{NP}+)(?:[^CQ;SV]{{0,8}}v|O|\(){FILL}", "the gains in WER over X are Q"
    ),
    _head(
        "changes by",
        rf"(?P<m>{NP}*M[wN]?)(?:[OFI][DR]*{NP}{{1,4}}){{0,2}}[vVR]*(?P<c>C)[RBD(]{{0,3}}Y{FILL}",
        "latency is reduced by Q",
    ),
    _head(
        "subject changes by",
        rf"(?:^|[,;S&])[DR]*(?P<m>{NP}{{1,5}})(?:[OFIPp][DR]*[wNMH&/-]+){{0,2}}[vR]*(?P<c>C)[RB]*Y{FILL}",
        "the muscle activity decreased by Q",
    ),
    _head(
        "nominal change",
        rf"(?P<m>{NP}+)?(?P<c>C)w?(?:[OYA:(]|vO)?(?:F|v*V)?{FILL}(?<=[OYA:(vFV]){FILL}",
        "an accuracy drop of Q",
    ),
    _head("metric of", rf"(?P<m>{NP}*M[wN]?)(?:\([^)]{{1,3}}\))?(?:[Ov=:(]+|A|vV|-|(?=B)){FILL}", "AUC of Q, latency is Q"),
    _head("from to", rf"(?P<m>{NP}*M[wN]?)(?:[vR]*C)?[^CMQ;SYV()]{{0,8}}t{TO}", "shortens the sequence length from Q to Q"),
    _head("from to", rf"C[RD]*(?P<m>N)?[^CMQ;SYV]{{0,10}}t{TO}", "improves the model from Q to Q, increases the BPI of X to Q"),
    _head(
        "changed by",
        rf"(?P<c>C)[RDB]*(?:{NP}+(?:,?&D?|\({NP}{{1,2}}\)))?(?P<m>{NP}*M{NP}*)[^CQ;SYV]{{0,12}}(?:\(?Y|\(){FILL}",
        "reduces memory by Q",
    ),
    _head(
        "changed in by", rf"(?P<c>C)[^CQ;SYIV]{{0,12}}I[BDR]*(?P<m>{NP}+)[^CQ;SYI]{{0,6}}Y{FILL}", "outperforms X in WER by Q"
    ),
    _tail(
        "Q change in metric", rf"[BDRw]{{0,2}}(?P<c>C)[wR]{{0,2}}(?:\([^)]*\))?[IO][BDR]*(?P<m>{NP}+)", "a Q improvement in F1"
    ),
    _tail("Q change on metric", rf"[BDRw]{{0,2}}(?P<c>C)P[BDR]*(?P<m>{NP}*M)", "a Q speed-up on epoch time"),
    _tail("Q metric change", rf"[RBD]*(?P<m>{NP}{{1,5}})(?P<c>C)", "Q latency reduction"),
    _tail("Q changed metric", rf"[RBDw]*(?P<c>C)[RDC]*(?P<m>{NP}*M)", "Q lower latency"),
    _tail("Q fewer things", r"[RBDw]*(?P<c>C)[RD]*(?P<m>[wN/]+)(?!C)", "Q fewer episodes"),
    _head("changed by noun", rf"(?P<c>C)[RDB]*(?P<m>{NP}+)[^CQ;SYV]{{0,10}}(?:\(?Y|\(){FILL}", "speeds up fine-tuning by Q"),
    _head("metric changes", rf"(?P<m>{NP}*M)R*(?P<c>C)[RBD]*", "throughput increases Q"),
    _head("changing Q metric", r"(?P<c>C)[RBD]*", "reducing Q of the FLOPs"),
    _tail("Q metric", rf"-?[RBD]*(?P<m>{NP}{{0,4}}M)", "Q top-1 accuracy"),
    _tail("Q name", r"(?P<m>N)(?=[PFIW,.;&)]|$)", "achieves Q ANLS"),
    _head("metric reaches", rf"(?P<m>{NP}*M[wN]?)(?:\([^)]{{1,3}}\))?,?W?Vt?{FILL}", "accuracy reaches Q"),
    _tail("Q in metric", rf"[RB]*I[BDR]*(?P<m>{NP}*M[wN]?)", "Q in size"),
    _tail("Q at metric", rf"(?:O[DR]*{NP}+)?A(?P<m>M)", "Q of tasks at pass@4"),
    _tail("Q change", r"[BDRw-]{0,2}(?P<c>C)", "Q faster, a Q speedup"),
    _tail("Q of metric change", rf"R*O[DBR]*(?P<m>{NP}+)(?P<c>C)", "Q of accuracy improvement"),
    _tail("Q of metric", rf"[RB]*O[DBR]*C?(?P<m>{NP}*M)", "Q of the parameters, Q of additional overhead"),
    _head("metric Q", rf"(?P<m>{NP}*M){FILL}", "performance Q"),
    _head("changed object", rf"(?P<c>C)[RDB]*{NP}+{FILL}", "compressing a model Q times"),
    _head("name of", rf"(?P<m>{NP}{{0,3}}N)(?:O|=|\(){FILL}", "S-measures of Q"),
    _head("name (Q)", rf"N\({FILL}", "ModelNet40 (Q)"),
    _head("reported", rf"Vt?{FILL}", "achieves Q on X"),
    _head("changed", rf"(?P<c>C)(?:(?:[^CQ;SV]{{0,24}}|[^CQ;S,]{{0,24}})Y|[^CQ;SV,()]{{0,8}}\(){FILL}", "improves by Q"),
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
            metric = named(frame.sentence, match.start("m") + base, match.end("m") + base)
            if metric is not None and _of_another_kind(frame, *metric):
                continue
            if (
                metric is not None
                and rule.name == "changed by noun"
                and frame.sentence.words[metric[1] - 1] in phrase_words("generic")
            ):
                metric = None  # "accelerates the base model by Q"
            if metric is None and "c" not in groups and rule.name != "from to":
                continue
        if not _fits(rule, frame, match, base):
            continue
        if frame.rule and metric is None:
            continue
        if "c" in groups and BEATING.fullmatch(frame.sentence.words[match.start("c") + base]) and rule.name != "changed in by":
            metric = None
        if not frame.rule:
            frame.rule = rule.name
            if "c" in groups:
                frame.change = match.start("c") + base
        if metric is not None:
            frame.metric = _distributed(frame, *metric)
            break
    if frame.change is not None and frame.mention.unit is None and (match := _OWN_SCORE.match(frame.after)):
        frame.metric = frame.last + match.start("m"), frame.last + match.end("m")
    if frame.rule in ("metric of", "name of", "metric reaches") and (match := _CHANGED_AFTER.match(frame.after)):
        frame.change = match.start("c") + frame.last
    entry = frame.entry
    if entry is not None and entry.kind == "any" and is_timed(frame):
        frame.metric = None  # only an activity is named: "training takes 3 hours"


def _of_another_kind(frame: Frame, first: int, last: int) -> bool:
    """Whether a metric can't be what the word of change, found before, changed: an accuracy has no speedup."""
    change, entry = frame.change_entry, metric_entry(frame.sentence, first, last)
    return change is not None and change.kind == "time" and entry is not None and entry.kind == "accuracy"


def _fits(rule: Rule, frame: Frame, match: re.Match[str], base: int) -> bool:
    """What a rule asks beyond its pattern; `base` is the token at which the matched string begins."""
    sentence, unit = frame.sentence, frame.mention.unit
    change = sentence.words[match.start("c") + base] if "c" in rule.pattern.groupindex else ""
    match rule.name:
        case "name of":
            return is_score(frame) and frame.change is None
        case "metric Q":
            return is_score(frame) or frame.mention.bound != "exact"
        case "Q metric change" | "Q change":
            return _VERB_OF_CHANGE.fullmatch(change) is None
        case "Q of metric change":
            return _NOUN_OF_CHANGE.fullmatch(change) is not None
        case "Q at metric":
            return "@" in sentence.words[match.start("m") + base]
        case "Q of metric":
            word = sentence.words[match.start("m") + base - 1]
            return sentence.codes[match.start("m") + base - 1] != "C" or word in ("additional", "extra")
        case "Q fewer things":
            return change in ("fewer", "less")
        case "Q name":
            return is_score(frame) and (REPORTED.search(frame.before) or _LISTS.search(frame.before)) is not None
        case "reported":
            return reported(frame)
        case "change is":  # "gains in recall (Q)", not "gains in recall (Q vs Q)"
            opened = frame.before.rstrip("BDR").endswith("(")
            both = frame.size > 1 and not frame.listed
            return not opened or (sentence.codes[match.end("m") + base - 1] == "M" and not both)
        case "changed in by":  # "improves success in unseen scenes by Q" names where, not what
            return sentence.words[match.end("m") + base - 1] not in phrase_words("places")
        case "Q in metric":  # "and 80% in image classification" names the task, not the metric
            return not is_score(frame) or sentence.words[match.end("m") + base - 1] not in phrase_words("tasks")
        case "subject changes by":
            head = match.end("m") + base - 1
            others = phrase_words("generic") | phrase_words("variants") | phrase_words("never")
            return bool(_INTRANSITIVE.fullmatch(change)) and sentence.codes[head] == "w" and sentence.words[head] not in others
        case "changed by" | "changed by noun" | "changed":
            opened = frame.before.rstrip("BDR").endswith("(")
            return not opened or (frame.mention.measure.relative and BEATING.fullmatch(change) is None)
        case "name (Q)":
            return unit == "%" and frame.after[:1] in (")", "F", "I", "P")
        case "from to":
            return frame.size == 2 or frame.mention.low != frame.mention.high or bool(match["m"])
        case "changed object":
            most = frame.before.endswith("B") and (BEATING.fullmatch(change) or sentence.words[frame.first - 1] == "up to")
            return unit == "x" or (unit == "%" and bool(most))
        case "changing Q metric":
            return BEATING.fullmatch(change) is None
        case "metric of":  # "(99 ms latency)": what stands in the parentheses names the metric
            opened = _OPENED_BY.search(frame.before) is not None
            if opened and frame.mention.measure.counts and frame.mention.text[-1:].isalpha():
                return False  # "(600M MACs)" names its metric itself
            entry = metric_entry(sentence, match.start("m") + base, match.end("m") + base)
            vague = entry is not None and entry.kind == "any"
            beside = not opened and _AT.search(frame.before) is None
            return (not vague and beside) or _OWN_METRIC.match(frame.after) is None
        case _:
            return True


_INTRANSITIVE = re.compile(
    r"(?:increas|decreas|declin|reduc|shorten)ed|(?:drop|grow|rise|fall|increase|decrease)s|dropped|fell|rose|grew"
)
_NOUN_OF_CHANGE = re.compile(r"\w*(?:ments?|tions?|gains?|drops?|increases?|decreases?|savings?|speed-?ups?|loss|degradation)")
_VERB_OF_CHANGE = re.compile(r"(?:out|sur)\w+|(?:improv|reduc|enhanc|minimiz|eliminat|accelerat|degrad|exceed|rais|lower)e?s")
_OWN_SCORE = re.compile(r"[BR]*(?P<m>M)(?!C)")
_OPENED_BY = re.compile(rf"\({FILL}$")
_LISTS = re.compile(rf"(?:^|[:&,]){FILL}$")
_AT = re.compile(rf"A{FILL}$")
_OWN_METRIC = re.compile(rf"(?:&[BDR]*Q)*[BDRw]{{0,2}}C|-?[RBD]*{NP}{{0,4}}M")
_CHANGED_AFTER = re.compile(r"R?(?P<c>C)")
_LIST_END = re.compile(rf"{NP}*M(?:,{NP}*M)*,?&[DBR]*{NP}*M")
_NAMES_END = re.compile(rf"{NP}*[MN](?:,{NP}*[MN])*,?&[DBR]*{NP}*[MN](?=[,.;)]|$)")
_NAME = re.compile(rf"{NP}*[MN]")


def _distributed(frame: Frame, first: int, last: int) -> tuple[int, int]:
    """The metric that belongs to the number's place in its run: "a precision and recall of Q and Q"; an acronym behind it."""
    sentence, codes = frame.sentence, frame.sentence.codes
    if frame.listed:
        match = (
            _LIST_END.match(codes, first)
            if first >= frame.last
            else next((m for m in _LIST_END.finditer(codes, frame.head, frame.first) if m.end() == last), None)
        )
        items = [m.span() for m in METRIC_PHRASE.finditer(codes, *match.span())] if match else []
        if len(items) != frame.size and first >= frame.last and (match := _NAMES_END.match(codes, first)):
            items = [m.span() for m in _NAME.finditer(codes, *match.span())]
        if len(items) == frame.size:
            return items[frame.place]
    return abbreviated(sentence, first, last)


def abbreviated(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    """The acronym in the parentheses behind a phrase, else the phrase."""
    codes = sentence.codes
    if codes[last : last + 1] == "(" and codes[last + 2 : last + 3] == ")" and codes[last + 1] in "MN":
        name = sentence.phrase(last + 1, last + 2)
        if sum(c.isupper() for c in name) > 1:
            return last + 1, last + 2
    return first, last
