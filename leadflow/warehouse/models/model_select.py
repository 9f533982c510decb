"""Holding a model's SQL to what a model is: one select statement that reads only what ref() and source() name.

Belongs here: parsing the rendered SQL, the tables it reads, and refusing whatever reaches past the graph: other
statements, files, functions that read the machine, the catalog or the clock. Does not belong here: rendering (jinja.py)
and comparing the tables with the refs (model_parsing.py).

sqlglot is imported by the functions that use it; a model that is remembered is not parsed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import ModelError
from leadflow.warehouse.models.jinja import Macros
from leadflow.warehouse.models.model_places import line_of_last, opening_line, place_of, place_of_name

if TYPE_CHECKING:
    from sqlglot import exp

TABLE_FUNCTIONS = frozenset(
    ("unnest", "generate_series", "range", "repeat", "repeat_row", "json_each", "json_tree")
)
"""Functions that a model may read from: what they give depends on their arguments alone."""

READS_ELSEWHERE = frozenset(
    (
        *("getenv", "getvariable", "current_setting", "current_query", "current_database", "current_schema"),
        *("current_schemas", "current_user", "session_user", "user", "txid_current", "version"),
        *("nextval", "currval", "setval", "write_log", "sleep_ms", "pg_sleep", "query", "query_table"),
        *("json_execute_serialized_sql", "glob", "sniff_csv", "read_text", "read_blob", "read_duckdb"),
    )
)
"""Functions of one value, and of tables, that look outside of their arguments or change something there."""

READS_CLOCK = frozenset(
    (
        *("now", "today", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
        *("current_localtime", "current_localtimestamp", "get_current_time", "get_current_timestamp"),
        *("transaction_timestamp", "ago"),
    )
)
"""Functions of the wall clock; a refresh has one moment, var('as_of')."""

IS_RANDOM = frozenset(("random", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid"))
"""Functions that give something else at each run."""


@dataclass(frozen=True)
class ModelSelect:
    """A rendered model, parsed.

    Attributes:
        path: its file.
        text: the template.
        macros: the macros it was rendered with.
        sql: the rendered SQL.
        statement: the select.
    """

    path: Path
    text: str
    macros: Macros
    sql: str
    statement: exp.Query

    @cached_property
    def cte_names(self) -> frozenset[str]:
        """Names of the common table expressions, in lower case."""
        from sqlglot import exp

        return frozenset(cte.alias_or_name.lower() for cte in self.statement.find_all(exp.CTE))

    @cached_property
    def tables_read(self) -> dict[str, tuple[str, int]]:
        """Physical tables by their name in lower case: (name, line of the SQL); CTEs in scope are not tables.

        A name with a schema is a table wherever it stands, also in a pivot, which sqlglot's scopes leave out, and so
        is a bare name that no CTE has.
        """
        from sqlglot import exp
        from sqlglot.errors import OptimizeError
        from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
        from sqlglot.optimizer.scope import traverse_scope

        found = [
            table
            for table in self.statement.find_all(exp.Table)
            if table.db or table.name.lower() not in self.cte_names
        ]
        try:  # names in lower case, as DuckDB compares them, so that `from Leads` finds the CTE leads
            for scope in traverse_scope(normalize_identifiers(self.statement.copy(), dialect="duckdb")):
                found += [source for source in scope.sources.values() if isinstance(source, exp.Table)]
        except OptimizeError:
            pass  # two tables of one name without aliases; DuckDB judges those, and both were found above
        tables = [
            (f"{table.db}.{table.name}" if table.db else table.name, _line(table))
            for table in found
            if not isinstance(table.this, exp.Func)
        ]
        return {name.lower(): (name, line) for name, line in reversed(tables)}

    def place_of(self, name: str, line: int) -> str:
        """file:line of a name in a line of the SQL."""
        return place_of_name(self.path, self.text, self.macros, self.sql, line, name)


def select_of(path: Path, text: str, macros: Macros, sql: str) -> ModelSelect:
    """The one select statement that a model is.

    Raises:
        ModelError: it does not parse, is none or more than one or of another kind, or reaches past the graph.
    """
    import sqlglot
    from sqlglot import exp

    statements = _parsed(path, text, macros, sql)
    if len(statements) != 1:
        raise ModelError(
            f"{path}:1 holds {len(statements)} statements", "make a model of one select statement"
        )
    tokens = sqlglot.tokenize(sql, dialect="duckdb")
    if not isinstance(statements[0], exp.Query):
        first = tokens[0].text.lower()
        kind = statements[0].key if first == "with" else first
        where = place_of_name(path, text, macros, sql, tokens[0].line, tokens[0].text)
        raise ModelError(
            f"{where} holds a statement of the kind {kind}", "make a model of one select statement"
        )
    if any(token.token_type.name == "SEMICOLON" for token in tokens):
        raise ModelError(f"{path}:{line_of_last(text, ';')} ends in a semicolon", "drop the semicolon")
    select = ModelSelect(path, text, macros, sql, statements[0])
    lines = {
        token.text.lower(): token.line for token in reversed(tokens) if token.token_type.name != "STRING"
    }
    for name, line, problem, remedy in _reaches_past_the_graph(select, lines):
        raise ModelError(f"{select.place_of(name, line)} {problem}", remedy)
    return select


def _parsed(path: Path, text: str, macros: Macros, sql: str) -> list[exp.Expr]:
    import sqlglot
    from sqlglot.errors import ParseError, TokenError

    # It would warn of statements that it does not know, such as `load`; they are refused with their line.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        return [one for one in sqlglot.parse(sql, dialect="duckdb") if one is not None]
    except ParseError as error:
        details = error.errors[0] if error.errors else {}
        word = str(details.get("highlight", ""))
        where = place_of(path, text, macros, sql, int(details.get("line") or 1), word)
        reason = str(details.get("description", error)).split(" but got <Token")[0].rstrip(".")
        raise ModelError(f"{where} does not parse as SQL near '{word}' ({reason})", "mend the SQL") from None
    except TokenError:
        where = place_of(path, text, macros, sql, opening_line(sql))
        raise ModelError(
            f"{where} does not parse as SQL (a quote or comment is not closed)", "close it"
        ) from None
    except RecursionError:
        raise ModelError(f"{path}:1 holds SQL that nests too deeply to be read", "take it apart") from None


def _reaches_past_the_graph(
    select: ModelSelect, lines: Mapping[str, int]
) -> Iterator[tuple[str, int, str, str]]:
    """What a model may not hold: (name as written, line of the SQL, problem, remedy) each.

    `lines` tells the first line of each word in lower case, for what sqlglot does not keep the place of.
    """
    from sqlglot import exp

    others = (exp.DML, exp.DDL, exp.Command, exp.Copy, exp.Describe, exp.Summarize, exp.Into)
    for node in select.statement.find_all(*others):
        if not isinstance(node, exp.Query):
            yield (
                node.key,
                _line(node),
                f"holds a statement of the kind {node.key} within its select",
                "make a model of one select statement",
            )
    read_from = {
        id(node.this)
        for node in select.statement.find_all(exp.Table, exp.Lateral)
        if isinstance(node.this, exp.Func)
    }
    for function in select.statement.find_all(exp.Func):
        name = _name(function, select.sql)
        known = name.lower()
        line = int(function.meta.get("line", lines.get(known, 1)))
        if known in READS_CLOCK:
            yield (
                name,
                line,
                f"reads the clock with {name}()",
                "use var('as_of'), the moment of the refresh",
            )
        elif known in IS_RANDOM:
            yield (
                name,
                line,
                f"calls {name}(), which gives something else at each run",
                "make it from the row, such as with hash()",
            )
        elif known in READS_ELSEWHERE or (id(function) in read_from and known not in TABLE_FUNCTIONS):
            yield (
                name,
                line,
                f"calls {name}(), which reads what neither ref() nor source() names",
                "land files through sources.yaml, and read tables with ref() or source()",
            )
    ctes = select.cte_names
    for table in select.statement.find_all(exp.Table):
        name = table.name
        # No name of a table has such a sign in it, and DuckDB takes what is no table for a file.
        if not table.db and name.lower() not in ctes and any(sign in name for sign in "./*:"):
            yield (
                name,
                _line(table),
                f"reads the file '{name}' as a table",
                "land it through sources.yaml, and read its table with source()",
            )


def _name(function: exp.Func, sql: str) -> str:
    """The function's name as it is written, or as sqlglot knows it where it does not say where it stands."""
    start, end = function.meta.get("start"), function.meta.get("end")
    if start is not None and end is not None:
        return sql[start : end + 1].strip('"')
    return function.name if function.key == "anonymous" else function.sql_names()[0].lower()


def _line(node: exp.Expr) -> int:
    """Line of the SQL that a node, or the first thing in it that knows its line, stands in."""
    return next((int(each.meta["line"]) for each in node.walk() if "line" in each.meta), 1)
