"""Names that are none, found with few looks: the short way says what the long one says."""

from __future__ import annotations

import datetime as dt

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.company_policy import Companies
from leadflow.identity.company_evidence import keyed_records
from leadflow.text.made_up import is_made_up_company

_WORDS = [
    *(
        "test",
        "asdf",
        "xxx",
        "aaa",
        "abc",
        "test12",
        "123",
        "no",
        "company",
        "the",
        "my",
        "name",
        "john",
        "doe",
    ),
    *("foo", "bar", "mustermann", "gmbh", "acme", "foods", "公司", "测试公司", "tëst", "某"),
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=8)
)
def test_names_that_are_none_are_found_whatever_they_begin_with(names: list[str]) -> None:
    records = pl.DataFrame(
        {"record_key": [f"r{number}" for number in range(len(names))], "company_name": names},
    ).with_columns(
        company_key="company_name",
        company_core_key="company_name",
        own_domain=pl.lit(None, dtype=pl.String),
        country=pl.lit(None, dtype=pl.String),
        known_at=pl.lit(dt.datetime.fromisoformat("2026-01-01")),
    )
    expected = [None if is_made_up_company(name) else name for name in names]
    assert keyed_records(records, Companies())["name"].to_list() == expected
