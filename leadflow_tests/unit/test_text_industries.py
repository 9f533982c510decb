"""Industries as sources call them, mapped to sectors, and revenues to bands."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.demo.companies import INDUSTRIES
from leadflow.demo.words import SECTOR_SPELLINGS
from leadflow.policy import TECHNOLOGY
from leadflow.text.industries import GICS_SECTORS, SECTORS, industry_key, industry_sector
from leadflow.text.industry_words import SECTOR_WORDS
from leadflow.text.revenues import REVENUE_BANDS, revenue_band

_DATA = Path(os.environ.get("LEADFLOW_TEST_DATA", "../shared/data"))


@pytest.mark.parametrize(
    ("text", "sector"),
    [
        ("Technology", "Information Technology"),
        ("INFORMATION_TECHNOLOGY_AND_SERVICES", "Information Technology"),
        ("Information Technology & Services", "Information Technology"),
        ("ｓｏｆｔｗａｒｅ", "Information Technology"),
        ("Software / SaaS", "Information Technology"),
        ("软件", "Information Technology"),
        ("軟件行業", "Information Technology"),
        ("信息传输、软件和信息技术服务业", "Information Technology"),
        ("互联网/IT", "Information Technology"),
        ("Biotechnology", "Health Care"),
        ("HOSPITAL_HEALTH_CARE", "Health Care"),
        ("Hospital & Health Care", "Health Care"),
        ("medical", "Health Care"),
        ("Finance", "Financials"),
        ("Financials > Banks", "Financials"),
        ("银行", "Financials"),
        ("Manufacturing", "Industrials"),
        ("制造业", "Industrials"),
        ("Logistics", "Industrials"),
        ("Retail", "Consumer Discretionary"),
        ("Education", "Consumer Discretionary"),
        ("E-Learning", "Consumer Discretionary"),
        ("Food & Staples Retailing", "Consumer Staples"),
        ("农、林、牧、渔业", "Consumer Staples"),
        ("Media", "Communication Services"),
        ("Energy", "Energy"),
        ("Oil, Gas & Consumable Fuels", "Energy"),
        ("Renewables & Environment", "Utilities"),
        ("房地产", "Real Estate"),
        ("Government", "Government"),
        ("政府", "Government"),
        ("Non-profit", "Non-Profit"),
        ("Technology Retail", None),
        ("Software, Banking", None),
        ("Underwater basket weaving", None),
        ("", None),
        ("n/a", None),
        ("未知", None),
        ("7372", None),
        ("<html><body>Software</body></html>", None),
        (None, None),
    ],
)
def test_an_industry_has_a_sector_or_none(text: str | None, sector: str | None) -> None:
    assert industry_sector(text) == sector


def test_aliases_of_the_policy_go_before() -> None:
    aliases = {industry_key("Vertical 7"): "Energy", industry_key("Retail"): "Consumer Staples"}
    assert industry_sector("VERTICAL-7", aliases) == "Energy"
    assert industry_sector("retail", aliases) == "Consumer Staples"
    assert industry_sector("software", aliases) == "Information Technology"


def test_no_word_stands_for_two_sectors() -> None:
    seen: dict[str, str] = {industry_key(sector): sector for sector in SECTORS}
    for sector, words in SECTOR_WORDS.items():
        for key in map(industry_key, words.split(";")):
            assert key, f"an empty word in {sector}"
            assert seen.setdefault(key, sector) == sector, key


def test_what_the_default_rule_calls_technology_is_that_sector() -> None:
    assert {industry_sector(name) for name in TECHNOLOGY} == {"Information Technology"}
    assert "Information Technology" in TECHNOLOGY


@pytest.mark.parametrize(("name", "spellings"), list(zip(INDUSTRIES, SECTOR_SPELLINGS, strict=True)))
def test_the_simulator_calls_an_industry_by_words_of_its_sector(
    name: str, spellings: tuple[str, ...]
) -> None:
    assert industry_sector(name) is not None
    assert {industry_sector(spelling) for spelling in spellings} == {industry_sector(name)}


@pytest.mark.real_data
def test_the_listed_companies_are_known_by_what_they_say() -> None:
    """The industry groups and industries of the file lead to the sector that the file itself gives."""
    path = _DATA / "listed_companies" / "listed_companies.parquet"
    if not path.exists():
        pytest.skip("LEADFLOW_TEST_DATA has no listed_companies")
    companies = pl.read_parquet(path).drop_nulls("sector")
    assert set(companies["sector"]) == set(GICS_SECTORS)
    for level in ("industry_group", "industry"):
        counted = companies.drop_nulls(level).group_by(level, "sector").len().sort("len", descending=True)
        mapped = counted.with_columns(found=counted[level].map_elements(industry_sector, pl.String))
        assert mapped.filter(pl.col("found").is_null())[level].to_list() == []
        agreeing = mapped.filter(pl.col("found") == pl.col("sector"))["len"].sum()
        # Hand-made rows of the file contradict themselves, and industries of later editions of GICS moved.
        assert agreeing / mapped["len"].sum() > 0.98, level
    with (_DATA / "listed_companies" / "constituents.csv").open(encoding="utf-8") as rows:
        kinds = {(row["GICS Sub-Industry"], row["GICS Sector"]) for row in csv.DictReader(rows)}
    assert {kind for kind, sector in kinds if industry_sector(kind) != sector} == set()


@given(st.text(max_size=80))
def test_any_text_gives_a_sector_or_none(text: str) -> None:
    assert industry_sector(text) in {None, *SECTORS}


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("12500000", "10M to 50M"),
        ("12500000.0", "10M to 50M"),
        ("$12,500,000", "10M to 50M"),
        ("$12.5M", "10M to 50M"),
        ("USD 12.5 million", "10M to 50M"),
        ("US$1.2bn", "1B to 10B"),
        ("10M-50M", "10M to 50M"),
        ("$10-50M", "10M to 50M"),
        ("$1M to $10M", "1M to 10M"),
        ("$100 mil. - $250 mil.", "100M to 500M"),
        ("$10B+", "10B and over"),
        ("over $10B", "10B and over"),
        ("under $1M", "under 1M"),
        ("999999", "under 1M"),
        ("1000000", "1M to 10M"),
        ("500 million", "500M to 1B"),
        ("-1", None),
        ("0", None),
        ("€5M", None),
        ("5000万", None),
        ("¥100,000,000", None),
        ("50M-10M", None),
        ("1e99", None),
        ("9" * 40, None),
        ("n/a", None),
        ("plenty", None),
        (None, None),
    ],
)
def test_a_revenue_has_a_band_or_none(text: str | None, band: str | None) -> None:
    assert revenue_band(text) == band


@given(st.text(max_size=60))
def test_any_text_gives_a_band_or_none(text: str) -> None:
    assert revenue_band(text) in {None, *REVENUE_BANDS}
