"""Read paper abstracts and write down what they claim: how fast, how good, how cheap, and on which hardware.

    >>> from extractor import extract
    >>> extract("FastNet", "FastNet is 2.3x faster than SlowNet.").claims[0].quantity.low
    2.3

What is listed in `__all__` is public; everything else may change. Names are loaded when first used: `import extractor` takes
a tenth of the time that the data model behind them does (13 and 141 ms of CPU), and every command pays for the import.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor.documents import Document
    from extractor.outputs.jsonl import read_extractions
    from extractor.records import Claim, Extraction, HardwareTarget

__all__ = ["Claim", "Document", "Extraction", "HardwareTarget", "extract", "extract_many", "read_extractions"]

_HOMES = {
    "Claim": "extractor.records",
    "Document": "extractor.documents",
    "Extraction": "extractor.records",
    "HardwareTarget": "extractor.records",
    "read_extractions": "extractor.outputs.jsonl",
}


def extract(
    title: str,
    abstract: str,
    *,
    id: str = "1",
    model: str = "rules",
) -> "Extraction":
    """Extract the claims and the hardware of one abstract.

    Raises `extractor.errors.UsageError` for an unknown model, `extractor.errors.ProviderError` when the model gives no answer.
    """
    from extractor.documents import Document

    [extraction] = extract_many([Document(id, title, abstract)], model=model)
    return extraction


def extract_many(documents: "Iterable[Document]", *, model: str = "rules") -> "Iterator[Extraction]":
    """Extract the claims and the hardware of each document, lazily and in order: one is read when one is asked for.

    An unknown model raises at once; raises what `extract` raises.
    """
    from extractor.jobs.loop import EventLoop
    from extractor.labelling.models import labeller_for
    from extractor.worker import extract_document

    labeller = labeller_for(model)

    def extractions() -> "Iterator[Extraction]":
        with EventLoop() as loop:
            for document in documents:
                yield loop.run(extract_document(document, labeller))

    return extractions()


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
