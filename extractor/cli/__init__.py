"""The command line: one module per command. Standard output is data, standard error is talk.

Commands import what they need when they run, so that `extractor --help` answers at once.
"""

from functools import partial
from typing import Any

from extractor.cli.batch import batch
from extractor.cli.cache import cache
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES, FELL, INTERRUPTED, NOTHING_DONE, PIPE_CLOSED, WRONG_USAGE
from extractor.cli.commands import Commands, Root, extractor, start
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
from extractor.cli.show import show
from extractor.cli.sources import sources
from extractor.cli.status import status
from extractor.cli.verify import verify

__all__ = ["app", "main"]

app = Commands(
    name="extractor",
    cls=Root,
    callback=extractor,
    rich_markup_mode=None,  # plain help: a third of the start-up time, and the same text in docs/cli.md
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog=f"""\b
Exit codes: {ALL_DONE} all done, {NOTHING_DONE} nothing could be done, {WRONG_USAGE} wrong usage,
{DONE_WITH_FAILURES} done with failures, {FELL} a figure fell below its baseline or a number does not
stand in its source, {INTERRUPTED} interrupted, {PIPE_CLOSED} the reader of standard output left.""",
)

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

main = partial(start, app)
