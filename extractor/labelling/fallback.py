"""A labeller that stands in for another: the first of several that answers."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from extractor.documents import Document
from extractor.errors import BudgetError, CallError, JobError, Spent, StoppedError
from extractor.labels import Labelled, Labeller
from extractor.records import Rejection
from extractor.spotting import Mentions


class FallbackLabeller:
    """Asks one labeller after the other, until one answers; provenance says which it was, and holds what all have cost.

    What stops a job (a wrong key, no credit, no such model, the cap on cost) stops it here as well when the first labeller
    meets it: nobody would notice that all the rest was labelled by another than asked for, and what is done is not asked
    again. A stand-in that meets it is left out from then on, with one line to `notice`: a job never fares worse for having one.
    """

    def __init__(self, labellers: Sequence[Labeller], notice: Callable[[str], None] = lambda _line: None) -> None:
        self.name = labellers[0].name
        self._labellers = tuple(labellers)
        self._notice = notice
        self._out: dict[int, CallError] = {}

    async def label(self, document: Document, mentions: Mentions) -> Labelled:
        """Label with the first labeller that answers. Raises `CallError` with the causes of all when none does."""
        failed: list[CallError] = []
        for n, labeller in enumerate(self._labellers):
            if n in self._out:
                failed.append(self._out[n])
                continue
            try:
                return _after(failed, await labeller.label(document, mentions))
            except JobError as error:
                if n == 0 or isinstance(error, BudgetError | StoppedError):
                    error.spent = Spent.together([*(each.spent for each in failed), error.spent])
                    raise
                failed.append(error)
                if n not in self._out:  # else another document has met the same meanwhile
                    self._out[n] = CallError(error.cause, error.fix)
                    self._notice(f"A fallback is left out from here on: {error}")
            except CallError as error:
                failed.append(error)
        causes = "; then ".join(error.cause for error in failed)
        raise CallError(causes, failed[-1].fix, Spent.together(error.spent for error in failed))


def _after(failed: Sequence[CallError], labelled: Labelled) -> Labelled:
    """An answer with what was spent on those that failed before it."""
    if not failed:
        return labelled
    spent = Spent.together([*(error.spent for error in failed), Spent.of(labelled.provenance)])
    made = labelled.provenance.model_copy(update={**asdict(spent), "cached": labelled.provenance.cached and not spent.calls})
    rejected = (Rejection(field="labeller", value=error.cause, reason="gave no answer") for error in failed)
    return replace(labelled, provenance=made, rejected=(*rejected, *labelled.rejected))
