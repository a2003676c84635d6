"""The application: the addresses behind their guard, and one form for whatever goes wrong."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from extractor._version import __version__
from extractor.errors import ExtractorError
from extractor.service import at_once, job_routes, pages, problems
from extractor.service.answers import DocumentIn
from extractor.service.guard import Guard
from extractor.service.problems import Problem, ProblemError
from extractor.service.service import Service

ABOUT = """Reads paper abstracts and says what they claim, every number and phrase grounded in the text.

`POST /v1/extract` answers at once; `POST /v1/jobs` takes a file of any size. Records are those that `extractor run` writes.
"""
_CLOSING = {408, 413}
"""After these the rest of the body may still come: it must not be taken for the next request."""


def create_app(service: Service, *, loopback: bool = True) -> FastAPI:
    """A service as an ASGI application. `loopback`: see `Guard`."""
    app = FastAPI(title="extractor", version=__version__, description=ABOUT, docs_url=None, redoc_url=None)
    app.state.service = service
    for router in (at_once.router, job_routes.router, pages.router):
        app.include_router(router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ExtractorError, _raised)
    app.add_exception_handler(Exception, _bug)
    app.openapi_schema = _described(app, with_tokens=bool(service.settings.tokens))
    app.add_middleware(Guard, settings=service.settings, loopback=loopback)
    return app


def _described(app: FastAPI, *, with_tokens: bool) -> dict[str, Any]:
    """The description of the addresses, with what FastAPI does not see: bodies that are read as they come, and tokens."""
    described = app.openapi()
    parts = described["components"]
    parts["schemas"]["DocumentIn"] = DocumentIn.model_json_schema()
    if with_tokens:
        parts["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "password": {"type": "http", "scheme": "basic"},
        }
        described["security"] = [{"token": []}, {"password": []}]
    return described


def _answer(status: int, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    closing = {"Connection": "close"} if status in _CLOSING else {}
    return JSONResponse(problem.model_dump(), status, {**(headers or {}), **closing})


async def _refused(_request: Request, error: Exception) -> Response:
    if isinstance(error, ProblemError):
        return _answer(error.status_code, error.problem, dict(error.headers or {}))
    assert isinstance(error, HTTPException)  # noqa: S101 (what it is registered for)
    fix = "See /docs for the addresses and what each takes."
    return _answer(error.status_code, Problem(cause=str(error.detail), fix=fix), dict(error.headers or {}))


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (what it is registered for)
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"])
    return _answer(422, Problem(cause=f"{where}: {first['msg']}", fix="See /docs for what the address takes."))


async def _raised(request: Request, error: Exception) -> Response:
    assert isinstance(error, ExtractorError)  # noqa: S101 (what it is registered for)
    return await _refused(request, problems.of(error))


async def _bug(_request: Request, _error: Exception) -> Response:
    return _answer(500, Problem(cause="A bug", fix="The service's log has the traceback: report it."))
