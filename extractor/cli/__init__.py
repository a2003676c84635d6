"""The command line: one module per command. Standard output is data, standard error is talk.

Commands import what they need when they run, so that `extractor --help` answers at once.
"""

import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from extractor._version import __version__
from extractor.cli.batch import batch
from extractor.cli.cache import cache
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES, FELL, INTERRUPTED, NOTHING_DONE, PIPE_CLOSED, WRONG_USAGE
from extractor.cli.commands import Commands, Group
from extractor.cli.config import config
from extractor.cli.eval import evaluate
from extractor.cli.explore import explore
from extractor.cli.export import export
from extractor.cli.gold import gold
from extractor.cli.keys import keys
from extractor.cli.mcp import mcp
from extractor.cli.prompt import prompt
from extractor.cli.query import query
from extractor.cli.retry import retry
from extractor.cli.run import run
from extractor.cli.schema import schema
from extractor.cli.serve import serve
from extractor.cli.settings import FILE, read
from extractor.cli.show import show
from extractor.cli.sources import sources
from extractor.cli.status import status
from extractor.cli.terminal import open_closed, say, silence
from extractor.cli.verify import verify
from extractor.errors import ExtractorError, UsageError

__all__ = ["app", "main"]


class _Root(Group):
    """Turns what a user can mend into one line and an exit code. What is left is a bug, and keeps its traceback."""

    _blank: str | None = None

    def main(self, *arguments: Any, **settings: Any) -> NoReturn:
        """Run with these arguments, and leave. What cannot be read as a command is one line, too."""
        try:
            code = super().main(*arguments, **{**settings, "standalone_mode": False})
        except TyperException as error:
            if "\n" in error.message:  # the help of a command that has others below it
                typer.echo(error.message, err=True)
            else:
                context = getattr(error, "ctx", None)
                command = context.command_path if context else "extractor"
                what = " ".join(error.format_message().replace("Value error, ", "").split())
                say(f"extractor: {what if what[-1] in '.?' else f'{what}.'} See `{command} --help`.")
            code = error.exit_code
        except typer.Abort:
            code = INTERRUPTED
        sys.exit(code or ALL_DONE)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        self._blank = next((arg for arg in args if not arg.strip() or (arg.startswith("--") and arg.endswith("="))), None)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> object:
        try:
            if self._blank is not None:
                option = self._blank.strip().removesuffix("=")
                what = f"{option} is given nothing" if option else "An argument is empty"
                raise UsageError(f"{what}, as when a variable of the shell is not set. Give it a value, or leave it out.")
            if FILE.is_file():
                ctx.default_map = self._defaults(ctx)
            return super().invoke(ctx)
        except BrokenPipeError:  # `extractor ... | head -1`: the reader has what it wants
            silence()
            raise typer.Exit(PIPE_CLOSED) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except ExtractorError as error:
            say(f"extractor: {error}")
            raise typer.Exit(WRONG_USAGE if isinstance(error, UsageError) else NOTHING_DONE) from None
        except OSError as error:
            raise typer.Exit(_unwritten(error)) from None

    def _defaults(self, ctx: Any) -> dict[str, Any]:
        try:
            return read(self, ctx)
        except UsageError:
            if set(ctx.args).isdisjoint(ctx.help_option_names):
                raise
            return {}  # help is there whatever the file holds


def _unwritten(error: OSError) -> int:
    silence()
    say(f"extractor: {error.filename or 'Standard output'}: {error.strerror}. Check the disk and the permissions.")
    return NOTHING_DONE


app = Commands(
    name="extractor",
    cls=_Root,
    rich_markup_mode=None,  # plain help: a third of the start-up time, and the same text in docs/cli.md
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog=f"""\b
Exit codes: {ALL_DONE} all done, {NOTHING_DONE} nothing could be done, {WRONG_USAGE} wrong usage,
{DONE_WITH_FAILURES} done with failures, {FELL} a figure fell below its baseline or a number does not
stand in its source, {INTERRUPTED} interrupted, {PIPE_CLOSED} the reader of standard output left.""",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"extractor {__version__}")
        raise typer.Exit


@app.callback()
def _extractor(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Read paper abstracts and write down what they claim, every number and phrase grounded in the text.

    Example: extractor run abstracts.jsonl -o claims
    """


_COMMANDS: dict[str, dict[str, Any]] = {
    "Extract": {"sources": sources, "run": run, "status": status, "retry": retry, "batch": batch},
    "Look at what was found": {"show": show, "explore": explore, "query": query, "export": export, "verify": verify},
    "Serve": {"serve": serve, "mcp": mcp},
    "Evaluate": {"eval": evaluate, "gold": gold},
    "Set up": {"config": config, "prompt": prompt, "schema": schema, "keys": keys, "cache": cache},
}
for _group, _commands in _COMMANDS.items():
    for _name, _command in _commands.items():
        if isinstance(_command, Commands):
            app.add_typer(_command, name=_name, rich_help_panel=_group)
        else:
            app.command(_name, rich_help_panel=_group)(_command)


def main() -> None:
    """Run the command line and leave with its exit code."""
    open_closed()
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a character gets "?" and not a traceback
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = app(prog_name="extractor")
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:  # of --help and --version, which are printed before a command is called
        code = _unwritten(error)
    sys.exit(code)
