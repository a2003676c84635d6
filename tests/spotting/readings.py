"""What spotting read, in one line of words: "up to 100 to 1000 x". Tests and the page on quantities write it so."""

from extractor.records import Bound
from extractor.spotting import QuantityMention

BOUNDS: dict[Bound, str] = {"exact": "", "up_to": "up to ", "at_least": "at least ", "approx": "about "}


def reading(mention: QuantityMention) -> str:
    """Bound, value or range, and unit of a mention, in nine digits."""
    value = f"{mention.low:.9g}" if mention.low == mention.high else f"{mention.low:.9g} to {mention.high:.9g}"
    return f"{BOUNDS[mention.bound]}{value}{f' {mention.unit}' if mention.unit else ''}"
