"""What is derived from a lead record's fields to find and compare it by."""

from __future__ import annotations

import polars as pl
import pytest

from leadflow.clean.derived import IDENTITY_COLUMNS, identity_columns

_FIELDS = ("email", "phone", "wechat_id", "full_name", "company_name", "title", "country")


def _derived(**fields: str | None) -> dict[str, object]:
    frame = pl.DataFrame([fields], schema=dict.fromkeys(_FIELDS, pl.String()))
    return identity_columns(frame).row(0, named=True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"phone": "030 901820", "country": "Germany"}, {"phones": ["+4930901820"]}),
        ({"phone": "030 901820"}, {"phones": None}),
        ({"phone": "+49 30 901820 / +44 7911 123456"}, {"phones": ["+4930901820", "+447911123456"]}),
        ({"phone": "12345678901"}, {"phones": None, "wechat_id": None}),
        ({"phone": "wx: ann_lee"}, {"phones": None, "wechat_id": "ann_lee"}),
        ({"phone": "annlee2024"}, {"phones": None, "wechat_id": "annlee2024"}),
        (
            {"phone": "13812345679 微信 annlee", "country": "CN"},
            {"phones": ["+8613812345679"], "wechat_id": "annlee"},
        ),
        ({"phone": "wx13910820345"}, {"phones": ["+8613910820345"], "wechat_id": None}),
        ({"phone": "13910820345 (微信同号)"}, {"phones": ["+8613910820345"], "wechat_id": None}),
        ({"phone": "wx: ann_lee, 13910820345"}, {"phones": ["+8613910820345"], "wechat_id": "ann_lee"}),
        ({"wechat_id": "Own_Id1", "phone": "wx: other_id"}, {"wechat_id": "own_id1"}),
        ({"wechat_id": "?!", "phone": "wx: other_id"}, {"wechat_id": "other_id"}),
        ({"email": "ann.lee+x@gmail.com"}, {"mailbox": "annlee@gmail.com", "is_role_mail": False}),
        ({"email": "info@north.example"}, {"mailbox": "info@north.example", "is_role_mail": True}),
        ({"email": "ann.lee@googlemail.com"}, {"mailbox": "annlee@gmail.com"}),
        ({"email": "ann.lee+x@north.example"}, {"mailbox": "ann.lee@north.example"}),
        ({"email": "+x@gmail.com"}, {"mailbox": "+x@gmail.com"}),
        ({"email": "info@"}, {"mailbox": None, "is_role_mail": None}),
        (
            {"full_name": "Meyer, Dr. Anna"},
            {"given_name": "anna", "family_name": "meyer", "person_key": "anna meyer"},
        ),
        (
            {"full_name": "王小明"},
            {"given_name": "小明", "family_name": "王", "person_key": "ming wang xiao"},
        ),
        ({"full_name": "Madonna"}, {"given_name": "madonna", "family_name": None, "person_key": "madonna"}),
        ({"full_name": "asdf"}, {"given_name": None, "family_name": None, "person_key": None}),
        ({"full_name": "x" * 10_000}, {"person_key": None}),
        ({"company_name": "ACME Co., Ltd."}, {"company_core_key": "acme"}),
        ({"company_name": "北京纷扬科技有限公司"}, {"company_core_key": "纷扬"}),
        ({"company_name": "公司"}, {"company_core_key": None}),
        ({"company_name": "test"}, {"company_core_key": None}),
        ({"title": "CTO"}, {"job_function": "it_engineering"}),
        ({"title": "Director"}, {"job_function": "other"}),
        ({}, dict.fromkeys(IDENTITY_COLUMNS)),
    ],
)
def test_one_record(fields: dict[str, str | None], expected: dict[str, object]) -> None:
    found = _derived(**fields)
    assert {name: found[name] for name in expected} == expected


def test_rows_stay_in_their_order_and_a_frame_without_wechat_is_enough() -> None:
    given = pl.DataFrame(
        {"key": [3, 1, 2], **{name: ["b", None, "b"] for name in _FIELDS if name != "wechat_id"}},
        schema_overrides=dict.fromkeys(_FIELDS[:2], pl.String()),
    )
    found = identity_columns(given)
    assert found["key"].to_list() == [3, 1, 2]
    assert {name: found.schema[name] for name in IDENTITY_COLUMNS} == IDENTITY_COLUMNS
    none = identity_columns(given.clear())
    assert {name: none.schema[name] for name in IDENTITY_COLUMNS} == IDENTITY_COLUMNS
