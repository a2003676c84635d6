"""Small documents whose matches are known by construction."""

from dataclasses import replace
from typing import Any

from extractor.documents import Document, Span
from extractor.evaluation.gold import GoldClaim, GoldDocument, GoldHardware
from extractor.records import PHRASE_FIELDS, Claim, Extraction, HardwareTarget, Provenance, Quantity, Spans

TITLE = "Kraken: fast inference"
ABSTRACT = (
    "Kraken runs 2.5x faster than Squid on a Jetson Nano. It needs 40 ms per image on mobile phones. "
    "Overall, being 2.5x faster than Squid, Kraken scores 71% accuracy on COCO."
)
DOCUMENT = Document("planted", TITLE, ABSTRACT)


def span_of(phrase: str, occurrence: int = 0, text: str = DOCUMENT.text) -> Span:
    """Where the n-th occurrence of a phrase stands."""
    start = -1
    for _ in range(occurrence + 1):
        start = text.index(phrase, start + 1)
    return start, start + len(phrase)


SPEEDUP = GoldClaim(
    kind="speedup",
    comparison="change",
    effect="better",
    quantity=Quantity(text="2.5x", low=2.5, high=2.5, unit="x", bound="exact"),
    metric=None,
    subject="Kraken",
    baseline="Squid",
    dataset=None,
    hardware="Jetson Nano",
    span=span_of("2.5x"),
    restated=(span_of("2.5x", 1),),
)
SPEED = GoldClaim(
    kind="speed",
    comparison="absolute",
    effect=None,
    quantity=Quantity(text="40 ms", low=40, high=40, unit="ms", bound="exact"),
    metric=None,
    subject=None,
    baseline=None,
    dataset=None,
    hardware="mobile phones",
    span=span_of("40 ms"),
    restated=(),
)
ACCURACY = GoldClaim(
    kind="accuracy",
    comparison="absolute",
    effect=None,
    quantity=Quantity(text="71%", low=71, high=71, unit="%", bound="exact"),
    metric="accuracy",
    subject="Kraken",
    baseline=None,
    dataset="COCO",
    hardware=None,
    span=span_of("71%"),
    restated=(),
)
NANO = GoldHardware("Jetson Nano", True, "edge", "evaluated", span_of("Jetson Nano"))
PHONES = GoldHardware("mobile phones", False, "mobile", "evaluated", span_of("mobile phones"))
GOLD = GoldDocument(DOCUMENT, "Kraken", (SPEEDUP, SPEED, ACCURACY), (NANO, PHONES))


def predict(gold: GoldClaim, text: str = DOCUMENT.text, span: Span | None = None, **changes: Any) -> Claim:
    """The claim that a perfect labeller writes for a gold claim, except for `changes` (fields of the claim or its quantity)."""
    place = span or gold.span
    meaning: dict[str, Any] = {name: changes.pop(name) for name in ("low", "high", "unit", "bound") if name in changes}
    fields: dict[str, Any] = {name: getattr(gold, name) for name in ("kind", "comparison", "effect", *PHRASE_FIELDS)} | changes
    spans = {name: None if fields[name] is None else span_of(fields[name], text=text) for name in PHRASE_FIELDS}
    return Claim(
        quantity=gold.quantity.model_copy(update={"text": text[slice(*place)], **meaning}),
        spans=Spans(quantity=place, **spans),
        sentence=(0, len(text)),
        **fields,
    )


def target(gold: GoldHardware, **changes: Any) -> HardwareTarget:
    """The hardware target that a perfect labeller writes, except for `changes`."""
    fields = {name: getattr(gold, name) for name in ("name", "specific", "category", "role", "span")}
    return HardwareTarget(**(fields | changes))


def extraction(
    claims: tuple[Claim, ...] = (),
    hardware: tuple[HardwareTarget, ...] = (),
    system: str | None = "Kraken",
    document: Document = DOCUMENT,
) -> Extraction:
    """A record of the planted document."""
    return Extraction(
        id=document.id,
        title=document.title,
        abstract=document.abstract,
        system=system,
        claims=claims,
        hardware=hardware,
        provenance=Provenance(extractor="0", labeller="planted", model="planted"),
    )


def perfect(gold: GoldDocument) -> Extraction:
    """The record that agrees with the gold in everything."""
    text = gold.document.text
    claims = tuple(predict(claim, text) for claim in gold.claims)
    return extraction(claims, tuple(target(h) for h in gold.hardware), gold.system, gold.document)


__all__ = ["ABSTRACT", "ACCURACY", "DOCUMENT", "GOLD", "NANO", "PHONES", "SPEED", "SPEEDUP", "TITLE", "extraction", "perfect"]
__all__ += ["predict", "replace", "span_of", "target"]
