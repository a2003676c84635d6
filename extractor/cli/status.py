"""`extractor status`: how far a job is, while it runs and after."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from extractor.cli.options import option


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
    from extractor.jobs.state import state_of

    state = state_of(folder)
    for line in [json.dumps(state)] if as_json else _lines(state, width(piped=sys.maxsize)):
        out(line)


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
    lines = [*pairs(((name, str(told)) for name, told in rows), columns, least=10)]
    if state["failures"]:
        causes = ((f"{group['count']:>7,}", f"{group['cause']}. {group['fix']}") for group in state["failures"])
        lines += ["", "failures", *pairs(causes, columns)]
    return lines
