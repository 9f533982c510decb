"""Sheets of Excel workbooks, copied as CSV.

Belongs here: reading a workbook with python-calamine, which the extra `leadflow[excel]` brings. Does not belong here:
what the columns mean. DuckDB's own excel extension is none of its wheel and would be downloaded.

Every cell becomes its text, as in a CSV file: numbers without a needless '.0', dates and times as ISO 8601, so that
what a cell is formatted as in one month's workbook and not in the next makes no difference.
"""

from __future__ import annotations

import csv
import datetime as dt
import zipfile
from pathlib import Path

from leadflow.errors import SourceError

MAX_UNPACKED_BYTES = 512 << 20
"""A workbook of more than this, unpacked, is refused: a sheet is held in memory as a whole, at several times its size."""


def copy_sheet(path: Path, sheet: str | None, header_row: int, copy: Path) -> None:
    """Copy one sheet as CSV: line n of the copy is row n of the sheet, as far as no cell holds a line break.

    Args:
        path: the workbook.
        sheet: its name; without it there must be one only.
        header_row: the row that holds the columns' names, from 1; rows above are left out.
        copy: the CSV file to write.

    Raises:
        SourceError: the extra is not installed, or the workbook is none, too large, protected, or without the sheet.
    """
    try:
        import python_calamine as calamine
    except ImportError:
        raise SourceError(
            f"{path} is an Excel workbook, for which python-calamine is needed and not installed",
            "install leadflow[excel], or save the sheet as CSV in UTF-8",
        ) from None
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked_bytes = sum(part.file_size for part in packed.infolist())
        if unpacked_bytes > MAX_UNPACKED_BYTES:
            raise SourceError(
                f"{path} holds {unpacked_bytes / 1e6:,.0f} MB, unpacked; a sheet has to fit into memory as a whole, "
                f"and more than {MAX_UNPACKED_BYTES / 1e6:,.0f} MB is not tried",
                "save the sheet as CSV in UTF-8 or as Parquet",
            )
        with calamine.load_workbook(path) as workbook:
            chosen = workbook.get_sheet_by_name(_sheet_name(path, sheet, workbook.sheet_names))
            with copy.open("w", encoding="utf-8", newline="") as target:
                writer = csv.writer(target, lineterminator="\n")
                width = 0
                for number, row in enumerate(chosen.to_python(skip_empty_area=False), 1):
                    cells = [_text(cell) for cell in row]
                    if number == header_row:
                        width = max((place for place, cell in enumerate(cells, 1) if cell), default=0)
                    # Beyond the last named column stand remarks and sums, if anything.
                    cells = cells[:width]
                    if any(cells):
                        writer.writerow(cells)
                    else:
                        target.write("\n")
    except (calamine.CalamineError, zipfile.BadZipFile) as error:
        raise SourceError(
            f"{path} cannot be read as an Excel workbook ({str(error).strip() or type(error).__name__})",
            "check that it is a complete .xlsx file without a password, or save the sheet as CSV in UTF-8",
        ) from None


def _sheet_name(path: Path, wanted: str | None, names: list[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    if wanted is None and len(names) != 1:
        raise SourceError(
            f"{path} holds the sheets {listed}, and the source does not say which", "set read_options.sheet"
        )
    if wanted is not None and wanted not in names:
        raise SourceError(f"{path} has no sheet '{wanted}'; it holds {listed}", "mend read_options.sheet")
    return wanted or names[0]


def _text(cell: object) -> str:
    """A cell as text; of a day without a time of day the day alone."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)
