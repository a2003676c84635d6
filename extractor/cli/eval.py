"""`extractor eval`: how well the built-in rules and models agree with annotated abstracts, and what that is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli import options
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES, FELL
from extractor.cli.terminal import console, plain, say
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.evaluation import GoldDocument
    from extractor.evaluation.systems import LeftOut, System, Usage


def evaluate(
    gold: Annotated[
        Path, options.option("--gold", metavar="DIR", help="The annotated abstracts, a folder of JSON files.")
    ] = Path("evals/gold"),
    model: Annotated[
        list[str],
        options.option(
            "--model",
            "-m",
            metavar="NAME",
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
            help="A prompt of your own in place of the built-in one. Again for more: each model is scored with each prompt.",
        ),
    ] = [],  # noqa: B006
    narrow_schema: options.NarrowSchema = "auto",
    votes: options.Votes = 1,
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
    as_json: Annotated[bool, options.option("--json", help="Print the figures as JSON instead.")] = False,
) -> None:
    """Score the rules and models against annotated abstracts.

    Prints the headline figures of each system with their 95% intervals, what it takes, and verdicts in words; of one system
    alone also every figure. Writes the whole report, with each abstract and its errors, as a page, as Markdown and as JSON.
    docs/evaluation.md defines each figure. A model's replies are played from recordings; --record makes them, and goes on
    where it was interrupted. --errors and --json are about one system, the rules if none is named, and write no report.

    Example: extractor eval

    Example: extractor eval --errors | less

    Example: extractor eval --model rules --model openai/qwen2.5-7b --base-url http://127.0.0.1:8080/v1 --record

    Exit codes: 0 scored, 1 a gold file or a recording is broken, or a model does not answer, 2 wrong usage,
    3 scored, but a recorded model could not be scored, 4 a figure fell below its baseline.
    """
    from extractor.evaluation import read_gold
    from extractor.evaluation.systems import evaluate as score_system
    from extractor.evaluation.systems import evaluate_recorded, product
    from extractor.labelling.models import RULES

    if errors and as_json:
        raise UsageError("--errors and --json exclude each other; choose one")
    if record and set(model) <= {RULES}:
        raise UsageError("--record records a model, and rules are not a model; name one with --model")
    if prompt and set(model) <= {RULES}:
        raise UsageError("--prompt is for a model, and the rules take none; name one with --model")
    if votes > 1 and set(model) <= {RULES}:
        raise UsageError("--votes asks a model again, and the rules always answer alike; name one with --model")
    asked = product(model or [RULES], prompt, base_url, narrow_schema, votes)
    if len(asked) > 1 and (errors or as_json or save_baseline):
        raise UsageError("--errors, --json and --save-baseline are about one system; name one --model and at most one --prompt")
    documents = read_gold(gold)
    systems = [score_system(documents, each, cassettes, record=record, notice=say) for each in asked]
    if errors or as_json:
        _print(systems[0], documents, as_json=as_json)
        return
    left_out: list[LeftOut] = []
    if not model:
        recorded, left_out = evaluate_recorded(documents, cassettes, say)
        systems += recorded
    _report(documents, systems, left_out, report)
    fell = _gate(systems, baseline)
    if save_baseline is not None:
        _save(systems, save_baseline)
    raise typer.Exit(FELL if fell else DONE_WITH_FAILURES if left_out else ALL_DONE)


def _print(system: "System", documents: "tuple[GoldDocument, ...]", *, as_json: bool) -> None:
    """One system's figures as JSON, or its errors one by one."""
    import json

    from extractor.evaluation import score
    from extractor.evaluation.findings import cover
    from extractor.evaluation.metrics import to_dict
    from extractor.evaluation.report.terminal import list_errors

    if not as_json:
        for line in list_errors(system.alignments):
            typer.echo(plain(line))
        return
    used = _usage(system)
    figures = {**score(system.alignments).as_dict(), "spotting": to_dict(cover(documents))}
    typer.echo(json.dumps(figures | ({} if used is None else {"usage": used.as_dict()}), indent=2))


def _report(documents: "tuple[GoldDocument, ...]", systems: "list[System]", left_out: "list[LeftOut]", folder: Path) -> None:
    """Print the headline, and every figure of a system that is alone; write the reports and say where they are."""
    from extractor.evaluation import score
    from extractor.evaluation.findings import cover
    from extractor.evaluation.report import assemble, write
    from extractor.evaluation.report.terminal import headline, table

    report = assemble(documents, systems, left_out)
    console().print(headline(report))
    if len(systems) == 1:
        console().print("", table(score(systems[0].alignments), cover(documents), _usage(systems[0])), sep="\n")
    for each in left_out:
        say(f"{each.name} is left out: {each.why}")
    paths = write(report, folder)
    console().print("", f"The whole report: {', '.join(map(str, paths))}", sep="\n", soft_wrap=True)


def _usage(system: "System") -> "Usage | None":
    from extractor.evaluation.systems import usage
    from extractor.labelling.models import RULES

    return None if system.model == RULES else usage(alignment.extraction for alignment in system.alignments)


def _gate(systems: "list[System]", baselines: list[Path]) -> bool:
    """Whether a figure fell below a baseline, and say which. Raises `DataError` for the baseline of another system."""
    from extractor.evaluation.baselines import check_baseline, read_baseline

    fell = False
    for path in baselines:
        name = read_baseline(path).system
        system = next((each for each in systems if each.name == name), systems[0])
        falls = check_baseline(path, system.name, _headline(system), system.alignments)
        fell |= bool(falls)
        for fall in falls:
            say(f"{name}: {fall}")
        if not falls:
            say(f"{name}: no figure fell below {path}")
    return fell


def _save(systems: "list[System]", path: Path) -> None:
    from extractor.evaluation.baselines import save_baseline

    if len(systems) > 1:
        raise UsageError("--save-baseline is about one system; name one --model and at most one --prompt")
    save_baseline(path, systems[0].name, _headline(systems[0]), systems[0].alignments)


def _headline(system: "System") -> dict[str, float | None]:
    from extractor.evaluation.statistics import estimates

    return {name: estimate.value for name, estimate in estimates(system.alignments).items()}
