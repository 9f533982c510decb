"""Reading `dbt_like_sql/tests/*.sql`: each file is a query that returns the rows that are wrong.

Belongs here: finding the files (dbt's `test-paths`), their config, what the yml beside them says of them, and which
table each one is a check of. Does not belong here: tests of one table or column (declared_tests.py), rendering and
parsing (warehouse/) and running (checking/runner.py).

A test belongs to the table furthest down the line among those it reads, so that it runs once all of them are there:
the last stage's, and within a stage the one that its schema.yml describes last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leadflow.config_files import Document, KeyPath, read_yaml
from leadflow.errors import ConfigError, LeadflowError
from leadflow.quality.contract.contract_reading import Names, Problems
from leadflow.quality.contract.declared_config import TestConfig, read_config
from leadflow.quality.contract.singular_tests import SingularTest
from leadflow.quality.contract.tables import Table, Test
from leadflow.stages import STAGES
from leadflow.warehouse.models import jinja
from leadflow.warehouse.models.model_parsing import ParseCache, Surroundings
from leadflow.warehouse.models.model_places import line_of

GENERIC = "generic"
"""Folder below a test path where dbt keeps `{% test %}` blocks; the files in it are no tests of their own."""

_SETTINGS = ("config", "meta", "tags", "severity")


@dataclass(frozen=True)
class _Described:
    """What a yml says of a test: `data_tests: [{name: ..., description: ..., config: ...}]`."""

    document: Document
    at: KeyPath
    raw: Mapping[str, Any]


def test_paths(folder: Path) -> list[Path]:
    """The folders that hold tests: `test-paths` of dbt_project.yml, or dbt's default."""
    project = _project(folder)
    named = project.get("test-paths") or ["tests"]
    return [folder / str(name) for name in (named if isinstance(named, list) else [named])]


def with_singular_tests(
    tables: Sequence[Table],
    folder: Path,
    documents: Sequence[Document],
    names: Names,
    problems: Problems,
    *,
    cache_file: Path | None,
) -> list[Table]:
    """The tables with the singular tests that are checks of them; what is wrong goes to `problems`.

    Args:
        tables: every table, in the order of the files.
        folder: the SQL room.
        documents: every schema.yml of a stage, which may describe tests too.
        names: what the tests may refer to.
        cache_file: where parses are kept by content.
    """
    folders = test_paths(folder)
    paths = [path for place in folders for path in sorted(place.rglob("*.sql"))
             if GENERIC not in path.relative_to(place).parts]  # fmt: skip
    described = _described([*documents, *_own_documents(folders, documents, problems)], problems)
    for name, description in described.items():
        if name not in {path.stem for path in paths}:
            problems.add(description.document, description.at, f"describes the test {name}, which is no file",
                         f"write {folders[0]}/{name}.sql, or take it out")  # fmt: skip
    if not paths:
        return list(tables)
    try:
        macros = jinja.load_macros(folder / "macros")
    except LeadflowError as error:
        problems.found.append((error.problem, error.remedy))
        return list(tables)
    variables = _project(folder).get("vars")
    surroundings = Surroundings(
        names.models, names.sources, macros, variables if isinstance(variables, dict) else {}
    )
    cache = ParseCache(cache_file, surroundings)
    reader = _Reader({table.full_name: table for table in tables}, names, problems, cache, described)
    added: dict[str, list[Test]] = {}
    taken: dict[str, Path] = {}
    for path in paths:
        if path.stem in taken:
            problems.found.append(
                (f"{path}:1 has the same name as the test {taken[path.stem]}", "rename one")
            )
            continue
        taken[path.stem] = path
        try:
            read = reader.read(path)
        except LeadflowError as error:
            problems.found.append((error.problem, error.remedy))
            continue
        if read is not None:
            table, test = read
            added.setdefault(table, []).append(test)
    cache.save()
    return [_with_tests(table, added.get(table.full_name, [])) for table in tables]


@dataclass(frozen=True)
class _Reader:
    tables: Mapping[str, Table]
    names: Names
    problems: Problems
    cache: ParseCache
    described: Mapping[str, _Described]

    def read(self, path: Path) -> tuple[str, Test] | None:
        """The table that the test is a check of, and the test; None where it is switched off or wrong.

        Raises:
            LeadflowError: it cannot be rendered or parsed.
        """
        singular = SingularTest(path.stem, path, jinja.read_sql(path), self.cache.surroundings)
        before = len(self.problems.found)
        config = self.config(singular, singular.rendered().config)
        if len(self.problems.found) > before or not config.is_enabled:
            return None
        inputs = self.cache.parse(path, singular.text, singular.table).inputs
        checked = [name for name in inputs if name in self.tables and self.tables[name].is_checked]
        if not checked:
            self.problems.found.append(
                (f"{path}:1 reads no table that a refresh makes", "read one by ref() or source()")
            )
            return None
        columns = [column for name in inputs if name in self.tables for column in self.tables[name].columns]
        pii = frozenset(column.name.lower() for column in columns if column.is_pii)
        owner = max(checked, key=self.place_in_line)
        description = self.described.get(path.stem)
        return owner, Test(
            check_name=re.sub(r"[^A-Za-z0-9_]+", "_", path.stem),
            test=path.stem,
            column=None,
            arguments={},
            severity=config.severity,
            where=None,
            file=path,
            line=1,
            description=str(description.raw.get("description") or "").strip() if description else "",
            reads=tuple(name for name in checked if name != owner),
            warn_if=config.warn_if,
            error_if=config.error_if,
            limit=config.limit,
            tags=config.labels.tags,
            owners=config.labels.owners,
            singular=replace(
                singular,
                shown_columns=frozenset(column.name.lower() for column in columns) - pii,
                pii_columns=pii,
            ),
        )

    def config(self, singular: SingularTest, called: Mapping[str, Any]) -> TestConfig:
        """The config: what its config() says goes before what a yml says, as in dbt; their meta is one."""
        description = self.described.get(singular.name)
        settings: dict[str, Any] = {}
        if description is not None:
            settings = {key: description.raw[key] for key in _SETTINGS if key in description.raw}
        below = settings.get("config") or {}
        if isinstance(below, dict):
            metas = [part.get("meta") for part in (below, called)]
            merged = {key: value for meta in metas if isinstance(meta, dict) for key, value in meta.items()}
            settings["config"] = {**below, **called} | ({"meta": merged} if merged else {})

        def refuse(problem: str, remedy: str) -> None:
            if description is not None and not called:
                self.problems.add(description.document, description.at, problem, remedy)
            else:
                where = f"{singular.path}:{line_of(singular.text, 'config')}"
                self.problems.found.append((f"{where} {problem}", remedy))

        config = read_config(singular.name, settings, self.names.groups, refuse)
        if config.where is not None:
            refuse(f"gives {singular.name} a where", "write the condition into its SQL")
        if config.on_fail != "block":
            refuse(f"gives {singular.name} `on_fail: {config.on_fail}`, but its rows are those of a query",
                   "write a test of the table to set its rows aside")  # fmt: skip
        if any(threshold.is_share for threshold in config.thresholds):
            refuse(f"gives {singular.name} a share of rows, but nobody knows of how many",
                   "give a number of rows")  # fmt: skip
        return config

    def place_in_line(self, name: str) -> tuple[int, int]:
        """Where a table comes: its stage, and its line in the stage's schema.yml."""
        table = self.tables[name]
        return (STAGES.index(table.schema) if table.schema in STAGES else len(STAGES), table.line)


def _with_tests(table: Table, tests: Sequence[Test]) -> Table:
    """The table with more tests, under names that no other of its tests has."""
    taken = {test.check_name for test in table.checks}
    renamed = []
    for test in tests:
        name = test.check_name
        while name in taken:
            name = f"{name}__singular"
        taken.add(name)
        renamed.append(replace(test, check_name=name))
    return replace(table, tests=(*table.tests, *renamed)) if renamed else table


def _own_documents(
    folders: Sequence[Path], documents: Sequence[Document], problems: Problems
) -> list[Document]:
    """The yml files beside the tests, those apart that were read as a stage's."""
    known = {document.path for document in documents}
    found = []
    paths = (path for place in folders for ending in ("*.yml", "*.yaml") for path in place.rglob(ending))
    for path in sorted(path for path in paths if path not in known):
        try:
            found.append(read_yaml(path))
        except ConfigError as error:
            problems.found.append((error.problem, error.remedy))
    return found


def _described(documents: Sequence[Document], problems: Problems) -> dict[str, _Described]:
    """What is said of each test by its name."""
    found: dict[str, _Described] = {}
    for document in documents:
        listed = document.data.get("data_tests") if isinstance(document.data, dict) else None
        for index, raw in enumerate(listed if isinstance(listed, list) else []):
            at: KeyPath = ("data_tests", index)
            name = raw.get("name") if isinstance(raw, dict) else None
            if not isinstance(name, str):
                problems.add(
                    document, at, "describes a test without its name", "add `name:`, its file's name"
                )
            elif name in found:
                problems.add(document, at, f"describes the test {name} again", "keep one of the two")
            else:
                found[name] = _Described(document, at, raw)
        if listed is not None and not isinstance(listed, list):
            problems.add(document, ("data_tests",), "data_tests is no list", "begin each item with a dash")
    return found


def _project(folder: Path) -> dict[str, Any]:
    """dbt_project.yml; that it is missing, or no mapping, is told by whoever reads the models (warehouse/models/sql_models.py).

    Raises:
        ConfigError: it is no YAML.
    """
    path = folder / "dbt_project.yml"
    data = read_yaml(path).data if path.exists() else None
    return data if isinstance(data, dict) else {}
