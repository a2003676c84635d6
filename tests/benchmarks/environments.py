"""Environments of libraries that are measured beside the package, under build/bench, made when they are first needed.

Their pins are in libraries.toml: versions that cannot be installed together, and not with what the package needs.
"""

import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parents[2] / "build" / "bench"
PINS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("libraries.toml").read_text())


@dataclass
class UnavailableError(Exception):
    """A library that could not be installed here."""

    library: str
    why: str


def version(library: str) -> str:
    """The version of a library that is installed for it."""
    return next(pin.partition("==")[2] for pin in PINS[library] if pin.startswith(f"{library}=="))


def interpreter(library: str, home: Path = HOME) -> Path:
    """The Python of a library's environment, made first if it is missing or has other pins. Raises `UnavailableError`."""
    folder = home / library
    python, made = folder / "bin" / "python", folder / "pins"
    pins = PINS[library]
    if made.exists() and made.read_text() == "\n".join(pins):
        return python
    print(f"Installing {' '.join(pins)} into {folder} (once)", file=sys.stderr, flush=True)
    install = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--retries", "1", *pins]
    for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it gave no reason"]
            raise UnavailableError(library, f"{' '.join(pins)} cannot be installed here ({said[-1]})")
    made.write_text("\n".join(pins))
    return python
