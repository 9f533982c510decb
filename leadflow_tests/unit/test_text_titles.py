"""How senior a job title is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.text.titles import JOB_FUNCTIONS, SENIORITIES, job_function, seniority

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


_FUNCTIONS = {
    "general_management": ["CEO", "Founder & CEO", "Managing Director", "General Manager", "President", "Owner", "总经理", "董事长", "首席执行官", "CEO兼创始人"],
    "sales": ["Sales Director", "VP Sales & Marketing", "Sales Engineer", "Account Executive", "Business Development Manager", "President, Sales", "Manager, Sales", "CRO", "销售总监", "大客户经理", "销售总经理"],
    "marketing": ["CMO", "Product Marketing Manager", "Head of Brand", "Marketing Operations", "市场部经理", "品牌推广专员", "新媒体运营"],
    "it_engineering": ["CTO", "C.T.O.", "Chief Technology Officer", "IT-Leiter", "Software Engineer", "Head of IT", "Mechanical Engineer", "技术总监", "软件工程师", "IT经理", "首席技术官"],
    "finance": ["CFO", "Chief Financial Officer", "Tax Advisor", "Financial Controller", "财务总监", "会计"],
    "operations": ["COO", "Operations Manager", "Supply Chain Director", "Project Manager", "运营总监", "生产厂长", "项目经理"],
    "hr": ["CHRO", "HR Business Partner", "Talent Acquisition", "Chief People Officer", "人力资源总监", "招聘专员"],
    "procurement": ["Head of Procurement", "Buyer", "Strategic Sourcing", "采购经理"],
    "legal": ["General Counsel", "Compliance Officer", "法务总监", "律师"],
    "product": ["Product Manager", "Product Owner", "CPO", "产品经理"],
    "customer_service": ["Customer Success Manager", "Technical Support", "客服主管", "售后经理"],
    "research": ["Research Scientist", "R&D Manager", "研究员"],
    "administration": ["Assistant to the CFO", "Sales Assistant", "Executive Assistant", "总经理助理", "行政主管"],
    "other": ["Director", "Consultant", "Manager", "经理", "Studentin"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("title", "function"), [(title, function) for function, titles in _FUNCTIONS.items() for title in titles]
)
def test_job_function(title: str, function: str) -> None:
    assert job_function(title) == function


def test_the_last_word_does_not_decide_where_two_say_something_else() -> None:
    assert job_function("Quality Controller") == job_function("Head of Quality Control") == "operations"
    assert job_function("Media Buyer") == "marketing"


@pytest.mark.parametrize("title", [None, "", "n/a", "123", "无"])
def test_no_function_without_a_title(title: str | None) -> None:
    assert job_function(title) is None


@given(st.text(max_size=40))
def test_every_text_has_one_function_or_none(title: str) -> None:
    assert job_function(title) in (*JOB_FUNCTIONS, None)
