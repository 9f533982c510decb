"""Lead records: normalised, or rejected with a reason, and never lost."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from leadflow.clean.records import CLEAN_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS, check_lead_records

_NOON = dt.datetime(2025, 3, 1, 12)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse


def _records(*rows: dict[str, object]) -> pl.DataFrame:
    basis = {
        "record_key": "mql:1",
        "raw_table": "mql",
        "record_id": "1",
        "occurred_at": _NOON,
        "known_at": _NOON,
        "source_name": "forms",
    }
    numbered = ({**basis, "record_key": f"mql:{at}", "record_id": str(at)} for at in range(1, len(rows) + 1))
    return pl.DataFrame(
        [{**numbers, **row} for numbers, row in zip(numbered, rows, strict=True)], schema=RECORD_COLUMNS
    )


def _clean_one(**row: object) -> dict[str, object]:
    return check_lead_records(_records(row)).clean.row(0, named=True)


def test_a_record_is_normalised_and_told_apart() -> None:
    clean = _clean_one(
        email=" Jane@ACME.com ",
        full_name=" Jane  Doe ",
        company_name="ACME Co., Ltd. ",
        title="Sales Director",
        phone=" 010 ",
    )
    assert clean["email"] == "jane@acme.com"
    assert clean["email_domain"] == "acme.com"
    assert (clean["is_free_mail"], clean["is_disposable_mail"]) == (False, False)
    assert clean["full_name"] == "Jane  Doe"
    assert clean["company_name"] == "ACME Co., Ltd."
    assert clean["company_key"] == "acme"
    assert clean["seniority"] == "director"
    assert clean["phone"] == "010"
    assert (clean["occurred_at"], clean["known_at"], clean["source_name"]) == (_NOON, _NOON, "forms")


@pytest.mark.parametrize(
    ("column", "given_text", "expected"),
    [
        ("email", "n/a", None),
        ("phone", "-", None),
        ("full_name", "N/A", None),
        ("company_name", "Unknown", None),
        ("title", " ", None),
        ("country", "NA", "NA"),  # Namibia
        ("country", "", None),
        ("channel", "none", "none"),
        ("campaign", " \u3000", None),
        ("landing_page", "unknown", "unknown"),
    ],
)
def test_what_counts_as_absent(column: str, given_text: str, expected: str | None) -> None:
    assert _clean_one(**{column: given_text})[column] == expected


def test_without_an_address_nothing_is_said_about_its_domain() -> None:
    clean = _clean_one(email=None, company_name="Sohu")
    assert [clean[name] for name in ("email", "email_domain", "is_free_mail", "is_disposable_mail")] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ("email", "company_name", "is_free", "is_disposable"),
    [
        ("a@gmail.com", "Acme", True, False),
        ("a@mailinator.com", "Acme", False, True),
        ("a@acme.com", None, False, False),
        ("a@sohu.com", None, True, False),
        ("a@sohu.com", "Acme", True, False),
        ("a@sohu.com", "Sohu.com Ltd", False, False),
    ],
)
def test_mail_flags(email: str, company_name: str | None, is_free: bool, is_disposable: bool) -> None:
    clean = _clean_one(email=email, company_name=company_name)
    assert (clean["is_free_mail"], clean["is_disposable_mail"]) == (is_free, is_disposable)


def test_a_wrong_address_is_rejected_with_reason_and_the_row_as_given() -> None:
    checked = check_lead_records(
        _records({"email": " Jane@@ACME "}, {"email": "joe@acme.com"}, {"email": None})
    )
    assert checked.clean["record_key"].to_list() == ["mql:2", "mql:3"]
    rejected = checked.rejected.row(0, named=True)
    assert (rejected["record_key"], rejected["rule"]) == ("mql:1", "email_invalid")
    assert "@" in str(rejected["reason"])
    assert "jane" not in str(rejected["reason"]).lower()
    assert json.loads(str(rejected["row"]))["email"] == " Jane@@ACME "
    assert set(json.loads(str(rejected["row"]))) == set(RECORD_COLUMNS)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from([None, "", "a@b.com", "A@b.com ", "bad", "x@mailinator.com", "é@ö.de"]), max_size=8
    ),
    st.randoms(),
)
def test_every_record_comes_out_once_in_key_order_whatever_the_order(
    emails: list[str | None], random: object
) -> None:
    records = (
        _records(*({"email": email} for email in emails)) if emails else pl.DataFrame(schema=RECORD_COLUMNS)
    )
    checked = check_lead_records(records)
    keys = [*checked.clean["record_key"], *checked.rejected["record_key"]]
    assert sorted(keys) == sorted(records["record_key"])
    assert checked.clean["record_key"].is_sorted()
    assert checked.rejected["record_key"].is_sorted()
    assert checked.clean.schema == pl.Schema(CLEAN_COLUMNS)
    assert checked.rejected.schema == pl.Schema(REJECTED_COLUMNS)
    order = list(range(records.height))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = check_lead_records(records[order])
    assert_frame_equal(shuffled.clean, checked.clean)
    assert_frame_equal(shuffled.rejected, checked.rejected)


def test_cleaning_clean_records_changes_nothing() -> None:
    records = _records({"email": " A@B.com", "title": " CEO ", "company_name": "n/a"}, {"full_name": " Jo"})
    clean = check_lead_records(records).clean
    assert_frame_equal(check_lead_records(clean).clean, clean)
