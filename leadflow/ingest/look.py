"""Looking at every source of a sources.yaml before it is run: what would be landed, and what would be refused.

Belongs here: putting sources, contracts and landing's preview together, one source after the other. Does not belong
here: the wording (cli/doctor.py) and landing itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from leadflow.errors import LeadflowError
from leadflow.ingest.assets import fillable_columns, sources_of
from leadflow.ingest.land import plan_of, refuse_columns_never_seen, scan_source
from leadflow.ingest.mapping import absent_columns, unused_columns
from leadflow.ingest.source_values import (
    Backdated,
    ColumnMapping,
    Constant,
    Expression,
    FromColumn,
    KeyOf,
    KnownAt,
)
from leadflow.ingest.sources import Source, SourceFiles
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.settings import Settings
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.landing.preview import ROWS_LOOKED_AT, Preview, preview
from leadflow.warehouse.tables import utc_now

_REJECTED = "raw.rejected_rows"
_MOST_FILES_READ = 3


@dataclass(frozen=True)
class FileLook:
    """One file of a source.

    Attributes:
        path: the file.
        preview: what its first rows would become.
        unused: columns that nothing is mapped from.
    """

    path: Path
    preview: Preview
    unused: tuple[str, ...]


@dataclass(frozen=True)
class SourceLook:
    """One source.

    Attributes:
        source: the source.
        file_count: files it has; the header of each was looked at. Of one that is fetched 1, or 0 where nothing came.
        looks: the files whose rows were looked at: the first ones, and the last.
        from_columns: what each mapped column is filled from, in words.
        absent: columns of the raw table that the source does not fill.
        pii: mapped columns that hold personal data.
        error: why it cannot be landed, or None.
    """

    source: Source
    file_count: int
    looks: tuple[FileLook, ...]
    from_columns: dict[str, str]
    absent: tuple[str, ...]
    pii: frozenset[str]
    error: LeadflowError | None


def look_at_sources(
    settings: Settings, *, row_limit: int = ROWS_LOOKED_AT, is_offline: bool = False
) -> Iterator[SourceLook]:
    """Look at every source in turn; one that is broken does not keep from looking at the others.

    Args:
        settings: where sources.yaml is.
        row_limit: rows to look at.
        is_offline: whether sources that are fetched are not to be asked, only their settings looked at.

    Raises:
        ConfigError: sources.yaml cannot be read.
    """
    contracts = load_contracts(settings.sql_dir)
    files = sources_of(settings, contracts)
    for source in files.config.sources:
        yield _look(contracts, files, source, row_limit, is_offline)


@contextmanager
def _paths(files: SourceFiles, source: Source, *, is_offline: bool) -> Iterator[list[Path]]:
    """The files of a source; of one that is fetched its first page, where there is one."""
    if source.connector is None:
        yield files.files(source)
        return
    from leadflow.ingest.http.land import first_page  # its packages are an extra

    with first_page(files, source, is_offline=is_offline) as path:
        yield [] if path is None else [path]


def _look(
    contracts: Contracts, files: SourceFiles, source: Source, row_limit: int, is_offline: bool
) -> SourceLook:
    table = contracts[f"raw.{source.table}"]
    pii = {column.name for column in table.columns if column.is_pii}
    if any(column.name == "value" and column.is_pii for column in contracts["raw.attributes"].columns):
        pii |= {f"attribute {name}" for name in source.attributes}
    error: LeadflowError | None = None
    looks: list[FileLook] = []
    count = 0
    columns: set[str] = set()
    try:
        with _paths(files, source, is_offline=is_offline) as paths:
            count = len(paths)
            read = {*paths[: _MOST_FILES_READ - 1], *paths[-1:]}
            for path in paths:
                # A database of its own for each file, so that nothing of one is counted for another.
                with (
                    Warehouse(Path(":memory:")).connect() as connection,
                    scan_source(connection, source, path) as file,
                ):
                    columns |= set(file.columns) - file.absent
                    now = utc_now()
                    plan = plan_of(connection, contracts, files, source, file, now)
                    if path in read:
                        rejected = contracts[_REJECTED].column_types
                        seen = preview(
                            connection, plan, file, rejected_columns=rejected, now=now, row_limit=row_limit
                        )
                        looks.append(FileLook(path, seen, tuple(unused_columns(source, file.columns))))
        refuse_columns_never_seen(files, source, sorted(columns))
    except LeadflowError as wrong:
        error = wrong
    absent = tuple(absent_columns([source], fillable_columns(contracts)[source.table]))
    return SourceLook(source, count, tuple(looks), _from_columns(source), absent, frozenset(pii), error)


def _from_columns(source: Source) -> dict[str, str]:
    told = {name: _told(mapping) for name, mapping in source.columns.items()}
    for name, attribute in source.attributes.items():
        told[f"attribute {name}"] = _told(attribute)
        if attribute.known_at is not None:
            told[f"attribute {name} known_at"] = _told_known(attribute.known_at)
    told["occurred_at"] = "known_at" if source.occurred_at is None else _told(source.occurred_at)
    told["known_at"] = _told_known(source.known_at)
    return told


def _told_known(known_at: KnownAt) -> str:
    if isinstance(known_at, str):
        return known_at
    return known_at.backdated if isinstance(known_at, Backdated) else known_at.column


def _told(mapping: ColumnMapping) -> str:
    if isinstance(mapping, Expression):
        return mapping.expression
    if isinstance(mapping, KeyOf):
        return f"key of {', '.join(mapping.key_of)}"
    if isinstance(mapping, Constant):
        return f"constant {mapping.constant!r}"
    return mapping.column if isinstance(mapping, FromColumn) else mapping
