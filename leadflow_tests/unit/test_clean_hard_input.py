"""Lead records that no form should let through: each goes to one of the two tables, and one field spoils no other."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from leadflow.clean import derived
from leadflow.clean.records import CLEAN_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS, check_lead_records
from leadflow.text import company_columns, email_columns
from leadflow.text.titles import job_function, seniority

_NOON = dt.datetime(2025, 3, 1, 12)  # noqa: DTZ001 -- timestamps are UTC without a zone, as in the warehouse
_GIVEN = ("email", "phone", "wechat_id", "full_name", "company_name", "title", "country", "ip_address")
_DERIVED = ("phones", "wechat_id", "mailbox", "given_name", "family_name", "person_key", "company_core_key")
_RIGHT = {
    "email": "ann.lee@north.example",
    "phone": "+49 30 901820",
    "wechat_id": "ann_lee24",
    "full_name": "Ann Lee",
    "company_name": "North AG",
    "title": "CTO",
    "country": "Germany",
    "ip_address": "198.51.100.7",
}


def _records(*rows: dict[str, str]) -> pl.DataFrame:
    same = {"raw_table": "mql", "occurred_at": _NOON, "known_at": _NOON, "source_name": "forms"}
    return pl.DataFrame(
        [{"record_key": f"mql:{at:07}", "record_id": str(at), **same, **row} for at, row in enumerate(rows)],
        schema=RECORD_COLUMNS,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u200b",
        "\u200b \ufeff",
        "\u00a0",
        "🚀",
        "👨‍👩‍👧" * 100,
        "x" * 10_000,
        "北" * 10_000,
        "1" * 10_000,
        "a@" * 5_000,
        "+49 30 901820 / " * 700,
        "chief " * 1_700,
        "a" + "\u0301" * 9_999,
        "有限公司" * 2_500,
        "(" * 10_000,
        "\ufdfa" * 500,  # one letter that NFKC makes eighteen of
        "\x00",
        "\x1f",
        "\x1fDE",
    ],
    ids=range(20),
)
@pytest.mark.parametrize("field", _GIVEN)
def test_one_field_spoils_no_other(field: str, text: str) -> None:
    expected = check_lead_records(_records(_RIGHT)).clean.row(0, named=True)
    checked = check_lead_records(_records({**_RIGHT, field: text}))
    assert dict(checked.clean.schema) == CLEAN_COLUMNS
    assert dict(checked.rejected.schema) == REJECTED_COLUMNS
    assert len(checked.clean) + len(checked.rejected) == 1
    of_field = {
        "email": {"mailbox"},
        "phone": {"phones"},
        "wechat_id": {"wechat_id"},
        "full_name": {"given_name", "family_name", "person_key"},
        "company_name": {"company_core_key"},
    }.get(field, set())
    for row in checked.clean.iter_rows(named=True):
        for name in set(_DERIVED) - of_field:
            assert row[name] == expected[name], name


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u200b \ufeff", "🚀"])
def test_what_says_nothing_is_nothing_to_be_found_by(text: str) -> None:
    checked = check_lead_records(_records(dict.fromkeys(_GIVEN, text)))
    for row in checked.clean.iter_rows(named=True):
        assert {name: row[name] for name in _DERIVED} == dict.fromkeys(_DERIVED)


def test_a_zero_width_character_makes_no_other_person() -> None:
    hidden = {name: f"\u200b{value[:2]}\u200b{value[2:]}\ufeff" for name, value in _RIGHT.items()}
    plain, other = check_lead_records(_records(_RIGHT, hidden)).clean.iter_rows(named=True)
    names = ("email", "company_key", "seniority", "job_function", *_DERIVED)
    assert {name: other[name] for name in names} == {name: plain[name] for name in names}


def test_a_value_on_very_many_records_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()
    for module, name in (
        (email_columns, "_read_address"),
        (email_columns, "is_role_address"),
        (derived, "_of_phone"),
        (company_columns, "is_made_up_company"),
        (company_columns, "company_key"),
        (derived, "job_function"),
    ):
        read = getattr(module, name)

        def counted(text: str, name: str = name, read: object = read) -> object:
            calls[name] += 1
            assert callable(read)
            return read(text)

        monkeypatch.setattr(module, name, counted)
    shared = {
        **_RIGHT,
        "phone": "030 901820",
        "email": "info@north.example",
        "company_name": "公司",
        "full_name": "n/a",
    }
    many = [{**shared, "record_id": str(at)} for at in range(50_000)]
    checked = check_lead_records(_records(*many))
    assert calls == {
        "is_role_address": 1,  # the rest of the address is read by the column
        "_of_phone": 1,
        "is_made_up_company": 1,
        "company_key": 1,
        "job_function": 1,
    }
    assert len(checked.clean) == 50_000
    told = checked.clean.select("mailbox", "is_role_mail", "person_key", "company_core_key", "contact_flags")
    assert told.unique().rows() == [
        ("info@north.example", True, None, None, ["company_implausible", "role_mail"])
    ]


def test_a_record_is_the_same_among_others_and_alone() -> None:
    rows = [{**_RIGHT, field: text} for field in _GIVEN for text in ("", "🚀", "公司", "n/a", "x" * 10_000)]
    together = check_lead_records(_records(*rows))
    alone = [check_lead_records(_records(*rows).slice(at, 1)) for at in range(len(rows))]
    assert_frame_equal(together.clean, pl.concat([each.clean for each in alone]))
    assert_frame_equal(together.rejected, pl.concat([each.rejected for each in alone]))


def test_of_a_title_only_the_beginning_is_read() -> None:
    for text in ("CTO" + " of it" * 2_000, "CTO" + "\ufdfa" * 3_000):
        assert (seniority(text), job_function(text)) == ("c_level", "it_engineering")
    assert seniority("x " * 5_000 + "CEO") == "individual"
