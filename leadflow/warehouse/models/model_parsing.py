"""What a SQL model says of itself: how it is materialized and what it reads, rendered and held against its SQL.

Belongs here: parsing one model, and remembering the parse. Does not belong here: the models together and running them
(sql_models.py), Jinja (jinja.py), what SQL a model may hold (model_select.py).

Dependencies are the refs and sources that were rendered, held against what sqlglot finds in the SQL: a table that
is read without ref() would be missing from the graph, and a ref() that is not read would be a false edge.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from leadflow.errors import ModelError
from leadflow.warehouse.models import jinja
from leadflow.warehouse.models.model_places import line_of
from leadflow.warehouse.models.model_select import ModelSelect, select_of

MATERIALIZATIONS = ("table", "view", "incremental")

_PARSER_VERSION = 4
"""Part of the cache's key: raise it when what is read from a model changes."""


_SEEN_HERE: dict[str, Parse] = {}
"""Parses of this process: definitions are loaded more than once in one, by Dagster's servers and by tests."""


@dataclass(frozen=True)
class Parse:
    """What is read from a model's text.

    Attributes:
        materialized: table, view or incremental.
        unique_key: columns an incremental model is merged by.
        inputs: tables it reads, sorted.
        remade_by: 'schema.name.column' of the digests by which its rows are remade, or nothing.
        moment: column that has the refresh's as_of in every row, or nothing.
    """

    materialized: str
    unique_key: list[str]
    inputs: list[str]
    remade_by: str = ""
    moment: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What a model is rendered with.

    Attributes:
        names: 'schema.name' of every model by the name that ref() knows it by.
        sources: 'schema.name' of Python-made tables by (source, table).
        macros: the macros.
        variables: defaults for var().
    """

    names: Mapping[str, str]
    sources: Mapping[tuple[str, str], str]
    macros: jinja.Macros
    variables: Mapping[str, Any]

    def render(
        self,
        path: Path,
        text: str,
        table: str,
        *,
        is_incremental: bool,
        variables: Mapping[str, Any] | None = None,
    ) -> jinja.Rendered:
        """A model's SQL and what it called; `variables` go before the defaults."""
        return jinja.render(
            path,
            text,
            macros=self.macros,
            this=table,
            resolve_ref=self._resolve_ref,
            resolve_source=lambda source, name: self.sources[(source, name)],
            variables={**self.variables, **(variables or {})},
            is_incremental=is_incremental,
        )

    def inputs(self, outcome: jinja.Rendered) -> set[str]:
        """The tables behind the refs and sources that were called."""
        return {self.names[name] for name in outcome.refs} | {self.sources[pair] for pair in outcome.sources}

    def fingerprint(self) -> str:
        """Changes when anything does that a model's parse depends on beside the model."""
        everything = json.dumps(
            [
                _PARSER_VERSION,
                self.macros.source,
                sorted(self.names.items()),
                sorted(map(str, self.sources.items())),
                sorted(self.variables.items()),
            ],
            default=str,
        )
        return hashlib.sha256(everything.encode()).hexdigest()

    def _resolve_ref(self, name: str) -> str:
        if name in self.names:
            return self.names[name]
        near = difflib.get_close_matches(name, self.names, n=1)
        raise KeyError(
            f"did you mean '{near[0]}'" if near else "make the model, or use source() for a Python-made table"
        )


@dataclass
class ParseCache:
    """Parses of models, kept by the content of everything they depend on.

    Attributes:
        file: where they are kept, or None for nowhere.
        surroundings: what the models are rendered with.
    """

    file: Path | None
    surroundings: Surroundings
    _known: dict[str, Any] = field(init=False, repr=False)
    _used: dict[str, dict[str, Any]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._fingerprint = self.surroundings.fingerprint()
        try:
            known = json.loads(self.file.read_text(encoding="utf-8")) if self.file is not None else {}
        except (OSError, ValueError):
            known = {}  # a cache that is missing or cannot be read is only a slower start
        self._known = known if isinstance(known, dict) else {}

    def parse(self, path: Path, text: str, table: str) -> Parse:
        """The model's parse, remembered where nothing has changed.

        Raises:
            ModelError: the model cannot be rendered, parsed or trusted.
        """
        key = hashlib.sha256(f"{self._fingerprint}\n{path}\n{text}".encode()).hexdigest()
        found = self._remembered(key) or parse(path, text, table, self.surroundings)
        self._used[key] = asdict(found)
        _SEEN_HERE[key] = found
        return found

    def _remembered(self, key: str) -> Parse | None:
        if key in _SEEN_HERE:
            return _SEEN_HERE[key]
        try:
            return Parse(**self._known[key])
        except (KeyError, TypeError):
            return None

    def save(self) -> None:
        """Keep what was used."""
        if self.file is None or self._used == self._known:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            staged = self.file.with_suffix(f".{os.getpid()}.tmp")
            staged.write_text(json.dumps(self._used), encoding="utf-8")
            staged.replace(self.file)
        except OSError:
            return  # the home may be read-only for whoever only looks at the definitions


def parse(path: Path, text: str, table: str, surroundings: Surroundings) -> Parse:
    """Render a model both ways, first load and increment, and hold what it called against what its SQL reads.

    Raises:
        ModelError: the model cannot be rendered, parsed or trusted; names file and line.
    """
    inputs: set[str] = set()
    config: dict[str, Any] = {}
    for is_incremental in (False, True):
        outcome = surroundings.render(path, text, table, is_incremental=is_incremental)
        config = outcome.config
        rendered = surroundings.inputs(outcome)
        select = select_of(path, text, surroundings.macros, outcome.sql)
        _compare(select, table, rendered, is_incremental=is_incremental)
        inputs |= rendered
    materialized = config.get("materialized", "table")
    if materialized not in MATERIALIZATIONS:
        raise ModelError(
            f"{path}:{line_of(text, 'materialized')} materialized='{materialized}' is not known",
            f"use one of {', '.join(MATERIALIZATIONS)}",
        )
    unique_key = config.get("unique_key") or []
    meta = config.get("meta") or {}
    return Parse(
        materialized,
        [unique_key] if isinstance(unique_key, str) else list(unique_key),
        sorted(inputs - {table}),
        _digest_column(path, text, meta.get("remade_by") or "", surroundings),
        meta.get("moment") or "",
    )


def _digest_column(path: Path, text: str, remade_by: str, surroundings: Surroundings) -> str:
    """'schema.name.column' of what a model's config gives as 'name.column'.

    Raises:
        ModelError: it names no model.
    """
    if not remade_by:
        return ""
    name, _, column = remade_by.partition(".")
    if name not in surroundings.names or not column:
        raise ModelError(
            f"{path}:{line_of(text, 'remade_by')} remade_by='{remade_by}' names no column of a model",
            "write model.column, a digest by lead_id",
        )
    return f"{surroundings.names[name]}.{column}"


def _compare(select: ModelSelect, this: str, rendered: set[str], *, is_incremental: bool) -> None:
    """Hold the refs that were rendered against the tables that the SQL reads."""
    path, text, read = select.path, select.text, select.tables_read
    if this.lower() in read and not is_incremental:
        needle = this.split(".")[1] if this in rendered else "this"
        raise ModelError(
            f"{path}:{line_of(text, needle)} reads its own table outside of is_incremental()",
            "refer to other models only",
        )
    called = {table.lower(): table for table in rendered}
    for table in sorted(read.keys() - called.keys() - {this.lower()}):
        full_name, line = read[table]
        name = full_name.split(".")[-1]
        raise ModelError(
            f"{select.place_of(name, line)} reads the table {full_name} without ref() or source()",
            f"write {{{{ ref('{name}') }}}}, or source() for a Python-made table, so that the graph knows of it",
        )
    for table in sorted(called.keys() - read.keys() - {this.lower()}):
        name = called[table].split(".")[-1]
        raise ModelError(
            f"{path}:{line_of(text, name)} refers to {called[table]} but its SQL does not read it",
            "drop the ref, or read the table",
        )
