"""Every test that schema.yml may name, run on a real DuckDB: one case that passes and one that fails.

What is run is a contract as a person writes it: tests of a column below the column, the others at the table, a query of
its own in tests/. The cases are those of leadflow/quality/checking/probes.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from homes import REPOSITORY

from leadflow.errors import ContractError
from leadflow.quality.checking.probes import FRESHNESS_PROBES, PROBE_AS_OF, PROBE_SQL, SINGULAR_PROBES
from leadflow.quality.checking.results import CheckResult
from leadflow.quality.checking.runner import check_table
from leadflow.quality.checking.supported_tests import SupportedTest, entry_of, refused_tests, supported_tests
from leadflow.quality.contract.catalogue import load_catalogue
from leadflow.quality.contract.macro_tests import find_macro_tests
from leadflow.quality.contract.own_tests import own_tests
from leadflow.quality.contracts import load_contracts
from leadflow.warehouse.connection import Warehouse

MACROS = REPOSITORY / "dbt_like_sql" / "macros"
SUPPORTED = {test.name: test for test in supported_tests(find_macro_tests(MACROS))}
WAYS = ("passing", "failing")
TYPES = {
    **dict.fromkeys(("id", "copy_id", "next_id", "triple"), "integer"),
    **dict.fromkeys(("code", "day", "payload"), "varchar"),
    **{"amount": "double", "seen_at": "timestamp", "is_open": "boolean"},
}
ORDER = ("id", "amount", "code", "day", "payload", "copy_id", "next_id", "triple", "seen_at", "is_open")
"""Columns of the probe table in their order."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """A read-only engine on a file with the probe tables."""
    warehouse = Warehouse(tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb", threads=1)
    with warehouse.connect() as connection:
        connection.execute(PROBE_SQL)
    with warehouse.sqlalchemy_engine() as made:
        yield made


def case_of(test: SupportedTest, way: str) -> Mapping[str, Any]:
    case = test.passing if way == "passing" else test.failing
    assert case is not None, f"write a case of {test.name} that passes, and one that fails, in probes.py"
    return case


def stands_at_table(test: SupportedTest, case: Mapping[str, Any]) -> bool:
    return test.about != "column" or case["column"] not in TYPES


def facts(
    at_table: list[Any], below: Mapping[str, list[Any]], types: Mapping[str, str] = TYPES
) -> dict[str, Any]:
    """The probe table's contract with these tests."""
    columns = [
        {"name": name, "data_type": types[name], "description": "probed", "data_tests": below.get(name, [])}
        for name in ORDER
    ]
    return {
        "name": "facts",
        "description": "Probed",
        "meta": {"grain": "one row per id", "natural_key": ["id"]},
        "data_tests": at_table,
        "columns": columns,
    }


def room_with(folder: Path, table: Mapping[str, Any]) -> Path:
    """A SQL room with the project's own tests, a contract of the probe tables, and no model."""
    shutil.copytree(MACROS, folder / "macros")
    (folder / "probes").mkdir()
    others = [
        {
            "name": name,
            "description": "Other",
            "meta": {"grain": "one row per id"},
            "columns": [{"name": "id", "data_type": "integer", "description": "Key"}],
        }
        for name in ("same_size", "other_size")
    ]
    document = {"version": 2, "sources": [{"name": "probes", "tables": [*others, table]}]}
    # JSON is YAML; moments are written as text, which an expectation takes too.
    (folder / "probes" / "schema.yml").write_text(json.dumps(document, default=str))
    return folder


def checked(engine: sa.Engine, folder: Path) -> dict[str, CheckResult]:
    """Results of the probe table's contract by check name."""
    table = load_contracts(folder)["probes.facts"]
    return {
        result.check_name: result
        for result in check_table(engine, table, variables={"as_of": PROBE_AS_OF}, sample_rows=3)
    }


@pytest.fixture(scope="module")
def probed(engine: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CheckResult]:
    """Results of every test both ways, as name__passing and name__failing, from one run of one contract."""
    at_table: list[Any] = []
    below: dict[str, list[Any]] = {}
    for test in SUPPORTED.values():
        for way in WAYS if test.passing is not None else ():
            case = case_of(test, way)
            is_at_table = stands_at_table(test, case)
            entry = entry_of(test, case, at_table=is_at_table)
            settings = entry[test.name] if isinstance(entry, dict) else {}
            place = at_table if is_at_table else below.setdefault(case["column"], [])
            place.append({test.name: {**settings, "name": f"{test.name}__{way}"}})
    room = room_with(tmp_path_factory.mktemp("room"), facts(at_table, below))
    (room / "tests").mkdir()
    for way, sql in zip(WAYS, SINGULAR_PROBES, strict=True):
        (room / "tests" / f"a_query__{way}.sql").write_text(sql)
    return checked(engine, room)


@pytest.mark.parametrize("name", SUPPORTED)
def test_it_passes_and_fails_as_it_should(probed: Mapping[str, CheckResult], name: str) -> None:
    for way in WAYS:
        case_of(SUPPORTED[name], way)
    passing, failing = (probed[f"{name}__{way}"] for way in WAYS)
    assert (passing.error, failing.error) == (None, None)
    assert (passing.is_passed, failing.is_passed) == (True, False)
    assert (failing.severity, failing.is_blocking) == ("error", True)
    if SUPPORTED[name].is_row_wise:
        assert failing.failing_rows
        assert failing.sample
    else:
        assert failing.failing_rows is None


def test_a_query_of_its_own_passes_and_fails_as_it_should(probed: Mapping[str, CheckResult]) -> None:
    passing, failing = (probed[f"a_query__{way}"] for way in WAYS)
    assert (passing.error, passing.is_passed, passing.failing_rows) == (None, True, 0)
    assert (failing.error, failing.is_passed, failing.failing_rows) == (None, False, 1)


@pytest.mark.parametrize(("way", "declared"), list(zip(WAYS, FRESHNESS_PROBES, strict=True)))
def test_freshness_passes_and_fails_as_it_should(
    engine: sa.Engine, tmp_path: Path, way: str, declared: Mapping[str, Any]
) -> None:
    result = checked(engine, room_with(tmp_path, facts([], {}) | declared))["source_freshness"]
    assert (result.error, result.is_passed) == (None, way == "passing")


@pytest.mark.parametrize(("way", "types"), [("passing", {}), ("failing", {"amount": "varchar"})])
def test_the_columns_pass_and_fail_as_they_should(
    engine: sa.Engine, tmp_path: Path, way: str, types: Mapping[str, str]
) -> None:
    room = room_with(tmp_path, facts([], {}, {**TYPES, **types}))
    result = checked(engine, room)["columns_match_contract"]
    assert (result.error, result.is_passed) == (None, way == "passing")


def test_the_list_holds_every_name_that_is_accepted() -> None:
    runnable = {name for name, each in load_catalogue().items() if each.runs != "unsupported"}
    assert set(SUPPORTED) == {*own_tests(), *runnable, *find_macro_tests(MACROS)}
    assert not set(SUPPORTED) & set(refused_tests())
    assert set(load_catalogue()) <= {*SUPPORTED, *refused_tests()}


@pytest.mark.parametrize("name", sorted(refused_tests()))
def test_a_refused_name_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    room = room_with(tmp_path, facts([{name: {"column_name": "code"}}], {}))
    with pytest.raises(ContractError) as caught:
        load_contracts(room)
    assert f"names {name}, which cannot run on DuckDB ({refused_tests()[name]})" in str(caught.value)


def test_the_list_says_what_may_set_rows_aside(tmp_path: Path) -> None:
    quarantine = {"config": {"meta": {"on_fail": "quarantine"}}}
    entries = []
    for test in SUPPORTED.values():
        case = {key: value for key, value in case_of(test, "failing").items() if key != "mostly"}
        case = {**case, "column": "id"} if "column" in case else case
        entry = entry_of(test, case, at_table=True)
        settings = entry[test.name] if isinstance(entry, dict) else {}
        entries.append({test.name: {**settings, **quarantine}})
    with pytest.raises(ContractError) as caught:
        load_contracts(room_with(tmp_path, facts(entries, {})))
    refused = {
        name
        for name in SUPPORTED
        if f" gives {name} `on_fail: quarantine`, but the test " in str(caught.value)
    }
    assert refused == {name for name, test in SUPPORTED.items() if test.no_quarantine is not None}
