"""One key for the spellings of one company."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadflow.text.companies import company_key


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ACME Co., Ltd.", "acme"),
        ("The Acme Company", "acme"),
        ("Acme, Inc.", "acme"),
        ("Acme L.L.C.", "acme"),
        ("Acme Pty. Ltd", "acme"),
        ("Acme P/L", "acme"),
        ("Acme (P) Ltd", "acme"),
        ("Acme Aktiengesellschaft", "acme"),
        ("Acme Besloten Vennootschap", "acme"),
        ("北京启晟软件Co., Ltd.", "北京启晟软件"),
        ("Acme Pvt Ltd.", "acme"),
        ("Acme Sdn. Bhd.", "acme"),
        ("Acme (Pty) Ltd", "acme"),
        ("Müller GmbH & Co. KG", "muller"),
        ("Nestlé S.A.", "nestle"),
        ("Foo S. p. A.", "foo"),
        ("Foo S.à r.l.", "foo"),
        ("Beliso Sp. z o.o.", "beliso"),
        ("Pretzl spol. s r.o.", "pretzl"),
        ("Novo Nordisk A/S", "novo nordisk"),
        ("AB Volvo", "volvo"),
        ("Grupo Bimbo, S.A.B. de C.V.", "grupo bimbo"),
        ("PT Telkom Indonesia (Persero) Tbk", "telkom indonesia"),
        ("ООО «Ромашка»", "ромашка"),
        ("阿里巴巴集团控股有限公司", "阿里巴巴"),
        ("上海复星高科技（集团）有限公司", "上海复星高科技"),
        ("河南省 超市管理 有限公司", "河南省超市管理"),
        ("招商银行股份有限公司", "招商银行"),
        ("トヨタ自動車株式会社", "トヨタ自動車"),
        ("㈱日立", "日立"),
        ("주식회사 카카오", "카카오"),
        ("Johnson & Johnson", "johnson and johnson"),
        ("Tiffany & Co.", "tiffany"),
        ("J. P. Morgan", "jp morgan"),
        ("U.S. Steel Corp.", "us steel"),
        ("Macy's", "macys"),
        ("Amy-Mary, llc", "amy mary"),
        ("Ａｃｍｅ　Ｌｔｄ", "acme"),
        ("3M", "3m"),
        ("SAS Institute Inc.", "sas institute"),
        ("SAS", "sas"),
    ],
)
def test_company_key(name: str, expected: str) -> None:
    assert company_key(name) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Group", "Acme"),
        ("Costco", "Cost"),
        ("Incorporate Labs", "Labs"),
        ("招商银行深圳分公司", "招商银行深圳"),
        ("Acme China Ltd", "Acme Ltd"),
    ],
)
def test_different_names_keep_different_keys(one: str, other: str) -> None:
    assert company_key(one) != company_key(other)


@pytest.mark.parametrize(
    "name",
    ["", " ", "n/a", "N/A", "-", "???", "none", "Unknown", "Ltd", "Company", "The Company", "Co., Ltd.", "公司", "有限公司",
     "集团", "株式会社", "self-employed", "Freelance", "个人", "无", None],
)  # fmt: skip
def test_no_company(name: str | None) -> None:
    assert company_key(name) is None


def test_a_page_pasted_into_the_field_is_no_company() -> None:
    assert company_key("ltd " * 3_000) is None
    assert company_key("漢語出版社") == company_key("汉语出版社")


_PIECES = [
    "the",
    "a",
    "b",
    "&",
    "co.",
    "ltd",
    "gmbh",
    "sa",
    "sas",
    "公司",
    "集团",
    "acme",
    "有限",
    "and",
    "s.a.",
    "(株)",
]


@settings(max_examples=300)
@given(st.text(max_size=30) | st.lists(st.sampled_from(_PIECES)).map(" ".join))
@example("SAS SAS")
@example("İstanbul A.Ş.")
@example("ͅ")
def test_company_key_is_idempotent(name: str) -> None:
    once = company_key(name)
    assert company_key(once) == once
    assert once != ""


@given(
    st.sampled_from(["acme", "müller", "华为", "johnson & johnson"]),
    st.sampled_from([" Ltd.", " GmbH", ", Inc", "有限公司", " S.A."]),
)
def test_case_and_legal_form_do_not_matter(name: str, form: str) -> None:
    assert company_key(name.upper() + form) == company_key(name)


@pytest.mark.real_data
def test_spellings_of_real_companies() -> None:
    folder = os.environ.get("LEADFLOW_TEST_DATA")
    if not folder:
        pytest.skip("LEADFLOW_TEST_DATA is not set")
    with (Path(folder) / "company_pairs" / "test_data.csv").open(encoding="utf-8") as lines:
        pairs = [
            (company_key(row["Name_x"]), company_key(row["Name_y"]), row["Targets"] == "1")
            for row in csv.DictReader(lines)
        ]
    equal = [is_match for one, other, is_match in pairs if one == other]
    # Six labelled non-matches have equal names, and none but those may agree.
    assert sum(equal) >= 65
    assert len(equal) - sum(equal) <= 6
