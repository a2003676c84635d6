"""`extractor keys`: the key file of this user."""

from typing import Annotated

import typer

from extractor.cli.commands import Commands
from extractor.cli.terminal import out, say, width
from extractor.errors import UsageError

keys = Commands(
    help="""Keep the keys of model providers.

    A key is looked for in the environment first (OPENAI_API_KEY), then in a file that only its owner can read. It is typed at a
    prompt that does not show it or comes from standard input, never from an option, which a shell's history would keep.

    Example: extractor keys set openai
    """
)


@keys.command("set")
def set_key(
    name: Annotated[str, typer.Argument(metavar="PROVIDER", help="A provider as in --model, or the name of its variable.")],
) -> None:
    """Store a key; it is asked for without being shown.

    Example: extractor keys set openai

    Example: pass show anthropic | extractor keys set ANTHROPIC_API_KEY
    """
    import getpass
    import sys

    from pydantic import SecretStr

    from extractor.llm import keys as store

    variable = name if name.endswith("_API_KEY") else store.variable(name.partition("/")[0])
    key = getpass.getpass(f"{variable}: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not key.strip():
        raise UsageError(f"You gave no key for {variable}. Paste it at the prompt, or pipe it in.")
    file = store.put(variable, SecretStr(key))
    say(f"{variable} is stored in {file}")


@keys.command("list")
def list_keys() -> None:
    """List the names of the keys, and where each comes from.

    Example: extractor keys list
    """
    import sys

    from extractor.cli.table import pairs
    from extractor.llm import keys as store

    known = store.known()
    for line in pairs(((name, str(place)) for name, place in known.items()), width(piped=sys.maxsize)):
        out(line)
    if not known:
        say("no keys; store one with `extractor keys set PROVIDER`")


@keys.command("path")
def key_file() -> None:
    """Print where the key file is.

    Example: chmod 600 "$(extractor keys path)"
    """
    from extractor.llm import keys as store

    typer.echo(store.path())
