"""Looking at every source of a sources.yaml before it is run: what would be landed, and what would be refused.

Belongs here: putting sources, contracts and landing's preview together, one source after the other. Does not belong
here: the wording (cli/doctor.py) and landing itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leadflow.errors import LeadflowError
from leadflow.ingest.assets import sources_of
from leadflow.ingest.land import plan_of, refuse_columns_never_seen, scan_source
from leadflow.ingest.mapping import unused_columns
from leadflow.ingest.sources import ColumnMapping, Constant, Expression, Source, SourceFiles
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
        file_count: files it has; the header of each was looked at.
        looks: the files whose rows were looked at: the first ones, and the last.
        from_columns: what each mapped column is filled from, in words.
        pii: mapped columns that hold personal data.
        error: why it cannot be landed, or None.
    """

    source: Source
    file_count: int
    looks: tuple[FileLook, ...]
    from_columns: dict[str, str]
    pii: frozenset[str]
    error: LeadflowError | None


def look_at_sources(settings: Settings, *, row_limit: int = ROWS_LOOKED_AT) -> Iterator[SourceLook]:
    """Look at every source in turn; one that is broken does not keep from looking at the others.

    Raises:
        ConfigError: sources.yaml cannot be read.
    """
    contracts = load_contracts(settings.sql_dir)
    files = sources_of(settings, contracts)
    for source in files.config.sources:
        yield _look(contracts, files, source, row_limit)


def _look(contracts: Contracts, files: SourceFiles, source: Source, row_limit: int) -> SourceLook:
    table = contracts[f"raw.{source.table}"]
    pii = {column.name for column in table.columns if column.is_pii}
    if any(column.name == "value" and column.is_pii for column in contracts["raw.attributes"].columns):
        pii |= {f"attribute {name}" for name in source.attributes}
    error: LeadflowError | None = None
    looks: list[FileLook] = []
    count = 0
    columns: set[str] = set()
    try:
        paths = files.files(source)
        count = len(paths)
        read = {*paths[: _MOST_FILES_READ - 1], paths[-1]}
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
                    rejected = {column.name: column.data_type for column in contracts[_REJECTED].columns}
                    seen = preview(
                        connection, plan, file, rejected_columns=rejected, now=now, row_limit=row_limit
                    )
                    looks.append(FileLook(path, seen, tuple(unused_columns(source, file.columns))))
        refuse_columns_never_seen(files, source, sorted(columns))
    except LeadflowError as wrong:
        error = wrong
    return SourceLook(source, count, tuple(looks), _from_columns(source), frozenset(pii), error)


def _from_columns(source: Source) -> dict[str, str]:
    told = {name: _told(mapping) for name, mapping in source.columns.items()}
    told |= {f"attribute {name}": attribute.column for name, attribute in source.attributes.items()}
    told["occurred_at"] = "known_at" if source.occurred_at is None else _told(source.occurred_at)
    told["known_at"] = (
        source.known_at
        if isinstance(source.known_at, str)
        else " ".join(source.known_at.model_dump().values())
    )
    return told


def _told(mapping: ColumnMapping) -> str:
    if isinstance(mapping, Expression):
        return mapping.expression
    return f"constant {mapping.constant!r}" if isinstance(mapping, Constant) else mapping
