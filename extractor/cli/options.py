"""The options that commands share: which model labels and how it is asked, and how the input is read."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from extractor.cli import completion


def option(name: str, *short: str, **settings: Any) -> Any:
    """An option that may also come from the environment: `--max-cost` from EXTRACTOR_MAX_COST."""
    variable = f"EXTRACTOR_{name[2:].replace('-', '_').upper()}"
    return typer.Option(*short, name, **{"envvar": variable, **settings})


Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT", help="Files, folders or globs; - reads standard input.", show_default=False)
]
Output = Annotated[Path, option("--output", "-o", metavar="DIR", help="The job's folder.")]
Model = Annotated[
    str,
    option(
        "--model",
        "-m",
        metavar="NAME",
        autocompletion=completion.models,
        help="Who labels: rules is built in; a model is PROVIDER/NAME, for instance openai/gpt-4o-mini, ollama/llama3.1.",
    ),
]
BaseUrl = Annotated[
    str | None,
    option(
        "--base-url", metavar="URL", help="The model's server, where it is not the provider's own: http://127.0.0.1:8080/v1."
    ),
]


def _file_of(prompt: str) -> Path:
    """The file of a prompt that comes with the program; any other stays as it is given."""
    from extractor.labelling.prompts import built_in

    return built_in().get(prompt, Path(prompt))


Prompt = Annotated[
    Path | None,
    option(
        "--prompt",
        metavar="FILE",
        parser=_file_of,
        help="A prompt of your own in place of the built-in one, or an earlier one by its label: --prompt label@1.",
    ),
]
NarrowSchema = Annotated[
    Literal["auto", "always", "never"],
    option(
        "--narrow-schema",
        help="Cut the schema down to what each abstract's numbers can be. auto: for servers on this machine or network, "
        "ollama, hosted_vllm and lm_studio, which compile a schema per request; not for hosted ones.",
    ),
]
Fields = Annotated[
    str,
    option(
        "--fields",
        metavar="NAME=FIELD,...",
        help="What the input calls title, abstract and id, where it has other names: title=headline,abstract=paper.body; a dot "
        "leads into the record inside.",
    ),
]
Keep = Annotated[
    list[str] | None,
    option(
        "--keep",
        metavar="FIELD",
        help="A field of the input to pass through into the record's source, beside DOI, year and the like: --keep tldr.",
    ),
]
Format = Annotated[
    str | None,
    option(
        "--format",
        metavar="NAME",
        autocompletion=completion.formats,
        help="The format of all inputs, where it is not to be recognised: csv, bibtex; `extractor sources` lists them.",
    ),
]
MAX_CHARACTERS = 50_000
MaxCharacters = Annotated[
    int,
    option(
        "--max-characters",
        metavar="N",
        min=1,
        help="Characters of the longest abstract; a longer record is a failure, since it is likely a whole paper.",
    ),
]
Concurrency = Annotated[
    int | None,
    option(
        "--concurrency",
        metavar="N",
        min=1,
        help="Calls under way at most, fewer where the server says 429: 32 unless told, 4 for a server on this machine "
        "or network.",
    ),
]
RequestsPerMinute = Annotated[float | None, option("--rpm", metavar="N", min=0.001, help="Calls a minute at most: --rpm 500.")]
TokensPerMinute = Annotated[float | None, option("--tpm", metavar="N", min=1, help="Tokens a minute at most: --tpm 200000.")]
Timeout = Annotated[
    float | None,
    option(
        "--timeout",
        metavar="SECONDS",
        min=0.001,
        help="Seconds until a call is given up and tried again; without it, 300 for the answer to begin, 600 in all.",
    ),
]
Price = Annotated[
    str | None,
    option("--price", metavar="IN,OUT", help="US dollars for a million tokens, where none is published: --price 0.15,0.60."),
]
MaxOutputTokens = Annotated[
    int | None,
    option(
        "--max-output-tokens",
        metavar="N",
        min=1,
        help="Tokens that a reply may have, thoughts included; without it, 4096 for a server on this machine or network, "
        "elsewhere what the model's server allows. It is also what --max-cost sets aside for a call.",
    ),
]
MaxCost = Annotated[
    float | None,
    option(
        "--max-cost",
        metavar="USD",
        min=0,
        help="Stop before the call that could make the job, all its runs together, cost more: --max-cost 5.",
    ),
]
Votes = Annotated[
    int,
    option(
        "--votes",
        metavar="N",
        min=1,
        help="Ask N times at temperature 0.7 and keep what most answers say; the share that agrees is each claim's "
        "confidence. Costs N times as much: --votes 5.",
    ),
]
Fallback = Annotated[
    list[str] | None,
    option(
        "--fallback",
        metavar="NAME",
        autocompletion=completion.models,
        help="Who labels an abstract for which the model gives no answer, again for the next in line: --fallback rules. "
        "A wrong key still stops the job. --base-url is the model's alone.",
    ),
]
WhenUnsure = Annotated[
    float | None,
    option(
        "--when-unsure",
        metavar="P",
        min=0,
        help="Ask the model only where the rules leave a number open, and are less sure of their record than this: 0.9, say.",
    ),
]
NoCache = Annotated[bool, option("--no-cache", help="Ask anew, also what was answered before; keep no answer.")]
Fresh = Annotated[bool, option("--fresh", help="Start over: drop what the folder holds of earlier runs.")]
RetryOnline = Annotated[
    bool,
    option(
        "--retry-online", help="Ask again, by calls at the usual price, for what a batch did not answer or answered wrongly."
    ),
]
Json = Annotated[bool, option("--json", help="Print JSON instead.")]
