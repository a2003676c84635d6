"""Find every number of a text and parse it to low, high, unit and bound."""

from extractor.spotting.mentions import QuantityMention


def find_quantities(text: str) -> tuple[QuantityMention, ...]:
    """Find the quantities of a text in reading order, numbered from 1."""
    return ()
