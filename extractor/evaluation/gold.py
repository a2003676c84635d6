"""Gold files: abstracts annotated by hand, one JSON file each, checked against the annotation guidelines when they are read."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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
    restated: tuple[Span, ...]


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


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a gold file breaks the annotation guidelines, why, and what mends it."""

    path: Path
    where: str
    cause: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path}: {self.where}: {self.cause}; {self.fix}"


def read_gold(place: Path) -> tuple[GoldDocument, ...]:
    """The documents of `read_files`, which says what is read and what is raised."""
    return tuple(document for _, document in read_files(place))


def read_files(place: Path) -> Iterator[tuple[Path, GoldDocument]]:
    """Read a single file, or every `*.json` of a folder in the order of their names; of the folders in it if it holds none.

    Raises `UsageError` if there is no such folder or it holds no gold file, and `DataError` at the first file that breaks
    the guidelines or that nobody has reviewed.
    """
    for path, found in _examine(place):
        if not isinstance(found, GoldDocument):
            raise DataError(str(found[0]))
        yield path, found


def check_gold(place: Path) -> Iterator[tuple[Path, tuple[Fault, ...]]]:
    """All faults of each file that `read_files` would read. Raises `UsageError` as that does."""
    for path, found in _examine(place):
        yield path, () if isinstance(found, GoldDocument) else found


def _examine(place: Path) -> Iterator[tuple[Path, GoldDocument | tuple[Fault, ...]]]:
    """Each file with its document, or with its faults, of which there is at least one."""
    files = [place] if place.is_file() else sorted(place.glob("*.json"))
    files = files or sorted([*place.glob("*/*.json"), *place.glob("*/*/*.json")])
    if not place.exists():
        raise UsageError(f"no gold folder at {place}; name one that holds annotated abstracts with --gold DIR")
    if not files:
        raise UsageError(f"{place} holds no *.json file; name a folder of annotated abstracts with --gold DIR")
    seen: dict[str, Path] = {}
    for path in files:
        page = _Page(path)
        found = page.read()
        if page.id is not None and (other := seen.setdefault(page.id, path)) is not path:
            twice = Fault(path, "id", f"{page.id!r} is the id of {other} too", "give each document its own id")
            found = (twice,) if isinstance(found, GoldDocument) else (*found, twice)
        yield path, found


def gold_digest(documents: Iterable[GoldDocument]) -> str:
    """SHA-256 of what annotated abstracts say, whatever their order and the layout of their files."""
    said = [asdict(gold) for gold in documents]
    for gold in said:
        del gold["document"]["source"]  # where an abstract is from says nothing about it
    lines = sorted(json.dumps(gold, default=Quantity.model_dump, sort_keys=True) for gold in said)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


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
    unreviewed: bool = False


class _Hardware(_Strict):
    name: str
    context: str
    specific: bool
    category: Category
    role: Role
    unreviewed: bool = False


class _File(_Strict):
    id: str
    title: str
    abstract: str
    system: str | None
    claims: tuple[_Claim, ...]
    hardware: tuple[_Hardware, ...]
    arxiv: str | None = None  # where the abstract is from
    unreviewed: bool = False


class _Page:
    """One gold file while it is checked: what it holds, and the faults found in it so far.

    A value that has the wrong form is a fault and then counts as absent, so that one fault never hides the others.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id: str | None = None
        self.text = ""
        self.faults: list[Fault] = []

    def read(self) -> GoldDocument | tuple[Fault, ...]:
        """The document, or all faults of the file."""
        try:
            content = self.path.read_bytes()
        except OSError as error:
            return (Fault(self.path, "the file", f"cannot be read ({error.strerror})", "make it readable"),)
        data, values = self.parse(content)
        self.id = values.get("id")
        if "title" in values and "abstract" in values:
            self.text = Document("", values["title"], values["abstract"]).text
            self.check(values)
        return tuple(self.faults) if data is None or self.faults else _document(data)

    def parse(self, content: bytes) -> tuple[_File | None, dict[str, Any]]:
        """What the file holds; if its form is wrong, None and those of its values whose form is right."""
        try:
            data = _File.model_validate_json(content)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)
        else:
            return data, data.model_dump()
        for fault in wrong:
            self.fault(_dotted(fault["loc"]), fault["msg"], "write it as the annotation guidelines say")
        if not all(fault["loc"] for fault in wrong):
            return None, {}
        values: dict[str, Any] = json.loads(content)
        for fault in wrong:
            _remove(values, fault["loc"])
        return None, values

    def check(self, file: Mapping[str, Any]) -> None:
        """Add every rule of the guidelines that the file breaks to its faults."""
        if file.get("unreviewed"):
            fix = "read the abstract, see that `system` is right and nothing is missing, and delete this line"
            self.fault("unreviewed", "no person has reviewed this annotation yet", fix)
        self.verbatim("system", file.get("system"))
        taken: set[Span] = set()
        for where, claim in _items("claims", file):
            span = self.claim(where, claim)
            if span in taken:
                cause = f"{claim['quantity']!r} is annotated twice"
                self.fault(f"{where}.quantity", cause, "keep one claim per number")
            taken |= {span} if span else set()
        classes: set[Category] = set()
        for where, target in _items("hardware", file):
            self.reviewed(where, target)
            self.resolve(f"{where}.name", target.get("name"), target.get("context"))
            if target.get("specific", True) or not (category := target.get("category")):
                continue
            if category in classes:
                cause = f"{target.get('name')!r} is a second class of {category!r}"
                self.fault(f"{where}.category", cause, "keep one class per category")
            classes.add(category)

    def claim(self, where: str, claim: Mapping[str, Any]) -> Span | None:
        """Check one claim; where its quantity stands, if that can be said."""
        self.reviewed(where, claim)
        span = self.resolve(f"{where}.quantity", claim.get("quantity"), claim.get("context"))
        for name in PHRASE_FIELDS:
            self.verbatim(f"{where}.{name}", claim.get(name))
        for n, context in enumerate(claim.get("also", ())):
            self.verbatim(f"{where}.also[{n}]", context)
        effect, comparison = claim.get("effect"), claim.get("comparison")
        if comparison and "effect" in claim and (effect is not None) != (comparison == "change"):
            cause = f"is {effect!r} beside comparison {comparison!r}"
            self.fault(f"{where}.effect", cause, "set it for a change and only then")
        if comparison == "absolute" and claim.get("baseline") is not None:
            self.fault(f"{where}.baseline", "an absolute value has none", "write null, or correct the comparison")
        low, high = claim.get("low"), claim.get("high")
        if low is not None and high is not None and low > high:
            self.fault(f"{where}.low", f"{low:g} is above high, {high:g}", "write the lower end as low")
        return span

    def reviewed(self, where: str, item: Mapping[str, Any]) -> None:
        """Require that a person has cleared what a labeller filled in."""
        if item.get("unreviewed"):
            cause = f"no person has reviewed {item.get('quantity', item.get('name'))!r} yet"
            self.fault(f"{where}.unreviewed", cause, "correct it or take it out, and delete this line")

    def verbatim(self, where: str, value: str | None) -> None:
        """Require that a phrase stands in the text as it is written."""
        if value is not None and (not value or value not in self.text):
            cause = f"{value!r} is not in the text"
            self.fault(where, cause, "copy the words exactly as the text has them, or write null")

    def resolve(self, where: str, phrase: str | None, context: str | None) -> Span | None:
        """The span of a phrase, by way of a context that stands once in the text and holds the phrase once."""
        if phrase == "":
            self.fault(where, "is empty", "copy the words exactly as the text has them")
        if not phrase or context is None:
            return None
        if (times := len([*occurrences(context, self.text)])) != 1:
            cause = f"its context {context!r} occurs {times} times in the text"
            self.fault(where, cause, "copy a snippet that occurs exactly once")
        elif (times := len([*occurrences(phrase, context)])) != 1:
            cause = f"its context {context!r} holds {phrase!r} {times} times"
            self.fault(where, cause, "choose a snippet that holds it exactly once")
        else:
            return _resolved(phrase, context, self.text)
        return None

    def fault(self, where: str, cause: str, fix: str) -> None:
        """Note that a rule is broken."""
        self.faults.append(Fault(self.path, where, cause, fix))


def _items(name: str, file: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each claim or hardware target under its index in the file; what has the wrong form is left out."""
    for n, item in enumerate(file.get(name, ())):
        if item is not None:
            yield f"{name}[{n}]", item


def _remove(values: Any, location: Sequence[str | int]) -> None:
    """Take the value at a location out; the rest of a list keeps its places."""
    *parents, last = location
    for key in parents:
        try:
            values = values[key]
        except (KeyError, IndexError, TypeError):
            return  # within a value that is out already
    if isinstance(values, list) and isinstance(last, int):
        values[last] = None
    elif isinstance(values, dict):
        values.pop(last, None)


def _document(data: _File) -> GoldDocument:
    """A file without faults as what it means."""
    document = Document(data.id, data.title, data.abstract)
    claims = tuple(_claim(claim, document.text) for claim in data.claims)
    hardware = tuple(
        GoldHardware(
            name=target.name,
            specific=target.specific,
            category=target.category,
            role=target.role,
            span=_resolved(target.name, target.context, document.text),
        )
        for target in data.hardware
    )
    return GoldDocument(document, data.system, claims, hardware)


def _claim(claim: _Claim, text: str) -> GoldClaim:
    return GoldClaim(
        kind=claim.kind,
        comparison=claim.comparison,
        effect=claim.effect,
        quantity=Quantity(text=claim.quantity, low=claim.low, high=claim.high, unit=claim.unit, bound=claim.bound),
        **{name: getattr(claim, name) for name in PHRASE_FIELDS},
        span=_resolved(claim.quantity, claim.context, text),
        restated=tuple(place for context in claim.also for place in _restatements(claim, context, text)),
    )


def _resolved(phrase: str, context: str, text: str) -> Span:
    start = text.index(context) + context.index(phrase)
    return start, start + len(phrase)


def _restatements(claim: _Claim, context: str, text: str) -> Iterator[Span]:
    """Where a snippet of `also` says the quantity again: as written, else as the same number, else the whole snippet.

    The annotator vouches for the snippet, so a number in it that is worded differently ("sub-billion" for 968M) counts too.
    """
    for base, end in occurrences(context, text):
        places = [span for span in occurrences(claim.quantity, context) if not _inside_number(context, span[0])]
        if not places:
            numbers = {claim.low, claim.high}
            places = [m.span() for m in _NUMBER.finditer(context) if float(m.group().replace(",", "")) in numbers]
        yield from ((base + start, base + stop) for start, stop in places or [(0, end - base)])


def _inside_number(text: str, start: int) -> bool:
    """Whether a quantity that starts here is the tail of a longer one ("5%" in "15%" and in "0.5%")."""
    return start > 0 and text[start].isdigit() and (text[start - 1].isdigit() or text[start - 1] in ".,")


def occurrences(needle: str, haystack: str) -> Iterator[Span]:
    """Every place where `needle` stands, overlapping ones too."""
    start = haystack.find(needle) if needle else -1
    while start != -1:
        yield start, start + len(needle)
        start = haystack.find(needle, start + 1)


def _dotted(location: tuple[int | str, ...]) -> str:
    """`("claims", 0, "kind")` as `claims[0].kind`; an empty location is the whole file."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).lstrip(".") or "the file"
