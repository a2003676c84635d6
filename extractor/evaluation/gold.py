"""Gold files: abstracts annotated by hand, one JSON file each, checked against the annotation guidelines when they are read."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from extractor.documents import Document, Span
from extractor.errors import DataError, UsageError
from extractor.records import PHRASE_FIELDS, Bound, Category, Comparison, Effect, Kind, Quantity, Role

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class GoldClaim:
    """One annotated claim. `span` is where its quantity stands, `restated` where the text says the same result again."""

    kind: Kind
    comparison: Comparison
    effect: Effect | None
    quantity: Quantity
    metric: str | None
    subject: str | None
    baseline: str | None
    dataset: str | None
    hardware: str | None
    span: Span
    restated: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class GoldHardware:
    """One annotated hardware target: a named product (`specific`) or a class."""

    name: str
    specific: bool
    category: Category
    role: Role
    span: Span


@dataclass(frozen=True, slots=True)
class GoldDocument:
    """An abstract with all that it claims."""

    document: Document
    system: str | None
    claims: tuple[GoldClaim, ...]
    hardware: tuple[GoldHardware, ...]


def read_gold(folder: Path) -> tuple[GoldDocument, ...]:
    """Read every `*.json` of a folder, in the order of their names.

    Raises `UsageError` if there is no such folder or it holds no gold file, and `DataError` at the first file that breaks
    the guidelines.
    """
    if not folder.is_dir():
        raise UsageError(f"no gold folder at {folder}; name one that holds annotated abstracts with --gold DIR")
    files = sorted(folder.glob("*.json"))
    if not files:
        raise UsageError(f"{folder} holds no *.json file; name a folder of annotated abstracts with --gold DIR")
    seen: dict[str, Path] = {}
    documents = []
    for path in files:
        gold = read_gold_file(path)
        if (other := seen.setdefault(gold.document.id, path)) is not path:
            raise _fault(path, "id", f"{gold.document.id!r} is the id of {other} too", "give each document its own id")
        documents.append(gold)
    return tuple(documents)


def read_gold_file(path: Path) -> GoldDocument:
    """Read and check one gold file. Raises `DataError` that names the file, the field, the cause and the fix."""
    try:
        data = _File.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); make it readable") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise _fault(path, _dotted(fault["loc"]), fault["msg"], "write it as the annotation guidelines say") from None
    document = Document(data.id, data.title, data.abstract)
    page = _Page(path, document.text)
    page.verbatim("system", data.system)
    claims = tuple(_claim(page, f"claims[{n}]", claim) for n, claim in enumerate(data.claims))
    hardware = tuple(_hardware(page, f"hardware[{n}]", target) for n, target in enumerate(data.hardware))
    taken: set[Span] = set()
    for n, claim in enumerate(claims):
        if claim.span in taken:
            cause = f"{claim.quantity.text!r} is annotated twice"
            raise _fault(path, f"claims[{n}].quantity", cause, "keep one claim per number")
        taken.add(claim.span)
    classes: set[Category] = set()
    for n, target in enumerate(hardware):
        if not target.specific and target.category in classes:
            cause = f"{target.name!r} is a second class of {target.category!r}"
            raise _fault(path, f"hardware[{n}].category", cause, "keep one class per category")
        if not target.specific:
            classes.add(target.category)
    return GoldDocument(document, data.system, claims, hardware)


def gold_digest(documents: Iterable[GoldDocument]) -> str:
    """SHA-256 of what annotated abstracts say, whatever their order and the layout of their files."""
    said = sorted(json.dumps(asdict(gold), default=Quantity.model_dump, sort_keys=True) for gold in documents)
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Claim(_Strict):
    quantity: str
    context: str
    also: tuple[str, ...]
    kind: Kind
    comparison: Comparison
    effect: Effect | None
    low: FiniteFloat
    high: FiniteFloat
    unit: str | None
    bound: Bound
    metric: str | None
    subject: str | None
    baseline: str | None
    dataset: str | None
    hardware: str | None


class _Hardware(_Strict):
    name: str
    context: str
    specific: bool
    category: Category
    role: Role


class _File(_Strict):
    id: str
    title: str
    abstract: str
    system: str | None
    claims: tuple[_Claim, ...]
    hardware: tuple[_Hardware, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    """The text that a gold file annotates, and where faults in the file are reported."""

    path: Path
    text: str

    def verbatim(self, where: str, value: str | None) -> None:
        """Require that a phrase stands in the text as it is written."""
        if value is not None and (not value or value not in self.text):
            cause = f"{value!r} is not in the text"
            raise _fault(self.path, where, cause, "copy the words exactly as the text has them, or write null")

    def resolve(self, where: str, phrase: str, context: str) -> Span:
        """The span of a phrase, by way of a context that stands once in the text and holds the phrase once."""
        if not phrase:
            raise _fault(self.path, where, "is empty", "copy the words exactly as the text has them")
        if (times := len([*_occurrences(context, self.text)])) != 1:
            cause = f"its context {context!r} occurs {times} times in the text"
            raise _fault(self.path, where, cause, "copy a snippet that occurs exactly once")
        if (times := len([*_occurrences(phrase, context)])) != 1:
            cause = f"its context {context!r} holds {phrase!r} {times} times"
            raise _fault(self.path, where, cause, "choose a snippet that holds it exactly once")
        start = self.text.index(context) + context.index(phrase)
        return start, start + len(phrase)

    def require(self, holds: bool, where: str, cause: str, fix: str) -> None:
        """Raise a fault unless a rule of the guidelines holds."""
        if not holds:
            raise _fault(self.path, where, cause, fix)


def _claim(page: _Page, where: str, claim: _Claim) -> GoldClaim:
    span = page.resolve(f"{where}.quantity", claim.quantity, claim.context)
    for name in PHRASE_FIELDS:
        page.verbatim(f"{where}.{name}", getattr(claim, name))
    for n, context in enumerate(claim.also):
        page.verbatim(f"{where}.also[{n}]", context)
    page.require(
        (claim.effect is not None) == (claim.comparison == "change"),
        f"{where}.effect",
        f"is {claim.effect!r} beside comparison {claim.comparison!r}",
        "set it for a change and only then",
    )
    page.require(
        claim.comparison != "absolute" or claim.baseline is None,
        f"{where}.baseline",
        "an absolute value has none",
        "write null, or correct the comparison",
    )
    page.require(
        claim.low <= claim.high,
        f"{where}.low",
        f"{claim.low:g} is above high, {claim.high:g}",
        "write the lower end as low",
    )
    return GoldClaim(
        kind=claim.kind,
        comparison=claim.comparison,
        effect=claim.effect,
        quantity=Quantity(text=claim.quantity, low=claim.low, high=claim.high, unit=claim.unit, bound=claim.bound),
        metric=claim.metric,
        subject=claim.subject,
        baseline=claim.baseline,
        dataset=claim.dataset,
        hardware=claim.hardware,
        span=span,
        restated=tuple(place for context in claim.also for place in _restatements(claim, context, page.text)),
    )


def _hardware(page: _Page, where: str, target: _Hardware) -> GoldHardware:
    span = page.resolve(f"{where}.name", target.name, target.context)
    return GoldHardware(target.name, target.specific, target.category, target.role, span)


def _restatements(claim: _Claim, context: str, text: str) -> Iterator[Span]:
    """Where a snippet of `also` says the quantity again: as written, else as the same number, else the whole snippet.

    The annotator vouches for the snippet, so a number in it that is worded differently ("sub-billion" for 968M) counts too.
    """
    for base, end in _occurrences(context, text):
        places = [span for span in _occurrences(claim.quantity, context) if not _inside_number(context, span[0])]
        if not places:
            numbers = {claim.low, claim.high}
            places = [m.span() for m in _NUMBER.finditer(context) if float(m.group().replace(",", "")) in numbers]
        yield from ((base + start, base + stop) for start, stop in places or [(0, end - base)])


def _inside_number(text: str, start: int) -> bool:
    """Whether a quantity that starts here is the tail of a longer one ("5%" in "15%" and in "0.5%")."""
    return start > 0 and text[start].isdigit() and (text[start - 1].isdigit() or text[start - 1] in ".,")


def _occurrences(needle: str, haystack: str) -> Iterator[Span]:
    """Every place where `needle` stands, overlapping ones too."""
    start = haystack.find(needle) if needle else -1
    while start != -1:
        yield start, start + len(needle)
        start = haystack.find(needle, start + 1)


def _fault(path: Path, where: str, cause: str, fix: str) -> DataError:
    return DataError(f"{path}: {where}: {cause}; {fix}")


def _dotted(location: tuple[int | str, ...]) -> str:
    """`("claims", 0, "kind")` as `claims[0].kind`; an empty location is the whole file."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).lstrip(".") or "the file"
