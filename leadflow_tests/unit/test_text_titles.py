"""How senior a job title is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.text.titles import SENIORITIES, seniority

_BANDS = {
    "c_level": [
        "CEO", "ceo", "ＣＥＯ", "C.E.O.", "CTO", "Chief Marketing Officer", "Chief Revenue & Growth Officer", "Chief Executive",
        "President & CEO", "VP of Engineering / CTO", "Founder", "Co-Founder", "Owner", "Business Owner", "Chairman",
        "总经理", "董事长", "总裁", "首席技术官", "创始人", "联合创始人兼CTO", "副总裁兼首席运营官",
    ],
    "director": [
        "Director", "director of sales", "Managing Director", "Vice President", "Vice-President", "V.P. Sales", "SVP",
        "Assistant Vice President", "President", "Head of Data", "Partner", "Managing Partner, Tax", "Partner at Acme",
        "Chief of Staff", "Chief Architect", "Vice Chairman", "Director, Office of the CEO", "Sales Manager / Director",
        "总监", "副总监", "副总裁", "执行副总裁", "副总经理", "副总", "首席架构师", "销售总监/合伙人", "助理总裁", "董事会秘书",
    ],
    "manager": [
        "Manager", "Product Manager", "General Manager", "Assistant Manager", "Partner Manager", "CEO Office Manager", "Team Lead",
        "Shift Supervisor", "经理", "产品经理", "客户经理", "主管", "办公室主任", "助理经理",
    ],
    "individual": [
        "Engineer", "Assistant to the CEO", "Executive Assistant to the Chief Financial Officer", "CEO Assistant", "EA to CTO",
        "Product Owner", "HR Business Partner", "Sector Analyst", "Management Consultant", "Doctor", "Coordinator", "Headhunter",
        "工程师", "总经理助理", "总裁秘书", "CEO助理", "销售代表",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("title", "band"), [(title, band) for band, titles in _BANDS.items() for title in titles]
)
def test_seniority(title: str, band: str) -> None:
    assert seniority(title) == band


@pytest.mark.parametrize("title", [None, "", "  ", "n/a", "-", "123", "???", "无"])
def test_no_title(title: str | None) -> None:
    assert seniority(title) is None


@given(st.text(max_size=40))
def test_every_text_has_one_band_or_none(title: str) -> None:
    assert seniority(title) in (*SENIORITIES, None)


_PLAIN_TITLES = [
    title
    for titles in _BANDS.values()
    for title in titles
    if title.isascii() and title.replace(" ", "").isalpha()
]


@given(st.sampled_from(_PLAIN_TITLES), st.sampled_from(_PLAIN_TITLES))
def test_of_two_titles_the_higher_band_counts(one: str, other: str) -> None:
    bands = {seniority(one), seniority(other)}
    assert seniority(f"{one}, {other}") == next(band for band in SENIORITIES if band in bands)
