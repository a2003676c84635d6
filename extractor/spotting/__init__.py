"""Spotting: find every quantity and every hardware mention of a text. Deterministic, offline, no I/O."""

from extractor.spotting.hardware import find_hardware
from extractor.spotting.mentions import HardwareMention, Mentions, QuantityMention
from extractor.spotting.quantities import find_quantities
from extractor.spotting.sentences import split_sentences


def spot(text: str) -> Mentions:
    """Find the sentences, quantities and hardware mentions of a text (`Document.text`)."""
    quantities = find_quantities(text)
    hardware = find_hardware(text, first_id=len(quantities) + 1)
    return Mentions(text, split_sentences(text), quantities, hardware)


__all__ = ["HardwareMention", "Mentions", "QuantityMention", "spot"]
