"""`extractor serve`: the worker as a service over HTTP."""

import os
import signal
from pathlib import Path
from typing import Annotated

from extractor.cli import options
from extractor.cli.options import option
from extractor.cli.run import LogFormat
from extractor.cli.terminal import TALK, say
from extractor.errors import UsageError

_TOKEN = "EXTRACTOR_TOKEN"  # noqa: S105 (the name of a variable)


def serve(
    host: Annotated[
        str, option("--host", metavar="ADDRESS", help="Where to listen; beyond this machine only with a token.")
    ] = "127.0.0.1",
    port: Annotated[int, option("--port", metavar="N", min=0, help="The port; 0 takes a free one.")] = 8080,
    jobs: Annotated[Path, option("--jobs", metavar="DIR", help="Where the jobs' folders are kept.")] = Path("jobs"),
    token_file: Annotated[
        Path | None,
        option(
            "--token-file",
            metavar="FILE",
            help="The clients' tokens, a line each: TOKEN or NAME TOKEN. One alone may be in EXTRACTOR_TOKEN; no option "
            "takes one, since every program of this machine sees those.",
        ),
    ] = None,
    workers: Annotated[
        int, option("--workers", metavar="N", min=1, help="Processes for the rules, one for each core at most.")
    ] = 1,
    max_upload: Annotated[int, option("--max-upload", metavar="MB", min=1, help="Megabytes of the largest file.")] = 1024,
    model: options.Model = "rules",
    base_url: options.BaseUrl = None,
    prompt: options.Prompt = None,
    narrow_schema: options.NarrowSchema = "auto",
    concurrency: options.Concurrency = None,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    price: options.Price = None,
    max_cost: options.MaxCost = None,
    max_output_tokens: options.MaxOutputTokens = None,
    votes: options.Votes = 1,
    fallback: options.Fallback = None,
    when_unsure: options.WhenUnsure = None,
    no_cache: options.NoCache = False,
    timeout: options.Timeout = None,
    log_format: LogFormat = "text",
) -> None:
    """Serve the worker over HTTP.

    Abstracts in, records out, and jobs on files of any size. Listens on this machine alone unless a token is given. A page to
    try it is at /, the description of all addresses at /docs. Jobs are ordinary folders: `extractor status jobs/ID` works.
    Ctrl-C or SIGTERM ends it when what is under way has ended; a service that starts again goes on with its jobs, however it
    ended. docs/service.md says more.

    Example: extractor serve

    Example: extractor serve --workers 4 --host 0.0.0.0 --token-file tokens.txt

    Example: extractor serve --model openai/gpt-4o-mini --max-cost 5
    """
    import asyncio

    from extractor.labelling.models import ModelOptions, require_packages
    from extractor.service.settings import Limits, Settings, is_loopback

    require_packages(
        "serve", "fastapi", "fastapi_offline", "httptools", "prometheus_client", "uvicorn", of="A service", instead=""
    )

    from extractor.service.server import Server, listen
    from extractor.service.server import serve as until_it_ends

    TALK.as_json = log_format == "json"
    tokens = _tokens(token_file)
    loopback = is_loopback(host)
    if not (loopback or tokens):
        fix = f"Give --token-file or {_TOKEN}, or listen on 127.0.0.1."
        raise UsageError(f"Everybody who reaches {host} could use the service. {fix}")
    asked = ModelOptions(
        model=model,
        base_url=base_url,
        prompt=None if prompt is None else prompt.absolute(),
        narrow=narrow_schema,
        concurrency=concurrency,
        requests_per_minute=rpm,
        tokens_per_minute=tpm,
        timeout=timeout,
        price=price,
        max_cost=max_cost,
        max_output_tokens=max_output_tokens,
        votes=votes,
        fallbacks=tuple(fallback or ()),
        when_unsure=when_unsure,
        cache=not no_cache,
    )
    for name in ("EXTRACTOR_CACHE", "EXTRACTOR_KEYS"):  # the service moves into the folder of its jobs
        if given := os.environ.get(name):
            os.environ[name] = str(Path(given).absolute())
    settings = Settings(jobs, asked, workers, tokens, Limits(upload=max_upload << 20))
    shown = f"[{host}]" if ":" in host else host
    for each in (signal.SIGINT, signal.SIGTERM):  # uvicorn ends as it should, then raises the signal once more
        signal.signal(each, lambda _number, _frame: None)
    with listen(host, port) as listening:

        def ready(_server: Server) -> None:
            say(f"Serving on http://{shown}:{listening.getsockname()[1]}, jobs in {jobs}; Ctrl-C ends it.")

        asyncio.run(until_it_ends(settings, listening, say, ready, loopback=loopback))


def _tokens(file: Path | None) -> dict[str, str]:
    """The clients' tokens. Raises `UsageError`, which quotes none."""
    from extractor.service.settings import tokens_of

    if file is None:
        token = os.environ.get(_TOKEN, "").strip()
        return tokens_of(f"client {token}", _TOKEN) if token else {}
    try:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            say(f"{file} can be read by others. Run: chmod 600 {file}")
        return tokens_of(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise UsageError(f"The tokens in {file} cannot be read: {error.strerror}. Mend that.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8. Write one token a line.") from None
