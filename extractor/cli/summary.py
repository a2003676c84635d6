"""What a job came to, on standard error when it ends."""

from pathlib import Path
from typing import TYPE_CHECKING

from extractor.cli.terminal import TALK, say, tell

if TYPE_CHECKING:
    from extractor.jobs.counts import Counts

_LISTED_FAILURES = 10


def summarise(counts: "Counts", seconds: float, *, calls: bool) -> None:
    """Print the counts; `calls` says that a model was asked."""
    if TALK.as_json:
        tell("summary", **counts.as_json(), seconds=round(seconds, 1))
        return
    rows = [
        ("documents", f"{counts.documents:,}"),
        ("claims", f"{sum(counts.claims.values()):,}"),
        *((f"  {kind}", f"{number:,}") for kind, number in counts.claims.items()),
        ("hardware", f"{counts.hardware:,}"),
        ("rejected", f"{counts.rejected:,}"),
        *((f"  {reason}", f"{number:,}") for reason, number in sorted(counts.rejected_by_reason.items())),
        ("failed", f"{counts.failed:,}"),
        ("seconds", f"{seconds:.1f}"),
    ]
    if calls:
        rows[-1:-1] = [
            ("calls", f"{counts.calls:,}"),
            ("  re-asked", f"{counts.reasks:,}"),
            ("no call", f"{counts.uncalled:,}"),
            ("cached", f"{counts.cached:,}"),
            ("tokens in", f"{counts.input_tokens:,}"),
            ("tokens out", f"{counts.output_tokens:,}"),
            ("cost", "unknown" if counts.cost_usd is None else f"${counts.cost_usd:.4f}"),
        ]
    first, second = (max(len(row[n]) for row in rows) for n in (0, 1))
    for name, number in rows:
        say(f"{name:<{max(12, first + 2)}}{number:>{second}}")


def list_failures(file: Path, failed: int) -> None:
    """One line for each of the first failures."""
    from itertools import islice

    from extractor.records import Failure

    with file.open("rb") as lines:
        for line in islice(lines, _LISTED_FAILURES):
            failure = Failure.model_validate_json(line)
            place = failure.source if failure.line is None else f"{failure.source}:{failure.line}"
            say(f"{place}: {failure.cause.rstrip('.')}. {failure.fix}")
    if failed > _LISTED_FAILURES:
        say(f"and {failed - _LISTED_FAILURES:,} more in {file}")
