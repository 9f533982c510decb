"""WeChat ids: from a field of their own, and from a field for phones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.text.wechat import normalise_wechat, wechat_in_phone, wechat_problem


@pytest.mark.parametrize(
    ("text", "wechat_id"),
    [
        ("Zhang_Wei88", "zhang_wei88"),
        ("\u200bｚｈａｎｇｗｅｉ", "zhangwei"),
        ("wx: zhangwei", "zhangwei"),
        ("微信号：zhang-wei", "zhang-wei"),
        ("WeChat ID: ZhangWei", "zhangwei"),
        ("wxid_a1b2c3d4", "wxid_a1b2c3d4"),
        ("wx123456", "wx123456"),
        ("a" + "b" * 19, "a" + "b" * 19),
        ("a" + "b" * 20, None),
        ("zhang", None),
        ("8zhangwei", None),
        ("zhang.wei", None),
        ("zhang wei", None),
        ("13812345678", None),
        ("n/a", None),
        ("x" * 10_000, None),
        (None, None),
    ],
)
def test_a_field_of_its_own(text: str | None, wechat_id: str | None) -> None:
    assert normalise_wechat(text) == wechat_id


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [
        ("zhangwei", False),
        ("13812345678", False),
        ("+86 138 1234 5678", False),
        ("10001234", False),
        ("微信同号", False),
        ("", False),
        ("-", False),
        (None, False),
        ("zhang", True),
        ("张伟", True),
        ("zhang.wei@north.example", True),
        ("wx: 1", True),
        ("y" * 10_000, True),
    ],
)
def test_what_is_wrong_with_it(text: str | None, is_wrong: bool) -> None:
    assert (wechat_problem(text) is not None) == is_wrong


@pytest.mark.parametrize(
    ("text", "wechat_id"),
    [
        ("wx: zhang_wei", "zhang_wei"),
        ("VX：zhangwei88", "zhangwei88"),
        ("微信zhangwei", "zhangwei"),
        ("13812345678 / 微信 zhangwei", "zhangwei"),
        ("zhangwei88", "zhangwei88"),
        ("private", None),
        ("on request", None),
        ("tel12345678", None),
        ("13812345678 微信同号", None),
        ("+49 30 901820 ext 12", None),
        ("wx: 13812345678", None),
        ("wx: simon.collins", None),
    ],
)
def test_a_field_for_phones(text: str, wechat_id: str | None) -> None:
    assert wechat_in_phone(text) == wechat_id


@given(st.text(max_size=40) | st.from_regex(r"(wx|微信)[: ]{0,2}[A-Za-z0-9_.-]{0,25}", fullmatch=True))
def test_an_id_is_its_own_id_and_no_problem(text: str) -> None:
    found = normalise_wechat(text)
    if found is not None:
        assert normalise_wechat(found) == found
        assert wechat_problem(text) is None
