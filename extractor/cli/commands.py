"""How commands stand in the help: in groups, and in words."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from extractor.cli.settings import FILE, options_of
from extractor.cli.terminal import TALK, say

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Command(TyperCommand):
    """A command whose help has no braces and no names of types: INPUT... and not {INPUT}..., "at least 1" and not x>=1."""

    def invoke(self, ctx: Any) -> object:
        """Run it, after a word on what the file in the working folder sets: it may be somebody else's."""
        if ctx.default_map:
            sources = ((name, ctx.get_parameter_source(option.name)) for name, option in options_of(self).items())
            if told := [name for name, source in sources if source is not None and source.name == "DEFAULT_MAP"]:
                TALK.as_json = ctx.params.get("log_format") == "json"
                say(f"{FILE} sets {', '.join(told)}")
        return super().invoke(ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is None:
                continue
            name, told = record
            told = told.replace("x>=", "at least ")
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
