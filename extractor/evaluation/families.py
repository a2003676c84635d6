"""Families of units: durations, rates, ratios and so on, under which claims are counted together."""

from typing import Literal, get_args

from extractor.spotting import known_unit

Family = Literal["time", "rate", "ratio", "percent", "cost", "other"]
FAMILIES: tuple[Family, ...] = get_args(Family)


def family(unit: str | None) -> Family:
    """The family of a canonical unit; "other" for a bare score and for what is none of the others ("dB")."""
    if unit == "x":
        return "ratio"
    if unit == "%":
        return "percent"
    known = known_unit(unit)
    if known.reports == "cost":
        return "cost"
    if known.reports == "time":
        return "time" if known.dimension == "time" else "rate"
    return "other"
