"""Baselines: the headline figures of one system on each set of gold as they once were, in a small file, so that a fall is seen.

    {"system": "rules",
     "sets": {"seeds": {"prompt": null, "prompt_sha256": null, "gold_sha256": "...", "documents": 143,
                        "figures": {"detection_f1": {"value": 0.9161, "tolerance": 0.0075}, ...}}, ...}}

The file decides what is held to what: a set or a figure that is taken out is not checked, and a tolerance that is edited stays
when the baseline is saved anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from extractor.errors import DataError, UsageError
from extractor.evaluation.gold import gold_digest
from extractor.evaluation.matching import Alignment

TOLERANCE = 0.0075
"""What a figure may lose unremarked, as a share: three quarters of a point.

It is not a margin for noise: the rules and a replayed model give the same figures to the last digit each time. It is what a
change that gains elsewhere may lose: of the 143 seeds one abstract (0.70 points of those that are right), one field of the
claims found (0.55), one or two claims (0.27 of F1 each), or one hardware target (0.38). Of the smaller arXiv sets it is one
claim found (0.41 and 0.64). More is seen, and so is a series of small losses, since each is measured from the saved value."""

_DIGITS = 6
"""Decimals that are kept of a value; a millionth is less than any change of any count."""

_Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Held(_Strict):
    """What one figure was, as a share (None: there was nothing to measure), and what it may lose."""

    value: _Share | None
    tolerance: _Share


class HeldSet(_Strict):
    """The figures of a system on one set of gold. `gold_sha256` is the set's identity; the prompt is there to be read."""

    prompt: str | None
    prompt_sha256: str | None
    gold_sha256: str
    documents: int
    figures: dict[str, Held]


class Baseline(_Strict):
    """The figures of one system, by the names of the sets."""

    system: str
    sets: dict[str, HeldSet]


@dataclass(frozen=True, slots=True)
class Measured:
    """The headline figures of a system on one set, which are shares in [0, 1], and the aligned documents that they are of."""

    figures: Mapping[str, float | None]
    alignments: Sequence[Alignment]


@dataclass(frozen=True, slots=True)
class Fall:
    """A figure that fell on a set by more than its tolerance. `now` is None where nothing is left to measure."""

    gold: str
    figure: str
    was: float
    now: float | None
    tolerance: float

    def __str__(self) -> str:
        now = "nothing to measure" if self.now is None else f"{100 * self.now:.2f}"
        fell = f"{self.figure} fell from {100 * self.was:.2f} to {now}"
        return f"{fell} on {self.gold}; it may lose {100 * self.tolerance:g} points"


def save_baseline(path: Path, system: str, measured: Mapping[str, Measured]) -> Baseline:
    """Write what was measured of a system, by the names of the sets.

    Where the file is there already, its tolerances are kept, and its sets that were not measured now. Raises `UsageError` if
    the file cannot be written, `DataError` if the one that is there is not a baseline, or is that of another system.
    """
    before: dict[str, HeldSet] = {}
    if path.exists():
        there = read_baseline(path)
        if there.system != system:
            raise DataError(f"{path} is the baseline of {there.system}, not of {system}; choose another file for it")
        before = there.sets
    now = {name: _held(each, before[name].figures if name in before else {}) for name, each in measured.items()}
    baseline = Baseline(system=system, sets=before | now)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(baseline.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); name a file in a folder of yours") from None
    return baseline


def check_baseline(path: Path, system: str, measured: Mapping[str, Measured]) -> tuple[Fall, ...]:
    """The figures that fell on a set by more than the baseline tolerates, in its order; a figure that rose never fails.

    Raises what `read_baseline` raises, and `DataError` if the baseline is of another system or another gold, or holds a figure
    that does not exist or a set on which the system was not measured.
    """
    baseline = read_baseline(path)
    again = "save it anew with --save-baseline"
    if baseline.system != system:
        raise DataError(f"{path} is the baseline of {baseline.system}, not of {system}; name the one of {system}, or {again}")
    for name, held in baseline.sets.items():
        if name not in measured:
            cause = f"{path} holds {system} on {name}, where it was not evaluated"
            raise DataError(f"{cause}; name a folder with that set with --gold, or take the set out of the file")
        alignments, figures = measured[name].alignments, measured[name].figures
        if held.gold_sha256 != gold_digest(alignment.gold for alignment in alignments):
            cause = f"was measured on other gold of {name} ({held.documents} documents; these are {len(alignments)})"
            raise DataError(f"{path} {cause}; name the same gold with --gold, or {again}")
        if unknown := [figure for figure in held.figures if figure not in figures]:
            cause = f"{path} holds {', '.join(unknown)}; the headline figures are {', '.join(figures)}"
            raise DataError(f"{cause}. Take it out, or {again}")
    return tuple(fall for name, held in baseline.sets.items() for fall in _falls(name, held, measured[name].figures))


def read_baseline(path: Path) -> Baseline:
    """Read a baseline. Raises `UsageError` if the file cannot be read, `DataError` if it is not a baseline."""
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except OSError as error:
        cause = f"the baseline {path} cannot be read ({error.strerror})"
        raise UsageError(f"{cause}; name a file that --save-baseline wrote") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the file"
        raise DataError(
            f"{path} is not a baseline ({where}: {fault['msg']}); remove it and write it with --save-baseline"
        ) from None


def _held(measured: Measured, before: Mapping[str, Held]) -> HeldSet:
    prompt, prompt_sha256 = _prompt(measured.alignments)
    tolerances = {name: held.tolerance for name, held in before.items()}
    return HeldSet(
        prompt=prompt,
        prompt_sha256=prompt_sha256,
        gold_sha256=gold_digest(alignment.gold for alignment in measured.alignments),
        documents=len(measured.alignments),
        figures={
            name: Held(value=None if value is None else round(value, _DIGITS), tolerance=tolerances.get(name, TOLERANCE))
            for name, value in measured.figures.items()
        },
    )


def _falls(name: str, held: HeldSet, figures: Mapping[str, float | None]) -> Iterable[Fall]:
    for figure, each in held.figures.items():
        now = figures[figure]
        if each.value is not None and (now is None or each.value - now > each.tolerance + 10**-_DIGITS):
            yield Fall(name, figure, each.value, now, each.tolerance)


def _prompt(alignments: Iterable[Alignment]) -> tuple[str | None, str | None]:
    """Name and SHA-256 of the prompt that a model was asked with; None of the rules."""
    made = (alignment.extraction.provenance for alignment in alignments)
    return next(((one.prompt, one.prompt_sha256) for one in made if one.prompt is not None), (None, None))
