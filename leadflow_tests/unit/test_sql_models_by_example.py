"""The unit tests that the SQL room declares in its unit_tests.yml files, each as one test; dbt runs the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from homes import REPOSITORY

from leadflow.definitions import build_room
from leadflow.quality.contracts import load_contracts
from leadflow.settings import load_settings
from leadflow.warehouse.models.model_unit_test_files import find_declarations
from leadflow.warehouse.models.model_unit_test_runs import run_unit_test, unit_test_connection
from leadflow.warehouse.models.model_unit_tests import UnitTest, load_unit_tests
from leadflow.warehouse.models.sql_models import SqlRoom

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NAMES = [declaration.id for declaration in find_declarations(REPOSITORY / "dbt_like_sql")]


@pytest.fixture(scope="module")
def room() -> SqlRoom:
    settings = load_settings()
    return build_room(settings, load_contracts(settings.sql_dir))


@pytest.fixture(scope="module")
def tests(room: SqlRoom) -> dict[str, UnitTest]:
    folder = load_settings().sql_dir
    return {test.id: test for test in load_unit_tests(folder, load_contracts(folder), room)}


@pytest.fixture(scope="module")
def connection() -> Iterator[DuckDBPyConnection]:
    with unit_test_connection() as connection:
        yield connection


@pytest.mark.parametrize("name", NAMES)
def test_model(name: str, room: SqlRoom, tests: dict[str, UnitTest], connection: DuckDBPyConnection) -> None:
    test = tests[name]
    if not test.is_enabled:
        pytest.skip("the unit test is not enabled")
    outcome = run_unit_test(connection, room, test)
    assert outcome.is_passed, outcome.error()


def test_every_model_has_a_unit_test(room: SqlRoom, tests: dict[str, UnitTest]) -> None:
    tested = {test.model.table for test in tests.values() if test.is_enabled}
    assert sorted(room.models.keys() - tested) == []
