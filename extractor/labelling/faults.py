"""What is wrong with labels, in words that a model can act on."""

from collections import Counter
from collections.abc import Iterator

from extractor.labelling.base import ClaimLabel, Labels
from extractor.phrases import locate
from extractor.records import PHRASE_FIELDS
from extractor.spotting import Mentions

_MOST = 12
"""Faults that are told at once: a reply that breaks more rules than that has not understood one of them."""


def find_faults(labels: Labels, mentions: Mentions) -> list[str]:
    """The rules that the labels break: each id exactly once, phrases from the text, effect and baseline where they belong."""
    return [*_ids(labels, mentions), *_phrases(labels, mentions)][:_MOST]


def _ids(labels: Labels, mentions: Mentions) -> Iterator[str]:
    quantities = {m.id: m.text for m in mentions.quantities}
    hardware = {m.id: m.text for m in mentions.hardware}
    given = Counter([*(c.mention for c in labels.claims), *labels.not_claims])
    yield from _once(given, quantities, "quantity", "claims or not_claims")
    given = Counter([*(h.mention for h in labels.hardware), *labels.not_hardware])
    yield from _once(given, hardware, "hardware", "hardware or not_hardware")


def _once(given: Counter[int], known: dict[int, str], what: str, places: str) -> Iterator[str]:
    for mention, times in given.items():
        if mention not in known:
            yield f"There is no {what} with id {mention}. Remove it."
        elif times > 1:
            yield f"{what} {mention} ({known[mention]}) stands {times} times. Keep it once, in {places}."
    for mention, text in known.items():
        if mention not in given:
            yield f"{what} {mention} ({text}) is missing. Put it into {places}."


def _phrases(labels: Labels, mentions: Mentions) -> Iterator[str]:
    whole = (0, len(mentions.text))
    if labels.system is not None and locate(mentions.text, labels.system, (0, 0), whole) is None:
        yield f"system {labels.system!r} is not in the abstract. Copy it exactly, or null."
    for claim in labels.claims:
        yield from _claim(claim, mentions, f"claim {claim.mention}")


def _claim(claim: ClaimLabel, mentions: Mentions, where: str) -> Iterator[str]:
    if claim.comparison == "change" and claim.effect is None:
        yield f'{where} is a change: its effect is "better" or "worse".'
    for name in PHRASE_FIELDS:
        phrase = getattr(claim, name)
        if phrase is not None and locate(mentions.text, phrase, (0, 0), (0, len(mentions.text))) is None:
            yield f"{where}: {name} {phrase!r} is not in the abstract. Copy it exactly, or null."
