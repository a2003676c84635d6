"""Grounding: labels + mentions + text -> extraction. What cannot be located in the text is rejected, with its reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from extractor.documents import Document, Span
from extractor.labelling.base import ClaimLabel, HardwareLabel, Labelled
from extractor.phrases import locate
from extractor.records import PHRASE_FIELDS, Claim, Extraction, HardwareTarget, Quantity, Rejection, Spans
from extractor.spotting import HardwareMention, Mentions, QuantityMention


def ground(document: Document, mentions: Mentions, labelled: Labelled) -> Extraction:
    """Build the record of one document. Never raises on what a labeller said: it rejects it."""
    labels = labelled.labels
    desk = _Desk(mentions, labelled.confidence)
    claims = [claim for n, label in enumerate(labels.claims) if (claim := desk.claim(n, label))]
    targets = desk.targets(labels.hardware)
    desk.dismiss("not_claims", labels.not_claims, desk.quantities)
    desk.dismiss("not_hardware", labels.not_hardware, desk.hardware)
    desk.forgotten()
    for n, quote in enumerate(labels.missed):
        desk.missed(n, quote)
    return Extraction(
        id=document.id,
        title=document.title,
        abstract=document.abstract,
        system=desk.system(labels.system),
        claims=tuple(sorted(claims, key=lambda claim: claim.spans.quantity)),
        hardware=tuple(sorted(targets, key=lambda target: target.span)),
        rejected=(*labelled.rejected, *desk.rejected),
        provenance=labelled.provenance,
    )


@dataclass(slots=True)
class _Desk:
    """The state of grounding one document: which mentions are labelled already, and what was rejected."""

    mentions: Mentions
    confidence: Mapping[int, float]
    rejected: list[Rejection] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    quantities: dict[int, QuantityMention] = field(init=False)
    hardware: dict[int, HardwareMention] = field(init=False)

    def __post_init__(self) -> None:
        self.quantities = {mention.id: mention for mention in self.mentions.quantities}
        self.hardware = {mention.id: mention for mention in self.mentions.hardware}

    def reject(self, field: str, value: object, reason: str) -> None:
        self.rejected.append(Rejection(field=field, value=str(value), reason=reason))

    def take(self, where: str, mention: int, known: Iterable[int]) -> bool:
        """Mark a mention as labelled; False, with a rejection, if there is no such mention or it has a label already."""
        if mention not in known:
            self.reject(where, mention, "no such mention")
        elif mention in self.seen:
            self.reject(where, mention, "labelled twice")
        else:
            self.seen.add(mention)
            return True
        return False

    def system(self, name: str | None) -> str | None:
        """The system's name as the text writes it."""
        if name is None:
            return None
        text = self.mentions.text
        span = locate(text, name, near=(0, 0), sentence=(0, len(text)))
        if span is None:
            self.reject("system", name, "not found in the text")
            return None
        return text[span[0] : span[1]]

    def claim(self, n: int, label: ClaimLabel) -> Claim | None:
        where = f"claims[{n}]"
        if not self.take(f"{where}.mention", label.mention, self.quantities):
            return None
        mention = self.quantities[label.mention]
        effect = label.effect
        if label.comparison == "change" and effect is None:
            self.reject(where, mention.text, "a change without an effect")
            return None
        if label.comparison != "change" and effect is not None:
            self.reject(f"{where}.effect", effect, f"{label.comparison} has no effect")
            effect = None
        sentence = mention.sentence
        spans: dict[str, Span | None] = {
            name: self.phrase(where, name, label, mention.span, sentence) for name in PHRASE_FIELDS
        }
        phrases = {name: span and self.mentions.text[span[0] : span[1]] for name, span in spans.items()}
        return Claim(
            kind=label.kind,
            comparison=label.comparison,
            effect=effect,
            quantity=Quantity(text=mention.text, low=mention.low, high=mention.high, unit=mention.unit, bound=mention.bound),
            metric=phrases["metric"],
            subject=phrases["subject"],
            baseline=phrases["baseline"],
            dataset=phrases["dataset"],
            hardware=phrases["hardware"],
            spans=Spans(quantity=mention.span, **spans),
            sentence=sentence,
            confidence=self.confidence.get(label.mention),
        )

    def phrase(self, where: str, name: str, label: ClaimLabel, near: Span, sentence: Span) -> Span | None:
        """Where a phrase of a claim stands; None, with a rejection, if it does not."""
        value: str | None = getattr(label, name)
        if value is None:
            return None
        if name == "baseline" and label.comparison == "absolute":
            self.reject(f"{where}.{name}", value, "absolute has no baseline")
            return None
        span = locate(self.mentions.text, value, near, sentence)
        if span is None:
            self.reject(f"{where}.{name}", value, "not found in the text")
        return span

    def targets(self, labels: Iterable[HardwareLabel]) -> list[HardwareTarget]:
        """The targets, one for each product and each class: an evaluated one before an intended one, then the first."""
        found = [(n, target) for n, label in enumerate(labels) if (target := self.target(n, label))]
        kept: dict[str, HardwareTarget] = {}
        for n, target in sorted(found, key=lambda each: (each[1].role != "evaluated", each[1].span)):
            one = target.name.casefold() if target.specific else f"class {target.category}"
            if one in kept:
                self.reject(f"hardware[{n}]", target.name, "listed already")
            else:
                kept[one] = target
        return list(kept.values())

    def target(self, n: int, label: HardwareLabel) -> HardwareTarget | None:
        if not self.take(f"hardware[{n}].mention", label.mention, self.hardware):
            return None
        mention = self.hardware[label.mention]
        return HardwareTarget(
            name=mention.text, specific=mention.specific, category=mention.category, role=label.role, span=mention.span
        )

    def dismiss(self, field: str, ids: Iterable[int], known: Iterable[int]) -> None:
        for n, mention in enumerate(ids):
            self.take(f"{field}[{n}]", mention, known)

    def forgotten(self) -> None:
        texts = {m.id: m.text for m in self.mentions.quantities} | {m.id: m.text for m in self.mentions.hardware}
        for mention, text in texts.items():
            if mention not in self.seen:
                self.reject(f"mentions[{mention}]", text, "has no label")

    def missed(self, n: int, quote: str) -> None:
        """Record a quote that the labeller says spotting did not list: a number that nobody labelled is no claim."""
        text = self.mentions.text
        span = locate(text, quote, near=(0, 0), sentence=(0, len(text)))
        if span is None:
            reason = "not found in the text"
        elif any(m.span[0] < span[1] and span[0] < m.span[1] for m in self.mentions.quantities):
            reason = "overlaps a listed mention"
        else:
            reason = "no number was spotted there"
        self.reject(f"missed[{n}]", quote, reason)
