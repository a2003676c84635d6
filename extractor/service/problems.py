"""What goes wrong, as an answer: a status, the cause and the fix."""

from fastapi import HTTPException
from pydantic import BaseModel, Field

from extractor.errors import BudgetError, ExtractorError, JobError, UsageError
from extractor.service.turns import CrowdedError


class Problem(BaseModel):
    """Why a request was not carried out."""

    cause: str = Field(description="Why.", examples=["There is no job of this id."])
    fix: str = Field(description="What mends it.", examples=["GET /v1/jobs lists those that there are."])


class ProblemError(HTTPException):
    """A request that is not carried out; `wait` are the seconds after which it may be tried again."""

    def __init__(self, status: int, cause: str, fix: str, *, wait: int | None = None) -> None:
        super().__init__(status, cause, headers=None if wait is None else {"Retry-After": str(wait)})
        self.problem = Problem(cause=cause, fix=fix)


def of(error: ExtractorError) -> ProblemError:
    """The answer to what the package raises."""
    text = str(error)
    if isinstance(error, CrowdedError):
        return ProblemError(429, text, "Wait, then ask again.", wait=1)
    if isinstance(error, BudgetError):
        return ProblemError(503, error.cause, "Whoever runs the service can raise its --max-cost.")
    if isinstance(error, JobError):
        return ProblemError(502, error.cause, error.fix)
    cause, _, fix = text.partition(". ")
    status = 422 if isinstance(error, UsageError) else 409
    return ProblemError(status, cause, fix or "Mend that, and ask again.")


NO_JOB = ("There is no job of this id", "GET /v1/jobs lists those that there are.")
