"""Evaluated systems -> the report: their figures, their differences, and every abstract with its errors, in three files."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from extractor._version import __version__
from extractor.errors import UsageError
from extractor.evaluation.cascades import cascade
from extractor.evaluation.findings import Finding, cover, of_labelling, of_spotting, range_of
from extractor.evaluation.gold import GoldClaim, GoldDocument, GoldHardware, gold_digest
from extractor.evaluation.matching import Alignment, agreement, is_strict
from extractor.evaluation.metrics import score
from extractor.evaluation.report.format import (
    CascadeReport,
    ComparisonReport,
    DocumentReport,
    ErrorReport,
    GoldReport,
    PredictionReport,
    Report,
    SetReport,
    SystemReport,
)
from extractor.evaluation.report.words import describe
from extractor.evaluation.statistics import detectable, differences, estimates, power_in_words, verdict
from extractor.evaluation.systems import Evaluated, System
from extractor.evaluation.usage import usage
from extractor.labelling.models import RULES
from extractor.records import Claim, HardwareTarget


def assemble(evaluated: Sequence[Evaluated]) -> Report:
    """Put together the report of an evaluation, set by set."""
    return Report(extractor=__version__, sets=tuple(map(_set, evaluated)))


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write the three forms of a report into a folder, which is made if need be; their paths.

    The same report gives the same bytes. Raises `UsageError` if a package that draws the page is missing, or the folder
    cannot be written.
    """
    from extractor.evaluation.report.markdown import markdown
    from extractor.evaluation.report.page import page

    forms = {"report.json": report.model_dump_json(indent=1) + "\n", "report.md": markdown(report), "report.html": page(report)}
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in forms.items():
            path = folder / name
            path.write_text(text, encoding="utf-8", newline="\n")
            paths.append(path)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}); name another folder with --report DIR") from None
    return tuple(paths)


def _set(evaluated: Evaluated) -> SetReport:
    gold, systems = evaluated.gold, evaluated.systems
    listed = () if gold.held_out else gold.documents
    return SetReport(
        gold=GoldReport(
            name=gold.name,
            about=gold.about,
            held_out=gold.held_out,
            documents=len(gold.documents),
            claims=sum(len(document.claims) for document in gold.documents),
            hardware=sum(len(document.hardware) for document in gold.documents),
            sha256=gold_digest(gold.documents),
        ),
        power=f"{power_in_words(detectable(systems[0].alignments), len(gold.documents))}." if systems else None,
        spotting=cover(gold.documents),
        systems=tuple(_system(system) for system in systems),
        comparisons=tuple(_comparison(ours, theirs) for ours, theirs in combinations(systems, 2)),
        cascades=tuple(
            CascadeReport(ours=ours.name, theirs=theirs.name, points=points)
            for ours, theirs in combinations(systems, 2)
            if ours.model == RULES and theirs.model != RULES and (points := cascade(ours.alignments, theirs.cascade))
        ),
        left_out=evaluated.left_out,
        documents=tuple(_document(document, [system.alignments[n] for system in systems]) for n, document in enumerate(listed)),
    )


def _system(system: System) -> SystemReport:
    figures = score(system.alignments)
    return SystemReport(
        name=system.name,
        model=system.model,
        prompt=system.prompt,
        prompt_sha256=system.prompt_sha256,
        verdict=describe(figures),
        headline=estimates(system.alignments),
        figures=figures,
        usage=usage(alignment.extraction for alignment in system.alignments),
    )


def _comparison(ours: System, theirs: System) -> ComparisonReport:
    found = differences(ours.alignments, theirs.alignments)
    right = [(_claims_right(a), _claims_right(b)) for a, b in zip(ours.alignments, theirs.alignments, strict=True)]
    return ComparisonReport(
        ours=ours.name,
        theirs=theirs.name,
        headline=found,
        verdict=verdict(found["strict_f1"], ours.name, theirs.name),
        power=f"{power_in_words(detectable(ours.alignments, theirs.alignments), len(ours.alignments))}.",
        only_ours=right.count((True, False)),
        only_theirs=right.count((False, True)),
    )


def _document(gold: GoldDocument, alignments: Sequence[Alignment]) -> DocumentReport:
    return DocumentReport(
        id=gold.document.id,
        title=gold.document.title,
        abstract=gold.document.abstract,
        system=gold.system,
        claims=gold.claims,
        hardware=gold.hardware,
        spotting_errors=tuple(_error(finding, gold, None) for finding in of_spotting(gold)),
        predictions=tuple(_prediction(alignment) for alignment in alignments),
    )


def _prediction(alignment: Alignment) -> PredictionReport:
    gold, record = alignment.gold, alignment.extraction
    claims, hardware = alignment.claims, alignment.hardware
    return PredictionReport(
        system=record.system,
        claims=record.claims,
        hardware=record.hardware,
        rejected=record.rejected,
        claim_pairs=tuple((_place(g, gold.claims), _place(p, record.claims)) for g, p in claims.pairs),
        hardware_pairs=tuple((_place(g, gold.hardware), _place(p, record.hardware)) for g, p in hardware.pairs),
        errors=tuple(_error(finding, gold, alignment) for finding in of_labelling(alignment)),
        claims_right=_claims_right(alignment),
    )


def _claims_right(alignment: Alignment) -> bool:
    claims = alignment.claims
    right = all(is_strict(agreement(alignment.gold, gold, claim)) for gold, claim in claims.pairs)
    return right and not claims.missed and not claims.spurious


def _error(finding: Finding, gold: GoldDocument, alignment: Alignment | None) -> ErrorReport:
    expected, said = finding.gold, finding.predicted
    item = expected or said
    annotated: Sequence[object] = gold.claims if isinstance(expected, GoldClaim) else gold.hardware
    record = alignment.extraction if alignment else None
    written: Sequence[object] = () if record is None else record.claims if isinstance(said, Claim) else record.hardware
    return ErrorReport(
        error=finding.error,
        item="claim"
        if isinstance(item, GoldClaim | Claim)
        else "hardware"
        if isinstance(item, GoldHardware | HardwareTarget)
        else "system",
        kind=item.kind if isinstance(item, GoldClaim | Claim) else None,
        gold=None if expected is None else _place(expected, annotated),
        predicted=None if said is None else _place(said, written),
        fields=dict(finding.fields),
        again=finding.again,
        read=tuple(f"{near.text!r}: {range_of(near)} {near.unit} {near.bound}" for near in finding.near),
    )


def _place(item: object, items: Sequence[object]) -> int:
    """Where an item stands, by identity: two predictions may be equal."""
    return next(n for n, each in enumerate(items) if each is item)
