"""The help of every command as one Markdown page: `python -m tests.cli.reference > docs/cli.md`."""

from typing import Any

from typer.main import get_command

from extractor.cli import app

_HEAD = """\
# Command line

Generated from the commands' own help; a test compares. To write it anew: `python -m tests.cli.reference > docs/cli.md`
"""


def reference() -> str:
    """The page, in 80 columns whatever the terminal."""
    root = get_command(app)
    settings: dict[str, Any] = {"terminal_width": 80, "max_content_width": 80, "help_option_names": ["-h", "--help"]}
    context = root.make_context("extractor", ["-h"], resilient_parsing=True, **settings)
    pages = [_page("extractor", root, context)]
    index: dict[str, list[str]] = {}
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = command.make_context(name, [], parent=context, resilient_parsing=True, **settings)
        pages.append(_page(f"extractor {name}", command, inner))
        index.setdefault(command.rich_help_panel, []).append(_link(name))
        for below, subcommand in getattr(command, "commands", {}).items():
            innermost = subcommand.make_context(below, [], parent=inner, resilient_parsing=True, **settings)
            pages.append(_page(f"extractor {name} {below}", subcommand, innermost))
            index[command.rich_help_panel].append(_link(f"{name} {below}"))
    listed = "".join(f"- {group}: {', '.join(links)}\n" for group, links in index.items())
    return "\n".join([_HEAD, listed, *pages])


def _link(name: str) -> str:
    return f"[{name}](#extractor-{name.replace(' ', '-')})"


def _page(title: str, command: Any, context: Any) -> str:
    return f"## {title}\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    print(reference(), end="")
