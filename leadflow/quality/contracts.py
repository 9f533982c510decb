"""Reading every table's contract from `dbt_like_sql/<stage>/schema.yml`.

The vocabulary is dbt's (https://docs.getdbt.com/reference/model-properties): `models:` for SQL-made tables, `sources:`
for Python-made ones. Keys that dbt or its packages use and leadflow does not are passed over.

Belongs here: bringing all files together. Does not belong here: single tables and columns (contract/drafts.py), their tests
(contract/declared_tests.py), tests that are queries of their own (contract/declared_singular_tests.py) and running them (checking/runner.py).
Nothing heavy is imported: definitions load every contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from leadflow.config_files import Document, KeyPath, read_yaml
from leadflow.errors import ConfigError, ContractError
from leadflow.quality.contract.contract_reading import Names, Problems
from leadflow.quality.contract.declared_freshness import read_freshness
from leadflow.quality.contract.declared_singular_tests import GENERIC, test_paths, with_singular_tests
from leadflow.quality.contract.declared_sources import refuse_unknown_sources
from leadflow.quality.contract.declared_tests import read_tests, with_unique_names
from leadflow.quality.contract.drafts import Draft, TableReader
from leadflow.quality.contract.labels import NO_LABELS, Labels, read_labels
from leadflow.quality.contract.macro_tests import MacroTest, find_macro_tests
from leadflow.quality.contract.tables import COLUMNS_MATCH_CONTRACT, Column, Contracts, Table, Test

__all__ = ["COLUMNS_MATCH_CONTRACT", "Column", "Contracts", "Table", "Test", "load_contracts"]


def load_contracts(folder: Path, *, cache_file: Path | None = None) -> Contracts:
    """Every contract below `folder`, checked.

    Args:
        folder: the SQL room (dbt_like_sql), with a folder per stage, tests/ for singular tests and macros/ for tests
            that take arguments.
        cache_file: where the parses of singular tests are kept by content, so that an unchanged one is not parsed again.

    Raises:
        ContractError: everything that is wrong, each with its file, line and remedy.
    """
    problems = Problems()
    is_whole = True
    drafts: list[Draft] = []
    documents: list[Document] = []
    groups: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob("*/schema.yml")):
        try:
            document = read_yaml(path)
        except ConfigError as error:
            problems.found.append((error.problem, error.remedy))
            is_whole = False
            continue
        documents.append(document)
        reader = TableReader(document, problems)
        drafts += reader.tables(stage=path.parent.name)
        groups |= reader.groups()
    if not is_whole:
        # Every reference into a file that cannot be read would be told as wrong too.
        problems.raise_if_any()
    drafts = _without_duplicates(drafts, problems)
    names = Names(
        models={draft.dbt_name: draft.full_name for draft in drafts if draft.kind == "model"},
        sources={(draft.source, draft.dbt_name): draft.full_name for draft in drafts if draft.source},
        columns={draft.full_name: draft.column_types for draft in drafts},
        macros=_macros(folder, problems),
        groups=groups,
    )
    refuse_unknown_sources(drafts, problems)
    tables = [_finished(draft, names, problems) for draft in drafts]
    tables = with_singular_tests(tables, folder, documents, names, problems, cache_file=cache_file)
    problems.raise_if_any()
    pii = {table.full_name: table.pii_columns for table in tables}
    return Contracts(_knowing_pii(table, pii) for table in tables)


def _without_duplicates(drafts: list[Draft], problems: Problems) -> list[Draft]:
    """The drafts with the second of each table, or of each model name, refused and left out."""
    kept: dict[str, Draft] = {}
    models: dict[str, Draft] = {}
    for draft in drafts:
        earlier = kept.get(draft.full_name.lower())
        if earlier is None and draft.kind == "model":
            earlier = models.setdefault(draft.dbt_name.lower(), draft)
            earlier = None if earlier is draft else earlier
        if earlier is None:
            kept[draft.full_name.lower()] = draft
        else:
            first = earlier.document.where(*earlier.at)
            problems.add(draft.document, draft.at, f"{draft.full_name} is described a second time, after {first}",
                         "remove one, or rename it")  # fmt: skip
    return list(kept.values())


def _knowing_pii(table: Table, pii: Mapping[str, frozenset[str]]) -> Table:
    """The table with its tests told which columns of the other tables they read hold personal data."""

    def told(test: Test) -> Test:
        elsewhere = [pii[name] for name in test.other_tables if name in pii and name != table.full_name]
        return replace(test, pii_elsewhere=frozenset().union(*elsewhere)) if any(elsewhere) else test

    columns = (replace(column, tests=tuple(map(told, column.tests))) for column in table.columns)
    return replace(table, tests=tuple(map(told, table.tests)), columns=tuple(columns))


def macro_tests_of(folder: Path) -> dict[str, MacroTest]:
    """The tests that a SQL room defines itself, by name.

    Raises:
        ContractError: see find_macro_tests.
    """
    return find_macro_tests(folder / "macros", *(path / GENERIC for path in test_paths(folder)))


def _macros(folder: Path, problems: Problems) -> dict[str, MacroTest]:
    try:
        return macro_tests_of(folder)
    except ContractError as error:
        problems.found.append((error.problem, error.remedy))
        return {}


def _finished(draft: Draft, names: Names, problems: Problems) -> Table:
    """The table with its tests read."""
    labels = _labels(
        draft, draft.source_at, draft.source_raw, f"source {draft.source}", names, problems
    ).joined(_labels(draft, draft.at, draft.raw, draft.full_name, names, problems))
    own = _tests_at(draft, draft.at, draft.raw, None, names, problems, NO_LABELS)
    freshness = read_freshness(draft, problems)
    own += [] if freshness is None else [freshness]
    by_column = []
    for column in draft.columns:
        of_column = _labels(draft, column.at, column.raw, f"{draft.full_name}.{column.name}", names, problems)
        tests = _tests_at(draft, column.at, column.raw, column.name, names, problems, of_column)
        by_column.append((column, of_column, tests))
    named = iter(with_unique_names([*own, *(test for *_, tests in by_column for test in tests)]))
    line = draft.document.line(*draft.at)
    implicit = Test(
        check_name=COLUMNS_MATCH_CONTRACT,
        test=COLUMNS_MATCH_CONTRACT,
        column=None,
        arguments={},
        severity="error",
        where=None,
        file=draft.document.path,
        line=line,
        description="The table has exactly the columns and types of its contract.",
    )
    table_tests = (implicit, *(next(named) for _ in own))
    columns = tuple(
        Column(
            name=column.name,
            data_type=column.data_type,
            description=_described(column.raw),
            unit=column.unit,
            is_pii=column.is_pii,
            tests=tuple(next(named) for _ in tests),
            meta=column.meta,
            tags=of_column.tags,
            owners=of_column.owners,
        )
        for column, of_column, tests in by_column
    )
    return Table(
        schema=draft.schema,
        name=draft.name,
        kind=draft.kind,
        description=_described(draft.raw),
        grain=str(draft.meta.get("grain", "")).strip(),
        natural_key=tuple(draft.meta.get("natural_key", ())),
        columns=columns,
        tests=table_tests,
        meta=draft.meta,
        file=draft.document.path,
        line=line,
        tags=labels.tags,
        owners=labels.owners,
    )


def _labels(
    draft: Draft, at: KeyPath, raw: dict[str, Any], called: str, names: Names, problems: Problems
) -> Labels:
    def refuse(problem: str, remedy: str) -> None:
        problems.add(draft.document, at, f"{called} {problem}", remedy)

    return read_labels(raw, names.groups, refuse)


def _described(raw: dict[str, Any]) -> str:
    return str(raw.get("description") or "").strip()


def _tests_at(
    draft: Draft,
    at: KeyPath,
    raw: dict[str, Any],
    column: str | None,
    names: Names,
    problems: Problems,
    labels: Labels,
) -> list[Test]:
    tests: list[Test] = []
    for key in ("data_tests", "tests"):
        if raw.get(key) is not None:
            tests += read_tests(
                draft.document, (*at, key), raw[key], draft.full_name, column, names, problems, labels
            )
    return tests
