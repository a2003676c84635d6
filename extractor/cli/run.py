"""`extractor run`: abstracts in, claims out."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, NoReturn

from extractor.cli import options
from extractor.cli.options import option
from extractor.cli.terminal import TALK, leave, mishaps, out, progress, say
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.jobs.flow import Stop
    from extractor.jobs.job import Job
    from extractor.jobs.ray.engine import RayRunner
    from extractor.jobs.runner import Runner

STREAM = STDIN = "-"
LogFormat = Annotated[
    Literal["text", "json"],
    option("--log-format", help="What is said on standard error: lines for people, or a JSON object a line."),
]


def run(
    inputs: options.Inputs,
    output: Annotated[
        str, option("--output", "-o", metavar="DIR", help="The job's folder; - streams to standard output.")
    ] = "claims",
    model: options.Model = "rules",
    base_url: options.BaseUrl = None,
    prompt: options.Prompt = None,
    narrow_schema: options.NarrowSchema = "auto",
    concurrency: options.Concurrency = None,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    price: options.Price = None,
    max_cost: options.MaxCost = None,
    max_output_tokens: options.MaxOutputTokens = None,
    votes: options.Votes = 1,
    fallback: options.Fallback = None,
    when_unsure: options.WhenUnsure = None,
    no_cache: options.NoCache = False,
    timeout: options.Timeout = None,
    workers: Annotated[
        int | None,
        option(
            "--workers",
            metavar="N",
            min=1,
            help="Processes for the rules. Without it one, or for an input of 4 MB or more one for each core, up to 8. With "
            "--engine ray, actors of any model: as many as the cluster has cores, unless told.",
        ),
    ] = None,
    order: Annotated[
        Literal["input", "completion"],
        option(
            "--order",
            help="The order of the records: the input's, or that in which they were done, which takes no sorting at the end.",
        ),
    ] = "input",
    dry_run: Annotated[
        bool,
        option(
            "--dry-run",
            help="Say how many abstracts need a call, how many tokens and what cost, about; send and write nothing.",
        ),
    ] = False,
    fields: options.Fields = "",
    keep: options.Keep = None,
    as_format: options.Format = None,
    max_characters: options.MaxCharacters = options.MAX_CHARACTERS,
    fresh: options.Fresh = False,
    batch: Annotated[
        bool,
        option(
            "--batch",
            help="Send the questions through the provider's batch endpoint, at half the price, and wait for the answers.",
        ),
    ] = False,
    retry_online: options.RetryOnline = False,
    engine: Annotated[
        Literal["local", "ray"],
        option("--engine", help="Where the work is done: local is this machine, ray the machines of a cluster."),
    ] = "local",
    address: Annotated[
        str | None,
        option(
            "--address",
            metavar="ADDRESS",
            help="The Ray cluster: auto for the one that this machine belongs to, else HOST:PORT; without it, this machine's "
            "cores alone.",
        ),
    ] = None,
    shards: Annotated[
        int | None,
        option(
            "--shards",
            metavar="N",
            min=1,
            help="With --engine ray, about how many parts the records are written in; unless told, of 10,000 at most each.",
        ),
    ] = None,
    parquet: Annotated[
        bool, option("--parquet", help="With --engine ray, write the tables of each shard as well: docs/tables.md has them.")
    ] = False,
    log_format: LogFormat = "text",
) -> None:
    """Extract the claims of every abstract.

    Reads what `extractor sources` lists: JSON, tables, BibTeX, what databases export, plain text with a title line above
    each abstract. Writes extractions.jsonl (one record an abstract, in the order of the input), failures.jsonl (what gave
    no record, and why) and job.json (what ran, with counts, cost and time) into the job's folder. The same command again
    resumes: what is done is not done again, what failed is tried again. Ctrl-C ends what is under way and saves it, twice
    stops at once.

    Example: extractor run abstracts.txt -o claims

    Example: cat more.jsonl | extractor run - -o - | jq .claims

    Example: extractor run abstracts.txt --model openai/qwen2.5-7b --base-url http://127.0.0.1:8080/v1

    Example: extractor run abstracts.txt --model openai/gpt-4o-mini --dry-run

    Example: extractor run abstracts.txt --model openai/gpt-4o-mini --batch

    Example: extractor run abstracts/ -o claims --engine ray --address auto

    Exit codes: 0 all done, 1 nothing could be done, 2 wrong usage, 3 done with failures or stopped on the way, 130
    interrupted.
    """
    from extractor.jobs.job import Job
    from extractor.labelling.models import ModelOptions

    TALK.as_json = log_format == "json"
    asked = ModelOptions(
        model=model,
        base_url=base_url,
        prompt=prompt,
        narrow=narrow_schema,
        concurrency=concurrency,
        requests_per_minute=rpm,
        tokens_per_minute=tpm,
        timeout=timeout,
        price=price,
        max_cost=max_cost,
        max_output_tokens=max_output_tokens,
        votes=votes,
        fallbacks=tuple(fallback or ()),
        when_unsure=when_unsure,
        cache=not no_cache,
    )
    if engine == "local":
        if address or shards:
            raise UsageError(f"--{'address' if address else 'shards'} is for --engine ray. Give both, or neither.")
        if parquet:
            raise UsageError(f"--parquet is for --engine ray. Run `extractor export {output} --to parquet` after the job.")
    job = Job(
        tuple(inputs), asked, fields, workers, order, batch, retry_online, tuple(keep or ()), as_format, max_characters,
        engine, address, shards, parquet,
    )  # fmt: skip
    folder = None if output == STREAM else Path(output)
    if dry_run:
        estimate(job, folder, fresh)
    else:
        start(job, folder, fresh)


def start(job: "Job", folder: Path | None, fresh: bool = False) -> NoReturn:
    """Do a job, into its folder or to standard output, and leave with its exit code."""
    from extractor.jobs.sinks import Streams

    runner = runner_of(job)
    asking = nullcontext() if job.batch else _signals_ask(runner.stop)
    if folder is None:
        interrupted = "Interrupted: standard output ends here."
        with mishaps("standard output", interrupted), asking:
            outcome = runner.run(Streams(sys.stdout.buffer, sys.stderr.buffer))
    else:
        resume = f"Interrupted: what is done is in {folder}. Run the same command again for the rest."
        interrupted = sent_goes_on(folder) if job.batch else resume
        with mishaps(str(folder), interrupted), asking:
            outcome = runner.run(
                folder, fresh=fresh, watching=lambda journal: progress(journal, job.model.max_cost, calls=runner.chosen.calls)
            )
    leave(outcome, folder, interrupted)


def runner_of(job: "Job") -> "Runner | RayRunner":
    """What runs a job: this machine, or a cluster."""
    if job.engine == "ray":
        from extractor.jobs.ray.engine import RayRunner

        return RayRunner(job, say, stdin=stdin_of(job))
    from extractor.jobs.runner import Runner

    return Runner(job, say, stdin=stdin_of(job))


def estimate(job: "Job", folder: Path | None, fresh: bool) -> None:
    """Print what a job would take, by calls or in batches."""
    from extractor.jobs.runner import Runner

    runner = Runner(job, say, stdin=stdin_of(job))
    if not runner.chosen.calls:
        out("The built-in rules make no call and cost nothing.")
        return
    if job.engine == "ray":
        from extractor.jobs.ray.shards import Shards

        total = runner.estimate(folder, fresh=fresh, kept_by=Shards)
    else:
        total = runner.estimate(folder, fresh=fresh)
    rows = [("documents", total.documents)]
    rows += [
        (name, number)
        for name, number in (("done before", total.done), ("unreadable", total.unreadable), ("in the cache", total.cached))
        if number
    ]
    rows += [("without a number or hardware", total.uncalled)]
    rows += [("answered by the rules", total.sure)] if total.sure else []
    rows += [("need a call", total.asked)]
    rows += [("calls", total.calls)] if total.calls != total.asked else []
    rows += [("input tokens, about", total.input_tokens)]
    rows += [("  the same in each call", total.fixed_tokens)] if total.calls > 1 else []
    rows += [("output tokens, about", total.output_tokens)]
    for name, number in rows:
        out(f"{name:<29}{number:>11,}")
    cost, cap = total.cost(runner.chosen.price), job.model.max_cost
    if cost is not None and job.batch:
        from extractor.llm.batch import PRICE

        cost *= PRICE
    if cost is None:
        out(f"cost unknown: no price is known for {job.model.model}. Give --price IN,OUT to see it.")
        return
    out(f"{'cost in US dollars, about':<29}{cost:>11.4f}" + ("  at the price of batches" if job.batch else ""))
    if not job.batch and (kept := total.cached_cost(runner.chosen.price)) is not None:
        out(f"{'  with that part cached':<29}{kept:>11.4f}")
    if saved := total.saved(runner.chosen.price):
        out(f"{'saved by --when-unsure, about':<29}{saved:>11.4f}")
    if cap is not None and total.spent + cost > cap:
        out(f"The job would stop at its cap of ${cap:g}" + (f", ${total.spent:.4f} of it spent." if total.spent else "."))


def sent_goes_on(folder: Path) -> str:
    """What an interrupted job in batches says."""
    look = f"`extractor batch status {folder}`"
    return f"Interrupted: what was sent goes on at the provider. Run the same command again, or {look}."


def stdin_of(job: "Job") -> BinaryIO:
    """Standard input, also for a thread that may still wait for it when the process ends and must not wait for the thread."""
    if STDIN not in job.inputs:
        return sys.stdin.buffer
    try:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb", closefd=False)
    except (OSError, ValueError):
        return sys.stdin.buffer  # no file, so it never waits


@contextmanager
def _signals_ask(stop: "Stop") -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask a job to stop. Elsewhere than on the main thread they stay what they are."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        if not stop.ask():
            raise KeyboardInterrupt

    before = {each: signal.signal(each, handle) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
