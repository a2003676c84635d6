"""Families of units: durations, rates, ratios and so on, under which claims are counted together."""

from typing import Literal, get_args

from extractor.labelling.senses import is_cost, is_time

Family = Literal["time", "rate", "ratio", "percent", "cost", "other"]
FAMILIES: tuple[Family, ...] = get_args(Family)

_DURATIONS = frozenset(["s", "ms", "us", "ns", "min", "h", "day", "days", "week", "weeks"])


def family(unit: str | None) -> Family:
    """The family of a canonical unit; "other" for a bare score and for what is none of the others ("dB")."""
    if unit == "x":
        return "ratio"
    if unit == "%":
        return "percent"
    if is_cost(unit):
        return "cost"
    if unit is not None and is_time(unit):
        return "time" if unit.split("/")[0] in _DURATIONS else "rate"
    return "other"
