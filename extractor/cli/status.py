"""`extractor status`: how far a job is, while it runs and after."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from extractor.cli.options import option

_CAUSES = 1000
"""Different causes that are told apart; in a file with more of them, each failure has one of its own."""


def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A job's folder.")],
    as_json: Annotated[bool, option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Show how far a job is, what it has cost, and what failed why.

    Works while the job runs, which goes on undisturbed, and after. Failures that differ only in numbers and names are
    counted together.

    Example: extractor status claims

    Example: watch extractor status claims
    """
    import json

    from extractor.cli.terminal import out, width

    state = _state(folder)
    for line in [json.dumps(state)] if as_json else _lines(state, width(piped=sys.maxsize)):
        out(line)


def _state(folder: Path) -> dict[str, Any]:
    from extractor.jobs.job import Description, KeptProgress, file_of
    from extractor.outputs.jsonl import EXTRACTIONS, FAILURES

    told = Description.read(folder)
    counts, progress = told.counts, told.progress or KeptProgress()
    extractions, failures = (file_of(folder, name) for name in (EXTRACTIONS, FAILURES))
    batches = _batches(folder)
    running = _is_running(extractions) or (batches is not None and _is_running(file_of(folder / "batch", "lock")))
    # job.json is a second old while a job runs; what a killed one wrote since stands in the files.
    late, failed_late = _lines_after(extractions, told.written.extractions), _lines_after(failures, told.written.failures)
    done, failed = max(0, counts.documents - counts.failed) + late, counts.failed + failed_late
    pending = progress.pending
    if told.stopped is not None and not running and not progress.read_through:
        pending = None  # of an input of which little was read, hardly anything is known
    elif pending is not None:
        pending = max(0, pending - late - failed_late)
    if batches is not None:
        pending = max(0, batches["documents"] - done - failed)
    state = "running" if running else "finished" if told.finished else "waiting" if batches is not None else "stopped"
    return {
        "state": state,
        "stopped": None if running else told.stopped,
        "model": told.model,
        "done": done,
        "failed": failed,
        "pending": 0 if told.finished and not running else pending,
        "exactly": bool(progress.read_through or told.finished or batches),
        "batches": batches,
        "in_flight": progress.in_flight if running else 0,
        "rate": progress.rate if running else None,
        "eta": progress.eta if running else None,
        "calls": counts.calls,
        "input_tokens": counts.input_tokens,
        "output_tokens": counts.output_tokens,
        "cost_usd": counts.cost_usd,
        "spent_usd": told.spent_usd,
        "seconds": told.seconds,
        "started": told.started,
        "updated": told.updated,
        "finished": told.finished,
        "failures": _grouped(failures),
    }


def _lines(state: dict[str, Any], columns: int) -> "list[str]":
    from extractor.cli.table import pairs
    from extractor.cli.terminal import clock, short

    about = "" if state["exactly"] else "about "
    unknown = "unknown (nobody knows how much a pipe will bring)" if state["rate"] is not None else "unknown"
    pending = unknown if state["pending"] is None else f"{about}{state['pending']:,}"
    rows = [("state", state["state"]), *([("because", state["stopped"])] if state["stopped"] else [])]
    rows += [("done", f"{state['done']:,}"), ("failed", f"{state['failed']:,}"), ("pending", pending)]
    if state["state"] == "running":
        rows += [("in flight", f"{state['in_flight']:,}"), ("rate", f"{short(state['rate'] or 0.0)}/s")]
        rows += [("ETA", "unknown" if state["eta"] is None else clock(state["eta"]))]
    if batches := state["batches"]:
        told = f"{batches['ended']:,} of {batches['batches']:,} ended, {batches['waiting']:,} requests not collected"
        rows += [("batches", f"{told} (see `extractor batch status`)")]
    if state["calls"]:
        rows += [("calls", f"{state['calls']:,}")]
        rows += [("tokens", f"{state['input_tokens']:,} in, {state['output_tokens']:,} out")]
    if state["calls"] or state["spent_usd"]:
        known = state["cost_usd"] is not None
        rows += [("cost", f"${state['cost_usd']:.4f} (all runs: ${state['spent_usd']:.4f})" if known else "unknown")]
    rows += [("time", clock(state["seconds"])), ("started", state["started"])]
    rows += [("finished", state["finished"])] if state["finished"] else [("updated", state["updated"])]
    lines = [*pairs(rows, columns, least=10)]
    if state["failures"]:
        causes = ((f"{group['count']:>7,}", f"{group['cause']}. {group['fix']}") for group in state["failures"])
        lines += ["", "failures", *pairs(causes, columns)]
    return lines


def _batches(folder: Path) -> dict[str, int] | None:
    """How far the batches of a job are, as was last heard of them; None without any, and when all is collected."""
    if not (folder / "batch").exists():
        return None
    from extractor.jobs.batch.store import Store

    plan = Store(folder).load()
    if plan is None or plan.closed:
        return None
    ended = sum(batch.id is not None and not batch.is_open for batch in plan.batches)
    waiting = sum(batch.requests for batch in plan.pending)
    return {"documents": plan.documents, "batches": len(plan.batches), "ended": ended, "waiting": waiting}


def _is_running(file: Path) -> bool:
    """Whether a process holds the lock of a job's records."""
    from extractor.jobs.journal import lock

    if not file.exists():
        return False
    with file.open("rb") as records:
        return not lock(records, shared=True)


def _lines_after(file: Path, size: int | None) -> int:
    """Whole lines beyond so many bytes."""
    if size is None or not file.exists():
        return 0
    with file.open("rb") as lines:
        lines.seek(size)
        return sum(part.count(b"\n") for part in iter(lambda: lines.read(1 << 20), b""))


def _grouped(file: Path) -> Sequence[dict[str, Any]]:
    """The causes of failures with their fix, the most frequent first."""
    from pydantic import ValidationError

    from extractor.records import Failure

    groups: dict[str, dict[str, Any]] = {}
    if not file.exists():
        return []
    with file.open("rb") as lines:
        for line in lines:
            try:
                failure = Failure.model_validate_json(line)
            except ValidationError:
                continue  # the line that is being written
            kind = re.sub(r'"[^"]*"|\'[^\']*\'|\d+', "#", failure.cause)
            if kind not in groups and len(groups) >= _CAUSES:
                kind = "other"
            first = {"count": 0, "cause": failure.cause.rstrip("."), "fix": failure.fix} if kind != "other" else _OTHER
            groups.setdefault(kind, dict(first))["count"] += 1
    return sorted(groups.values(), key=lambda group: -int(group["count"]))


_OTHER = {"count": 0, "cause": "other causes", "fix": "failures.jsonl lists them."}
