"""`from` of a Python-made column: what it may say, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadflow.errors import ContractError
from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.warehouse.models.column_lineage import Origin, declared_origins

HEAD = """\
version: 2
models:
  - name: records
    description: Records
    meta: {grain: one row per record}
    columns:
      - {name: email, data_type: varchar, description: Address}
      - {name: title, data_type: varchar, description: Title}
sources:
  - name: clean
    tables:
      - name: leads
        description: Leads
        meta: {grain: one row per lead}
        columns:
"""


def load(folder: Path, column: str, head: str = HEAD) -> Contracts:
    """Contracts of one file, with one more column on its last line."""
    (folder / "clean").mkdir()
    (folder / "clean" / "schema.yml").write_text(head + column, encoding="utf-8")
    return load_contracts(folder)


def column(said: str) -> str:
    return f"          - {{name: domain, data_type: varchar, description: Domain, {said}}}\n"


@pytest.mark.parametrize(
    ("said", "origin"),
    [
        ("meta: {from: [clean.records.email]}", Origin(("clean.records.email",))),
        ("config: {meta: {from: [clean.records.title, clean.records.email]}}", Origin(("clean.records.email", "clean.records.title"))),
        ("meta: {pii: true, from: [clean.records.*, clean.leads.domain]}", Origin(("clean.leads.domain",), ("clean.records",))),
        ("meta: {from: []}", None),
        ("meta: {unit: days}", None),
    ],
)  # fmt: skip
def test_what_a_column_says_it_is_made_from(tmp_path: Path, said: str, origin: Origin | None) -> None:
    table = load(tmp_path, column(said))["clean.leads"]

    assert declared_origins(table) == ({} if origin is None else {"domain": origin})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("meta: {from: [clean.records.emial]}", "is made from 'clean.records.emial', which is no column of a contract: write 'clean.records.email'."),
        ("meta: {from: [clean.record.email]}", "is made from 'clean.record.email', which is no column of a contract: write 'clean.records.email'."),
        ("meta: {from: [email]}", "is made from 'email', which is no column of a contract: mend the name."),
        ("meta: {from: [clean.records]}", "is made from 'clean.records', which is no column of a contract"),
        ("config: {meta: {from: [raw.nothing.*]}}", "is made from 'raw.nothing.*', which is no column of a contract"),
        ("meta: {from: clean.records.email}", "has a `from` that is no list of columns: write `from: [schema.table.column]`."),
        ("meta: {from: [1]}", "has a `from` that is no list of columns"),
    ],
)  # fmt: skip
def test_a_wrong_source_is_refused_with_its_line(tmp_path: Path, said: str, told: str) -> None:
    with pytest.raises(ContractError) as caught:
        load(tmp_path, column(said))
    assert str(caught.value).startswith(f"{tmp_path}/clean/schema.yml:16 clean.leads.domain {told}")


def test_a_model_says_it_by_its_sql_alone(tmp_path: Path) -> None:
    head = HEAD.replace("description: Title}", "description: Title, meta: {from: [clean.leads.domain]}}")

    with pytest.raises(ContractError, match="which its SQL says already: leave it out") as caught:
        load(tmp_path, column("meta: {}"), head)
    assert f"{tmp_path}/clean/schema.yml:8 clean.records.title" in str(caught.value)
