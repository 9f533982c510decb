"""sources.yaml: where the facts come from, typed and validated.

Belongs here: the file's meaning. Does not belong here: reading the files it names.
"""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from leadflow.config_files import Document, Strict, read_yaml, validate
from leadflow.errors import ConfigError, SourceError
from leadflow.ingest.http.source import FetchedSource, fetching_problems
from leadflow.ingest.setting_problems import setting_problems
from leadflow.ingest.source_values import (
    Attribute,
    Backdated,
    ColumnMapping,
    DateFormats,
    Deleted,
    KnownAt,
    NullValues,
    Numbers,
    ReadOptions,
)

FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet",
    ".jsonl": "json", ".ndjson": "json", ".json": "json", ".xlsx": "excel", ".xlsm": "excel",
}  # fmt: skip
COMPRESSIONS = (".gz", ".zst")
UNREAD_PACKINGS = (".zip", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz", ".lz4", ".br")
"""Endings of packed files and archives that are not read."""

UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
"""Endings of files that are being written or downloaded; with them goes what Excel calls '~$...' while it is open."""


class Source(FetchedSource):
    """One source: files of one shape, or what a connector fetches, that fill one raw table.

    Attributes:
        name: unique name.
        table: raw table it fills.
        path: file or glob, relative to the folder; ${VARIABLES} of the environment are expanded.
        format: csv, parquet, json (one object a line) or excel; by the file's ending where it is not given.
        columns: leadflow's column by what it is filled with.
        occurred_at: when the fact happened; may be left out only where known_at is landed or backdated.
        known_at: when the fact became known: occurred_at, landed, a column, or backdated with a reason.
        deleted: which rows are deleted: those where a column or expression is true, or, where every file is all there
            is, those that are absent from the newest.
        attributes: extra columns to keep, by name.
        time_zone: zone of moments that carry none, such as Asia/Shanghai; UTC unless given.
        date_formats: how moments are written, as in a column's `format`; ISO 8601 unless given.
        null_values: cells that stand for no value in any column, by the whole cell, letter case apart.
        numbers: how numbers are written.
        read_options: how a file is written.
        max_rejected_share: share of lines that may be unreadable before the whole file is refused.
        max_absent_share: with `deleted: absent`, share of the source's rows that a file may lack, and so delete,
            before it is refused; ten are let through, except by a file without any row.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    table: str
    path: str
    format: Literal["csv", "parquet", "json", "excel"] | None = None
    columns: dict[str, ColumnMapping]
    occurred_at: ColumnMapping | None = None
    known_at: KnownAt = "occurred_at"
    deleted: Deleted | None = None
    attributes: dict[str, Attribute] = Field(default_factory=dict)
    time_zone: str | None = None
    date_formats: DateFormats | None = None
    null_values: NullValues = ()
    numbers: Numbers | None = None
    read_options: ReadOptions = ReadOptions()
    max_rejected_share: float = Field(default=0.1, ge=0, le=1, strict=True)
    max_absent_share: float = Field(default=0.5, ge=0, le=1, strict=True)

    @field_validator("table")
    @classmethod
    def _bare_name(cls, table: str) -> str:
        return table.removeprefix("raw.")


class Sources(Strict):
    """The whole of sources.yaml.

    Attributes:
        version: version of the file's format.
        folder: folder that relative paths start at, itself relative to the file.
        clock: as_of of a refresh that is given none: the newest fact, or the wall clock.
        sources: the sources.
    """

    version: Literal[1] = 1
    folder: str = "."
    clock: Literal["newest_fact", "now"] = "now"
    sources: list[Source] = Field(default_factory=list, validate_default=True)

    @field_validator("sources", mode="before")
    @classmethod
    def _at_least_one(cls, sources: object) -> object:
        if not sources:
            raise ValueError("needs at least one source; the file that `leadflow init` writes holds examples")
        return sources


@dataclass(frozen=True)
class SourceFiles:
    """A validated sources.yaml together with where it stands.

    Attributes:
        document: the file with its line numbers.
        config: its content.
    """

    document: Document
    config: Sources

    def for_table(self, table: str) -> list[Source]:
        """Sources that fill a raw table, in the file's order."""
        return [source for source in self.config.sources if source.table == table]

    def where(self, source: Source, *key_path: str) -> str:
        """`file:line` of a setting of a source, for messages."""
        return self.document.where("sources", self.config.sources.index(source), *key_path)

    def files(self, source: Source) -> list[Path]:
        """The files of a source, sorted; none of one that is fetched.

        Raises:
            SourceError: no file matches, or the path names a variable that is not set.
        """
        if source.connector is not None:
            return []
        missing = [name for name in re.findall(r"\$\{(\w+)\}", source.path) if name not in os.environ]
        if missing:
            raise SourceError(
                f"{self.where(source, 'path')} source '{source.name}' needs the environment variable {missing[0]}, which is not set",
                f"set {missing[0]}, or write the path out",
            )
        pattern = self._pattern(source)
        # Before it is taken for a pattern: exports are called such names as 'leads [1].csv'.
        if pattern.is_file():
            return [pattern]
        matched = [Path(name) for name in glob.glob(str(pattern), recursive=True)]  # noqa: PTH207 - absolute patterns
        found = sorted(path for path in matched if path.is_file() and not _is_unfinished(path))
        if not found and pattern.is_dir():
            raise SourceError(
                f"{self.where(source, 'path')} source '{source.name}': {pattern} is a folder",
                f"name its files, such as {source.path.rstrip('/')}/*.csv",
            )
        if not found:
            raise SourceError(
                f"{self.where(source, 'path')} source '{source.name}': {pattern} does not exist",
                "put the file there, or mend the path",
            )
        return found

    def name_of(self, source: Source, path: Path) -> str:
        """The name that a file of a source lands under: its own, below the folders that the source's path leaves open.

        With `exports/*/leads.csv` these are 2026-01/leads.csv and 2026-02/leads.csv, and not twice the same.
        """
        if source.connector is None:
            fixed = Path()
            for part in self._pattern(source).parent.parts:
                if glob.has_magic(part):
                    return path.relative_to(fixed).as_posix() if path.is_relative_to(fixed) else path.name
                fixed /= part
        return path.name

    def _pattern(self, source: Source) -> Path:
        pattern = Path(os.path.expandvars(source.path)).expanduser()
        if pattern.is_absolute():
            return pattern
        # What a variable holds is as the shell that set it sees it; what the file says is as the file sees it.
        is_of_shell = source.path.startswith("${")
        folder = Path.cwd() if is_of_shell else self.document.path.parent / self.config.folder
        return folder / pattern


def _is_unfinished(path: Path) -> bool:
    return path.suffix.lower() in UNFINISHED or path.name.startswith("~$")


def file_format(source: Source, path: Path) -> str:
    """'csv', 'parquet', 'json' or 'excel'.

    Raises:
        SourceError: the ending tells neither and the source does not say.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSIONS]
    if suffixes and suffixes[-1] in UNREAD_PACKINGS:
        raise SourceError(
            f"source '{source.name}': {path} is packed in a way that is not read",
            "unpack it, or pack it with gzip (.gz) or zstd (.zst)",
        )
    known = source.format or (FORMATS.get(suffixes[-1]) if suffixes else None)
    if known is None:
        raise SourceError(
            f"source '{source.name}': the format of {path} cannot be told from its name",
            "add `format: csv`, `parquet`, `json` or `excel` to the source",
        )
    return known


def load_sources(path: Path, raw_columns: dict[str, list[str]]) -> SourceFiles:
    """Read and validate sources.yaml.

    Args:
        path: the file.
        raw_columns: columns that a source may fill, by raw table.

    Raises:
        ConfigError: anything wrong, with file and line.
    """
    document = read_yaml(path)
    config = validate(Sources, document)
    problems: list[str] = []
    names: set[str] = set()
    for index, source in enumerate(config.sources):

        def problem(text: str, *key_path: str, index: int = index, name: str = source.name) -> None:
            problems.append(f"{document.where('sources', index, *key_path)} source '{name}' {text}")

        if source.name in names:
            problem("has the name of another source", "name")
        names.add(source.name)
        if source.table not in raw_columns:
            problem(
                f"fills the raw table '{source.table}', which does not exist{_did_you_mean(source.table, raw_columns)}",
                "table",
            )
            continue
        for column in source.columns:
            if column in ("occurred_at", "known_at"):
                problem(f"sets {column} among its columns; set it beside them", "columns", column)
            elif column not in raw_columns[source.table]:
                problem(
                    f"fills '{column}', which raw.{source.table} does not have{_did_you_mean(column, raw_columns[source.table])}",
                    "columns",
                    column,
                )
        if source.occurred_at is None and not (
            source.known_at == "landed" or isinstance(source.known_at, Backdated)
        ):
            problem("does not say when its facts occurred; set occurred_at")
        for setting, text in (*setting_problems(source), *fetching_problems(source, config.clock)):
            problem(text, *setting)
    if problems:
        raise ConfigError("; ".join(problems), "mend what each line names")
    return SourceFiles(document, config)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is most like, letter case apart, or None where it is like none."""
    by_fold = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(name.casefold(), by_fold, n=1)
    return by_fold[near[0]] if near else None


LEAD_TABLES = ("mql", "sql_leads")
"""Raw tables whose rows are leads, which alone are scored."""


def no_leads(files: SourceFiles) -> str | None:
    """What to tell where no source gives leads, in one sentence; None where one does."""
    sources = files.config.sources
    if any(source.table in LEAD_TABLES for source in sources):
        return None
    deals = next((source for source in sources if source.table == "opportunities"), None)
    more = (
        f"; or make a lead of each deal by a second source with `table: sql_leads` over the path of '{deals.name}'"
        if deals is not None
        else ""
    )
    return f"no source fills mql or sql_leads, so there are no leads to score: add a source of leads with one of these tables{more}"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f" (did you mean '{near}'?)" if near else ""
