"""Which quantity mentions are claims, and what they claim."""

from extractor.labelling.base import ClaimLabel
from extractor.labelling.rules.candidates import judge
from extractor.labelling.rules.comparands import baseline_of, subject_of
from extractor.labelling.rules.frames import Frame, carry, complete, frames_of, hang, pair
from extractor.labelling.rules.kinds import sense_of
from extractor.labelling.rules.places import dataset_of, device_of
from extractor.labelling.rules.reading import Reading, Sentence
from extractor.spotting import Mentions


def label_claims(mentions: Mentions, system: str | None) -> tuple[ClaimLabel, ...]:
    """Label the quantity mentions that are claims, in reading order."""
    reading = Reading(mentions)
    labels: list[ClaimLabel] = []
    for n in reading.with_quantities():
        frames = frames_of(reading.sentence(n))
        for frame in frames:
            hang(frame)
        carry(frames)
        pair(frames)
        for frame in frames:
            complete(frame)
        claimed = [frame for frame in frames if judge(frame)[0]]
        if claimed:
            previous = reading.sentence(n - 1) if n > 1 else None
            labels += _label_sentence(claimed, previous, system)
    return tuple(labels)


def _label_sentence(frames: list[Frame], previous: Sentence | None, system: str | None) -> list[ClaimLabel]:
    labels: list[ClaimLabel] = []
    for frame in frames:
        sense = sense_of(frame)
        baseline = baseline_of(frame, len(frame.sentence.codes)) if sense.comparison != "absolute" else None
        subject = subject_of(frame, system)
        if frame.paired and labels and frame.place == 1 and labels[-2:]:
            subject = labels[-2].baseline if len(labels) > 1 else subject
        labels.append(
            ClaimLabel(
                mention=frame.mention.id,
                kind=sense.kind,
                comparison=sense.comparison,
                effect=sense.effect,
                metric=frame.metric_text,
                subject=subject,
                baseline=baseline,
                dataset=dataset_of(frame, sense, previous),
                hardware=device_of(frame, sense, previous),
            )
        )
    return labels
