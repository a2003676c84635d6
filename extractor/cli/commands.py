"""What all commands have in common: how they stand in the help, what a mistake comes to, and how the program ends."""

import atexit
import gc
import re
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from extractor._version import __version__
from extractor.cli.codes import ALL_DONE, INTERRUPTED, NOTHING_DONE, PIPE_CLOSED, WRONG_USAGE
from extractor.cli.settings import FILE, options_of, read
from extractor.cli.terminal import TALK, open_closed, say, silence
from extractor.errors import ExtractorError, UsageError

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Command(TyperCommand):
    """A command whose help has no braces and no names of types: INPUT... and not {INPUT}..., "at least 1" and not x>=1."""

    def invoke(self, ctx: Any) -> object:
        """Run it, unless its output is an address, after a word on what the file in the working folder sets: it may be somebody
        else's."""
        if ctx.default_map:
            sources = ((name, ctx.get_parameter_source(option.name)) for name, option in options_of(self).items())
            if told := [name for name, source in sources if source is not None and source.name == "DEFAULT_MAP"]:
                TALK.as_json = ctx.params.get("log_format") == "json"
                say(f"{FILE} sets {', '.join(told)}")
        scheme, address, rest = str(ctx.params.get("output")).partition(":/")
        if address and len(scheme) > 1:  # as a path it would silently become a folder of that name
            given = f"{scheme}://{rest.lstrip('/')}"
            raise UsageError(f"{given} is an address, and -o needs a file system. Name a path, and copy it there later.")
        return super().invoke(ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is None:
                continue
            name, told = record
            told = re.sub(r"(\d+)<=x<=(\d+)", r"\1 to \2", told.replace("x>=", "at least "))
            if parameter.param_type_name == "argument":
                sections["Arguments"].append((name.partition(" <")[0], told))
            else:
                sections["Options"].append((re.sub(r"<(?:list\[)?(.*?)\]?>", r"\1", name), told))
        _write(formatter, sections)


class Group(TyperGroup):
    """Commands, each listed under the group that it was added to."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (typer gives it)
        widest = max(map(len, self.commands))
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            told = command.get_short_help_str(formatter.width - widest - 6)
            sections.setdefault(getattr(command, "rich_help_panel", None) or "Commands", []).append((name.ljust(widest), told))
        _write(formatter, sections)


def _write(formatter: Any, sections: dict[str, list[tuple[str, str]]]) -> None:
    for heading, rows in sections.items():
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)


class Commands(typer.Typer):
    """What commands are added to."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"cls": Group, "no_args_is_help": True, **settings})

    def command(self, name: str | None = None, **settings: Any) -> Callable[[_Function], _Function]:
        """Add a function as a command."""
        return super().command(name, **{"cls": Command, **settings})


class Root(Group):
    """Turns what a user can mend into one line and an exit code. What is left is a bug, and keeps its traceback."""

    _blank: str | None = None

    def main(self, *arguments: Any, **settings: Any) -> NoReturn:
        """Run with these arguments, and leave. What cannot be read as a command is one line, too."""
        try:
            code = super().main(*arguments, **{**settings, "standalone_mode": False})
            sys.stdout.flush()  # what cannot be written is told now, and not by the interpreter as it exits
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


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"extractor {__version__}")
        raise typer.Exit


def extractor(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Read paper abstracts and write down what they claim, every number and phrase grounded in the text.

    Example: extractor run abstracts.jsonl -o claims
    """


def start(app: typer.Typer) -> NoReturn:
    """Run a command line and leave with its exit code."""
    gc.set_threshold(100_000)  # what a command imports stays: to look through it for garbage, again and as it ends,
    atexit.register(gc.freeze)  # takes a seventh of the time of a short one
    open_closed()
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a character gets "?" and not a traceback
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = app(prog_name="extractor")
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        silence()
        code = PIPE_CLOSED
    except OSError as error:  # of --help and --version, which are printed before a command is called, and of the last lines
        code = _unwritten(error)
    sys.exit(code)
