"""Which quantity mentions are claims, and what they claim."""

from extractor.labelling.rules.benchmarks import benchmark_of
from extractor.labelling.rules.candidates import judge
from extractor.labelling.rules.comparands import baseline_of
from extractor.labelling.rules.frames import Frame, frames_of
from extractor.labelling.rules.hanging import hang
from extractor.labelling.rules.kinds import is_success, sense_of
from extractor.labelling.rules.places import dataset_of, device_of
from extractor.labelling.rules.reading import Reading, Sentence
from extractor.labelling.rules.sharing import LISTED, carry, complete, pair
from extractor.labelling.rules.subjects import subject_of
from extractor.labels import ClaimLabel
from extractor.spotting import Mentions


def label_claims(mentions: Mentions, system: str | None) -> tuple[ClaimLabel, ...]:
    """Label the quantity mentions that are claims, in reading order."""
    reading = Reading(mentions)
    benchmark: str | None = None
    labels: list[ClaimLabel] = []
    for n in reading.with_quantities():
        frames = frames_of(reading.sentence(n))
        for frame in frames:
            hang(frame)
        carry(frames)
        pair(frames)
        complete(frames)
        claimed = [frame for frame in frames if judge(frame)[0]]
        if claimed:
            previous = reading.sentence(n - 1) if n > 1 else None
            if not labels:
                benchmark = benchmark_of(mentions.text, system)
            labels += _label_sentence(claimed, previous, system, benchmark)
    return _once(labels, mentions)


def _label_sentence(
    frames: list[Frame], previous: Sentence | None, system: str | None, benchmark: str | None
) -> list[ClaimLabel]:
    """The claims of a sentence; `benchmark` is the paper's own, which others than its authors' system are measured on."""
    labels: list[ClaimLabel] = []
    compared: str | None = None  # what the number before the parentheses is compared with
    for frame in frames:
        sense = sense_of(frame)
        baseline = baseline_of(frame, len(frame.sentence.codes)) if sense.comparison != "absolute" else None
        subject = subject_of(frame, None if benchmark else system, previous, others=benchmark is not None)
        if not frame.paired:
            compared = baseline
        elif frame.size == 2 and frame.place == 1 and compared is not None:
            subject = compared
        dataset = dataset_of(frame, sense, previous) or (benchmark if sense.kind == "accuracy" else None)
        labels.append(
            ClaimLabel(
                mention=frame.mention.id,
                kind=sense.kind,
                comparison=sense.comparison,
                effect=sense.effect,
                metric=None if is_success(frame) else frame.metric_text,
                subject=subject,
                baseline=baseline,
                dataset=dataset,
                hardware=device_of(frame, sense, previous),
            )
        )
    return [_shared_dataset(label, n, frames, labels) for n, label in enumerate(labels)]


def _shared_dataset(label: ClaimLabel, n: int, frames: list[Frame], labels: list[ClaimLabel]) -> ClaimLabel:
    """The label with the dataset behind the last number of its list: "0.94 (for NER), 0.90 (for POS) on CoNLL"."""
    following = frames[n + 1] if n + 1 < len(frames) else None
    if label.dataset is not None or label.kind != "accuracy" or following is None or following.rule not in LISTED:
        return label
    return label.model_copy(update={"dataset": labels[n + 1].dataset})


def _once(labels: list[ClaimLabel], mentions: Mentions) -> tuple[ClaimLabel, ...]:
    """The labels without restatements: of one result stated in two sentences, the statement that says more about it."""
    quantities = {mention.id: mention for mention in mentions.quantities}
    kept: dict[tuple[object, ...], ClaimLabel] = {}
    dropped: set[int] = set()
    for label in labels:
        mention = quantities[label.mention]
        key = (label.kind, label.comparison, mention.low, mention.high, mention.unit)
        other = kept.get(key)
        if other is None:
            kept[key] = label
            continue
        place = quantities[other.mention].span[0]
        if quantities[other.mention].sentence == mention.sentence or not _agree(other, label):
            continue
        # The title states a result in passing; the abstract reports it.
        weaker = (
            other
            if _detail(label) >= _detail(other)
            and (_detail(label) > _detail(other) or place < len(mentions.text.split("\n", 1)[0]))
            else label
        )
        dropped.add(weaker.mention)
        kept[key] = label if weaker is other else other
    return tuple(label for label in labels if label.mention not in dropped)


def _agree(a: ClaimLabel, b: ClaimLabel) -> bool:
    """Whether two statements can be of one result: no field that both state differs."""
    pairs = ((a.metric, b.metric), (a.dataset, b.dataset), (a.baseline, b.baseline), (a.hardware, b.hardware))
    return all(x is None or y is None or x.lower() in y.lower() or y.lower() in x.lower() for x, y in pairs)


def _detail(label: ClaimLabel) -> int:
    """How many fields a label states."""
    return sum(value is not None for value in (label.metric, label.subject, label.baseline, label.dataset, label.hardware))
