"""The options that commands share: which model labels and how it is asked, and how the input is read."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Narrow(str, Enum):  # noqa: UP042 (typer takes the values of a str enumeration)
    """The values of `--narrow-schema`."""

    auto = "auto"
    always = "always"
    never = "never"


Model = Annotated[
    str,
    typer.Option(
        "-m",
        "--model",
        metavar="NAME",
        envvar="EXTRACTOR_MODEL",
        help="Who labels: rules is built in; a model is PROVIDER/NAME, for instance openai/gpt-4o-mini, ollama/llama3.1.",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        envvar="EXTRACTOR_BASE_URL",
        help="The model's server, where it is not the provider's own: http://127.0.0.1:8080/v1.",
        show_default=False,
    ),
]
Prompt = Annotated[
    Path | None,
    typer.Option(
        "--prompt",
        metavar="FILE",
        envvar="EXTRACTOR_PROMPT",
        help="A prompt of your own in place of the built-in one: --prompt mine.md.",
        show_default=False,
    ),
]
NarrowSchema = Annotated[
    Narrow,
    typer.Option(
        "--narrow-schema",
        envvar="EXTRACTOR_NARROW_SCHEMA",
        help="Cut the schema down to what each abstract's numbers can be. auto: for servers on this machine or network, "
        "ollama, hosted_vllm and lm_studio, which compile a schema per request; not for hosted ones.",
    ),
]
Fields = Annotated[
    str,
    typer.Option(
        "--fields",
        metavar="NAME=FIELD,...",
        envvar="EXTRACTOR_FIELDS",
        help="What the input calls title, abstract and id, where it has other names: title=headline,abstract=body.",
        show_default=False,
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        metavar="N",
        min=1,
        envvar="EXTRACTOR_CONCURRENCY",
        help="Calls under way at most, fewer where the server says 429: 32 unless told, 4 for a server on this machine "
        "or network.",
        show_default=False,
    ),
]
RequestsPerMinute = Annotated[
    float | None,
    typer.Option(
        "--rpm", metavar="N", min=0.001, envvar="EXTRACTOR_RPM", help="Calls a minute at most: --rpm 500.", show_default=False
    ),
]
TokensPerMinute = Annotated[
    float | None,
    typer.Option(
        "--tpm", metavar="N", min=1, envvar="EXTRACTOR_TPM", help="Tokens a minute at most: --tpm 200000.", show_default=False
    ),
]
Price = Annotated[
    str | None,
    typer.Option(
        "--price",
        metavar="IN,OUT",
        envvar="EXTRACTOR_PRICE",
        help="US dollars for a million tokens, where none is published: --price 0.15,0.60.",
        show_default=False,
    ),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        metavar="USD",
        min=0,
        envvar="EXTRACTOR_MAX_COST",
        help="Stop before the call that could make the job, all its runs together, cost more: --max-cost 5.",
        show_default=False,
    ),
]
Votes = Annotated[
    int,
    typer.Option(
        "--votes",
        metavar="N",
        min=1,
        envvar="EXTRACTOR_VOTES",
        help="Ask N times at temperature 0.7 and keep what most answers say; the share that agrees is each claim's "
        "confidence. Costs N times as much: --votes 5.",
    ),
]
Fallback = Annotated[
    list[str] | None,
    typer.Option(
        "--fallback",
        metavar="NAME",
        envvar="EXTRACTOR_FALLBACK",
        help="Who labels an abstract for which the model gives no answer, again for the next in line: --fallback rules. "
        "A wrong key still stops the job. --base-url is the model's alone.",
        show_default=False,
    ),
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", envvar="EXTRACTOR_NO_CACHE", help="Ask anew, also what was answered before; keep no answer."),
]

Inputs = Annotated[
    list[str],
    typer.Argument(metavar="INPUT", help="Files, folders or globs; - reads standard input.", show_default=False),
]
Fresh = Annotated[
    bool, typer.Option("--fresh", envvar="EXTRACTOR_FRESH", help="Start over: drop what the folder holds of earlier runs.")
]
RetryOnline = Annotated[
    bool,
    typer.Option(
        "--retry-online",
        envvar="EXTRACTOR_RETRY_ONLINE",
        help="Ask again, by calls at the usual price, for what a batch did not answer or answered wrongly.",
    ),
]
