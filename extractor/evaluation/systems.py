"""The systems of an evaluation, from the rules, from recordings, or recorded now, and how each did on each set of gold.

What is recorded is found by its `recording.json`, so an evaluation that names no model scores every one that is there.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from extractor._version import __version__
from extractor.documents import Document
from extractor.errors import CallError, DataError, JobError, UsageError
from extractor.evaluation.cassettes import RECORDING, Cassettes, safe_name
from extractor.evaluation.gold import GoldDocument
from extractor.evaluation.matching import Alignment, align
from extractor.evaluation.sets import GoldSet
from extractor.evaluation.usage import UNANSWERED
from extractor.labelling.models import RULES, Chosen, ModelOptions, Narrow, choose, require_packages
from extractor.labelling.prompts import built_in, load_prompt
from extractor.labels import Labeller
from extractor.records import Extraction, Provenance, Rejection
from extractor.worker import extract_document


@dataclass(frozen=True, slots=True)
class System:
    """A model with a prompt, and how it fared. `name` is the model's, and the label of a prompt that is not built in, and the
    votes where there are several. `cascade` is how the rules fared with what it adds, however sure they were."""

    name: str
    model: str
    prompt: str | None
    prompt_sha256: str | None
    alignments: tuple[Alignment, ...]
    cascade: tuple[Alignment, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A model that was not evaluated on a set, and why. If it is `recorded` there, something is to be mended."""

    name: str
    why: str
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Recording:
    """A model whose replies are recorded in a folder, and the label of the prompt that it was asked with."""

    options: ModelOptions
    label: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A set of gold with the systems that were scored on it, and those that were not."""

    gold: GoldSet
    systems: tuple[System, ...]
    left_out: tuple[LeftOut, ...] = ()


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
    added = alignments
    if options.when_unsure is None:
        added = asyncio.run(align_recorded(documents, replace(options, when_unsure=1.0), home, notice=notice))
    prompt = load_prompt(options.prompt)
    return System(_name(options, prompt.label), options.model, prompt.label, prompt.sha256, alignments, added)


def evaluate_sets(
    sets: Sequence[GoldSet],
    asked: Sequence[ModelOptions],
    home: Path,
    *,
    record: bool = False,
    also_recorded: bool = False,
    notice: Callable[[str], None] = lambda _line: None,
) -> tuple[Evaluated, ...]:
    """Score the systems that are asked for on each set by itself, and if need be every other one that has a recording.

    A system is left out of the sets of which it has no recording. Raises what `align_recorded` raises for one that is asked
    for, also where no set at all is recorded.
    """
    recordings = recorded(sets, home) if also_recorded else []
    played = [[record or _can_be_played(options, gold, home) for gold in sets] for options in asked]
    evaluated = []
    for n, gold in enumerate(sets):
        systems, left_out = evaluate_recorded(gold, recordings, home, notice)
        here = [options for options, on in zip(asked, played, strict=True) if on[n] or not any(on)]
        systems = [_evaluate(gold, options, home, record=record, notice=notice) for options in here] + systems
        left_out = [_not_recorded(options) for options in asked if options not in here] + left_out
        evaluated.append(Evaluated(gold, tuple(systems), tuple(left_out)))
    return tuple(evaluated)


def _evaluate(
    gold: GoldSet, options: ModelOptions, home: Path, *, record: bool = False, notice: Callable[[str], None]
) -> System:
    """Score one system on a set. What is wrong with the recording of one that is held out is said without its text."""
    try:
        return evaluate(gold.documents, options, home, record=record, notice=notice)
    except DataError:
        if not gold.held_out:
            raise
        cause = f"what it is asked about {gold.name} is not recorded in full, and is not shown"
        raise DataError(f"{cause}. To record: {_command(options)}") from None


def evaluate_recorded(
    gold: GoldSet, recordings: Iterable[Recording], home: Path, notice: Callable[[str], None] = lambda _line: None
) -> tuple[list[System], list[LeftOut]]:
    """Score every system that has a recording of this set; one that cannot be played is left out with the reason."""
    systems, left_out = [], []
    for recording in recordings:
        options, label = recording.options, recording.label
        if not _is_recorded(gold, recording.folder):
            left_out.append(_not_recorded(options, label))
            continue
        try:
            if label not in built_in():
                fix = f"name its file: --model {options.model} --prompt FILE"
                raise UsageError(f"it is recorded with the prompt {label}, and built in are {', '.join(built_in())}; {fix}")
            systems.append(_evaluate(gold, options, home, notice=notice))
        except (DataError, UsageError) as error:
            left_out.append(LeftOut(_name(options, label), str(error)))
    return systems, left_out


def recorded(sets: Sequence[GoldSet], home: Path) -> list[Recording]:
    """What is recorded of any document of these sets, in the order of the folders.

    Raises `DataError` for a `recording.json` that does not say what was recorded.
    """
    found = []
    for path in sorted(home.rglob(RECORDING)):
        try:
            described = json.loads(path.read_text(encoding="utf-8"))
            model, label, votes = described["model"], described["prompt"], described.get("votes", 1)
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{path} does not say what was recorded. Remove its folder, and record anew.") from None
        if any(_is_recorded(gold, path.parent) for gold in sets):
            earlier = None if label == load_prompt().label else Path(label)
            found.append(Recording(ModelOptions(model, prompt=earlier, votes=votes), label, path.parent))
    return found


def product(
    models: Sequence[str],
    prompts: Sequence[Path],
    base_url: str | None,
    narrow: Narrow,
    votes: int = 1,
    when_unsure: float | None = None,
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
        ModelOptions(model)
        if model == RULES
        else ModelOptions(model, base_url, prompt, narrow, votes=votes, when_unsure=when_unsure)
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
    cassettes = Cassettes(_folder(options, home), _command(options), record)
    if record:
        _describe(cassettes.folder, options.model, chosen)
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
    for path in cassettes.unplayed if options.when_unsure is None else ():
        notice(f"{path} holds requests that nothing asks any more. To record it anew: {cassettes.again}")
    return alignments


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


def _folder(options: ModelOptions, home: Path) -> Path:
    """Where the recording of a model with a prompt is."""
    asked = load_prompt(options.prompt).label + (f"+votes{options.votes}" if options.votes > 1 else "")
    return home.joinpath(*map(safe_name, options.model.split("/")), safe_name(asked))


def _can_be_played(options: ModelOptions, gold: GoldSet, home: Path) -> bool:
    return options.model == RULES or _is_recorded(gold, _folder(options, home))


def _is_recorded(gold: GoldSet, folder: Path) -> bool:
    """Whether a recording holds a cassette of any document of a set."""
    cassettes = Cassettes(folder, again="")
    return any(cassettes.path(each.document).exists() for each in gold.documents)


def _not_recorded(options: ModelOptions, label: str | None = None) -> LeftOut:
    name = _name(options, label or load_prompt(options.prompt).label)
    return LeftOut(name, "nothing is recorded of it on these abstracts", recorded=False)


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


def _name(options: ModelOptions, label: str) -> str:
    words = [options.model] + ([] if label == load_prompt().label else [label])
    words += [f"{options.votes} votes"] if options.votes > 1 else []
    sure = options.when_unsure
    return " ".join(words) if sure is None else f"rules, when unsure ({sure:g}) {' '.join(words)}"
