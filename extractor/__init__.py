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
    from concurrent.futures import Future

    from extractor.documents import Document
    from extractor.outputs.jsonl import read_extractions
    from extractor.outputs.tables import read_claims
    from extractor.records import Claim, Extraction, HardwareTarget

__all__ = ["Claim", "Document", "Extraction", "HardwareTarget", "extract", "extract_many", "read_claims", "read_extractions"]

_HOMES = {
    "Claim": "extractor.records",
    "Document": "extractor.documents",
    "Extraction": "extractor.records",
    "HardwareTarget": "extractor.records",
    "read_claims": "extractor.outputs.tables",
    "read_extractions": "extractor.outputs.jsonl",
}


def extract(title: str, abstract: str, *, id: str = "1", model: str = "rules", base_url: str | None = None) -> "Extraction":
    """Extract the claims and the hardware of one abstract.

    `model` is named as on the command line (`openai/...`), `base_url` is the address of a compatible server. A model's key
    comes from the environment or the key file, and its replies are kept in the cache that the command line uses. Raises
    `extractor.errors.UsageError` for a model that does not exist, `extractor.errors.ProviderError` when it gives no answer.
    """
    from extractor.documents import Document

    [extraction] = extract_many([Document(id, title, abstract)], model=model, base_url=base_url)
    return extraction


def extract_many(
    documents: "Iterable[Document]", *, model: str = "rules", base_url: str | None = None
) -> "Iterator[Extraction]":
    """Extract the claims and the hardware of each document, lazily and in order.

    With the rules, one document is read when one is asked for; with a model, as many as keep its calls busy (128 at most).
    Raises what `extract` raises; a model that does not exist raises at once, before any document is read.
    """
    from collections import deque

    from extractor.jobs.loop import EventLoop
    from extractor.labelling.models import ModelOptions, choose
    from extractor.worker import extract_document

    chosen = choose(ModelOptions(model, base_url))

    def extractions() -> "Iterator[Extraction]":
        under_way: deque[Future[Extraction]] = deque()
        with EventLoop() as loop:
            opened = chosen.open()
            labeller = loop.run(opened.__aenter__()).labeller
            try:
                for document in documents:
                    under_way.append(loop.start(extract_document(document, labeller)))
                    while under_way and (len(under_way) >= chosen.window or under_way[0].done()):
                        yield under_way.popleft().result()
                while under_way:
                    yield under_way.popleft().result()
            finally:
                for future in under_way:
                    future.cancel()
                loop.run(opened.__aexit__(None, None, None))

    return extractions()


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
