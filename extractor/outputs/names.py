"""Normal forms of names: one key for a name, however it is written."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from extractor.text import folded

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
