"""Writing the simulated files, part by part and always in the same bytes.

Belongs here: CSV and Parquet. Does not belong here: what the files hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl

from leadflow.demo.columns import ids

CSV_INSTANT = "%Y-%m-%d %H:%M:%S"


def write_parts(
    path: Path, parts: Iterable[pl.DataFrame], number: str | None = None, prefix: str = ""
) -> int:
    """Write one file part by part, so that the whole is never in memory; returns the rows written.

    Where `number` names a column, it comes first and numbers the rows through all parts, after the letter `prefix`.
    """
    import pyarrow.parquet as pq

    written = 0
    with ExitStack() as stack:
        writer = None
        handle = stack.enter_context(path.open("wb"))
        for part in parts:
            table = part
            if number is not None:
                numbers = np.arange(written, written + table.height, dtype=np.int64)
                table = table.select(ids(prefix, numbers, width=9).alias(number), pl.all())
            if path.suffix == ".csv":
                table.write_csv(handle, include_header=handle.tell() == 0, datetime_format=CSV_INSTANT)
            else:
                arrow = table.to_arrow()
                if writer is None:
                    writer = stack.enter_context(pq.ParquetWriter(handle, arrow.schema, compression="zstd"))
                writer.write_table(arrow)
            written += table.height
    return written
