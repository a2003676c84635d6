"""`extractor eval`: how well the built-in rules and models agree with annotated abstracts, and what that is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli import options
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES, FELL
from extractor.cli.completion import models
from extractor.cli.terminal import out, plain, say, width
from extractor.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extractor.evaluation.baselines import Measured
    from extractor.evaluation.report.terminal import Table
    from extractor.evaluation.systems import Evaluated, System
    from extractor.evaluation.usage import Usage


def evaluate(
    gold: Annotated[
        Path,
        options.option(
            "--gold", metavar="DIR", help="The annotated abstracts, a folder of JSON files, or of such folders, each a set."
        ),
    ] = Path("evals/gold"),
    model: Annotated[
        list[str],
        options.option(
            "--model",
            "-m",
            metavar="NAME",
            autocompletion=models,
            help="A system to score: rules, or a model as PROVIDER/NAME. Again for more. Without it, the rules and every "
            "model that is recorded.",
        ),
    ] = [],  # noqa: B006 (typer reads it and makes its own)
    base_url: options.BaseUrl = None,
    prompt: Annotated[
        list[Path],
        options.option(
            "--prompt",
            metavar="FILE",
            help="A prompt of your own in place of the built-in one, or an earlier one by its label, label@1. Again for more: "
            "each model is scored with each prompt.",
        ),
    ] = [],  # noqa: B006
    narrow_schema: options.NarrowSchema = "auto",
    votes: options.Votes = 1,
    when_unsure: options.WhenUnsure = None,
    record: Annotated[
        bool, options.option("--record", help="Ask the models what is not recorded yet; without it, nothing is sent.")
    ] = False,
    cassettes: Annotated[
        Path, options.option("--cassettes", metavar="DIR", help="Where the replies of models are recorded.")
    ] = Path("evals/cassettes"),
    report: Annotated[
        Path, options.option("--report", metavar="DIR", help="Where report.html, report.md and report.json go.")
    ] = Path("build/report"),
    baseline: Annotated[
        list[Path],
        options.option(
            "--baseline",
            metavar="FILE",
            help="Exit with 4 if a headline figure of its system fell by more than it tolerates. Again for more systems.",
        ),
    ] = [],  # noqa: B006
    save_baseline: Annotated[
        Path | None,
        options.option("--save-baseline", metavar="FILE", help="Keep the headline figures of the one system as a baseline."),
    ] = None,
    errors: Annotated[bool, options.option("--errors", help="List each miss, false claim and wrong field instead.")] = False,
    show_held_out: Annotated[
        bool,
        options.option(
            "--show-held-out",
            help="Also list the abstracts of sets that are held out. Whoever has seen them can no longer say how well a change "
            "does on unseen text.",
        ),
    ] = False,
    as_json: Annotated[bool, options.option("--json", help="Print the figures as JSON instead.")] = False,
) -> None:
    """Score the rules and models against annotated abstracts.

    Prints the headline figures of each system with their 95% intervals, what it takes, and verdicts in words, for each set of
    abstracts by itself; of one system alone also every figure. Writes the whole report, with each abstract and its errors, as a
    page, as Markdown and as JSON; of a set that is held out only figures are shown. docs/evaluation.md defines each figure. A
    model's replies are played from recordings; --record makes them, and goes on where it was interrupted. --errors and --json
    are about one system, the rules if none is named, and write no report.

    Example: extractor eval

    Example: extractor eval --errors | less

    Example: extractor eval --model rules --model openai/qwen2.5-7b --base-url http://127.0.0.1:8080/v1 --record

    Exit codes: 0 scored, 1 a gold file or a recording is broken, or a model does not answer, 2 wrong usage,
    3 scored, but a recorded model could not be scored, 4 a figure fell below its baseline.
    """
    from extractor.evaluation.sets import read_sets
    from extractor.evaluation.systems import evaluate_sets, product
    from extractor.labelling.models import RULES

    if errors and as_json:
        raise UsageError("--errors and --json exclude each other; choose one")
    if record and set(model) <= {RULES}:
        raise UsageError("--record records a model, and rules are not a model; name one with --model")
    if prompt and set(model) <= {RULES}:
        raise UsageError("--prompt is for a model, and the rules take none; name one with --model")
    if votes > 1 and set(model) <= {RULES}:
        raise UsageError("--votes asks a model again, and the rules always answer alike; name one with --model")
    if when_unsure is not None and set(model) <= {RULES}:
        raise UsageError("--when-unsure asks a model, and the rules always answer, and alike; name one with --model")
    if when_unsure is not None and record:
        raise UsageError("--when-unsure plays what is recorded; record the model without it first")
    asked = product(model or [RULES], prompt, base_url, narrow_schema, votes, when_unsure)
    alone = errors or as_json
    if len(asked) > 1 and (alone or save_baseline):
        raise UsageError("--errors, --json and --save-baseline are about one system; name one --model and at most one --prompt")
    sets = read_sets(gold)
    if show_held_out:
        sets = tuple(each.shown() for each in sets)
    evaluated = evaluate_sets(sets, asked, cassettes, record=record, also_recorded=not (model or alone), notice=say)
    if alone:
        _print(evaluated, as_json=as_json)
        return
    _report(evaluated, report)
    fell = _gate(evaluated, baseline)
    if save_baseline is not None:
        _save(evaluated, save_baseline)
    broken = any(left.recorded for each in evaluated for left in each.left_out)
    raise typer.Exit(FELL if fell else DONE_WITH_FAILURES if broken else ALL_DONE)


def _print(evaluated: "tuple[Evaluated, ...]", *, as_json: bool) -> None:
    """The figures of one system as JSON, set by set, or its errors one by one."""
    import json

    from extractor.evaluation.report.terminal import list_errors

    if as_json:
        figures = {each.gold.name: _figures(each, system) for each in evaluated for system in each.systems}
        typer.echo(json.dumps({"sets": figures}, indent=2))
        return
    for each in evaluated:
        if each.gold.held_out:
            say(f"{each.gold.name} is held out: its errors are not listed")
            continue
        for line in (line for system in each.systems for line in list_errors(system.alignments)):
            typer.echo(plain(line))


def _figures(evaluated: "Evaluated", system: "System") -> dict[str, object]:
    from extractor.evaluation import score
    from extractor.evaluation.findings import cover
    from extractor.evaluation.metrics import to_dict

    used = _usage(system)
    figures = {**score(system.alignments).as_dict(), "spotting": to_dict(cover(evaluated.gold.documents))}
    return figures | ({} if used is None else {"usage": used.as_dict()})


def _report(evaluated: "tuple[Evaluated, ...]", folder: Path) -> None:
    """Print the headline, and every figure of a system that is alone; write the reports and say where they are."""
    from extractor.evaluation import score
    from extractor.evaluation.findings import cover
    from extractor.evaluation.report import assemble, write
    from extractor.evaluation.report.terminal import headline, table
    from extractor.evaluation.statistics import confidence_estimates

    report = assemble(evaluated)
    _show(headline(report))
    if len({system.name for each in evaluated for system in each.systems}) == 1:
        for each in evaluated:
            for system in each.systems:
                sure = confidence_estimates(system.alignments)
                figures = table(each.gold.name, score(system.alignments), cover(each.gold.documents), _usage(system), sure)
                _show(["", *figures])
    for each in evaluated:
        for left in each.left_out:
            if left.recorded:
                say(f"{left.name} is left out of {each.gold.name}: {left.why}")
    paths = write(report, folder)
    out("")
    out(f"The whole report: {', '.join(map(str, paths))}")


def _show(parts: "Iterable[str | Table]") -> None:
    from extractor.cli.table import page

    for line in page(parts, width()):
        out(line)


def _usage(system: "System") -> "Usage | None":
    from extractor.evaluation.usage import usage
    from extractor.labelling.models import RULES

    return None if system.model == RULES else usage(alignment.extraction for alignment in system.alignments)


def _gate(evaluated: "tuple[Evaluated, ...]", baselines: list[Path]) -> bool:
    """Whether a figure fell below a baseline, and say which. Raises `DataError` for that of a system that was not evaluated."""
    from extractor.evaluation.baselines import check_baseline, read_baseline

    fell = False
    for path in baselines:
        held = read_baseline(path)
        name = held.system
        if not (measured := _measured(evaluated, name)):
            raise DataError(f"{path} is the baseline of {name}, which was not evaluated; name it with --model")
        falls = check_baseline(path, name, measured)
        fell |= bool(falls)
        for fall in falls:
            say(f"{name}: {fall}")
        if not falls:
            say(f"{name}: no figure fell below {path} on {', '.join(held.sets)}")
    return fell


def _save(evaluated: "tuple[Evaluated, ...]", path: Path) -> None:
    from extractor.evaluation.baselines import save_baseline

    names = {system.name for each in evaluated for system in each.systems}
    if len(names) > 1:
        raise UsageError("--save-baseline is about one system; name one --model and at most one --prompt")
    [name] = names
    save_baseline(path, name, _measured(evaluated, name))


def _measured(evaluated: "tuple[Evaluated, ...]", name: str) -> "dict[str, Measured]":
    """The headline figures of a system on each set on which it was scored."""
    from extractor.evaluation.baselines import Measured
    from extractor.evaluation.statistics import values

    return {
        each.gold.name: Measured(values(system.alignments), system.alignments)
        for each in evaluated
        for system in each.systems
        if system.name == name
    }
