"""Spotting: find every quantity and every hardware mention of a text. Deterministic, offline, no I/O.

Names are loaded when first used: tables ask for units alone, and all of it takes seven times as long to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor.spotting.hardware import HardwareMention
    from extractor.spotting.mentions import Mentions, spot
    from extractor.spotting.quantities import QuantityMention
    from extractor.spotting.units import Unit, known_unit

__all__ = ["HardwareMention", "Mentions", "QuantityMention", "Unit", "known_unit", "spot"]

_HOMES = {
    "HardwareMention": "hardware",
    "Mentions": "mentions",
    "QuantityMention": "quantities",
    "Unit": "units",
    "known_unit": "units",
    "spot": "mentions",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
