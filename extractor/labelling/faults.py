"""What is wrong with labels, in words that a model can act on."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from extractor.labelling.base import ClaimLabel, Labels
from extractor.phrases import locate
from extractor.records import PHRASE_FIELDS
from extractor.spotting import Mentions

_MOST = 12
"""Faults that are told at once: a reply that breaks more rules than that has not understood one of them."""


class _Fault(NamedTuple):
    """A broken rule. What is `settled` without another answer is told beside other faults and never asked about alone."""

    told: str
    settled: bool = False


def find_faults(labels: Labels, mentions: Mentions) -> list[str]:
    """The rules that the labels break: each id exactly once, phrases from the text, effect and baseline where they belong.

    An id that stands twice is no reason to ask again: grounding keeps its first claim. Asking cost a model of 1.5 billion
    parameters a twelfth of its tokens on the annotated abstracts, and not one figure was better for it.
    """
    faults = [*_ids(labels, mentions), *_phrases(labels, mentions)]
    if all(fault.settled for fault in faults):
        return []
    return [fault.told for fault in faults[:_MOST]]


def _ids(labels: Labels, mentions: Mentions) -> Iterator[_Fault]:
    quantities = {m.id: m.text for m in mentions.quantities}
    hardware = {m.id: m.text for m in mentions.hardware}
    given = Counter([*(c.mention for c in labels.claims), *labels.not_claims])
    yield from _once(given, quantities, "quantity", "claims or not_claims")
    given = Counter([*(h.mention for h in labels.hardware), *labels.not_hardware])
    yield from _once(given, hardware, "hardware", "hardware or not_hardware")


def _once(given: Counter[int], known: dict[int, str], what: str, places: str) -> Iterator[_Fault]:
    for mention, times in given.items():
        if mention not in known:
            yield _Fault(f"There is no {what} with id {mention}. Remove it.")
        elif times > 1:
            yield _Fault(f"{what} {mention} ({known[mention]}) stands {times} times. Keep it once, in {places}.", settled=True)
    for mention, text in known.items():
        if mention not in given:
            yield _Fault(f"{what} {mention} ({text}) is missing. Put it into {places}.")


def _phrases(labels: Labels, mentions: Mentions) -> Iterator[_Fault]:
    whole = (0, len(mentions.text))
    if labels.system is not None and locate(mentions.text, labels.system, (0, 0), whole) is None:
        yield _Fault(f"system {labels.system!r} is not in the abstract. Copy it exactly, or null.")
    for claim in labels.claims:
        yield from _claim(claim, mentions, f"claim {claim.mention}")


def _claim(claim: ClaimLabel, mentions: Mentions, where: str) -> Iterator[_Fault]:
    if claim.comparison == "change" and claim.effect is None:
        yield _Fault(f'{where} is a change: its effect is "better" or "worse".')
    for name in PHRASE_FIELDS:
        phrase = getattr(claim, name)
        if phrase is not None and locate(mentions.text, phrase, (0, 0), (0, len(mentions.text))) is None:
            yield _Fault(f"{where}: {name} {phrase!r} is not in the abstract. Copy it exactly, or null.")
