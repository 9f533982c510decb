"""Files that DuckDB does not read as they are: other encodings and mixed line ends, copied in UTF-8.

Belongs here: making such a copy, part by part, in the temporary folder, and what has to be looked at byte by byte
because DuckDB passes over it. Does not belong here: reading it (files.py), copying sheets (excel.py).
"""

from __future__ import annotations

import codecs
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from leadflow.errors import SourceError
from leadflow.warehouse.connection import scalar

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

READ_BY_DUCKDB = ("utf-8", "latin-1")
"""Encodings that DuckDB's wheel reads whole; of UTF-16 it takes a file with the other byte order for an empty one, and
for others it would download an extension."""

COPIED = ("utf-16", "windows-1250", "windows-1251", "windows-1252", "gb18030", "big5", "shift_jis", "euc-kr")
"""Encodings that a file is copied from, as Python reads them."""

MAX_LINE_BYTES = 64 << 20
"""A file with a longer line is refused: DuckDB would pass over a line beyond its buffer without a word."""

_PIECE_BYTES = 1 << 12
READER_LINE_BYTES = MAX_LINE_BYTES + 2 * _PIECE_BYTES
"""What DuckDB's reader is told: more than is refused, as a line's beginning is looked for in steps."""

_LINE_ENDS = (b"\n", b"\r")
_PACKINGS = {".gz": "gzip", ".zst": "zstd"}
_BLOCK_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 16


def packing(path: Path) -> str | None:
    """What a file is packed with by its ending, in upper case too: gzip, zstd or None."""
    return _PACKINGS.get(path.suffix.lower())


def spill_folder(connection: DuckDBPyConnection) -> Path:
    """Where DuckDB puts what does not fit in memory."""
    return Path(str(scalar(connection, "select current_setting('temp_directory')") or ""))


@contextmanager
def temporary_folder(connection: DuckDBPyConnection) -> Iterator[Path]:
    """A folder beside what DuckDB spills, gone when the block ends."""
    beside = spill_folder(connection)
    inside = beside if beside.is_absolute() else None  # of a database in memory it is relative to anywhere
    if inside is not None:
        inside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="leadflow_copy_", dir=inside) as folder:
        yield Path(folder)


def copy_as_utf_8(path: Path, encoding: str, copy: Path, *, has_one_line_end: bool = False) -> None:
    """Copy a text file, unpacked, in UTF-8.

    Bytes that are not of the encoding are passed on as they are: in UTF-8 they are not text either, so that their
    line is rejected, and it alone. UTF-16 without a byte order mark is little-endian.

    Args:
        path: the file.
        encoding: as Python names it.
        copy: the file to write.
        has_one_line_end: make every line end a line feed, also within quotes.

    Raises:
        OSError: the file cannot be read, or is packed and damaged.
    """
    import pyarrow as pa

    passed_on = "surrogatepass" if encoding == "utf-16" else "surrogateescape"
    with pa.input_stream(str(path), compression=packing(path)) as source, copy.open("wb") as target:
        block = source.read(_BLOCK_BYTES)
        if encoding == "utf-16":
            encoding = "utf-16-be" if block.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
        characters = codecs.getincrementaldecoder(encoding)(passed_on)
        # Without `translate` it passes on what it is given.
        decoder = io.IncrementalNewlineDecoder(characters, translate=has_one_line_end)
        while block:
            target.write(decoder.decode(block).encode("utf-8", passed_on))
            block = source.read(_BLOCK_BYTES)
        try:
            target.write(decoder.decode(b"", final=True).encode("utf-8", passed_on))
        except UnicodeDecodeError:  # cut within a character
            target.write(b"\xff")


def has_several_line_ends(path: Path) -> bool:
    """Whether a text file holds lines that end in a line feed alone and others that end otherwise, wherever they stand.

    Raises:
        OSError: the file cannot be read.
    """
    import pyarrow as pa

    feeds = returns = both = 0
    is_after_return = False
    with pa.input_stream(str(path), compression=packing(path)) as stream:
        while block := stream.read(_BLOCK_BYTES):
            feeds += block.count(b"\n")
            returns += block.count(b"\r")
            both += block.count(b"\r\n") + (is_after_return and block.startswith(b"\n"))
            is_after_return = block.endswith(b"\r")
    return sum(count > 0 for count in (feeds - both, returns - both, both)) > 1


def check_packed(path: Path) -> None:
    """Read a packed file to its end, which DuckDB does without looking at its check sum and length.

    Raises:
        OSError: it is cut short, or its content is not what its check sum says.
        SourceError: a line of it is too long.
    """
    import pyarrow as pa

    if packing(path) is None:
        return
    line_bytes = 0
    with pa.input_stream(str(path), compression=packing(path)) as stream:
        while block := stream.read(_BLOCK_BYTES):
            begins = _last_line_end(block)  # the line that the block leaves off in
            line_bytes += _first_line_end(block) if begins else len(block)
            if line_bytes > MAX_LINE_BYTES:
                raise _line_too_long(path)
            line_bytes = len(block) - begins if begins else line_bytes


def check_lines(path: Path) -> None:
    """Look for a line that is too long in a text file that is not packed; of most files a thousandth is read.

    Raises:
        OSError: it cannot be read.
        SourceError: a line of it is too long.
    """
    size = path.stat().st_size
    half = MAX_LINE_BYTES // 2
    with path.open("rb") as file:
        # A line that is too long holds at least one whole block.
        for start in range(0, size - half + 1 if size > MAX_LINE_BYTES else 0, half):
            if not _has_line_end(file, start, half):
                begins = start
                while begins and not _has_line_end(file, max(0, begins - _PIECE_BYTES), _PIECE_BYTES):
                    begins = max(0, begins - _PIECE_BYTES)
                if size - begins > MAX_LINE_BYTES and not _has_line_end(file, begins, MAX_LINE_BYTES):
                    raise _line_too_long(path)


def _has_line_end(file: BinaryIO, start: int, length: int) -> bool:
    file.seek(start)
    while length > 0 and (piece := file.read(min(_PIECE_BYTES, length))):
        if any(end in piece for end in _LINE_ENDS):
            return True
        length -= len(piece)
    return False


def _first_line_end(block: bytes) -> int:
    """Bytes before the first line end, of which there is one."""
    return min(place for place in map(block.find, _LINE_ENDS) if place >= 0)


def _last_line_end(block: bytes) -> int:
    """Bytes up to and with the last line end; 0 where there is none."""
    return max(map(block.rfind, _LINE_ENDS)) + 1


def _line_too_long(path: Path) -> SourceError:
    return SourceError(
        f"{path} holds a line of more than {MAX_LINE_BYTES >> 20} MB",
        "check that it is a text file with line ends, and leave out what is no fact about a lead, such as attachments",
    )


def likely_encoding(path: Path) -> str | None:
    """The encoding a text file is likely in, if it is not UTF-8 and something can be told."""
    import pyarrow as pa

    try:
        with pa.input_stream(str(path), compression=packing(path)) as stream:
            sample = stream.read(_SAMPLE_BYTES)
            while not _is_telling(sample) and (more := stream.read(_BLOCK_BYTES)):
                sample = more
    except OSError:
        return None
    if sample.startswith(codecs.BOM_UTF32_LE):
        return None
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _is_utf_16(sample):
        return "utf-16"
    try:
        from charset_normalizer import from_bytes
    except ImportError:  # comes with requests, which leadflow itself does not need
        return None
    # Lines of bare ASCII tell nothing, and would outweigh the few that do.
    telling = b"\n".join(line for line in sample.splitlines() if _is_telling(line))
    if not telling:
        return None
    for candidates in (("gb18030", "cp1252"), ("big5", "shift_jis", "euc_kr", "cp1251", "cp1250")):
        best = from_bytes(telling, cp_isolation=list(candidates)).best()
        if best is not None:
            return {"euc_kr": "euc-kr"}.get(best.encoding, best.encoding.replace("cp", "windows-"))
    return None


def _is_utf_16(sample: bytes) -> bool:
    """Whether Latin text looks to be in UTF-16 without a byte order mark: every second byte is zero."""
    return sample[1::2].count(0) > len(sample) * 0.4 and sample[::2].count(0) == 0


def _is_telling(text: bytes) -> bool:
    return not text.isascii()
