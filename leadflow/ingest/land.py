"""Landing the sources of one raw table, each by itself: what one of them fails on does not keep the others.

Belongs here: going through sources and their files, and what is told of each. Does not belong here: how a file lands
(warehouse/landing/) and what Dagster shows of it (assets.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import SourceError, listed
from leadflow.ingest.http.defaults import expected_columns
from leadflow.ingest.mapping import absent_columns, landing_of, mapping_hash, named_columns, unused_columns
from leadflow.ingest.sources import Source, SourceFiles, file_format, nearest
from leadflow.quality.contracts import Contracts
from leadflow.warehouse.landing import landing
from leadflow.warehouse.landing.files import FileScan, scan
from leadflow.warehouse.landing.landed_files import digest_of, moment_of_landing, was_landed
from leadflow.warehouse.landing.landing_plan import Landed, Landing
from leadflow.warehouse.landing.mapped import check_mapping
from leadflow.warehouse.landing.source_columns import note_columns, seen_columns

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from leadflow.warehouse.tables import Stamp

STAMPED = ("occurred_at", "known_at", "source_name", "source_file")
"""Columns that landing fills itself, not the mapping of a source."""


@dataclass
class Landings:
    """What came of the sources of one raw table.

    Attributes:
        landed: every file, also those that were landed before.
        unused: columns that nothing is mapped from, by source.
        absent: columns of the raw table that none of its sources fills.
        drift: how the columns of new files differ from those before, by source.
        failed: why a source failed, by source; what it had landed before stays.
    """

    landed: list[Landed] = field(default_factory=list)
    unused: dict[str, list[str]] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    drift: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, SourceError] = field(default_factory=dict)


def scan_source(
    connection: DuckDBPyConnection, source: Source, path: Path, expected: Collection[str] = ()
) -> AbstractContextManager[FileScan]:
    """Look at one file of a source, as its settings say that it is written.

    Args:
        connection: connection the file will be read on.
        source: the source.
        path: the file.
        expected: columns that earlier files had, which an expression may read; those that the mapping names are known.
    """
    options = source.read_options.model_dump(exclude_none=True)
    expected = {*named_columns(source), *expected_columns(source), *expected}
    return scan(connection, path, file_format(source, path), options, expected)


def plan_of(
    connection: DuckDBPyConnection,
    contracts: Contracts,
    files: SourceFiles,
    source: Source,
    file: FileScan,
    as_of: datetime,
) -> Landing:
    """How one file of a source is landed, its mapping read by DuckDB.

    Raises:
        SourceError: the mapping does not fit the file or the raw table.
    """
    plan = landing_of(
        files,
        source,
        column_types=_column_types(contracts, source),
        natural_key=contracts[f"raw.{source.table}"].natural_key,
        file=file.path,
        file_columns=file.column_types,
        as_of=as_of,
        history=contracts.history_of(f"raw.{source.table}"),
    )
    check_mapping(connection, plan, file)
    return plan


def land_sources(
    connection: DuckDBPyConnection,
    contracts: Contracts,
    files: SourceFiles,
    table: str,
    stamp: Stamp,
    inputs: list[str],
) -> Landings:
    """Land every file of every source of one raw table.

    A source stops at the first of its files that fails; files before it are landed, and the other sources go on.

    Args:
        connection: read-write connection.
        contracts: the contracts of the raw tables.
        files: the sources.yaml.
        table: 'raw.name'.
        stamp: what the writes are recorded with.
        inputs: tables that the raw table is recorded as made from.
    """
    done = Landings(absent=columns_left_null(contracts, files, table))
    for source in files.for_table(table.removeprefix("raw.")):
        try:
            if source.connector is not None:
                _land_fetched(connection, contracts, files, source, stamp, inputs, done)
            for path in files.files(source):
                _land_file(connection, contracts, files, source, path, stamp, inputs, done)
            refuse_columns_never_seen(files, source, seen_columns(connection, source.name))
        except SourceError as error:
            done.failed[source.name] = error
        if left_over := unused_columns(source, seen_columns(connection, source.name)):
            done.unused[source.name] = left_over
    return done


def columns_left_null(contracts: Contracts, files: SourceFiles, table: str) -> list[str]:
    """Columns of a raw table that none of its sources fills, so that they are null in every row.

    Args:
        contracts: the contracts of the raw tables.
        files: the sources.yaml.
        table: 'raw.name'; one without a source is empty, and nothing is said of its columns.
    """
    sources = files.for_table(table.removeprefix("raw."))
    return absent_columns(sources, list(_column_types(contracts, sources[0]))) if sources else []


def newest_facts(
    connection: DuckDBPyConnection, contracts: Contracts, files: SourceFiles, source: Source, now: datetime
) -> list[datetime]:
    """The newest known_at of each file of a source that has not landed yet, where it has one not later than `now`.

    Raises:
        SourceError: a file is damaged or does not fit the mapping.
    """
    newest = []
    for path in files.files(source):
        if not _was_landed(connection, contracts, files, source, path, _digest(connection, source, path)):
            with scan_source(connection, source, path, seen_columns(connection, source.name)) as file:
                plan = plan_of(connection, contracts, files, source, file, now)
                newest.append(landing.newest_known_at(connection, plan, file, not_after=now))
    return [moment for moment in newest if moment is not None]


def _land_file(
    connection: DuckDBPyConnection,
    contracts: Contracts,
    files: SourceFiles,
    source: Source,
    path: Path,
    stamp: Stamp,
    inputs: list[str],
    done: Landings,
    together_with: Callable[[DuckDBPyConnection], None] | None = None,
) -> None:
    digest = _digest(connection, source, path)
    # What has to be kept together with the rows is kept where they were landed before, too.
    if together_with is None and _was_landed(connection, contracts, files, source, path, digest):
        done.landed.append(Landed(source.name, path, False, 0, 0, 0))
        return
    with scan_source(connection, source, path, seen_columns(connection, source.name)) as file:
        as_of = moment_of_landing(connection, source.name, files.name_of(source, path), digest, stamp.as_of)
        plan = plan_of(connection, contracts, files, source, file, as_of)

        def keep(connection: DuckDBPyConnection) -> None:
            # In the transaction of the rows: the file is not looked at again once it has landed.
            if drift := note_columns(connection, source.name, file, stamp.as_of):
                done.drift.setdefault(source.name, []).extend(f"{path.name}: {one}" for one in drift)
            if together_with is not None:
                together_with(connection)

        done.landed.append(
            landing.land_file(
                connection, plan, file, digest=digest, stamp=stamp, inputs=inputs, together_with=keep
            )
        )


def _land_fetched(
    connection: DuckDBPyConnection,
    contracts: Contracts,
    files: SourceFiles,
    source: Source,
    stamp: Stamp,
    inputs: list[str],
    done: Landings,
) -> None:
    """Fetch what has changed of a source with a connector, and land it batch by batch as files are."""
    from leadflow.ingest.http.land import land_fetched  # its packages are an extra

    def land(path: Path, together_with: Callable[[DuckDBPyConnection], None]) -> None:
        _land_file(connection, contracts, files, source, path, stamp, inputs, done, together_with)

    meaning = mapping_hash(source, _column_types(contracts, source))
    done.landed += land_fetched(connection, files, source, meaning, stamp, land)


def _digest(connection: DuckDBPyConnection, source: Source, path: Path) -> str:
    try:
        return digest_of(connection, path)
    except OSError as error:
        raise SourceError(
            f"source '{source.name}': {path} cannot be read ({error.strerror})",
            "see that leadflow may read it",
        ) from None


def _was_landed(
    connection: DuckDBPyConnection,
    contracts: Contracts,
    files: SourceFiles,
    source: Source,
    path: Path,
    digest: str,
) -> bool:
    return was_landed(
        connection,
        source.name,
        files.name_of(source, path),
        digest,
        mapping_hash(source, _column_types(contracts, source)),
        is_of_events=contracts.history_of(f"raw.{source.table}") is None,
    )


def _column_types(contracts: Contracts, source: Source) -> Mapping[str, str]:
    types = contracts[f"raw.{source.table}"].column_types
    return {name: data_type for name, data_type in types.items() if name not in STAMPED}


def refuse_columns_never_seen(files: SourceFiles, source: Source, seen: Collection[str]) -> None:
    """In one file of JSON a key may be missing that is null throughout; one that no file ever had is a slip.

    Args:
        files: the sources.yaml, for its lines.
        source: the source.
        seen: columns that its files have or had; none where nothing is known of them.

    Raises:
        SourceError: the mapping names such a column.
    """
    for name in sorted(named_columns(source) - set(seen)) if seen else []:
        if any(column.startswith(f"{name}.") for column in seen):
            continue  # an object, taken as its JSON
        near = nearest(name, seen)
        raise SourceError(
            f"{files.where(source)} source '{source.name}' reads the column '{name}', which no file of it has had so far "
            f"(they had {listed(sorted(seen), near)})",
            f"did you mean '{near}'" if near else "mend the mapping",
        )
