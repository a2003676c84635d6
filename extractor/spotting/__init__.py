"""Spotting: find every quantity and every hardware mention of a text. Deterministic, offline, no I/O."""

from dataclasses import replace

from extractor.spotting.hardware import find_hardware
from extractor.spotting.mentions import HardwareMention, Mentions, QuantityMention
from extractor.spotting.quantities import find_quantities
from extractor.spotting.sentences import split_sentences


def spot(text: str) -> Mentions:
    """Find the sentences, quantities and hardware mentions of a text (`Document.text`)."""
    hardware = find_hardware(text)
    found = [m for m in find_quantities(text) if m.unit or not _inside(m, hardware)]
    quantities = tuple(replace(m, id=n) for n, m in enumerate(found, start=1))
    numbered = tuple(replace(m, id=n) for n, m in enumerate(hardware, start=len(quantities) + 1))
    return Mentions(text, split_sentences(text), quantities, numbered)


def _inside(mention: QuantityMention, hardware: tuple[HardwareMention, ...]) -> bool:
    """Whether a number is part of the name of hardware: the 4 of "Raspberry Pi 4"."""
    return any(h.span[0] <= mention.span[0] and mention.span[1] <= h.span[1] for h in hardware)


__all__ = ["HardwareMention", "Mentions", "QuantityMention", "spot"]
