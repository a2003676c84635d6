"""Why the rules label a text as they do: for each number and each field of a claim the row that decided."""

from collections.abc import Iterator
from dataclasses import dataclass

from extractor.documents import Document
from extractor.labelling.rules import RulesLabeller
from extractor.spotting.mentions import spot


@dataclass(frozen=True, slots=True)
class Reason:
    """What was said of something in a text, and the row that said so; None where no row did."""

    about: str
    said: str
    row: str | None


@dataclass(frozen=True, slots=True)
class Because:
    """A number or a name of hardware as the text writes it, its sentence, how that reads, and what decided."""

    text: str
    sentence: str
    reads: str
    reasons: tuple[Reason, ...]


def why(document: Document) -> tuple[Reason, tuple[Because, ...]]:
    """What decided about a document's system, and about each number and each name of hardware in it, in reading order."""
    decided = RulesLabeller().decide(document, spot(document.text))
    system = Reason("system", *decided.system) if decided.system else Reason("system", "none", None)
    numbers = []
    for judged, claim in decided.numbers:
        frame, sentence = judged.frame, judged.frame.sentence
        metric = sentence.phrase(*frame.metric) if frame.metric else None
        change = sentence.words[frame.change] if frame.change is not None else None
        reasons = [Reason("hangs", _hangs(metric, change), frame.row.name if frame.row else None)]
        reasons.append(Reason("is", "a claim" if claim else "no claim", judged.row.name if judged.row else None))
        if claim:
            sense = claim.sense
            said = zip(("comparison", "kind", "effect"), (sense.comparison, sense.kind, sense.effect), sense.why, strict=True)
            reasons += [Reason(about, value, row) for about, value, row in said if value]
            reasons += [Reason(about, *phrase) for about, phrase in claim.phrases().items() if phrase]
        line = sentence.text[slice(*sentence.span)]
        numbers.append(Because(frame.mention.text, line, sentence.codes, tuple(reasons)))
    devices = [
        Because(place.mention.text, "", "", (Reason("is", row.role if row else "none", row.name if row else None),))
        for place, row in decided.hardware
    ]
    return system, (*numbers, *devices)


def _hangs(metric: str | None, change: str | None) -> str:
    said = [f"metric {metric!r}"] if metric else []
    said += [f"change {change!r}"] if change else []
    return ", ".join(said) or "on nothing"


def told(document: Document) -> Iterator[str]:
    """The reasons as lines for a person."""
    system, because = why(document)
    yield f"system: {system.said}{_by(system)}"
    sentence = None
    for each in because:
        if each.sentence and each.sentence != sentence:
            sentence = each.sentence
            yield from ("", sentence, f"  reads {each.reads}")
        yield f"  {each.text}"
        for reason in each.reasons:
            yield f"    {reason.about:10} {reason.said}{_by(reason)}"


def _by(reason: Reason) -> str:
    return f"  <- {reason.row}" if reason.row else "  <- no row"
