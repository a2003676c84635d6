"""The systems of an evaluation: a model and a prompt each, from the rules, from recordings, or recorded now.

What is recorded is found by its `recording.json`, so an evaluation that names no model scores every one that is there.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractor.errors import DataError, UsageError
from extractor.evaluation.aligning import align_all
from extractor.evaluation.gold import GoldDocument
from extractor.evaluation.matching import Alignment
from extractor.labelling.models import RULES, ModelOptions, Narrow
from extractor.labelling.prompts import load_prompt


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
    from extractor.evaluation.cassettes import align_recorded

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
    from extractor.evaluation.cassettes import RECORDING, Cassettes

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


def _name(options: ModelOptions, label: str) -> str:
    words = [options.model] + ([] if label == load_prompt().label else [label])
    return " ".join(words + ([f"{options.votes} votes"] if options.votes > 1 else []))
