"""`/v1/jobs`: files that take longer, what became of them, and their records."""

import asyncio
import errno
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from extractor.errors import ExtractorError
from extractor.outputs.export import export
from extractor.service import records
from extractor.service.answers import JobState, JobStates, problems
from extractor.service.folders import FILE_NAME
from extractor.service.folders import Request as Asked
from extractor.service.jobs import Kept
from extractor.service.problems import NO_JOB, ProblemError
from extractor.service.service import Service, client_of, service_of

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
_OVER = {"finished", "cancelled", "stopped"}
_NEWS, _BEAT = 1.0, 15
"""Seconds between two looks at a job for those who follow it, and looks after which a line is sent that says nothing."""
_BLOCK = 1 << 20
"""Bytes of an upload that are written at once."""
_FILE = {
    "required": True,
    "content": {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/DocumentIn"}}},
    },
}


def _job(id: str, request: Request) -> Kept:
    """The job that an address names. Raises `ProblemError` for one that is not there, or another client's."""
    service = service_of(request)
    job = service.jobs.get(id, client_of(request) if service.settings.tokens else None)
    if job is None:
        raise ProblemError(404, *NO_JOB)
    return job


TheService = Annotated[Service, Depends(service_of)]
TheJob = Annotated[Kept, Depends(_job)]


@router.post(
    "",
    status_code=202,
    response_model=JobState,
    responses=problems(408, 413, 415, 422, 429, 507),
    openapi_extra={"requestBody": _FILE},
)
async def submit(
    request: Request,
    service: TheService,
    name: Annotated[
        str, Query(pattern=FILE_NAME, description="The file's name; its suffix tells of the format.")
    ] = "documents",
    fields: Annotated[str, Query(description="As `extractor run --fields`: title=headline,abstract=body.")] = "",
    keep: Annotated[list[str] | None, Query(description="Fields that pass through into `source`.")] = None,
    as_format: Annotated[
        str | None, Query(alias="format", description="The format, where it is not to be recognised: csv, bibtex.")
    ] = None,
    order: Annotated[Literal["input", "completion"], Query(description="The order of the records.")] = "input",
    max_cost: Annotated[float | None, Query(ge=0, description="US dollars, no more than the service's own cap.")] = None,
) -> Response:
    """Begin a job on a file: the body is the file itself, in any format that `extractor run` reads, or JSON documents.

    For instance `curl --data-binary @papers.csv 'http://127.0.0.1:8080/v1/jobs?name=papers.csv'`. The answer names the job.
    """
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise ProblemError(415, "The body is a form, not a file", "Send the file itself: curl --data-binary @papers.csv")
    client = client_of(request)
    service.jobs.admit(client)
    options = {"fields": fields, "keep": keep, "format": as_format, "order": order, "max_cost": max_cost}
    asked = Asked(client=client, created=datetime.now(UTC).isoformat(timespec="seconds"), file=name, options=options)
    id, file = await run_in_threadpool(service.folders.begin, name)
    try:
        await _receive(request, file)
        await run_in_threadpool(service.jobs.add, id, file, asked)
    except BaseException as error:
        await run_in_threadpool(service.folders.drop, id)
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise ProblemError(507, "There is no room for the file", "Whoever runs the service can make some.") from None
        raise
    job = service.jobs.get(id)
    assert job is not None  # noqa: S101 (it was just added)
    state = await run_in_threadpool(service.jobs.state, job)
    return JSONResponse(state, 202, {"Location": f"/v1/jobs/{id}"})


async def _receive(request: Request, file: Path) -> None:
    """Write a body to a file as it comes."""
    block = bytearray()
    with await run_in_threadpool(file.open, "xb", 0) as out:
        async for chunk in request.stream():
            block += chunk
            if len(block) >= _BLOCK:
                await run_in_threadpool(out.write, bytes(block))
                block.clear()
        await run_in_threadpool(out.write, bytes(block))


@router.get("", response_model=JobStates, responses=problems(422))
async def list_jobs(
    request: Request,
    service: TheService,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(description="The id of the last job of the page before.")] = None,
) -> Response:
    """The jobs of this client, the newest first; without tokens, all jobs."""
    jobs = service.jobs.of(client_of(request) if service.settings.tokens else None)
    page = [job for job in jobs if after is None or job.id < after][:limit]
    return JSONResponse({"jobs": await run_in_threadpool(lambda: [service.jobs.state(job) for job in page])})


@router.get("/{id}", response_model=JobState, responses=problems(404))
async def show(job: TheJob, service: TheService) -> Response:
    """How far a job is, what it has cost, and what failed why: what `extractor status` tells of its folder."""
    return JSONResponse(await run_in_threadpool(lambda: service.jobs.state(job, failures=True)))


_EVENT = {"type": "object", "properties": {"event": {"enum": ["progress", "end"]}, "data": {"type": "string"}}}


@router.get(
    "/{id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": _EVENT}}}, **problems(404, 429)},
)
async def events(request: Request, job: TheJob, service: TheService) -> Response:
    """Follow a job: an event `progress` when something has changed, at most one a second, and at last an event `end`.

    The data of both is the job's state.
    """
    client = client_of(request)
    if service.watchers[client] >= service.settings.limits.watchers:
        raise ProblemError(429, "This client follows too many jobs at once", "End one of those.", wait=5)
    return StreamingResponse(_news(service, job, client), media_type="text/event-stream")


async def _news(service: Service, job: Kept, client: str) -> AsyncIterator[str]:
    service.watchers[client] += 1
    last, quiet = "", 0
    try:
        while service.jobs.get(job.id) is job and not service.ending.is_set():
            state = await run_in_threadpool(service.jobs.state, job)
            told = json.dumps(state)
            if told != last:
                yield f"event: progress\ndata: {told}\n\n"
                last, quiet = told, 0
            elif (quiet := quiet + 1) % _BEAT == 0:
                yield ": still there\n\n"
            if state["state"] in _OVER:
                yield f"event: end\ndata: {told}\n\n"
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_NEWS):
                    await service.ending.wait()
    finally:
        service.watchers[client] -= 1


_LINES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Records, one a line.", "content": {"application/x-ndjson": {"schema": {"type": "string"}}}},
    206: {"description": "The bytes of the range.", "content": {"application/x-ndjson": {"schema": {"type": "string"}}}},
}


@router.get("/{id}/extractions", response_class=StreamingResponse, responses={**_LINES, **problems(404, 409, 416, 422)})
async def extractions(
    request: Request,
    job: TheJob,
    service: TheService,
    after: Annotated[str | None, Query(description="The X-Next header of the answer before: what came since then.")] = None,
    limit: Annotated[int | None, Query(ge=1, le=1_000_000, description="Records at most.")] = None,
) -> Response:
    """The records, whole lines of `extractions.jsonl`, also while the job runs. A Range header of bytes is heeded."""
    asked = request.headers.get("range")
    part = await run_in_threadpool(records.part, service.folders.of(job.id), after, limit, asked)
    if part is None:
        return Response(b"", media_type="application/x-ndjson", headers={"Accept-Ranges": "bytes"})
    headers = {"Content-Length": str(part.end - part.start), "X-Next": part.next, "Accept-Ranges": "bytes"}
    ranged = after is None and limit is None and (part.start, part.end) != (0, part.size)
    if ranged:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{part.size}"
    return StreamingResponse(part.chunks(), 206 if ranged else 200, headers, "application/x-ndjson")


@router.get(
    "/{id}/claims.csv",
    response_class=FileResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems(404, 409)},
)
async def claims(job: TheJob, service: TheService) -> Response:
    """The claims as a table, which `extractor export --to csv` writes: docs/tables.md says what each column means."""
    scratch = tempfile.TemporaryDirectory(prefix="extractor-")
    try:
        folder = service.folders.of(job.id)
        if not (folder / "extractions.jsonl").exists():
            raise ProblemError(409, "The job has no records yet", "Ask again when it has begun.")
        await run_in_threadpool(export, [folder], "csv", Path(scratch.name))
    except BaseException as error:
        scratch.cleanup()
        if isinstance(error, ExtractorError) and not isinstance(error, ProblemError):
            raise ProblemError(409, "The job is writing its records", "Ask again in a moment.", wait=1) from error
        raise
    return FileResponse(Path(scratch.name) / "claims.csv", media_type="text/csv", background=BackgroundTask(scratch.cleanup))


@router.post("/{id}/cancel", status_code=202, response_model=JobState, responses=problems(404))
async def cancel(job: TheJob, service: TheService) -> Response:
    """Work a job off no further. What is under way ends first; what is done stays."""
    await run_in_threadpool(service.jobs.cancel, job)
    return JSONResponse(await run_in_threadpool(service.jobs.state, job), 202)


@router.post("/{id}/resume", status_code=202, response_model=JobState, responses=problems(404))
async def resume(job: TheJob, service: TheService) -> Response:
    """Go on with a job that was cancelled or has stopped; of one that is finished, try again what has failed."""
    await run_in_threadpool(service.jobs.resume, job)
    return JSONResponse(await run_in_threadpool(service.jobs.state, job), 202)


@router.delete("/{id}", status_code=204, response_class=Response, responses=problems(404, 409))
async def delete(job: TheJob, service: TheService) -> Response:
    """Take a job away, with its file and its records."""
    await run_in_threadpool(service.jobs.remove, job)
    service.explorers.pop(job.id, None)
    return Response(status_code=204)
