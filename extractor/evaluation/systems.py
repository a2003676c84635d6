"""The systems of an evaluation, from the rules, from recordings, or recorded now; how each did, and what it took.

What is recorded is found by its `recording.json`, so an evaluation that names no model scores every one that is there.
"""

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr, computed_field

from extractor._version import __version__
from extractor.documents import Document
from extractor.errors import CallError, DataError, JobError, UsageError
from extractor.evaluation.cassettes import RECORDING, Cassettes, safe_name
from extractor.evaluation.gold import GoldDocument
from extractor.evaluation.matching import Alignment, align
from extractor.evaluation.metrics import COUNTED, Share, share, to_dict
from extractor.labelling.models import RULES, Chosen, ModelOptions, Narrow, choose, require_packages
from extractor.labelling.prompts import load_prompt
from extractor.labels import Labeller
from extractor.records import PHRASE_FIELDS, Extraction, Provenance, Rejection
from extractor.worker import extract_document

UNANSWERED = "reply"
"""The rejected field of a document for which the model gave no usable answer."""

_LABEL = re.compile(r"(?:claims|hardware)\[\d+\](?:\.mention)?")
_PHRASE = re.compile(rf"claims\[\d+\]\.(?:{'|'.join(PHRASE_FIELDS)})|system")
_NOT_FOUND = "not found in the text"


@dataclass(frozen=True, slots=True)
class System:
    """A model with a prompt, and how it fared. `name` is the model's, and the label of a prompt that is not built in, and the
    votes where there are several."""

    name: str
    model: str
    prompt: str | None
    prompt_sha256: str | None
    alignments: tuple[Alignment, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A recorded model that was not evaluated, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class PerAbstract:
    """What a system takes for one abstract, on average; dollars are None where no price is known, and all of no abstract."""

    __pydantic_config__ = COUNTED

    calls: float | None
    reasks: float | None
    input_tokens: float | None
    output_tokens: float | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a system took, and what of its answers grounding did not accept; zeros for the rules, which ask nobody.

    Sums over documents. `uncalled` ones held nothing to label, `unanswered` ones got no usable answer.

    `cost_usd` is None where the price of any document is not known. `rejected` counts what grounding did not accept, by reason;
    `refused` is the share of the labels (of claims and hardware) that it rejected whole, `ungrounded` that of the phrases (of
    claims and systems) that it did not find in the text.
    """

    __pydantic_config__ = COUNTED

    documents: int
    uncalled: int
    unanswered: int
    calls: int
    reasks: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    rejected: dict[str, int]
    refused: Share
    ungrounded: Share

    @computed_field  # type: ignore[prop-decorator]
    @property
    def without_call(self) -> Share:
        """The documents that needed no call."""
        return Share(self.uncalled, self.documents)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def per_abstract(self) -> PerAbstract:
        """What the sums make per abstract."""
        return PerAbstract(**{field.name: self.each(getattr(self, field.name)) for field in fields(PerAbstract)})

    def each(self, total: float | None) -> float | None:
        """A sum per document; None where there is no sum or no document."""
        return total / self.documents if self.documents and total is not None else None

    def as_dict(self) -> dict[str, Any]:
        """The sums with what they make per abstract, for JSON."""
        figures = to_dict(self)
        without_call = figures.pop("without_call")
        return figures | {"without_call": without_call}


def evaluate(
    documents: Sequence[GoldDocument],
    options: ModelOptions,
    home: Path,
    *,
    record: bool = False,
    notice: Callable[[str], None] = lambda _line: None,
) -> System:
    """Score one system: the rules at once, a model from its cassettes in `home`, or while it is recorded.

    Raises what `align_recorded` raises.
    """
    if options.model == RULES:
        from extractor.labelling.rules import RulesLabeller  # loads the lexicons

        return System(RULES, RULES, None, None, asyncio.run(align_all(documents, RulesLabeller())))
    alignments = asyncio.run(align_recorded(documents, options, home, record=record, notice=notice))
    prompt = load_prompt(options.prompt)
    return System(_name(options, prompt.label), options.model, prompt.label, prompt.sha256, alignments)


def evaluate_recorded(
    documents: Sequence[GoldDocument], home: Path, notice: Callable[[str], None] = lambda _line: None
) -> tuple[list[System], list[LeftOut]]:
    """Score every model that has a recording of these documents; one that cannot be played is left out with the reason."""
    systems, left_out = [], []
    for options, label in recorded(documents, home):
        try:
            if (built_in := load_prompt().label) != label:
                fix = f"name its file: --model {options.model} --prompt FILE"
                raise UsageError(f"it is recorded with the prompt {label}, and the built-in one is {built_in}; {fix}")
            systems.append(evaluate(documents, options, home, notice=notice))
        except (DataError, UsageError) as error:
            left_out.append(LeftOut(_name(options, label), str(error)))
    return systems, left_out


def recorded(documents: Sequence[GoldDocument], home: Path) -> list[tuple[ModelOptions, str]]:
    """The models that are recorded for any of these documents, each with its prompt's label, in the order of their folders.

    Raises `DataError` for a `recording.json` that does not say what was recorded.
    """
    found = []
    for path in sorted(home.rglob(RECORDING)):
        try:
            described = json.loads(path.read_text(encoding="utf-8"))
            model, label, votes = described["model"], described["prompt"], described.get("votes", 1)
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{path} does not say what was recorded. Remove its folder, and record anew.") from None
        cassettes = Cassettes(path.parent, again="")
        if any(cassettes.path(gold.document).exists() for gold in documents):
            found.append((ModelOptions(model, votes=votes), label))
    return found


def product(
    models: Sequence[str], prompts: Sequence[Path], base_url: str | None, narrow: Narrow, votes: int = 1
) -> list[ModelOptions]:
    """Every model with every prompt; the rules, which take none, once.

    Raises `UsageError` for two prompts of one name and version: they could not be told apart.
    """
    by_label: dict[str, Path] = {}
    for path in dict.fromkeys(prompts):
        label = load_prompt(path).label
        if (other := by_label.setdefault(label, path)) != path:
            raise UsageError(f"{other} and {path} are both {label}; give each its own name or version in its front matter")
    return [
        ModelOptions(model, base_url, prompt, narrow, votes=1 if model == RULES else votes)
        for model in dict.fromkeys(models)
        for prompt in ([None] if model == RULES or not prompts else by_label.values())
    ]


async def align_all(
    documents: Iterable[GoldDocument],
    labeller: Labeller,
    around: Callable[[Document], AbstractContextManager[object]] = lambda _document: nullcontext(),
) -> tuple[Alignment, ...]:
    """Extract each annotated abstract, one after the other, and align the result with its gold; `score` sums them up.

    `around` is entered for each. A document for which a model gives no usable answer has no claims, and one rejection that says
    why. Raises what else the labeller raises.
    """
    alignments = []
    for gold in documents:
        with around(gold.document):
            alignments.append(align(gold, await _extract(gold.document, labeller)))
    return tuple(alignments)


async def align_recorded(
    documents: Sequence[GoldDocument],
    options: ModelOptions,
    home: Path,
    *,
    record: bool = False,
    notice: Callable[[str], None] = lambda _line: None,
) -> tuple[Alignment, ...]:
    """Extract each annotated abstract with a model, from its cassettes or, to `record` them, from the model itself.

    `notice` gets what a user should know, one line each. Raises `UsageError` where nothing is recorded, `DataError` for a
    request that is not, and, while recording, what the model's client raises.
    """
    require_packages("eval,llm", "vcr", "tenacity")
    chosen = choose(replace(options, cache=False, concurrency=1), notice)
    asked = str(chosen.settings["prompt"]) + (f"+votes{options.votes}" if options.votes > 1 else "")
    folder = home.joinpath(*map(safe_name, options.model.split("/")), safe_name(asked))
    cassettes = Cassettes(folder, _command(options), record)
    if record:
        _describe(folder, options.model, chosen)
    else:
        chosen = _as_recorded(cassettes, options)
    async with chosen.open() as labelling:
        started = iter(range(1, len(documents) + 1))

        @contextmanager
        def around(document: Document) -> Iterator[None]:
            number = next(started)
            with cassettes.around(document):
                yield
            if record:
                notice(f"{number} of {len(documents)} recorded: {document.id}")

        alignments = await align_all(documents, labelling.labeller, around)
    for path in cassettes.unplayed:
        notice(f"{path} holds requests that nothing asks any more. To record it anew: {cassettes.again}")
    return alignments


def usage(extractions: Iterable[Extraction]) -> Usage:
    """Sum up the provenance and the rejections of extractions."""
    records = list(extractions)
    made = [record.provenance for record in records]
    prices = [each.cost_usd for each in made if each.cost_usd is not None]
    rejected = [rejection for record in records for rejection in record.rejected]
    reasons = Counter(rejection.reason for rejection in rejected if rejection.field != UNANSWERED)
    labels = sum(len(record.claims) + len(record.hardware) for record in records)
    phrases = sum(_phrases(record) for record in records)
    missing = [rejection.reason == _NOT_FOUND for rejection in rejected if _PHRASE.fullmatch(rejection.field)]
    return Usage(
        documents=len(records),
        uncalled=sum(not (each.calls or each.cached) for each in made),
        unanswered=sum(rejection.field == UNANSWERED for rejection in rejected),
        calls=sum(each.calls for each in made),
        reasks=sum(max(0, each.attempts - 1) for each in made),
        input_tokens=sum(each.input_tokens for each in made),
        output_tokens=sum(each.output_tokens for each in made),
        cost_usd=math.fsum(prices) if len(prices) == len(made) else None,
        rejected=dict(sorted(reasons.items())),
        refused=share([False] * labels + [True for rejection in rejected if _LABEL.fullmatch(rejection.field)]),
        ungrounded=share([False] * phrases + missing),
    )


async def _extract(document: Document, labeller: Labeller) -> Extraction:
    try:
        return await extract_document(document, labeller)
    except JobError:
        raise
    except CallError as error:
        name, spent = labeller.name, asdict(error.spent)
        return Extraction(
            id=document.id,
            title=document.title,
            abstract=document.abstract,
            system=None,
            claims=(),
            hardware=(),
            rejected=(Rejection(field=UNANSWERED, value="", reason=error.cause),),
            provenance=Provenance(extractor=__version__, labeller=name, model=name, **spent),
        )


def _as_recorded(cassettes: Cassettes, options: ModelOptions) -> Chosen:
    """The model as it was when it was recorded."""
    try:
        recorded = json.loads((cassettes.folder / RECORDING).read_text(encoding="utf-8"))
        narrow, base_url = recorded["narrow_schema"], recorded["base_url"]
    except FileNotFoundError:
        cause = f"nothing is recorded of {options.model} with this prompt in {cassettes.folder}"
        raise UsageError(f"{cause}. Record it with the model's server running: {cassettes.again}") from None
    except (ValueError, KeyError, TypeError):
        cause = f"{cassettes.folder / RECORDING} does not say what was recorded"
        raise DataError(f"{cause}. Remove it, and record anew: {cassettes.again}") from None
    options = replace(options, base_url=options.base_url or base_url)
    cassettes.again = _command(options)
    as_recorded = replace(
        options, narrow=options.narrow if options.narrow != "auto" else "always" if narrow else "never", cache=False
    )
    from extractor.llm.retries import RetryPolicy

    return choose(as_recorded, key=SecretStr("not needed"), retries=RetryPolicy(attempts=1, deadline=0.0, patience=0.0))


def _describe(folder: Path, model: str, chosen: Chosen) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    description = json.dumps({"model": model, **chosen.settings}, indent=1)
    (folder / RECORDING).write_text(description + "\n", encoding="utf-8")


def _command(options: ModelOptions) -> str:
    words = ["extractor eval --model", options.model]
    words += ["--base-url", options.base_url] if options.base_url else []
    words += ["--prompt", str(options.prompt)] if options.prompt else []
    words += ["--narrow-schema", options.narrow] if options.narrow != "auto" else []
    words += ["--votes", str(options.votes)] if options.votes > 1 else []
    return " ".join([*words, "--record"])


def _phrases(record: Extraction) -> int:
    """The phrases that a record has kept."""
    kept = (getattr(claim, name) for claim in record.claims for name in PHRASE_FIELDS)
    return sum(phrase is not None for phrase in (record.system, *kept))


def _name(options: ModelOptions, label: str) -> str:
    words = [options.model] + ([] if label == load_prompt().label else [label])
    return " ".join(words + ([f"{options.votes} votes"] if options.votes > 1 else []))
