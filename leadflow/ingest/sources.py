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

from pydantic import BaseModel, ConfigDict, Field, field_validator

from leadflow.config_files import Document, read_yaml, validate
from leadflow.errors import ConfigError, SourceError

FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet"}
COMPRESSIONS = (".gz", ".zst")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expression(_Strict):
    """A value computed by SQL over the file's columns."""

    expression: str


class Constant(_Strict):
    """A value that is the same in every row."""

    constant: str | int | float | bool


class FromColumn(_Strict):
    """When a fact became known, from a column of the file."""

    column: str


class Backdated(_Strict):
    """A fact treated as known since ever, with the reason why that does no harm."""

    backdated: str = Field(min_length=1)


class Attribute(_Strict):
    """A company's own extra column.

    Attributes:
        column: column of the file.
        type: how its values are read.
        description: what it means.
    """

    column: str
    type: Literal["text", "number", "boolean", "timestamp"] = "text"
    description: str = ""


class ReadOptions(_Strict):
    """How a CSV file is written, where it cannot be told from the file."""

    delim: str | None = None
    quote: str | None = None
    escape: str | None = None
    encoding: str | None = None


ColumnMapping = str | Expression | Constant


class Source(_Strict):
    """One source: files of one shape that fill one raw table.

    Attributes:
        name: unique name.
        table: raw table it fills.
        path: file or glob, relative to the folder; ${VARIABLES} of the environment are expanded.
        format: csv or parquet; by the file's ending where it is not given.
        columns: leadflow's column by what it is filled with.
        occurred_at: when the fact happened; may be left out only where known_at is landed or backdated.
        known_at: when the fact became known: occurred_at, landed, a column, or backdated with a reason.
        attributes: extra columns to keep, by name.
        read_options: how a CSV file is written.
        max_rejected_share: share of lines that may be unreadable before the whole file is refused.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    table: str
    path: str
    format: Literal["csv", "parquet"] | None = None
    columns: dict[str, ColumnMapping]
    occurred_at: ColumnMapping | None = None
    known_at: Literal["occurred_at", "landed"] | FromColumn | Backdated = "occurred_at"
    attributes: dict[str, Attribute] = Field(default_factory=dict)
    read_options: ReadOptions = ReadOptions()
    max_rejected_share: float = Field(default=0.1, ge=0, le=1)

    @field_validator("table")
    @classmethod
    def _bare_name(cls, table: str) -> str:
        return table.removeprefix("raw.")


class Sources(_Strict):
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
        """The files of a source, sorted.

        Raises:
            SourceError: no file matches, or the path names a variable that is not set.
        """
        missing = [name for name in re.findall(r"\$\{(\w+)\}", source.path) if name not in os.environ]
        if missing:
            raise SourceError(
                f"{self.where(source, 'path')} source '{source.name}' needs the environment variable {missing[0]}, which is not set",
                f"set {missing[0]}, or write the path out",
            )
        pattern = Path(os.path.expandvars(source.path)).expanduser()
        if not pattern.is_absolute():
            pattern = self.document.path.parent / self.config.folder / pattern
        found = sorted(Path(name) for name in glob.glob(str(pattern), recursive=True) if Path(name).is_file())  # noqa: PTH207 - absolute patterns
        if not found:
            raise SourceError(
                f"{self.where(source, 'path')} source '{source.name}': {pattern} does not exist",
                "put the file there, or mend the path",
            )
        return found


def file_format(source: Source, path: Path) -> str:
    """'csv' or 'parquet'.

    Raises:
        SourceError: the ending tells neither and the source does not say.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSIONS]
    known = source.format or (FORMATS.get(suffixes[-1]) if suffixes else None)
    if known is None:
        raise SourceError(
            f"source '{source.name}': the format of {path} cannot be told from its name",
            "add `format: csv` or `format: parquet` to the source",
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
                f"fills the raw table '{source.table}', which does not exist{_nearest(source.table, raw_columns)}",
                "table",
            )
            continue
        for column in source.columns:
            if column not in raw_columns[source.table]:
                problem(
                    f"fills '{column}', which raw.{source.table} does not have{_nearest(column, raw_columns[source.table])}",
                    "columns",
                    column,
                )
        if source.occurred_at is None and not (
            source.known_at == "landed" or isinstance(source.known_at, Backdated)
        ):
            problem("does not say when its facts occurred; set occurred_at")
    if problems:
        raise ConfigError("; ".join(problems), "mend what each line names")
    return SourceFiles(document, config)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""
