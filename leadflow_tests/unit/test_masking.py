"""Masking, in Python and in DuckDB's SQL."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.quality.masking import kind_of, mask, mask_sql

CASES = [
    ("email", "ann.lee@example.com", "a***@example.com"),
    ("work_email", "a@b.de", "a***@b.de"),
    ("email", "not an address", "***"),
    ("email", "two@at@signs", "***"),
    ("email", "@example.com", "***"),
    ("email", "", "***"),
    ("phone", "+49 (171) 123-45 67", "***67"),
    ("mobile_phone", 8613812345678, "***78"),
    ("phone", "12345", "***"),
    ("phone", "call me", "***"),
    ("full_name", "  Zoë Ray", "Z***"),
    ("full_name", "李雷", "李***"),
    ("full_name", "", "***"),
    ("ip_address", "10.0.0.1", "***"),
    ("value", 12.5, "***"),
    ("row", "", "***"),
    ("email", None, None),
    ("phone", None, None),
    ("full_name", None, None),
    ("ip_address", None, None),
]


@pytest.mark.parametrize(("column", "value", "masked"), CASES)
def test_mask(column, value, masked):
    assert mask(value, column) == masked


@pytest.mark.parametrize(("column", "value", "masked"), CASES)
def test_sql_masks_alike(column, value, masked):
    assert in_sql(value, column) == masked


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("Email", "email"),
        ("e_mail_address", "email"),
        ("fax", "phone"),
        ("first_name", "name"),
        ("username", "other"),
        ("emailed_at", "other"),
    ],
)
def test_kind_of(column, kind):
    assert kind_of(column) == kind


def in_sql(value: object, column: str) -> object:
    with duckdb.connect() as connection:
        return connection.execute(
            f'select {mask_sql(column)} from (select ? as "{column}")', [value]
        ).fetchone()[0]


@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
        | st.from_regex(r"[a-z. ]{0,3}@[a-z\n]{0,3}", fullmatch=True)
        | st.from_regex(r"\+?[0-9٠ -]{0,12}", fullmatch=True),
        max_size=20,
    ),
    column=st.sampled_from(["email", "phone", "full_name", "ip_address"]),
)
@settings(max_examples=60, deadline=None)
def test_python_and_sql_agree(texts, column):
    with duckdb.connect() as connection:
        connection.execute(f"create table people ({column} varchar, place integer)")
        for place, text in enumerate(texts):
            connection.execute("insert into people values (?, ?)", [text, place])
        masked = connection.execute(f"select {mask_sql(column)} from people order by place").fetchall()
    assert [value for (value,) in masked] == [mask(text, column) for text in texts]
