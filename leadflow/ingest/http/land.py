"""Landing what a source is fetched: batch by batch, each with the cursor in one transaction.

Belongs here: from pages to files of JSON lines, and from these to landed rows. Does not belong here: fetching (rest.py,
hubspot.py) and landing a file (warehouse/landing/).

A batch lands as a file does: same mapping, same checks, same rejects. Its file stands in the home's temporary folder
while it lands. Batches are numbered per source for ever, so that a later one has the later name and wins where two
versions of a row became known at the same moment.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import SourceError
from leadflow.ingest.http.defaults import mapping_of, properties_asked, properties_named
from leadflow.ingest.http.pages import Page, Record, State
from leadflow.ingest.sources import Source, SourceFiles
from leadflow.warehouse.landing.copies import spill_folder
from leadflow.warehouse.landing.landed_files import content_hash
from leadflow.warehouse.landing.landing_plan import Landed
from leadflow.warehouse.landing.source_cursors import (
    SourceCursor,
    read_cursor,
    write_cursor,
)
from leadflow.warehouse.tables import transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from leadflow.http.api import Api
    from leadflow.warehouse.tables import Stamp

_LOOK_SECONDS = 20
"""How long the doctor waits for a server that asks to be left alone."""

LandBatch = Callable[[Path, Callable[["DuckDBPyConnection"], None]], None]
"""Lands a file as any other, and calls the last argument within the transaction."""


def land_fetched(
    connection: DuckDBPyConnection,
    files: SourceFiles,
    source: Source,
    meaning: str,
    stamp: Stamp,
    land: LandBatch,
) -> Iterator[Landed]:
    """Fetch what has changed of a source and land it.

    Args:
        connection: read-write connection.
        files: the sources.yaml, for messages.
        source: a source with a connector.
        meaning: hash of its mapping; a position that was kept with another one does not count.
        stamp: what the writes are recorded with.
        land: lands one file.

    Yields:
        Batches that are what the last fetch brought, and so were not landed again.

    Raises:
        SourceError: it cannot be fetched or a batch cannot be landed; batches before it are landed.
    """
    cursor = read_cursor(connection, source.name, meaning)
    run = _Run(connection, source.name, meaning, stamp, cursor)
    most = None if source.deleted == "absent" else source.limits.batch_rows
    with _folder(connection, source.name) as folder, connected(files, source) as api:
        for batch in batches(pages(api, source, cursor.position, stamp.as_of), folder, most):
            if batch.row_count:
                yield from run.landed(batch, land)
            else:
                run.moved(batch)


@dataclass
class _Run:
    """One fetch of a source, batch by batch."""

    connection: DuckDBPyConnection
    source: str
    meaning: str
    stamp: Stamp
    before: SourceCursor
    hashes: list[str] = field(default_factory=list)
    batch_count: int = 0
    is_as_before: bool = True

    def __post_init__(self) -> None:
        self.batch_count = self.before.batch_count
        self.position = self.before.position

    def landed(self, batch: Batch, land: LandBatch) -> Iterator[Landed]:
        """Land a batch, unless it is what the last fetch brought in its place and nothing else was landed since."""
        digest = content_hash(batch.path)
        place = len(self.hashes)
        self.hashes.append(digest)
        if self.is_as_before and self.before.content_hashes[place : place + 1] == (digest,):
            self.moved(batch)
            yield Landed(self.source, Path(f"{self.source}: as before"), False, 0, 0, 0)
            return
        self.is_as_before = False
        self.batch_count += 1
        named = batch.path.with_name(f"{self.source}.{self.batch_count:08d}.jsonl")
        batch.path.rename(named)
        land(named, lambda connection: self._keep(connection, batch.state))
        named.unlink(missing_ok=True)  # a first fetch may be larger than what the disk holds twice

    def moved(self, batch: Batch) -> None:
        """Keep the position of a batch that brought nothing."""
        if batch.state is None:
            return
        with transaction(self.connection):
            self._keep(self.connection, batch.state)

    def _keep(self, connection: DuckDBPyConnection, state: State | None) -> None:
        self.position = self.position if state is None else state
        kept = SourceCursor(self.position, self.batch_count, tuple(self.hashes))
        write_cursor(connection, self.source, self.meaning, kept, self.stamp.as_of)


@dataclass(frozen=True)
class Batch:
    """A file of records that land together.

    Attributes:
        path: JSON lines.
        row_count: records in it.
        state: position to keep once it has landed; None where that stays as it was.
    """

    path: Path
    row_count: int
    state: State | None


def batches(fetched: Iterator[Page], folder: Path, most_rows: int | None) -> Iterator[Batch]:
    """Pages as files of about `most_rows` records; the last batch may hold none.

    Where the fetch fails, what came before is a batch of its own, so that a long fetch comes further each time.
    """
    path, state, failed = folder / "fetched.jsonl", None, None
    is_over = False
    while not is_over:
        row_count = 0
        with path.open("w", encoding="utf-8", errors="replace", newline="\n") as lines:
            while most_rows is None or row_count < most_rows:
                try:
                    page = next(fetched, None)
                except SourceError as error:
                    page, failed = None, error
                if page is None:
                    is_over = True
                    break
                for record in page.records:
                    lines.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
                row_count += len(page.records)
                state = page.state if page.state is not None else state
        if failed is None or (most_rows is not None and row_count):
            yield Batch(path, row_count, state)
    if failed is not None:
        raise failed


def pages(api: Api, source: Source, position: State, as_of: datetime) -> Iterator[Page]:
    """The pages of a source since a position; the next position is not later than `as_of`, where that matters."""
    if source.rest is not None:
        from leadflow.ingest.http import rest

        return rest.fetch(api, source.rest, position, as_of.replace(tzinfo=UTC))
    from leadflow.ingest.http import hubspot

    assert source.object is not None  # refused at load
    mapping = mapping_of(source)
    has_deletions = source.deleted is not None
    properties = properties_asked(
        source.object, mapping, source.hubspot.properties, has_deletions=has_deletions
    )
    fetched = hubspot.fetch(
        api, source.hubspot, source.object, properties, position, has_deletions=has_deletions
    )
    return (Page([_needed(record, str(mapping)) for record in page.records], page.state) for page in fetched)


def _needed(record: Record, mapping: str) -> Record:
    """A record without what the mapping does not name: HubSpot adds links and moments of its own to each."""
    kept = {key: value for key, value in record.items() if key == "id" or re.search(rf"\b{key}\b", mapping)}
    if isinstance(properties := record.get("properties"), dict):
        named = set(properties_named(mapping))
        kept["properties"] = {name: value for name, value in properties.items() if name in named}
    return kept


@contextmanager
def connected(files: SourceFiles, source: Source) -> Iterator[Api]:
    """The API of a source, with the secrets from the environment.

    Raises:
        SourceError: the extra is not installed, or a variable is not set.
    """
    where = f"{files.where(source)} source '{source.name}'"
    try:
        for package in ("requests", "dlt.sources.helpers.rest_client.paginators"):
            importlib.import_module(package)
    except ImportError as error:
        raise SourceError(
            f"{where} is fetched over HTTP, for which {error.name} is needed and not installed",
            "install leadflow[http]",
        ) from None
    from leadflow.http.api import Api
    from leadflow.http.auth import auth_of, expanded
    from leadflow.http.settings import Bearer

    if source.rest is not None:
        url, auth = source.rest.url, source.rest.auth
    else:
        url, auth = source.hubspot.url, Bearer(type="bearer", token_env=source.hubspot.token_env)
    who, secrets = auth_of(auth, where)
    api = Api(where, expanded(url, where), who, source.limits, secrets)
    try:
        yield api
    finally:
        api.close()


@contextmanager
def first_page(files: SourceFiles, source: Source, *, is_offline: bool) -> Iterator[Path | None]:
    """The first page of a source that holds records, as a file; None where there is none.

    Args:
        files: the sources.yaml, for messages.
        source: a source with a connector.
        is_offline: only see whether it could be asked.

    Raises:
        SourceError: it cannot be asked, or does not answer as it should.
    """
    with connected(files, source) as api, tempfile.TemporaryDirectory(prefix="leadflow_look_") as folder:
        # A person waits: what does not answer at once is told of.
        bounds = {
            "attempts": min(2, api.limits.attempts),
            "max_wait_seconds": min(_LOOK_SECONDS, api.limits.max_wait_seconds),
        }
        api.limits = api.limits.model_copy(update=bounds)
        fetched = iter(()) if is_offline else pages(api, source, {}, datetime.max.replace(tzinfo=UTC))
        found = next((page for page in fetched if page.records), None)
        if found is None:
            yield None
            return
        (batch,) = batches(iter([found]), Path(folder), None)
        yield batch.path.rename(batch.path.with_name(f"{source.name}.jsonl"))


@contextmanager
def _folder(connection: DuckDBPyConnection, source: str) -> Iterator[Path]:
    """The folder of one source's batches; what a refresh that was killed left there goes first."""
    folder = spill_folder(connection) / "fetched" / source
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
