"""How far a job is, by its folder: while it runs, in whichever process, and after."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractor.jobs.job import Description, KeptProgress, file_of
from extractor.jobs.journal import lock
from extractor.outputs.jsonl import EXTRACTIONS, FAILURES, SHARDS, parts_of
from extractor.records import Failure

LOCK = "lock"
"""The file that a run of a job in shards holds."""
_CAUSES = 1000
"""Different causes that are told apart; in a file with more of them, each failure has one of its own."""


def state_of(folder: Path, *, failures: bool = True) -> dict[str, Any]:
    """How far a job is and what it has cost, by its folder alone, as `extractor status --json` prints it.

    Without `failures`, what failed is not grouped by cause, which takes reading all of it. Raises `UsageError` for a folder
    that is no job's.
    """
    told = Description.read(folder)
    counts, progress = told.counts, told.progress or KeptProgress()
    extractions, failed_lines = (file_of(folder, name) for name in (EXTRACTIONS, FAILURES))
    batches = _batches(folder)
    held = file_of(folder, LOCK) if (folder / SHARDS).is_dir() else extractions
    running = _is_running(held) or (batches is not None and _is_running(file_of(folder / "batch", "lock")))
    # job.json is a second old while a job runs; what a killed one wrote since stands in the files.
    late, failed_late = _lines_after(extractions, told.written.extractions), _lines_after(failed_lines, told.written.failures)
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
        "failures": _grouped(parts_of(folder)) if failures else [],
    }


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


def _grouped(folders: Sequence[Path]) -> Sequence[dict[str, Any]]:
    """The causes of failures with their fix, the most frequent first."""
    groups: dict[str, dict[str, Any]] = {}
    for file in (file_of(folder, FAILURES) for folder in folders):
        if not file.exists():
            continue
        with file.open("rb") as lines:
            for line in lines:
                try:
                    failure = Failure.model_validate_json(line)
                except ValidationError:
                    continue  # the line that is being written
                kind = kind_of(failure.cause)
                if kind not in groups and len(groups) >= _CAUSES:
                    kind = "other"
                first = {"count": 0, "cause": failure.cause.rstrip("."), "fix": failure.fix} if kind != "other" else _OTHER
                groups.setdefault(kind, dict(first))["count"] += 1
    return sorted(groups.values(), key=lambda group: -int(group["count"]))


def kind_of(cause: str) -> str:
    """A cause without the names and numbers in it, which are those of one document."""
    return re.sub(r'"[^"]*"|\'[^\']*\'|\d+', "#", cause)


_OTHER = {"count": 0, "cause": "other causes", "fix": "failures.jsonl lists them."}
