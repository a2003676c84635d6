"""Small reports whose errors are known by construction: an abstract that would be mark-up, systems that err on purpose."""

from collections.abc import Sequence

from extractor.documents import Document
from extractor.evaluation import GoldDocument, align
from extractor.evaluation.report import Report, assemble
from extractor.evaluation.report.format import SetReport
from extractor.evaluation.sets import GoldSet
from extractor.evaluation.systems import Evaluated, LeftOut, System
from extractor.records import Extraction, Rejection
from tests.evaluation.planted import ACCURACY, GOLD, NANO, SPEEDUP, extraction, perfect, predict, replace, target

HOSTILE = "</article><script>alert('x')</script> & <b>bold</b> {{ 7 * 7 }} | [a](b) https://elsewhere.example/x"
OTHER = replace(GOLD, document=Document("other #2", HOSTILE, HOSTILE), system=None, claims=(), hardware=())
THIRD = replace(GOLD, document=replace(GOLD.document, id="third"))
DOCUMENTS = (GOLD, OTHER, THIRD)

FLAWED = extraction(
    (
        predict(SPEEDUP, kind="speed", subject="Squid", baseline=None),
        predict(SPEEDUP, span=SPEEDUP.restated[0]),
        predict(ACCURACY, metric="71% accuracy"),
    ),
    (target(NANO, role="intended"),),
    "Squid",
).model_copy(update={"rejected": (Rejection(field="system", value=HOSTILE, reason="not found in the text"),)})
"""A wrong kind, subject and baseline; a claim stated twice; a metric in other words; a miss; hardware; the system's name."""


def system(name: str, *records: Extraction) -> System:
    """A system that wrote these records, one for each document."""
    prompt = None if name == "rules" else "label@1"
    pairs = zip(DOCUMENTS, records, strict=True)
    return System(name, name, prompt, prompt and "0" * 64, tuple(align(gold, record) for gold, record in pairs))


def right(name: str = "rules") -> System:
    """A system without an error."""
    return system(name, *(perfect(gold) for gold in DOCUMENTS))


def flawed(name: str = "openai/flawed_1b") -> System:
    """A system that errs in the first document alone."""
    took = FLAWED.provenance.model_copy(update={"calls": 1, "attempts": 1, "input_tokens": 900, "output_tokens": 90})
    return system(name, FLAWED.model_copy(update={"provenance": took}), *(perfect(gold) for gold in DOCUMENTS[1:]))


def evaluated(
    *systems: System,
    left_out: tuple[LeftOut, ...] = (),
    documents: Sequence[GoldDocument] = DOCUMENTS,
    name: str = "three",
    held_out: bool = False,
) -> Evaluated:
    """These systems on a set."""
    return Evaluated(GoldSet(name, "planted ones", held_out, tuple(documents)), systems, left_out)


def report(*systems: System, left_out: tuple[LeftOut, ...] = ()) -> Report:
    """The report of these systems on one set, of a right and a flawed one if none is named."""
    return assemble([evaluated(*(systems or (right(), flawed())), left_out=left_out)])


def of_one_set(*systems: System) -> SetReport:
    """The only set of `report`."""
    [only] = report(*systems).sets
    return only
