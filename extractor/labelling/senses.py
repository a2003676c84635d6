"""Which kinds and comparisons a quantity can have by its unit.

The guidelines define a speed as an absolute time or rate and a speedup as a relative one, and call bytes, parameters,
operations and energy resources; "x" says how many times as much, so it always compares.
"""

import re
from collections.abc import Mapping

from extractor.records import Comparison, Kind
from extractor.spotting import QuantityMention

TIMED = frozenset(["s", "ms", "us", "ns", "min", "h", "FPS", "tokens/s"])
TIME_UNITS = TIMED | frozenset(["fps", "Hz", "samples/s", "images/s", "days", "day", "weeks"])
RESOURCE_UNITS = frozenset(
    [
        "B",
        "KB",
        "MB",
        "GB",
        "TB",
        "params",
        "FLOPs",
        "MACs",
        "J",
        "mJ",
        "W",
        "mW",
        "kW",
        "uW",
        "uJ",
        "tokens",
        "FLOPS",
        "OPs",
        "kJ",
        "pJ",
        "nJ",
        "Wh",
        "kWh",
        "MB/s",
        "GB/s",
    ]
)

_RATE = re.compile(r"(?!met|deg|rad)[A-Za-z -]{4,}(?:/| per )(?:s|sec|second|minute|min|hour|h)")


def is_time(unit: str | None) -> bool:
    """Whether a unit is one of time or rate, also per something ("s/frame") and of something ("grasps per second")."""
    return unit is not None and (unit in TIME_UNITS or unit.split("/")[0] in TIMED or _RATE.fullmatch(unit) is not None)


def is_cost(unit: str | None) -> bool:
    """Whether a unit is one of cost, also per something ("mJ/inference")."""
    if unit is None or unit == "tokens/s":
        return False
    return unit in RESOURCE_UNITS or unit.split("/")[0] in RESOURCE_UNITS or unit.endswith(("/W", "/J"))


def senses(mention: QuantityMention) -> Mapping[Comparison, tuple[Kind, ...]]:
    """The comparisons that are possible for a quantity, each with the kinds that it can have.

    A share of the baseline's value is a percentage or a ratio, and a ratio of one and more in digits ("9.1x") is a change.
    """
    unit = mention.unit
    if is_time(unit):
        return _OF_TIME if unit in _OF_WORK else _OF_SPEED
    if is_cost(unit):
        return _OF_COST
    if unit == "x":
        return _MULTIPLE if mention.low >= 1 and any(map(str.isdigit, mention.text)) else _RATIO
    return _PERCENTAGE if unit == "%" else _OTHER


_RELATIVE: tuple[Kind, ...] = ("speedup", "accuracy", "resource")
_OF_SPEED: Mapping[Comparison, tuple[Kind, ...]] = {"absolute": ("speed",), "change": ("speedup",)}
_OF_WORK = frozenset(["min", "h", "day", "days", "weeks"])
_OF_TIME: Mapping[Comparison, tuple[Kind, ...]] = {"absolute": ("speed", "resource"), "change": ("speedup", "resource")}
_OF_COST: Mapping[Comparison, tuple[Kind, ...]] = {"absolute": ("resource",), "change": ("resource",)}
_MULTIPLE: Mapping[Comparison, tuple[Kind, ...]] = {"change": _RELATIVE}
_RATIO: Mapping[Comparison, tuple[Kind, ...]] = {"change": _RELATIVE, "fraction": _RELATIVE}
_PERCENTAGE: Mapping[Comparison, tuple[Kind, ...]] = {"absolute": ("accuracy", "resource"), **_RATIO}
_OTHER: Mapping[Comparison, tuple[Kind, ...]] = {"absolute": ("accuracy", "resource"), "change": _RELATIVE}
