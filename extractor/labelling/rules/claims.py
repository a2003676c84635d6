"""The claims of a text: sentence -> frames -> judged frames -> attached phrases -> labels."""

from collections.abc import Iterator
from functools import cache, partial
from typing import NamedTuple

from extractor.labelling.rules.comparands import baseline_of
from extractor.labelling.rules.frames import frames_of
from extractor.labelling.rules.hanging import hang, share
from extractor.labelling.rules.judging import Judged, Sense, judge, sense_of
from extractor.labelling.rules.lexicon import Lexicon
from extractor.labelling.rules.places import dataset_of, device_of
from extractor.labelling.rules.reading import Previous, Reading, Sentence
from extractor.labelling.rules.rows import Rules
from extractor.labelling.rules.subjects import subject_of
from extractor.labelling.rules.system import is_benchmark
from extractor.labels import ClaimLabel
from extractor.spotting.mentions import Mentions

Found = tuple[str, str] | None
"""A phrase as the text writes it, and the name of the row that found it."""


class Own(NamedTuple):
    """The name of what the paper presents, and whether that is a benchmark, on which the systems of others are measured."""

    name: str | None
    benchmark: bool


class Attached(NamedTuple):
    """A claim with its phrases, and for each the row that found it."""

    judged: Judged
    sense: Sense
    metric: Found
    subject: Found
    baseline: Found
    dataset: Found
    hardware: Found

    def label(self) -> ClaimLabel:
        """The label of the claim."""
        phrases = {name: found[0] if found else None for name, found in self.phrases().items()}
        sense = self.sense
        return ClaimLabel(
            mention=self.judged.frame.mention.id, kind=sense.kind, comparison=sense.comparison, effect=sense.effect, **phrases
        )

    def phrases(self) -> dict[str, Found]:
        names = ("metric", "subject", "baseline", "dataset", "hardware")
        return {name: getattr(self, name) for name in names}


def read_claims(
    mentions: Mentions, system: str | None, rules: Rules, lexicon: Lexicon
) -> Iterator[tuple[Judged, Attached | None]]:
    """Each number as it was judged, in reading order, and where it is a claim, with its phrases."""
    if not mentions.quantities:  # as more than half of the abstracts of the arXiv corpus
        return
    reading = Reading(mentions, lexicon)
    own: Own | None = None
    for n in reading.with_quantities():
        previous = cache(partial(reading.before, n))  # a sentence of 10,000 numbers would look back 10,000 times
        for judged in judged_frames(reading.sentence(n), rules):
            if judged.claim and own is None:
                own = Own(system, system is not None and is_benchmark(system, mentions.text, lexicon.lists["benchmarks"]))
            yield judged, attach(judged, previous, own, rules) if judged.claim and own else None


def judged_frames(sentence: Sentence, rules: Rules) -> tuple[Judged, ...]:
    """The numbers of a sentence with what governs them, each judged."""
    frames = tuple(hang(frame, rules.frames) for frame in frames_of(sentence))
    return tuple(judge(frame, rules.claims) for frame in share(frames, rules.shared))


def attach(judged: Judged, previous: Previous, own: Own, rules: Rules) -> Attached:
    """A claim with what it reports and with its phrases, from its sentence and the one before."""
    sense = sense_of(judged, rules.comparisons, rules.kinds, rules.effects)
    frame = judged.frame
    system = (own.name, "the paper's own") if own.name else None
    dataset = dataset_of(frame, sense, previous, rules.datasets)
    if own.benchmark and sense.kind == "accuracy" and (dataset is None or dataset[0].islower()):
        dataset = system  # a named benchmark goes before a condition within it
    metric, subject = metric_of(judged), subject_of(frame, rules.subjects, previous)
    if subject and metric and subject[0] == metric[0]:  # "with FID dropping by 60%", "while EtaNet rises by 60%"
        metric, subject = (metric, None) if frame.entry else (None, subject)
    return Attached(
        judged,
        sense,
        metric=metric,
        subject=subject or (None if own.benchmark else system),
        baseline=baseline_of(frame, rules.baselines) if sense.comparison != "absolute" else None,
        dataset=dataset,
        hardware=device_of(frame, sense, previous, rules.devices),
    )


def metric_of(judged: Judged) -> Found:
    """The metric's words as written, without a dataset before them; a counted unit names it where nothing else does."""
    frame = judged.frame
    sentence, counted = frame.sentence, frame.mention.measure.counts
    if frame.metric is not None and not (counted and frame.entry is not None and frame.entry.kind == "accuracy"):
        first, last = frame.metric
        if sentence.holds("datasets", first, first + 1):
            first += 1  # "80% ImageNet accuracy"
        by = judged.row if judged.row and judged.row.metric else frame.row
        if first < last:
            return sentence.phrase(first, last), by.name if by else "a metric further off"
    own = frame.mention.text.split()[-1].rpartition("-")[2].lstrip("0123456789.,")
    return (own, "its unit") if counted and len(own) > 1 else None


def once(claims: list[Attached]) -> list[Attached]:
    """The claims without restatements: of one result stated in two sentences, the statement that says more about it.

    Of two that say as much, the first, but not one in the title.
    """
    kept: dict[tuple[object, ...], Attached] = {}
    dropped: set[int] = set()
    for claim in claims:
        mention, sense = claim.judged.frame.mention, claim.sense
        key = (sense.kind, sense.comparison, mention.low, mention.high, mention.unit)
        other = kept.setdefault(key, claim)
        if other.judged.frame.mention.sentence == mention.sentence or not _agree(other, claim):
            continue
        weaker, stronger = (other, claim) if _detail(claim) > _detail(other) else (claim, other)
        dropped.add(weaker.judged.frame.mention.id)
        kept[key] = stronger
    return [claim for claim in claims if claim.judged.frame.mention.id not in dropped]


def _agree(a: Attached, b: Attached) -> bool:
    """Whether two statements can be of one result: no phrase that both state differs, but for who it is about."""
    pairs = (
        (x[0].lower(), y[0].lower()) for name, x in a.phrases().items() if name != "subject" and x and (y := b.phrases()[name])
    )
    return all(x in y or y in x for x, y in pairs)


def _detail(claim: Attached) -> tuple[int, bool]:
    """How many phrases a claim states, and whether it stands in the abstract, not in the title."""
    return sum(found is not None for found in claim.phrases().values()), bool(claim.judged.frame.sentence.span[0])
