"""Spotting: find every quantity and every hardware mention of a text. Deterministic, offline, no I/O."""

from extractor.spotting.hardware import HardwareMention
from extractor.spotting.mentions import Mentions, spot
from extractor.spotting.quantities import QuantityMention
from extractor.spotting.units import Unit, known_unit

__all__ = ["HardwareMention", "Mentions", "QuantityMention", "Unit", "known_unit", "spot"]
