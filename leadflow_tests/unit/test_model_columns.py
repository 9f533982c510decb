"""Models held against their contracts without data: each difference is told, with the model and what to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadflow.errors import ModelError
from leadflow.quality.contracts import load_contracts
from leadflow.warehouse.models.model_columns import refuse_other_columns
from leadflow.warehouse.models.model_unit_test_runs import unit_test_connection
from leadflow.warehouse.models.sql_models import load_room

CONTRACTS = {
    "raw/schema.yml": """\
version: 2
sources:
  - name: raw
    tables:
      - name: facts
        description: Facts
        meta: {grain: one row per fact}
        columns:
          - {name: id, data_type: bigint, description: Key}
          - {name: label, data_type: varchar, description: Label}
""",
    "clean/schema.yml": """\
version: 2
models:
  - name: totals
    description: Totals
    meta: {grain: one row per label}
    columns:
      - {name: label, data_type: text, description: Label}
      - {name: Total, data_type: bigint, description: Sum}
""",
}
FROM = "from {{ source('raw', 'facts') }} group by all"


def refuse(folder: Path, sql: str) -> None:
    files = {
        **CONTRACTS,
        "clean/totals.sql": f"-- grain: one row per label\n{sql}",
        "dbt_project.yml": "model-paths: [clean]\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    contracts = load_contracts(folder)
    room = load_room(folder, {("raw", "facts"): "raw.facts"})
    with unit_test_connection() as connection:
        refuse_other_columns(connection, room, contracts)
        assert connection.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]


def test_a_model_that_agrees_with_its_contract_is_let_be(tmp_path: Path) -> None:
    refuse(tmp_path, f"select label, sum(id)::bigint as total {FROM}")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (f"select label, sum(id) as total {FROM}", "the contract of clean.totals differ: total is HUGEINT, not BIGINT: mend"),
        (f"select label, 1 as more, sum(id)::bigint as total {FROM}", "differ: more is not in the contract: mend"),
        (f"select label, sum(id)::bigint as totl {FROM}", "differ: totl is not in the contract, total is not in the select: mend"),
        (f"select label, sum(size)::bigint as total {FROM}", "totals.sql:2: DuckDB refuses the model"),
    ],
)  # fmt: skip
def test_a_model_that_differs_from_its_contract_is_refused(tmp_path: Path, sql: str, said: str) -> None:
    with pytest.raises(ModelError) as refused:
        refuse(tmp_path, sql)
    assert str(tmp_path / "clean" / "totals.sql") in str(refused.value)
    assert said in str(refused.value)
