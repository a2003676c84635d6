"""Normal forms: one key for a name however it is written, and one unit for the numbers of a dimension."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from extractor.phrases import folded

_ARTICLE = re.compile(r"^(?:an?|the)\s+")
_SEPARATORS = re.compile(r"[\s\-‐‑–—_/]+")
_EDGES = " .,;:'\"()[]"
_NOT_IN_NAMES = re.compile(r"(?<!\d)\.|\.(?!\d)|[^\w.+]|_")
_SINGULAR = re.compile(r"(?<=[a-z]{3})(?:(?<![sui])|(?<=pu)|(?<=mcu))s$")  # "GPUs", but not "bus", "basis"
_SINGULARS: Final = {"ies": "y", "sses": "ss", "ches": "ch", "shes": "sh", "xes": "x"}


@lru_cache(maxsize=65536)
def phrase_key(phrase: str) -> str:
    """The key of a phrase of words, such as hardware or a metric: "the Edge Devices" is `edge device`."""
    words = _SEPARATORS.sub(" ", _ARTICLE.sub("", folded(phrase))).strip(_EDGES)
    for ending, singular in _SINGULARS.items():
        if words.endswith(ending):
            return words.removesuffix(ending) + singular
    return _SINGULAR.sub("", words)


@lru_cache(maxsize=65536)
def name_key(name: str) -> str:
    """The key of a proper name, such as a system or a dataset: "CIFAR-10" and "CIFAR 10" are `cifar10`."""
    return _NOT_IN_NAMES.sub("", unicodedata.normalize("NFKC", folded(name))) or folded(name)


_BASES: Final[dict[str, tuple[str, float]]] = {
    "x": ("ratio", 1.0),
    "ps": ("s", 1e-12),
    "ns": ("s", 1e-9),
    "us": ("s", 1e-6),
    "ms": ("s", 1e-3),
    "min": ("s", 60.0),
    "h": ("s", 3600.0),
    "days": ("s", 86400.0),
    "weeks": ("s", 604800.0),
    "months": ("s", 2629746.0),
    "KB": ("B", 1e3),
    "MB": ("B", 1e6),
    "GB": ("B", 1e9),
    "TB": ("B", 1e12),
    "PB": ("B", 1e15),
    "MACs": ("FLOPs", 2.0),
    "pJ": ("J", 1e-12),
    "nJ": ("J", 1e-9),
    "uJ": ("J", 1e-6),
    "mJ": ("J", 1e-3),
    "kJ": ("J", 1e3),
    "MJ": ("J", 1e6),
    "mWh": ("J", 3.6),
    "Wh": ("J", 3600.0),
    "kWh": ("J", 3.6e6),
    "pW": ("W", 1e-12),
    "nW": ("W", 1e-9),
    "uW": ("W", 1e-6),
    "mW": ("W", 1e-3),
    "kW": ("W", 1e3),
    "MW": ("W", 1e6),
    "kHz": ("Hz", 1e3),
    "MHz": ("Hz", 1e6),
    "GHz": ("Hz", 1e9),
    "kbps": ("bps", 1e3),
    "Mbps": ("bps", 1e6),
    "Gbps": ("bps", 1e9),
    "TOPS": ("GOPS", 1e3),
    "GPU days": ("GPU hours", 24.0),
    "cents": ("USD", 0.01),
}
"""The base unit of each unit that has another, and its size in it. 1 MAC is 2 FLOPs, 1 KB is 1,000 B."""


def base(value: float, unit: str | None) -> tuple[float, str | None]:
    """A value in the base unit of its dimension, and that unit. A unit that is its own base stays, as a bare score does."""
    base_unit, size = _BASES.get(unit or "", (unit, 1.0))
    return value * size, base_unit
