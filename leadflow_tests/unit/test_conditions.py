"""Conditions and queries of tests are read by DuckDB before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadflow.errors import ContractError
from leadflow.quality.contracts import load_contracts
from leadflow.warehouse.conditions import refuse_wrong_conditions

CONTRACT = """version: 2
sources:
  - name: raw
    tables:
      - name: deals
        description: Deals.
        meta: {grain: one row per deal}
        columns:
          - {name: deal_id, data_type: bigint, description: Its key}
          - {name: stage, data_type: varchar, description: Its stage}
        data_tests:
          - TEST
"""


def refuse(folder: Path, test: str, macro: str = "") -> None:
    """Read a contract whose one test is given, and have DuckDB read what it holds."""
    room = folder / "dbt_like_sql"
    (room / "raw").mkdir(parents=True)
    (room / "raw" / "schema.yml").write_text(CONTRACT.replace("TEST", test), encoding="utf-8")
    if macro:
        (room / "macros").mkdir()
        (room / "macros" / "own.sql").write_text(macro, encoding="utf-8")
    refuse_wrong_conditions(load_contracts(room))


@pytest.mark.parametrize(
    "where", ["deal_id > 0 and stage = 'won'", "length(stage) > 2 -- a comment", "stage in (select 'won')"]
)
def test_a_condition_over_the_columns_is_taken(tmp_path, where):
    refuse(tmp_path, f'not_null: {{column_name: stage, config: {{where: "{where}"}}}}')


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("stage_oder = 3", "stage_oder"),
        ("stage = ", "syntax error"),
        ("sum(deal_id) > 1", "aggregate"),
        ("no_such(stage)", "no_such"),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused_by_its_line(tmp_path, where, reason):
    with pytest.raises(ContractError, match=rf"schema\.yml:12 test not_null of raw\.deals .*{reason}"):
        refuse(tmp_path, f'not_null: {{column_name: stage, config: {{where: "{where}"}}}}')


def test_a_test_of_the_project_is_read_too(tmp_path):
    sound = "{% test own(model) %}select * from {{ model }} where deal_id < 0{% endtest %}"
    refuse(tmp_path / "sound", "own", sound)
    with pytest.raises(ContractError, match=r"schema\.yml:12 test own of raw\.deals .*amount"):
        refuse(tmp_path / "wrong", "own", sound.replace("deal_id", "amount"))
