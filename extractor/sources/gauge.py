"""How far the reading of an input is, in bytes: the number of its records is known only at its end."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


class Gauge:
    """May be asked on another thread than the one that reads."""

    def __init__(self) -> None:
        self._total: int | None = None
        self._before = 0
        self._stream: io.BufferedReader | None = None

    def part(self) -> float | None:
        """The part of the bytes that has been read, 0 to 1; None where the size is not known, as that of a pipe."""
        if not self._total:
            return None
        here, stream = self._before, self._stream
        if stream is not None:
            with suppress(OSError, ValueError):  # closed meanwhile
                here += stream.tell()
        return min(1.0, here / self._total)

    def measure(self, files: Sequence[Path]) -> None:
        """Add up the sizes of the files that are going to be read; nothing is known if one is no file."""
        try:
            self._total = sum(file.stat().st_size for file in files) if all(file.is_file() for file in files) else None
        except OSError:
            self._total = None

    @contextmanager
    def reading(self, stream: io.BufferedReader) -> Iterator[None]:
        """Count what is read of a stream."""
        self._stream = stream if self._total else None
        try:
            yield
        finally:
            size = 0 if self._stream is None else stream.tell()
            self._stream, self._before = None, self._before + size
