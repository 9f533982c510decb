import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.text.chinese_companies import read_chinese_company
from leadflow.text.company_matching import (
    SAME_COMPANY,
    CompanyAliases,
    company_core_keys,
    company_scores,
    compare_companies,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ACME Co., Ltd.", "Acme GmbH"),
        ("Exxon Mobil Corporation", "ExxonMobil"),
        ("Wal-Mart", "Walmart Inc"),
        ("Smith & Sons Plumbing", "Plumbing Smith and Sons"),
        ("Acme Intl Mfg", "Acme International Manufacturing"),
        ("Northwind Tradres Ltd", "Northwind Traders"),
        ("International Business Machines", "IBM"),
        ("Visa Inc", "Visa International"),
        ("Blue Harbor (formerly Acme Ltd)", "Acme"),
        ("北京纷扬科技有限公司", "北京纷扬"),
        ("北京纷扬科技有限公司", "纷扬科技"),
        ("北京紛揚科技有限公司", "北京纷扬科技有限公司"),
        ("纷扬科技（北京）有限公司", "北京纷扬科技有限公司"),
        ("广州番禺恒达五金制品厂", "恒达五金"),
        ("腾云科技（深圳）有限公司北京分公司", "腾云科技"),
        ("深圳市恒达电子有限公司", "广东恒达电子"),  # a city and its province
        ("恒达科技有限公司", "Hengda Technology"),
        ("ABC中国有限公司", "ABC"),
    ],
)
def test_one_company(one: str, other: str) -> None:
    comparison = compare_companies(one, other)
    assert comparison.score >= SAME_COMPANY, comparison
    assert comparison.reasons


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Apple Inc", "Microsoft Corporation"),
        ("Bank of America", "Bank of China"),
        ("General Solutions Ltd", "Global Solutions Ltd"),
        ("Acme Packaging - Timisoara", "Acme Packaging"),  # a site is not its parent
        ("Acme Germany", "Acme France"),
        ("Acme Logistics", "Acme Pharmaceuticals"),
        ("Studio 54", "Studio 55"),
        ("Asba Products", "Asha Products"),  # short words lie close to each other
        ("北京纷扬科技有限公司", "北京飞扬科技有限公司"),
        ("北京恒达科技有限公司", "上海恒达科技有限公司"),
        ("恒达餐饮有限公司", "恒达航空有限公司"),
        ("通达科材料科技有限公司", "通达"),
        ("n/a", "n/a"),
        ("公司", "公司"),
        ("", "Acme"),
    ],
)
def test_other_companies(one: str, other: str) -> None:
    comparison = compare_companies(one, other)
    assert comparison.score < SAME_COMPANY, comparison


@pytest.mark.parametrize(
    ("name", "places", "core", "trades"),
    [
        ("北京纷扬科技有限公司", ("北京",), "纷扬", ("科技",)),
        ("苹果电脑贸易（上海）有限公司", ("上海",), "苹果", ("电脑", "贸易")),
        ("中国银行股份有限公司", (), "中国银行", ()),
        ("广州市番禺区恒达五金制品厂", ("广州", "番禺"), "恒达", ("五金制品",)),
        ("纷扬", (), "纷扬", ()),
    ],
)
def test_read_chinese_company(name: str, places: tuple[str, ...], core: str, trades: tuple[str, ...]) -> None:
    read = read_chinese_company(name)
    assert read is not None
    assert (read.places, read.core, read.trades) == (places, core, trades)


def test_a_page_pasted_into_the_field_is_like_nothing() -> None:
    page = "acme steel trading " * 600
    chinese = "恒达科技发展" * 2_000
    assert compare_companies(page, "Acme").score == 0.0
    assert compare_companies(chinese, "恒达").score == 0.0
    assert compare_companies(page[:500], page[:500].upper()).score > 0.9


def test_an_alias_holds_for_all_spellings_of_both_names() -> None:
    aliases = CompanyAliases({"纷享销客": "纷扬科技", "Google": "Alphabet Inc.", "谷歌": "Google"})
    names = ["北京纷扬科技有限公司", "北京纷扬", "纷扬科技", "纷享销客"]
    assert all(compare_companies(one, other, aliases).score > 0.9 for one in names for other in names)
    assert compare_companies("GOOGLE LLC", "Alphabet", aliases).score > 0.9
    assert compare_companies("谷歌", "Alphabet", aliases).score > 0.9
    assert compare_companies("Google", "Alphabet").score < SAME_COMPANY


@pytest.mark.parametrize(
    "listed", [{"Acme": "n/a"}, {"公司": "Acme"}, {"Acme": "Bolt", "Bolt": "Cog", "Cog Ltd": "Acme"}]
)
def test_aliases_that_lead_nowhere_are_refused(listed: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Company alias"):
        CompanyAliases(listed)


def test_columns_are_scored_pair_by_pair() -> None:
    ones = pl.Series(["Acme Ltd", None, "Acme Ltd", "恒达科技"])
    others = pl.Series(["ACME", "Acme", "Bolt", "北京恒达"])
    scores = company_scores(ones, others)
    assert scores.name == "company_score"
    assert scores.to_list() == [
        compare_companies(one, other).score for one, other in zip(ones, others, strict=True)
    ]
    assert company_core_keys(pl.Series(["北京恒达科技有限公司", "Acme Ltd", "n/a", None])).to_list() == [
        "恒达",
        "acme",
        None,
        None,
    ]


_NAMES = st.sampled_from(
    [
        "Acme",
        "Acme Germany GmbH",
        "Acme (UK) Ltd",
        "acm",
        "A.C.M.E.",
        "北京恒达科技有限公司",
        "恒达",
        "Hengda",
        "ABC中国",
        "公司",
        "Studio 54",
    ]
)


@settings(max_examples=300)
@given(_NAMES | st.text(max_size=25), _NAMES | st.text(max_size=25))
def test_comparing_is_symmetric_and_bounded(one: str, other: str) -> None:
    comparison = compare_companies(one, other)
    assert 0.0 <= comparison.score <= 1.0
    assert compare_companies(other, one) == comparison
