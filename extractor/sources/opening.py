"""Opening an input: files, standard input and remote ones, unpacked and in UTF-8, with their first bytes to look at."""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from extractor.errors import UsageError
from extractor.sources.base import BOM

STDIN = "-"
HEAD = 1 << 16
"""Bytes that are looked at before the format is chosen."""
PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".lzma", ".zst", ".zstd")
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def name_of(path: str) -> str:
    """What messages and ids call an input."""
    return "stdin" if path == STDIN else path


def stem_of(path: str) -> str:
    """The name of an input without its folder, its suffix and that of its compression."""
    pure = PurePosixPath(path) if is_remote(path) else Path(name_of(path))
    return Path(pure.stem).stem if pure.suffix.lower() in PACKED_SUFFIXES else pure.stem


def suffix_of(path: str) -> str:
    """The suffix that tells of the format, in lower case: `.jsonl` of `papers.jsonl.gz`."""
    pure = Path(path)
    return Path(pure.stem).suffix.lower() if pure.suffix.lower() in PACKED_SUFFIXES else pure.suffix.lower()


def is_remote(path: str) -> bool:
    """Whether a path is an address such as s3://bucket/papers.jsonl."""
    return "://" in path


def file_system(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path in it. Raises UsageError where it cannot be reached."""
    try:
        import fsspec
    except ImportError:
        raise UsageError(f"{address} is read by fsspec, which is not installed. {needs('fsspec')}") from None
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{address} cannot be read: {error}. Install that, or copy the file first.") from None
    return found


def needs(package: str) -> str:
    """How to install what an extra holds."""
    return f"Install it ({package}) with the extra: pip install '.[formats]' in the repository."


@contextmanager
def opened(path: str, stdin: BinaryIO | None = None) -> Iterator[tuple[io.BufferedReader, io.BufferedReader]]:
    """The bytes of an input as a format reads them, and the stream whose place tells how far the reading is.

    The two are one unless the input is packed or in UTF-16. Raises OSError, also while it is read, for bytes that are damaged.
    """
    with ExitStack() as stack:
        file = stream = stack.enter_context(_raw(path, stdin))
        if unpack := next((unpack for magic, unpack in _PACKED.items() if head_of(stream).startswith(magic)), None):
            stream = stack.enter_context(io.BufferedReader(_Unpacked(unpack(stream)), HEAD))
        if encoding := _UTF_16.get(head_of(stream)[:2]):
            stream = stack.enter_context(io.BufferedReader(_Utf8(stream, encoding), HEAD))
        yield stream, file


def head_of(stream: io.BufferedReader) -> bytes:
    """The first bytes of a stream that is at its start; of a pipe, those that are there."""
    return stream.peek(HEAD)[:HEAD]


def text_head(head: bytes) -> bytes:
    """The first bytes without a byte order mark and white space before them."""
    return head.removeprefix(BOM).lstrip()


def _raw(path: str, stdin: BinaryIO | None) -> io.BufferedReader:
    if path == STDIN:
        return io.BufferedReader(_Readable(sys.stdin.buffer if stdin is None else stdin, keep_open=True), HEAD)
    if is_remote(path):
        system, inside = file_system(path)
        try:
            return io.BufferedReader(_Readable(system.open(inside, "rb")), HEAD)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 (each file system has errors of its own)
            raise OSError(f"{type(error).__name__}: {error}") from None
    return io.BufferedReader(io.FileIO(path), HEAD)


class _Readable(io.RawIOBase):
    """A stream that gives what it has at once; it stays open for its owner if `keep_open`."""

    def __init__(self, stream: BinaryIO, *, keep_open: bool = False) -> None:
        self._stream, self._keep_open = stream, keep_open
        self._read = getattr(stream, "read1", stream.read) if keep_open else stream.read

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return not self._keep_open and self._stream.seekable()

    def seek(self, place: int, whence: int = 0) -> int:
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data: bytes = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self._keep_open and not self.closed:
            self._stream.close()
        super().close()


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class _Unpacked(io.RawIOBase):
    """What a decompressor gives; a damaged file is an OSError."""

    def __init__(self, stream: _Reads) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._stream.read(len(buffer))
        except EOFError:
            raise OSError("the compressed file is cut off") from None
        except _damaged() as error:
            raise OSError(f"the compressed file is damaged ({error})") from None
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        with suppress(OSError):
            self._stream.close()
        super().close()


class _Utf8(io.RawIOBase):
    """UTF-16 as UTF-8. Half a character becomes U+FFFD."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = getincrementaldecoder(encoding)("replace")
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest and not self._ended:
            data = self._stream.read(HEAD)
            self._ended = not data
            self._rest = self._decoder.decode(data, final=self._ended).encode()
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _zstd(stream: BinaryIO) -> _Reads:
    # The backport of Python's own module: zstandard takes a file that is cut off for one that has ended.
    try:
        from backports import zstd
    except ImportError:
        raise OSError(f"compressed with zstd, and no package that unpacks it is installed. {needs('backports.zstd')}") from None
    return zstd.ZstdFile(stream)


def _damaged() -> tuple[type[Exception], ...]:
    """What decompressors raise for bytes that are no file of theirs."""
    module = sys.modules.get("backports.zstd")
    return (OSError, zlib.error, lzma.LZMAError) if module is None else (OSError, zlib.error, lzma.LZMAError, module.ZstdError)


_PACKED: dict[bytes, Callable[[BinaryIO], _Reads]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": _zstd,
}
