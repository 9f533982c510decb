"""What the columns of one select statement are computed from, read off by sqlglot's lineage.

Belongs here: what sqlglot's lineage needs to be right on DuckDB's SQL: unions by name, lateral joins, named windows,
recursive CTEs. Does not belong here: models and contracts (column_lineage.py). Imports sqlglot; import it when needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage, to_node
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, find_all_in_scope
from sqlglot.schema import MappingSchema

from leadflow.warehouse.models.column_lineage import LineageError, Origin

_DIALECT = "duckdb"
_REMEDY = "write the columns out, or take it that the dictionary does not say where they come from"
_FAILURES = (SqlglotError, ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError)
"""What sqlglot raises on SQL that DuckDB takes and it does not; lineage must never be what stops a refresh."""


def query_origins(sql: str, columns: Mapping[str, Mapping[str, str]]) -> dict[str, Origin]:
    """What each output column is computed from, by its name in lower case.

    Args:
        sql: one select statement for DuckDB that reads tables as schema.table.
        columns: data type by column, by 'schema.table', of every table it reads.

    Raises:
        LineageError: a column cannot be traced.
    """
    schema = MappingSchema(dialect=_DIALECT)
    for name, types in columns.items():
        db, table = name.split(".")
        schema.add_table(exp.table_(table, db=db), dict(types), dialect=_DIALECT)
    try:
        statement = normalize_identifiers(sqlglot.parse_one(sql, dialect=_DIALECT), dialect=_DIALECT)
        statement = _qualified(_by_position(_with_windows(statement), schema), schema)
        root = build_scope(_without_lateral(statement))
        if root is None:
            raise LineageError("it is no select statement", _REMEDY)
        nodes = lineage(
            None, root.expression, schema, dialect=_DIALECT, scope=root, trim_selects=False, copy=False
        )
        spelled = {
            f"{name}.{column}".lower(): f"{name}.{column}"
            for name, types in columns.items()
            for column in types
        }
        trace = _Trace(root, schema, spelled)
        origins = {name: trace.origin(node) for name, node in nodes.items()}
    except _FAILURES as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise LineageError(f"sqlglot cannot trace it ({reason})", _REMEDY) from error
    return {
        name: Origin(
            tuple(sorted(found.columns)),
            tuple(sorted(found.tables)),
            found.is_unchanged and bool(found.columns),
        )
        for name, found in origins.items()
    }


@dataclass(frozen=True)
class _Found:
    """An origin on the way; a null comes from nowhere and is unchanged, so that a union keeps what its others say."""

    columns: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    is_unchanged: bool = False


@dataclass
class _Trace:
    """Folds sqlglot's lineage graph into origins.

    Attributes:
        root: scope of the whole statement.
        schema: columns of the tables read.
        spelled: 'schema.table.column' as the contracts spell it, by the same in lower case.
    """

    root: Scope
    schema: MappingSchema
    spelled: Mapping[str, str]
    _known: dict[int, _Found] = field(default_factory=dict, init=False)
    _kept: list[Node] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._scopes: dict[int, Scope] = {}
        for scope in self.root.traverse():
            # The pseudo scope of a recursive CTE's anchor has the same expression, and no sources.
            if scope.sources or id(scope.expression) not in self._scopes:
                self._scopes[id(scope.expression)] = scope

    def origin(self, node: Node) -> _Found:
        """What the node, and all below it, come from."""
        if id(node) not in self._known:
            self._known[id(node)] = _Found()  # a recursive CTE comes back to itself
            self._kept.append(node)  # so that no other node gets its id
            self._known[id(node)] = self._fold(node)
        return self._known[id(node)]

    def _fold(self, node: Node) -> _Found:
        if isinstance(node.expression, exp.Table):
            return self._of_table(node)
        if isinstance(node.source, exp.SetOperation):  # its expression is that of the first part alone
            return _union([self.origin(child) for child in node.downstream], is_handed_on=True)
        if isinstance(node.expression, exp.Star):
            raise LineageError("the columns of a * are not known", _REMEDY)
        inner = node.expression.unalias()
        if isinstance(inner, exp.TableColumn) or inner.find(exp.Columns):
            raise LineageError(f"{inner.sql(dialect=_DIALECT)} stands for several columns", _REMEDY)
        if _is_null(inner):
            return _Found(is_unchanged=True)
        asked = {id(part.this) for part in find_all_in_scope(inner, exp.Exists)}
        parts = [
            self._of_outer(node, child)
            if isinstance(child.expression, exp.Placeholder)
            else self.origin(child)
            for child in node.downstream
            if id(child.source)
            not in asked  # whether there is a row does not depend on what is selected of it
        ]
        found = _union(parts, is_handed_on=isinstance(inner, exp.Column))
        return replace(found, tables=found.tables | self._rows_of(node))

    def _of_table(self, node: Node) -> _Found:
        """A column of a physical table; a table function's columns come from its arguments."""
        table = node.expression
        if not isinstance(table.this, exp.Identifier):
            return _Found()
        name = f"{table.text('db')}.{table.name}.{exp.to_column(node.name, dialect=_DIALECT).name}".lower()
        if name not in self.spelled:
            raise LineageError(
                f"it reads {name}, which no contract describes", "mend the name or the contract"
            )
        return _Found(frozenset({self.spelled[name]}), is_unchanged=not table.args.get("pivots"))

    def _of_outer(self, node: Node, leaf: Node) -> _Found:
        """A column that the node's own scope does not have: one of a scope around it, as lateral joins may name."""
        column = exp.to_column(leaf.name, dialect=_DIALECT)
        scope = self._scopes.get(id(node.source))
        while scope is not None and isinstance(column, exp.Column) and column.table:
            source = scope.sources.get(column.table)
            if isinstance(source, exp.Table):
                return self.origin(Node(leaf.name, source, source))
            if isinstance(source, Scope):
                return self.origin(to_node(column.name, source, _DIALECT, self.schema, trim_selects=False))
            scope = scope.parent
        raise LineageError(f"the column {leaf.name} cannot be told from others", "name its table before it")

    def _rows_of(self, node: Node) -> set[str]:
        """Tables whose rows the node counts, or asks for, without naming a column."""
        found: set[str] = set()
        for part in find_all_in_scope(node.expression, exp.Count, exp.Exists):
            scope = self._scopes.get(id(node.source if isinstance(part, exp.Count) else part.this))
            if scope is not None and (isinstance(part, exp.Exists) or isinstance(part.this, exp.Star | None)):
                found |= set(_tables(scope))
        return found


def _union(parts: Sequence[_Found], is_handed_on: bool) -> _Found:
    """What comes from any of the parts; unchanged where it is handed on and no part changes it."""
    return _Found(
        frozenset[str]().union(*(part.columns for part in parts)),
        frozenset[str]().union(*(part.tables for part in parts)),
        is_handed_on and bool(parts) and all(part.is_unchanged for part in parts),
    )


def _tables(scope: Scope) -> Iterator[str]:
    """Physical tables that the rows of a scope come from."""
    for part in scope.set_operation_scopes or []:
        yield from _tables(part)
    for _, source in scope.selected_sources.values():
        if isinstance(source, Scope):
            yield from _tables(source) if source.expression is not scope.expression else ()
        elif source.text("db"):
            yield f"{source.text('db')}.{source.name}"


def _is_null(expression: exp.Expr) -> bool:
    while isinstance(expression, exp.Cast | exp.Paren):
        expression = expression.this
    return isinstance(expression, exp.Null)


def _qualified(statement: exp.Expr, schema: MappingSchema) -> exp.Expr:
    return qualify(statement, dialect=_DIALECT, schema=schema, identify=False, validate_qualify_columns=False)


def _with_windows(statement: exp.Expr) -> exp.Expr:
    """The statement with named windows written out where they are used, since lineage looks at expressions only."""
    for select in statement.find_all(exp.Select):
        named = {window.name: window for window in select.args.get("windows") or []}
        for window in list(select.find_all(exp.Window)):
            definition = named.get(window.alias)
            if definition is not None and definition is not window and window.parent is not select:
                for key in ("partition_by", "order"):
                    value = definition.args.get(key)
                    window.set(
                        key,
                        [one.copy() for one in value] if isinstance(value, list) else value and value.copy(),
                    )
    return statement


def _without_lateral(statement: exp.Expr) -> exp.Expr:
    """The qualified statement with `lateral (select ...)` as a plain subquery; what it names of others is looked up."""
    for lateral in list(statement.find_all(exp.Lateral)):
        if isinstance(lateral.this, exp.Subquery):
            lateral.replace(exp.Subquery(this=lateral.this.this, alias=lateral.args.get("alias")))
    return statement


def _by_position(statement: exp.Expr, schema: MappingSchema) -> exp.Expr:
    """The statement with every union by name as one by position, nulls where a part lacks a column.

    sqlglot's lineage goes by position, and takes the columns of the first part for all.
    """
    while True:
        unions = [union for union in statement.find_all(exp.SetOperation) if union.args.get("by_name")]
        if not unions:
            return statement
        union = unions[-1]  # innermost, since find_all goes from the outside in
        parts = [union.this, union.expression]
        if any("*" in part.named_selects for part in parts):
            copies = [
                copy
                for copy in _qualified(statement.copy(), schema).find_all(exp.SetOperation)
                if copy.args.get("by_name")
            ]
            names = [part.named_selects for part in (copies[-1].this, copies[-1].expression)]
        else:
            names = [part.named_selects for part in parts]
        together = list(dict.fromkeys([*names[0], *names[1]]))
        for key, part, own in zip(("this", "expression"), parts, names, strict=True):
            padded = exp.select(
                *(
                    exp.column(name, table="part") if name in own else exp.alias_(exp.null(), name)
                    for name in together
                )
            )
            union.set(key, padded.from_(part.copy().subquery("part", copy=False)))
        union.set("by_name", None)
