"""`extractor.toml` in the working folder: values of options, in a table for each command, as in `[run]` or `[batch.submit]`.

They stand in for what the command line and the environment leave open.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from typer import BadParameter

from extractor.errors import UsageError

FILE = Path("extractor.toml")
_SECRET = ("key", "token", "secret", "password")


def options_of(command: Any) -> dict[str, Any]:
    """The options of a command that can be set beforehand, by their names without dashes."""
    found = [parameter for parameter in command.params if str(getattr(parameter, "envvar", None)).startswith("EXTRACTOR_")]
    return {max(option.opts, key=len).removeprefix("--"): option for option in found}


def read(root: Any, context: Any) -> dict[str, Any]:
    """What the file sets, by command and parameter, as typer takes defaults; nothing where there is no file.

    Raises `UsageError` for a file that cannot be read, for what names no option, and for a value that an option cannot have.
    """
    if not FILE.is_file():
        return {}
    import tomllib

    try:
        tables = tomllib.loads(FILE.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{FILE} cannot be read: {error.strerror}. Mend that, or move it away.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{FILE} is not TOML: {error}. It holds lines such as [run] and, below it, votes = 3.") from None
    return _defaults(root, tables, (), context)


Setting = tuple[str, str, Any, str]
"""A command, an option of it, the value that this has without a command line, and where that comes from."""


def in_force(root: Any, context: Any) -> Iterator[Setting]:
    """Every option of every command, with what holds for it."""
    yield from _in_force(root, read(root, context), (), context)


def _in_force(command: Any, table: Mapping[str, Any], path: tuple[str, ...], context: Any) -> Iterator[Setting]:
    for name, option in options_of(command).items():
        if (value := option.value_from_envvar(context)) is not None:
            place = "environment"
        elif (value := table.get(option.name)) is not None:
            place = str(FILE)
        else:
            value, place = option.get_default(context), "default"
        yield " ".join(path), name, None if value is None else option.process_value(context, value), place
    for name, below in getattr(command, "commands", {}).items():
        yield from _in_force(below, table.get(name, {}), (*path, name), context)


def _defaults(command: Any, table: Mapping[str, Any], path: tuple[str, ...], context: Any) -> dict[str, Any]:
    commands, options = getattr(command, "commands", {}), options_of(command)
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key in commands and isinstance(value, dict):
            found[key] = _defaults(commands[key], value, (*path, key), context)
        elif key in options:
            found[options[key].name] = _checked(options[key], value, f"{FILE}: {key} in [{'.'.join(path)}]", context)
        else:
            raise UsageError(f"{FILE}: {_unknown(key, path, commands, options)}")
    return found


def _unknown(key: str, path: tuple[str, ...], commands: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """What is wrong with a name that no command and no option has, and the fix."""
    if key.lower().replace("-", "_").rpartition("_")[2] in _SECRET:
        return f"{key} is a secret, and others may read this file. Take it out, and store it with `extractor keys set`."
    from difflib import get_close_matches

    place = f"[{'.'.join(path)}] has no option" if path else "there is no command"
    fix = "`extractor config` lists all."
    if key in commands:
        return f"{key} is a command. Write its options below [{'.'.join((*path, key))}]."
    if near := get_close_matches(key.replace("_", "-"), [*options, *commands], 1):
        fix = f"Write {near[0]}."
    elif commands and (owners := [name for name, command in commands.items() if key in options_of(command)]):
        fix = f"It is an option of {', '.join(owners)}: write it below [{'.'.join((*path, owners[0]))}]."
    return f"{place} {key}. {fix}"


def _checked(option: Any, value: object, place: str, context: Any) -> object:
    """A value as the option takes it from a command line. Raises `UsageError` for one that it cannot have."""
    kinds: tuple[tuple[bool, type | tuple[type, ...], str], ...] = (
        (option.is_flag, bool, "true or false"),
        (option.multiple, list, 'a list, such as ["rules"]'),
        (option.type_descriptor.annotation is int, int, "a whole number"),
        (option.type_descriptor.annotation is float, (int, float), "a number"),
        (True, str, 'a text in quotes, such as "rules"'),
    )
    kind, words = next((kind, words) for applies, kind, words in kinds if applies)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"{place} is not {words}. Write one, or take the line out.")
    try:
        option.process_value(context, value)
    except BadParameter as error:
        why = str(error.message).removeprefix("Value error, ").rstrip(".")
        raise UsageError(f"{place}: {why}. Change it, or take the line out.") from None
    return value
