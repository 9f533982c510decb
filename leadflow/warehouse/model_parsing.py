"""What a SQL model says of itself: how it is materialized and what it reads, rendered and held against its SQL.

Belongs here: parsing one model, and remembering the parse. Does not belong here: the models together and running them
(sql_models.py), Jinja (jinja.py).

Dependencies are the refs and sources that were rendered, held against what sqlglot finds in the SQL: a table that
is read without ref() would be missing from the graph, and a ref() that is not read would be a false edge.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import ModelError
from leadflow.warehouse import jinja

if TYPE_CHECKING:
    from sqlglot import exp

MATERIALIZATIONS = ("table", "view", "incremental")

_PARSER_VERSION = 2
"""Part of the cache's key: raise it when what is read from a model changes."""


@dataclass(frozen=True)
class Parse:
    """What is read from a model's text.

    Attributes:
        materialized: table, view or incremental.
        unique_key: columns an incremental model is merged by.
        inputs: tables it reads, sorted.
    """

    materialized: str
    unique_key: list[str]
    inputs: list[str]


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
        return found

    def _remembered(self, key: str) -> Parse | None:
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
        read = _tables_read(_select(path, text, surroundings.macros, outcome.sql))
        _compare(path, text, table, rendered, read, is_incremental=is_incremental)
        inputs |= rendered
    materialized = config.get("materialized", "table")
    if materialized not in MATERIALIZATIONS:
        raise ModelError(
            f"{path}:{line_of(text, 'materialized')} materialized='{materialized}' is not known",
            f"use one of {', '.join(MATERIALIZATIONS)}",
        )
    unique_key = config.get("unique_key") or []
    return Parse(
        materialized,
        [unique_key] if isinstance(unique_key, str) else list(unique_key),
        sorted(inputs - {table}),
    )


def line_of(text: str, needle: str) -> int:
    """First line of a template that holds `needle` as a whole word, outside of comments where it can; 1 else."""
    blanked = re.sub(
        r"{#.*?#}|/\*.*?\*/|--[^\n]*", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.DOTALL
    )
    pattern = rf"(?<!\w){re.escape(needle)}(?!\w)"
    for place in (blanked, text):
        if needle and (found := re.search(pattern, place)):
            return place.count("\n", 0, found.start()) + 1
    return 1


def place_of(path: Path, text: str, macros: jinja.Macros, sql: str, line: int, word: str = "") -> str:
    """file:line that a line of rendered SQL came from.

    Rendering keeps most lines as they are: the line itself is looked for in the model, then in the macros, then the
    nearest line before it that is in the model.
    """
    rendered = [one.strip() for one in sql.splitlines()]
    template = [one.strip() for one in text.splitlines()]
    for above in range(min(line, len(rendered))):
        wanted = rendered[line - 1 - above]
        found = [number for number, one in enumerate(template, start=1) if one == wanted != ""]
        if found:
            nearest = min(found, key=lambda number: abs(number - (line - above)))
            return f"{path}:{min(nearest + above, len(template))}"
        in_macros = [
            number for number, one in enumerate(macros.source.splitlines(), 1) if one.strip() == wanted
        ]
        if above == 0 and wanted and in_macros:
            macro_path, macro_line = macros.locate(in_macros[0])
            return f"{macro_path}:{macro_line}"
    return f"{path}:{line_of(text, word)}"


def _select(path: Path, text: str, macros: jinja.Macros, sql: str) -> exp.Query:
    """The one select statement that a model is.

    Raises:
        ModelError: it does not parse, or is none or more than one or of another kind.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ParseError, TokenError

    try:
        statements = [one for one in sqlglot.parse(sql, dialect="duckdb") if one is not None]
    except ParseError as error:
        details = error.errors[0] if error.errors else {}
        word = str(details.get("highlight", ""))
        where = place_of(path, text, macros, sql, int(details.get("line") or 1), word)
        reason = str(details.get("description", error)).split(" but got <Token")[0].rstrip(".")
        raise ModelError(f"{where} does not parse as SQL near '{word}' ({reason})", "mend the SQL") from None
    except TokenError:
        raise ModelError(
            f"{path} does not parse as SQL (a quote or comment is not closed)", "close it"
        ) from None
    if len(statements) != 1:
        raise ModelError(
            f"{path}:1 holds {len(statements)} statements", "make a model of one select statement"
        )
    if not isinstance(statements[0], exp.Query):
        kind = statements[0].key
        raise ModelError(
            f"{path}:{line_of(text, kind)} holds a statement of the kind {kind}",
            "make a model of one select statement",
        )
    if any(token.token_type.name == "SEMICOLON" for token in sqlglot.tokenize(sql, dialect="duckdb")):
        raise ModelError(f"{path}:{line_of_last(text, ';')} ends in a semicolon", "drop the semicolon")
    return statements[0]


def line_of_last(text: str, needle: str) -> int:
    """Last line that holds `needle`, or 1."""
    return text.count("\n", 0, max(text.rfind(needle), 0)) + 1


def _tables_read(statement: exp.Query) -> dict[str, str]:
    """Physical tables of a statement, by their name in lower case; names of CTEs in scope are not tables.

    A name with a schema is a table wherever it stands, also in a pivot, which sqlglot's scopes leave out.
    """
    from sqlglot import exp
    from sqlglot.errors import OptimizeError
    from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
    from sqlglot.optimizer.scope import traverse_scope

    found = [table for table in statement.find_all(exp.Table) if table.db]
    try:  # names in lower case, as DuckDB compares them, so that `from Leads` finds the CTE leads
        for scope in traverse_scope(normalize_identifiers(statement.copy(), dialect="duckdb")):
            found += [source for source in scope.sources.values() if isinstance(source, exp.Table)]
    except OptimizeError:
        pass  # two tables of one name without aliases; DuckDB judges those, and both were found above
    names = [
        f"{table.db}.{table.name}" if table.db else table.name
        for table in found
        if isinstance(table.this, exp.Identifier)
    ]
    return {name.lower(): name for name in reversed(names)}


def _compare(
    path: Path, text: str, this: str, rendered: set[str], read: dict[str, str], *, is_incremental: bool
) -> None:
    """Hold the refs that were rendered against the tables that the SQL reads."""
    if this.lower() in read and not is_incremental:
        needle = this.split(".")[1] if this in rendered else "this"
        raise ModelError(
            f"{path}:{line_of(text, needle)} reads its own table outside of is_incremental()",
            "refer to other models only",
        )
    called = {table.lower(): table for table in rendered}
    for table in sorted(read.keys() - called.keys() - {this.lower()}):
        name = read[table].split(".")[-1]
        raise ModelError(
            f"{path}:{line_of(text, name)} reads the table {read[table]} without ref() or source()",
            f"write {{{{ ref('{name}') }}}}, or source() for a Python-made table, so that the graph knows of it",
        )
    for table in sorted(called.keys() - read.keys() - {this.lower()}):
        name = called[table].split(".")[-1]
        raise ModelError(
            f"{path}:{line_of(text, name)} refers to {called[table]} but its SQL does not read it",
            "drop the ref, or read the table",
        )
