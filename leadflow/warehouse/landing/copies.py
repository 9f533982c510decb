"""Files that DuckDB does not read as they are: other encodings and Excel sheets, copied as CSV in UTF-8.

Belongs here: making such a copy, part by part, in the temporary folder. Does not belong here: reading it (files.py).
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

READ_BY_DUCKDB = ("utf-8", "utf-16", "latin-1")
"""Encodings that DuckDB's wheel reads; for others it would download an extension."""

COPIED = ("windows-1250", "windows-1251", "windows-1252", "gb18030", "big5", "shift_jis", "euc-kr")
"""Encodings that a file is copied from, as Python reads them."""

_BLOCK_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 16


@contextmanager
def temporary_folder(connection: DuckDBPyConnection) -> Iterator[Path]:
    """A folder beside what DuckDB spills, gone when the block ends."""
    (setting,) = connection.execute("select current_setting('temp_directory')").fetchone() or ("",)
    beside = Path(str(setting or ""))
    inside = beside if beside.is_absolute() else None  # of a database in memory it is relative to anywhere
    if inside is not None:
        inside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="leadflow_copy_", dir=inside) as folder:
        yield Path(folder)


def copy_as_utf_8(path: Path, encoding: str, copy: Path) -> None:
    """Copy a text file, unpacked, in UTF-8.

    Bytes that are not of the encoding are passed on as they are: in UTF-8 they are not text either, so that their
    line is rejected, and it alone.

    Raises:
        OSError: the file cannot be read, or is packed and damaged.
    """
    import pyarrow as pa

    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    with pa.input_stream(str(path), compression="detect") as source, copy.open("wb") as target:
        while block := source.read(_BLOCK_BYTES):
            target.write(decoder.decode(block).encode("utf-8", "surrogateescape"))
        target.write(decoder.decode(b"", final=True).encode("utf-8", "surrogateescape"))


def check_packed(path: Path) -> None:
    """Read a packed file to its end, which DuckDB does without looking at its check sum and length.

    Raises:
        OSError: it is cut short, or its content is not what its check sum says.
    """
    import pyarrow as pa

    if path.suffix.lower() in (".gz", ".zst"):
        with pa.input_stream(str(path), compression="detect") as stream:
            while stream.read(_BLOCK_BYTES):
                pass


def likely_encoding(path: Path) -> str | None:
    """The encoding a text file is likely in, if it is not UTF-8 and something can be told."""
    import pyarrow as pa

    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            sample = stream.read(_SAMPLE_BYTES)
            while not _is_telling(sample) and (more := stream.read(_BLOCK_BYTES)):
                sample = more
    except OSError:
        return None
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        from charset_normalizer import from_bytes
    except ImportError:  # comes with requests, which leadflow itself does not need
        return None
    # Lines of bare ASCII tell nothing, and would outweigh the few that do.
    telling = b"\n".join(line for line in sample.splitlines() if _is_telling(line))
    for candidates in (("gb18030", "cp1252"), ("big5", "shift_jis", "euc_kr", "cp1251", "cp1250")):
        best = from_bytes(telling, cp_isolation=list(candidates)).best()
        if best is not None:
            return {"euc_kr": "euc-kr"}.get(best.encoding, best.encoding.replace("cp", "windows-"))
    return None


def _is_telling(text: bytes) -> bool:
    return not text.isascii()
