"""The terminal form of an evaluation: a table of figures, and the list of single errors behind them."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table

from extractor.evaluation.coverage import Coverage, spotting_errors
from extractor.evaluation.gold import GoldClaim
from extractor.evaluation.matching import Alignment, agreement, claim_overlap, compare_phrases
from extractor.evaluation.metrics import Counts, Scores, Share
from extractor.evaluation.usage import Usage
from extractor.records import Claim, Quantity
from extractor.spotting import QuantityMention

_CONTEXT = 40
"""Characters of text shown on each side of a quantity."""


def table(scores: Scores, coverage: Coverage, usage: Usage | None = None) -> RenderableType:
    """All figures as tables for a terminal; a ratio of nothing is a dash. `usage` is of the model, where there is one."""
    found = _columns("", "precision", "recall", "F1", "found", "spurious", "missed")
    _count_row(found, "claims: detection", scores.claims.detection)
    for kind, claims in scores.by_kind.items():
        _count_row(found, f"  {kind}", claims.detection)
    _count_row(found, "claims: strict", scores.claims.strict)
    for kind, claims in scores.by_kind.items():
        _count_row(found, f"  {kind}", claims.strict)
    _count_row(found, "hardware", scores.hardware)
    _count_row(found, "  products", scores.products)
    _count_row(found, "  classes", scores.classes)

    fields = _columns("field", "exact", "soft", "right of", "named", "right of")
    for name, exact in scores.exact.items():
        _share_row(fields, f"claim: {name}", exact, scores.soft.get(name), scores.named.get(name))
    _share_row(fields, "hardware: role", scores.role)
    _share_row(fields, "products: category", scores.category)
    _share_row(fields, "system", scores.system_exact, scores.system_soft)
    _share_row(fields, "documents right", scores.documents_right)

    spotting = _columns("spotting", "covered", "of")
    for label, covered in (
        ("quantities listed", coverage.listed),
        ("quantities read right", coverage.read),
        ("hardware names listed", coverage.hardware),
    ):
        spotting.add_row(label, _figure(covered.value), f"{covered.right}/{covered.total}")
    asked = [] if usage is None else [_usage(usage)]
    return Group(f"{scores.documents} documents", found, fields, spotting, *asked)


def _usage(usage: Usage) -> Table:
    rows = _columns("model", "per abstract", "in all")
    for label, total in (
        ("calls", usage.calls),
        ("re-asked", usage.reasks),
        ("input tokens", usage.input_tokens),
        ("output tokens", usage.output_tokens),
        ("abstracts without a call", usage.uncalled),
        ("abstracts without a usable answer", usage.unanswered),
        ("rejected", sum(usage.rejected.values())),
        *((f"  {reason}", number) for reason, number in usage.rejected.items()),
    ):
        each = usage.each(total)
        rows.add_row(label, "-" if each is None else f"{each:.3f}", f"{total:,}")
    dollars = (("-" if sum_ is None else f"{sum_:.4f}") for sum_ in (usage.each(usage.cost_usd), usage.cost_usd))
    rows.add_row("dollars", *dollars)
    for label, share in (("labels refused", usage.refused), ("phrases ungrounded", usage.ungrounded)):
        rows.add_row(label, _figure(share.value), f"{share.right:,}/{share.total:,}")
    return rows


def list_errors(alignments: Iterable[Alignment]) -> Iterator[str]:
    """One line per error, grouped by document; documents without an error give none.

    `unspotted` and `misread` are of spotting, `missed`, `spurious` and `wrong` of the labeller. A wrong field is given as
    gold -> prediction, with `~` for one that agrees softly.
    """
    for alignment in alignments:
        lines = [*_spotting(alignment), *_claims(alignment), *_hardware(alignment)]
        if lines:
            gold = alignment.gold
            yield f"{gold.document.id}  {gold.document.title}"
            yield from (f"  {line}" for line in lines)


def _spotting(alignment: Alignment) -> Iterator[str]:
    text = alignment.gold.document.text
    missing = spotting_errors(alignment.gold)
    for claim, near in missing.quantities:
        gold = claim.quantity
        if near:
            said = ", ".join(f"{m.text!r} {_meaning(m)}" for m in near)
            yield f"misread    {gold.text!r} {_meaning(gold)} -> {said}"
        else:
            yield f"unspotted  {gold.text!r} {_meaning(gold)}  {_around(text, *claim.span)}"
    for target in missing.hardware:
        yield f"unspotted  hardware {target.name!r}  {_around(text, *target.span)}"


def _claims(alignment: Alignment) -> Iterator[str]:
    gold = alignment.gold
    text = gold.document.text
    if not compare_phrases(gold.system, alignment.extraction.system).exact:
        yield f"wrong      system: {gold.system!r} -> {alignment.extraction.system!r}"
    for claim in alignment.claims.missed:
        yield f"missed     {claim.quantity.text!r} {_sort(claim)}  {_around(text, *claim.span)}"
    for predicted in alignment.claims.spurious:
        again = "(a gold claim that has its prediction)  " if any(claim_overlap(g, predicted) for g in gold.claims) else ""
        yield f"spurious   {predicted.quantity.text!r} {_sort(predicted)}  {again}{_around(text, *predicted.spans.quantity)}"
    for claim, predicted in alignment.claims.pairs:
        wrong = [
            f"{'~' if agrees.soft else ''}{name}: {_value(claim, name)} -> {_value(predicted, name)}"
            for name, agrees in agreement(gold, claim, predicted).items()
            if not agrees.exact
        ]
        if wrong:
            yield f"wrong      {claim.quantity.text!r} {'; '.join(wrong)}"


def _hardware(alignment: Alignment) -> Iterator[str]:
    text = alignment.gold.document.text
    for target in alignment.hardware.missed:
        yield f"missed     hardware {target.name!r} {target.category} {target.role}  {_around(text, *target.span)}"
    for predicted in alignment.hardware.spurious:
        yield f"spurious   hardware {predicted.name!r} {predicted.category} {predicted.role}  {_around(text, *predicted.span)}"
    for target, predicted in alignment.hardware.pairs:
        wrong = [
            f"{name}: {getattr(target, name)} -> {getattr(predicted, name)}"
            for name in ("category", "role")
            if getattr(target, name) != getattr(predicted, name)
        ]
        if wrong:
            yield f"wrong      hardware {target.name!r} {'; '.join(wrong)}"


def _sort(claim: GoldClaim | Claim) -> str:
    return " ".join(part for part in (claim.kind, claim.comparison, claim.effect) if part)


def _value(claim: GoldClaim | Claim, name: str) -> str:
    if name == "value":
        return _range(claim.quantity)
    owner = claim.quantity if name in ("unit", "bound") else claim
    return repr(getattr(owner, name))


def _meaning(quantity: Quantity | QuantityMention) -> str:
    return f"[{_range(quantity)} {quantity.unit} {quantity.bound}]"


def _range(quantity: Quantity | QuantityMention) -> str:
    ends = dict.fromkeys((f"{quantity.low:.10g}", f"{quantity.high:.10g}"))
    return "..".join(ends)


def _around(text: str, start: int, end: int) -> str:
    """The place in brackets, with the text beside it on one line."""
    left, right = max(0, start - _CONTEXT), end + _CONTEXT
    before, after = "..." if left else "", "..." if right < len(text) else ""
    return f"{before}{text[left:start]}[{text[start:end]}]{text[end:right]}{after}".replace("\n", " ")


def _columns(*headers: str) -> Table:
    columns = Table(box=None, pad_edge=False)
    for n, header in enumerate(headers):
        columns.add_column(header, justify="right" if n else "left", no_wrap=True)
    return columns


def _count_row(rows: Table, label: str, counts: Counts) -> None:
    ratios = (_figure(ratio) for ratio in (counts.precision, counts.recall, counts.f1))
    rows.add_row(label, *ratios, str(counts.found), str(counts.spurious), str(counts.missed))


def _share_row(rows: Table, label: str, exact: Share, soft: Share | None = None, named: Share | None = None) -> None:
    phrase = (_figure(named.value), str(named.total)) if named else ("", "")
    rows.add_row(label, _figure(exact.value), _figure(soft.value) if soft else "", str(exact.total), *phrase)


def _figure(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.3f}"
