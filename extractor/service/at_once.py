"""`POST /v1/extract`: documents in, their records out."""

import json
from functools import partial
from time import perf_counter
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from extractor.jobs.flow import Item
from extractor.outputs.jsonl import to_line
from extractor.records import Extraction
from extractor.service.answers import EXAMPLE, Extracted, problems
from extractor.service.extracts import read_documents
from extractor.service.problems import ProblemError
from extractor.service.service import client_of, service_of
from extractor.sources import BadRecord

router = APIRouter(tags=["at once"])
_LONG = 1 << 16
"""Bytes from which on a body is parsed on a thread: a millisecond's worth."""
_DOCUMENT = {"$ref": "#/components/schemas/DocumentIn"}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"oneOf": [_DOCUMENT, {"type": "array", "items": _DOCUMENT, "minItems": 1, "maxItems": 100}]},
            "examples": {
                "one document": {"value": EXAMPLE},
                "several": {
                    "value": [{"id": "a", **EXAMPLE}, {"id": "b", "title": "", "abstract": "It needs 4 GB of memory."}]
                },
            },
        }
    },
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The record of one document; of an array, the records and what failed.",
        "model": Extraction | Extracted,
    },
    **problems(408, 413, 422, 429, 502, 503),
}


@router.post("/v1/extract", response_class=Response, responses=_ANSWERS, openapi_extra={"requestBody": _BODY})
async def extract(request: Request) -> Response:
    """Extract the claims and the hardware of one document, or of up to 100 in an array.

    The record of one document is the line that `extractor run` writes, byte for byte but for the seconds it took. The answer to
    an array has the records in its order, and what failed says which document it was. Large amounts go faster in arrays of 20
    to 100, and fastest as a job.
    """
    service = service_of(request)
    limits = service.settings.limits
    body = await request.body()
    read = partial(_read, body, limits.documents, limits.characters)
    alone, items = await run_in_threadpool(read) if len(body) > _LONG else read()
    if alone and isinstance(bad := items[0], BadRecord):
        raise ProblemError(422, bad.cause, bad.fix)
    began = perf_counter()
    answer = await service.extracts.answer(client_of(request), items)
    service.metrics.answered(answer.counts, (failure.cause for failure in answer.failures), perf_counter() - began)
    if not alone:
        extractions = b",".join(line[:-1] for line in answer.lines)
        failures = b",".join(to_line(failure)[:-1] for failure in answer.failures)
        content = b'{"extractions":[%b],"failures":[%b]}\n' % (extractions, failures)
    elif answer.failures:
        raise ProblemError(502, answer.failures[0].cause, answer.failures[0].fix)
    else:
        [content] = answer.lines
    return Response(content, media_type="application/json")


def _read(body: bytes, most: int, longest: int) -> tuple[bool, list[Item]]:
    """Whether a body holds one document by itself, and its documents. Raises `ProblemError` for one that holds none."""
    fix = 'Send {"title": ..., "abstract": ...}, or an array of such objects.'
    try:
        found = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise ProblemError(422, "The body is not JSON in UTF-8", fix) from None
    alone = isinstance(found, dict)
    several = [found] if alone else found
    if not isinstance(several, list) or not several or not all(isinstance(each, dict) for each in several):
        raise ProblemError(422, "The body is neither a document nor an array of them", fix)
    if len(several) > most:
        raise ProblemError(413, f"{len(several):,} documents are more than {most:,}", "Send them in parts, or as a job.")
    items = read_documents(b"[%b]" % body if alone else body, longest)
    if len(items) != len(several):
        raise ProblemError(422, "The body is not an array of documents that can be told apart", fix)
    return alone, items
