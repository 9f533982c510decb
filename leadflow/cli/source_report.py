"""What `leadflow doctor` prints of a source: its first rows as mapped, what is missing, repeated and refused.

Belongs here: words and layout. Does not belong here: looking (ingest/look.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from leadflow.ingest.look import FileLook, SourceLook
from leadflow.quality.masking import mask
from leadflow.warehouse.landing.preview import MappedColumn

_WIDTH = 34
_MOST_NAMED = 20


def headline(look: SourceLook) -> str:
    """One line on a source that can be landed."""
    source = look.source
    if source.connector is not None:
        asked = f"HubSpot's {source.object}" if source.rest is None else source.rest.url.split("?")[0]
        told = "of which one page was fetched" if look.looks else "of which nothing came, or was to be asked"
        return f"source '{source.name}' fills raw.{source.table} from {asked}, {told}"
    first = look.looks[0].path.name
    return f"source '{look.source.name}' fills raw.{look.source.table} from {look.file_count} file(s), {first} first"


def details(look: SourceLook) -> Iterator[str]:
    """Lines on what the files of a source would become; personal data is masked as its contract says."""
    for file in look.looks:
        yield from _of_file(look, file)
    if look.looks and look.absent:
        yield f"null, as this source does not fill them: {', '.join(look.absent)}"
    if look.file_count > len(look.looks) > 0 and look.error is None:
        yield f"of {look.file_count - len(look.looks)} more files only the header was looked at"


def _of_file(look: SourceLook, file: FileLook) -> Iterator[str]:
    seen = file.preview
    if seen.is_whole:
        yield f"{file.path.name}: all {seen.row_count:,} rows were looked at"
    else:
        yield (
            f"{file.path.name}: the first {seen.row_count:,} rows were looked at; the file has more, and every number below is of these rows"
        )
    yield f"  {'column':<24} {'from':<{_WIDTH}} {'null':>7}  values"
    for column in seen.columns:
        yield f"  {_cut(column.name, 24):<24} {_cut(look.from_columns.get(column.name, ''), _WIDTH):<{_WIDTH}} {column.null_share:>7.1%}  {_values(column)}"
    for number, row in enumerate(seen.first_rows, start=1):
        shown = ", ".join(
            f"{name}={_cut(str(mask(value, name) if name in look.pii else value), 40)}"
            for name, value in row.items()
            if value is not None
        )
        yield f"  row {number}: {shown}"
    if seen.repeated_keys:
        yield f"  note: {seen.repeated_keys:,} rows repeat the key of an earlier one; of rows with one key the one known last is kept"
    for reason, count in seen.rejected.items():
        yield f"  note: {count:,} x {reason}"
    if seen.future_share:
        yield f"  note: {seen.future_share:.1%} of the rows occurred later than now; a refresh does not see them before their time"
    if file.unused:
        named = ", ".join(" ".join(name.split()) for name in file.unused[:_MOST_NAMED])
        more = f" and {len(file.unused) - _MOST_NAMED} more" if len(file.unused) > _MOST_NAMED else ""
        yield f"  note: nothing is mapped from {named}{more}"


def _values(column: MappedColumn) -> str:
    bad = f", {column.unreadable_count:,} not readable" if column.unreadable_count else ""
    if column.null_share == 1:
        return f"none{bad}"
    if column.least is not None and column.data_type != "boolean":
        return f"{_value(column.least)} to {_value(column.greatest)}{bad}"
    return f"about {column.distinct_count:,} different{bad}"


def _value(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else f"{value:,}"


def _cut(text: str, width: int) -> str:
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain if len(plain) <= width else plain[: width - 1] + "…"
