"""What is looked at: the page to try the service, a job's explorer, the description of the addresses; and what watches it."""

import base64
from hashlib import sha256
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, Response

from extractor._version import __version__
from extractor.errors import UsageError
from extractor.outputs.explorer import Explorer, NotThereError, fetched_page
from extractor.service.answers import problems
from extractor.service.job_routes import TheJob, TheService
from extractor.service.problems import ProblemError

router = APIRouter()
_SWAGGER: Final = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_SWAGGER_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Swagger UI writes styles into its elements; what it runs comes from here."""
_DAY: Final = {"Cache-Control": "private, max-age=86400"}


def _template(name: str, package: str = "extractor.service") -> str:
    return (files(package) / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


def home_page() -> tuple[str, str]:
    """The page to try the service on, and the policy that lets nothing run on it but what is in it."""
    style, script = _template("base.css", "extractor.outputs") + _template("home.css"), _template("home.js")
    page = _template("home.html")
    for name, part in (("style", style), ("script", script), ("version", __version__)):
        page = page.replace(f"$${name}$$", part)
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; connect-src 'self'; img-src data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return page, policy


@router.get("/", include_in_schema=False)
async def home() -> Response:
    """A page on which to paste an abstract or drop a file."""
    page, policy = home_page()
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


@router.get("/favicon.ico", include_in_schema=False)
async def icon() -> Response:
    """No picture, said without an error."""
    return Response(status_code=204)


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """The description of all addresses, to read and to try."""
    return HTMLResponse(_template("docs.html"), headers={"Content-Security-Policy": _SWAGGER_POLICY})


@router.get("/docs/{name}", include_in_schema=False)
async def swagger(name: str) -> Response:
    """A file of Swagger UI."""
    if name == "start.js":
        return Response(_template("docs.js"), media_type="text/javascript")
    if name not in _SWAGGER:
        raise ProblemError(404, "There is no such file", "See /docs.")
    content = await run_in_threadpool((files("fastapi_offline") / "static" / name).read_bytes)
    return Response(content, media_type=_SWAGGER[name], headers=_DAY)


@router.get(
    "/v1/jobs/{id}/explore",
    tags=["jobs"],
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}, **problems(404)},
)
async def explore(job: TheJob) -> Response:
    """A page on which to sort, filter, chart and read what a job has found so far."""
    page = await run_in_threadpool(fetched_page, job.request.file, "explore/")
    return HTMLResponse(page, headers={"Content-Security-Policy": "frame-ancestors 'none'"})  # the rest stands in the page


@router.get("/v1/jobs/{id}/explore/{question}", include_in_schema=False)
async def explored(request: Request, job: TheJob, service: TheService, question: str) -> Response:
    """What that page asks: `Explorer.answer` says which questions there are."""
    folder = service.folders.of(job.id)
    try:
        if job.id not in service.explorers:
            service.explorers[job.id] = Explorer([folder], folder / "explorer.sqlite")
        explorer = service.explorers[job.id]
        answer = await run_in_threadpool(explorer.answer, question, request.url.query)
    except NotThereError as error:
        raise ProblemError(404, str(error), "Ask for one that `rows` lists.") from None
    except UsageError:
        if not (folder / "extractions.jsonl").exists():
            raise ProblemError(409, "The job has no records yet", "Ask again when it has begun.", wait=1) from None
        raise
    return JSONResponse(answer)


@router.get("/healthz", tags=["watching"])
async def healthz() -> dict[str, str]:
    """Whether the service answers at all."""
    return {"status": "ok", "version": __version__}


@router.get("/readyz", tags=["watching"], responses=problems(503))
async def readyz(service: TheService) -> dict[str, str]:
    """Whether the service takes work: not while it ends."""
    if service.ending.is_set():
        raise ProblemError(503, "The service is ending", "Ask another, or wait until it has started again.", wait=5)
    return {"status": "ready"}


@router.get(
    "/metrics",
    tags=["watching"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(service: TheService) -> Response:
    """What has been done so far, for Prometheus."""
    return Response(await run_in_threadpool(service.metrics.page), media_type="text/plain; version=0.0.4; charset=utf-8")
