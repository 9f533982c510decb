"""The schemas that editors find: current, right about the project's own files, and as strict as they can be.

That they refuse nothing which the loaders take is held by conftest.py beside this file, for every document that a unit test
loads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import test_contract_vocabulary
import test_contracts
import test_policy
import test_rule_policy
import test_sources
from editor_documents import (
    as_an_editor_reads,
    contract_problems,
    policy_problems,
    sources_problems,
)
from homes import REPOSITORY

from leadflow.cli.editor_schemas import TEMPLATES, reference_files, schema_text
from leadflow.cli.main import DEMO_MARK, cli
from leadflow.cli.model_schemas import read_docstring
from leadflow.config_files import read_yaml
from leadflow.errors import ConfigError
from leadflow.quality.contracts import load_contracts
from leadflow.quality.editor_schemas.schema_parts import no_slips, no_slips_of_missing
from leadflow.settings import load_settings

ROOM = REPOSITORY / "dbt_like_sql"
MODELINE = re.compile(r"^# yaml-language-server: \$schema=(\S+)$")
GENERATED = sorted(
    path.relative_to(REPOSITORY).as_posix() for path in reference_files(load_settings(project_dir=REPOSITORY))
)


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_generated_is_current(name: str) -> None:
    texts = reference_files(load_settings(project_dir=REPOSITORY))
    committed = (REPOSITORY / name).read_text(encoding="utf-8")
    assert committed == texts[REPOSITORY / name], f"run `make docs` and commit {name}"


@pytest.mark.parametrize("name", [name for name in GENERATED if name.endswith(".json")])
def test_a_schema_is_one(name: str) -> None:
    schema = json.loads((REPOSITORY / name).read_text(encoding="utf-8"))
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)
    # Editors read patterns as JavaScript does in its strict mode, which knows fewer escapes than Python.
    for pattern in re.findall(r'"pattern": "((?:[^"\\\\]|\\\\.)*)"', json.dumps(schema)):
        assert not re.search(r"\\(?![dDsSwWbB.()\[\]{}*+?^$|/\\])|\(\?[Pi]", json.loads(f'"{pattern}"')), (
            pattern
        )
    # `$ref` alone does not fail where nothing stands at its end.
    for reference in set(re.findall(r'"#/definitions/([^"]+)"', json.dumps(schema))):
        assert reference in schema["definitions"]


# The files of the project, and which schema each names in its first lines.
FILES = [
    *sorted(path for path in ROOM.glob("*/*.yml")),
    TEMPLATES / "sources.yaml",
    TEMPLATES / "policy.yaml",
    *sorted(REPOSITORY.glob("examples/*/*.yaml")),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_a_file_names_its_schema_and_fits_it(path: Path) -> None:
    found = MODELINE.match(path.read_text(encoding="utf-8").splitlines()[0])
    assert found, (
        "begin with `# yaml-language-server: $schema=` and the schema's path, by which editors find it"
    )
    schema = json.loads((path.parent / found[1]).read_text(encoding="utf-8"))
    wrong = list(jsonschema.Draft7Validator(schema).iter_errors(as_an_editor_reads(read_yaml(path).data)))
    assert [error.message[:200] for error in wrong] == []


def test_the_simulators_sources_fit(tmp_path: Path) -> None:
    path = REPOSITORY / "leadflow" / "demo" / "sources.yaml"
    schema = json.loads((TEMPLATES / "schemas" / "sources.schema.json").read_text(encoding="utf-8"))
    assert not list(jsonschema.Draft7Validator(schema).iter_errors(read_yaml(path).data))


def test_init_puts_the_schemas_where_the_files_look_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path))
    outdated = tmp_path / "schemas" / "policy.schema.json"
    outdated.parent.mkdir()
    outdated.write_text("{}")
    cli.main(["init"], standalone_mode=False)
    for name in ("sources.yaml", "policy.yaml"):
        found = MODELINE.match((tmp_path / name).read_text(encoding="utf-8").splitlines()[0])
        assert found
        made = (tmp_path / found[1]).read_text(encoding="utf-8")
        assert made == (TEMPLATES / found[1]).read_text(encoding="utf-8")


def test_the_demos_sources_name_their_schema_after_the_mark() -> None:
    from leadflow.cli.main import demo_sources

    lines = demo_sources(f"{DEMO_MARK} 600 leads", "version: 1\n").splitlines()
    assert lines[0].startswith(DEMO_MARK)
    found = MODELINE.match(lines[1])
    assert found
    assert (TEMPLATES / found[1]).is_file()


# What is wrong in one document, as the loaders' own tests have it.

LOADER_ALONE = (
    # What hangs on other columns, tables or groups than the one at hand.
    "tests the column '", "lists 1, which", "column cannot hold", "which no contract describes", "refers to the column",
    "which is no column of it", "has the column LEAD_ID twice", "is not declared", "has the name of another source",
    "no loaded_at_field", "has a loaded_at_query",
    # What hangs on two values, or on more of a value than its shape.
    "must descend", "must be below hot_above", "ascending", "listed twice", ".nan", ".inf", "finite number", "of too few",
    "keep one of the two", "but no single row fails it", "different numbers of columns",
    "at which counting ends", "found nearly everywhere", "none.txt", "not an e-mail address",
    "must not ascend", "per_day (5) is above", "lower window_days", "no feature webinars_attended_14d", "comes after",
    "several gates", "with country code", "not an IP address or range", "neither a lead record",
    # What reading YAML itself says.
    "is not valid YAML", "repeats the key", "holds an item that is no mapping",
)  # fmt: skip


def cases_of(function: Callable[..., None], folder: str) -> Iterator[Any]:
    """The cases of a loader's test: the test, what it is called with, and the file or folder it writes."""
    (mark,) = (mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize")
    names, cases = mark.args
    for case in cases:
        given = dict(zip(names, case, strict=True))
        said = next(str(given[name]) for name in ("told", "said", "says") if name in given)
        yield pytest.param(function, given, folder, said, id=f"{function.__name__}-{said[:60]}")


WRONG = [
    *cases_of(test_contracts.test_a_wrong_test_is_refused_with_its_line, "contracts"),
    *cases_of(test_contracts.test_a_wrong_table_is_refused_with_its_line, "contracts"),
    *cases_of(test_contract_vocabulary.test_a_wrong_config_is_refused_with_its_line, "contracts"),
    *cases_of(test_contract_vocabulary.test_what_a_test_cannot_take_is_refused_with_its_line, "contracts"),
    *cases_of(test_contract_vocabulary.test_wrong_labels_are_refused_with_their_line, "contracts"),
    *cases_of(test_contract_vocabulary.test_a_wrong_freshness_is_refused_with_its_line, "contracts"),
    *cases_of(test_sources.test_refuses_with_the_line, "sources"),
    *cases_of(test_policy.test_a_wrong_setting_is_refused_with_its_line, "policy"),
    *cases_of(test_rule_policy.test_a_wrong_rule_is_refused_with_its_line, "policy"),
]


@pytest.mark.parametrize(("test", "given", "kind", "said"), WRONG)
def test_what_the_loader_refuses_the_editor_marks(
    tmp_path: Path, test: Callable[..., None], given: dict[str, Any], kind: str, said: str
) -> None:
    test(tmp_path, **given)  # writes the document, and holds that the loader refuses it
    try:
        problems = {
            "contracts": lambda: contract_problems(tmp_path),
            "sources": lambda: sources_problems(tmp_path / "sources.yaml", test_sources.RAW_COLUMNS),
            "policy": lambda: policy_problems(tmp_path / "policy.yaml"),
        }[kind]()
    except ConfigError:
        return  # it is no YAML, as an editor says by itself
    if not any(phrase in said or phrase in str(given) for phrase in LOADER_ALONE):
        assert problems


@pytest.mark.parametrize("phrase", LOADER_ALONE)
def test_what_is_left_to_the_loader_is_refused_by_it(phrase: str) -> None:
    assert any(phrase in case.values[3] or phrase in str(case.values[1]) for case in WRONG), "drop the phrase"


def test_the_loaders_of_the_unit_tests_are_held_against_the_schemas() -> None:
    for loader in (test_contracts.load_contracts, test_sources.load_sources, test_policy.load_policy):
        assert hasattr(loader, "__wrapped__")
    assert load_contracts is test_contracts.load_contracts


@pytest.mark.parametrize("key", ["grain", "natural_key", "pii", "data_tests", "name"])
def test_a_slip_is_what_the_loader_takes_for_one(key: str) -> None:
    """A word one letter away is refused where the loader would ask whether the key is meant, and nowhere else."""
    import difflib

    keys = ("grain", "natural_key", "pii", "data_tests", "name", "tests")
    always = jsonschema.Draft7Validator(no_slips(keys))
    if_missing = jsonschema.Draft7Validator({"allOf": no_slips_of_missing(keys)})
    letters = {
        *(key[:at] + key[at + 1 :] for at in range(len(key))),
        *(key[:at] + letter + key[at:] for at in range(len(key) + 1) for letter in "x_s"),
        *(key[:at] + letter + key[at + 1 :] for at in range(len(key)) for letter in "x_s"),
        *(key[:at] + key[at + 1] + key[at] + key[at + 2 :] for at in range(len(key) - 1)),
    }
    for word in letters - set(keys):
        near = difflib.get_close_matches(word, keys, n=1, cutoff=0.8)
        assert always.is_valid({word: 1}) is not bool(near), word
        assert if_missing.is_valid({word: 1}) is not bool(near), word
        if near == [key]:
            assert if_missing.is_valid({word: 1, **dict.fromkeys(keys, 1)}), word


def test_attributes_of_a_docstring() -> None:
    text = """Points for one fact.

    Text is compared.

    Attributes:
        name: snake_case, unique: within
            the policy.
        low, high: both ends.
    """
    assert read_docstring(text) == (
        "Points for one fact. Text is compared.",
        {"name": "snake_case, unique: within the policy.", "low": "both ends.", "high": "both ends."},
    )


def test_every_setting_is_described() -> None:
    for name in ("sources", "policy"):
        path = TEMPLATES / "schemas" / f"{name}.schema.json"
        schema = json.loads(path.read_text(encoding="utf-8"))
        parts = [schema, *(part for part in schema["definitions"].values() if "properties" in part)]
        bare = [
            key
            for part in parts
            for key, setting in part["properties"].items()
            if not setting.get("description")
        ]
        assert bare == [], f"describe them under `Attributes:` in the docstring of the model of {name}.yaml"


def test_the_text_of_a_schema_is_json() -> None:
    schema = {"title": "Größe", "properties": {"a": {}, "b": {"type": "string"}}, "definitions": {}}
    assert json.loads(schema_text(schema)) == schema
