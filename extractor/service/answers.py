"""What the service answers with, as its description in OpenAPI has it. The records themselves are `extractor.records`."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from extractor.records import Extraction, Failure
from extractor.service.problems import Problem

EXAMPLE: dict[str, JsonValue] = {
    "title": "FastNet: Quick Networks",
    "abstract": "FastNet is 2.3x faster than SlowNet on a Jetson Nano.",
}


class DocumentIn(BaseModel):
    """One abstract. Further fields that `extractor run` knows (`doi`, `year`, ...) pass through into `source`."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [EXAMPLE]})

    abstract: str
    title: str = ""
    id: str | int | None = Field(None, description="Without one, the DOI, the arXiv id or the PMID, else documents#1.")


class Extracted(BaseModel):
    """What became of several documents. Both lists are in the order of the documents; each document is in one of them."""

    extractions: list[Extraction]
    failures: list[Failure] = Field(description="`line` is the number of the document, from 1.")


class Group(BaseModel):
    """Failures with the same cause."""

    count: int
    cause: str
    fix: str


class JobState(BaseModel):
    """How far a job is, what it has cost, and what failed why."""

    id: str
    file: str = Field(description="The name of its file.")
    created: str
    state: Literal["queued", "running", "stopping", "finished", "cancelled", "stopped"]
    stopped: str | None = Field(description="What ended it before its time, and what mends that.")
    model: str | None
    done: int = Field(description="Records in /extractions.")
    failed: int
    pending: int | None = Field(description="Documents that are to come; null where nobody knows.")
    exactly: bool = Field(description="Whether `pending` is counted and not estimated.")
    in_flight: int
    rate: float | None = Field(description="Documents a second.")
    eta: float | None = Field(description="Seconds to go.")
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    spent_usd: float = Field(description="What all runs have cost, failed calls included.")
    seconds: float
    started: str | None
    updated: str | None
    finished: str | None
    failures: list[Group] = Field(description="Empty in a list of jobs and in events.")


class JobStates(BaseModel):
    """A client's jobs, the newest first."""

    jobs: list[JobState]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The description of what may go wrong: 401 to 421 with every request, and these."""
    said = {
        401: "No token that is known here",
        403: "From a page of another site",
        404: "There is no such job",
        408: "The body came too slowly",
        409: "Not now",
        413: "Too large",
        415: "Not a file",
        416: "Not within the file",
        421: "For another host",
        422: "Not what is described here",
        429: "Too much waits: see Retry-After",
        502: "The model does not answer",
        503: "The service is ending, or its cap is reached",
        507: "The disk is full",
    }
    return {status: {"model": Problem, "description": said[status]} for status in sorted({401, 403, 421, *statuses})}
