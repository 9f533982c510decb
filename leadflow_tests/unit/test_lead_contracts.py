"""The frames that clean, identity, enrich and icp make have the columns and types their contracts promise."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import leadflow
from leadflow.clean.records import CLEAN_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS
from leadflow.config_files import read_yaml
from leadflow.enrich.facts import FACT_COLUMNS, FIRMOGRAPHIC_COLUMNS
from leadflow.enrich.providers import PROVIDER_ANSWER_COLUMNS
from leadflow.icp.account_fit import FIT_COLUMNS
from leadflow.icp.profile import SEGMENT_COLUMNS
from leadflow.identity.accounts import ACCOUNT_COLUMNS
from leadflow.identity.duplicate_actions import DUPLICATE_COLUMNS
from leadflow.identity.emails import LEAD_EMAIL_COLUMNS
from leadflow.identity.frames import FRAMES
from leadflow.identity.golden import LEAD_COLUMNS, PROVENANCE_COLUMNS
from leadflow.identity.identity_log import REDIRECT_COLUMNS

_MODELS = Path(leadflow.__file__).parents[1] / "dbt_like_sql"
_TYPES = {
    pl.String(): "varchar",
    pl.Int64(): "bigint",
    pl.UInt64(): "ubigint",
    pl.Float64(): "double",
    pl.Boolean(): "boolean",
    pl.Datetime("us"): "timestamp",
    pl.List(pl.String()): "varchar[]",
    pl.List(pl.Datetime("us")): "timestamp[]",
}


@pytest.mark.parametrize(
    ("stage", "table", "columns"),
    [
        ("clean", "lead_records", RECORD_COLUMNS),
        ("clean", "clean_leads", CLEAN_COLUMNS),
        ("clean", "rejected_leads", REJECTED_COLUMNS),
        *((*table.split("."), columns) for table, columns in FRAMES.items()),
        ("identity", "lead_redirects", REDIRECT_COLUMNS),
        ("identity", "lead_emails", LEAD_EMAIL_COLUMNS),
        ("identity", "leads", LEAD_COLUMNS),
        ("identity", "lead_provenance", PROVENANCE_COLUMNS),
        ("identity", "duplicate_actions", DUPLICATE_COLUMNS),
        ("identity", "accounts", ACCOUNT_COLUMNS),
        ("enrich", "firmographics", FIRMOGRAPHIC_COLUMNS),
        ("enrich", "firmographic_facts", FACT_COLUMNS),
        ("enrich", "provider_answers", PROVIDER_ANSWER_COLUMNS),
        ("icp", "icp_segments", SEGMENT_COLUMNS),
        ("icp", "account_fit", FIT_COLUMNS),
    ],
)
def test_columns_and_types_equal_the_contract(
    stage: str, table: str, columns: dict[str, pl.DataType]
) -> None:
    contract = read_yaml(_MODELS / stage / "schema.yml").data
    tables = {entry["name"]: entry for entry in contract.get("models", [])}
    for source in contract["sources"]:
        assert source["schema"] == stage
        tables |= {entry["name"]: entry for entry in source["tables"]}
    declared = {column["name"]: column["data_type"] for column in tables[table]["columns"]}
    assert list(declared.items()) == [(name, _TYPES[dtype]) for name, dtype in columns.items()]
