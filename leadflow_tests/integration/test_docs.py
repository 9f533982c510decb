"""The generated documents are current, and what they say of Python-made tables is what those read."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from leadflow.cli.docs import documents, load_dictionary
from leadflow.definitions import build_defs
from leadflow.quality.contracts import load_contracts
from leadflow.quality.pages.dictionary import Dictionary, by_table
from leadflow.quality.pages.feature_registry import registry_problems
from leadflow.settings import Settings, load_settings
from leadflow.warehouse.models.column_lineage import declared_origins

# Every asset takes the refresh's moment from it, whatever else it is made from.
_MOMENT = "raw.refreshes"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a home that holds nothing."""
    return load_settings(home=tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="module")
def dictionary(settings: Settings) -> Dictionary:
    """What the documents are made of."""
    return load_dictionary(settings)


@pytest.mark.parametrize("path", ["docs/data_dictionary.md", "docs/data_dictionary.html", "docs/features.md"])
def test_a_generated_document_is_current(settings: Settings, dictionary: Dictionary, path: str) -> None:
    committed = (settings.project_dir / path).read_text(encoding="utf-8")

    assert committed == documents(dictionary)[path], f"run `make docs` and commit {path}"


def test_the_documents_say_nothing_of_this_machine(settings: Settings, dictionary: Dictionary) -> None:
    for text in documents(dictionary).values():
        assert str(settings.project_dir) not in text
        assert str(settings.home) not in text


def test_every_feature_is_declared_whole(settings: Settings) -> None:
    """Its meaning, unit and window, and what makes it known; training examples have the very same columns."""
    contracts = load_contracts(settings.sql_dir)
    features = contracts["features.lead_features"]
    assert registry_problems(features) == []
    examples = {column.name: column for column in contracts["features.training_examples"].columns}
    for column in features.columns:
        if column.name != "lead_id":  # of many rows there
            assert examples[column.name] == replace(column, tests=examples[column.name].tests)


def test_what_a_feature_lacks_is_told(settings: Settings) -> None:
    features = load_contracts(settings.sql_dir)["features.lead_features"]
    broken = [
        replace(column, meta={**column.meta, **changes})
        for column, changes in zip(
            [
                column
                for column in features.columns
                if column.name in ("record_count", "page_views_7d", "country")
            ],
            ({"feature": "odd"}, {"unit": None}, {"window": "8 days", "known": "later"}),
            strict=True,
        )
    ]
    assert len(registry_problems(replace(features, columns=tuple(broken)))) == 4


def test_the_lineage_of_every_model_is_found(dictionary: Dictionary) -> None:
    assert {entry.name: entry.problem for entry in dictionary.problems} == {}


def test_every_file_that_makes_a_table_is_there(settings: Settings, dictionary: Dictionary) -> None:
    files = {entry.made.file for entry in dictionary.tables}

    assert {file for file in files if not (settings.project_dir / file).is_file()} == set()


def test_a_python_made_column_comes_from_what_its_asset_reads(settings: Settings) -> None:
    """A `from` may name the inputs of the asset, what the same step writes, and the refresh's moment."""
    definitions = build_defs(home=settings.home)
    graph = definitions.resolve_asset_graph()
    unread = []
    for name, table in load_contracts(settings.sql_dir).items():
        key = dg.AssetKey(name.split("."))
        if table.kind != "source" or not graph.has(key):
            continue
        near = graph.get(key).parent_keys | set(definitions.resolve_assets_def(key).keys)
        read = {".".join(each.path) for each in near} | {_MOMENT}
        for column, origin in declared_origins(table).items():
            tables = {*by_table(origin.columns), *origin.tables}
            unread += [f"{name}.{column} from {other}" for other in sorted(tables - read)]
    assert unread == []
