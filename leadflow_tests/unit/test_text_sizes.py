"""Numbers of employees in every spelling that registers, forms and vendors have for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.text.sizes import MOST_EMPLOYEES, company_size


@pytest.mark.parametrize(
    ("text", "employees"),
    [
        ("500", 500),
        ("1,234", 1234),
        ("1.234", 1234),
        ("1 234 567", 1234567),
        ("1'234", 1234),
        ("1234.0", 1234),
        ("12.5", 12),
        ("１２３４", 1234),
        ("１，２３４人", 1234),
        ("1,001-5,000", 2237),
        ("1001 – 5000 employees", 2237),
        ("1.001-5.000 Mitarbeiter", 2237),
        ("1,001 to 5,000", 2237),
        ("1k-5k", 2236),
        ("1-5k", 2236),
        ("1-10", 3),
        ("2 - 10 people", 4),
        ("500-1000人", 707),
        ("500至1000人", 707),
        ("５００～１０００人", 707),
        ("0-1", 1),
        ("10k+", 10_000),
        ("10,000+", 10_000),
        ("10,001+ employees", 10_001),
        ("10,000 or more", 10_000),
        ("more than 5,000", 5_000),
        (">1000", 1_000),
        ("500人以上", 500),
        ("超过500人", 500),
        ("500+人", 500),
        ("under 50", 7),
        ("<50", 7),
        ("50人以下", 7),
        ("少于50人", 7),
        ("约500人", 500),
        ("約500人", 500),
        ("approx. 500 employees", 500),
        ("~500", 500),
        ("ca. 500", 500),
        ("500人左右", 500),
        ("1万人", 10_000),
        ("1.5萬", 15_000),
        ("5千人", 5_000),
        ("1.5k", 1_500),
        ("2 thousand", 2_000),
        ("2.1 million", 2_100_000),
        ("员工人数: 300", 300),
        ("self-employed", 1),
    ],
)
def test_what_is_a_size(text: str, employees: int) -> None:
    assert company_size(text) == employees


@pytest.mark.parametrize(
    "text",
    [
        None, "", "  ", "n/a", "N/A", "unknown", "未知", "-", "-1", "−1", "-500", "0", "0 employees", "0-0", "nan", "inf",
        "5,000-1,000", "10-Nov", "Jan-10", "2024-01-05", "1-2-3", "12,34", "many", "a lot", "50%", "$500", "500 offices",
        "99999999", "1e5", "<html>500</html>", "5" * 200, "+49 30 901820", "> 50 < 100",
    ],
)  # fmt: skip
def test_what_is_none(text: str | None) -> None:
    assert company_size(text) is None


@given(st.text(max_size=60))
def test_any_text_gives_a_sound_number_or_none(text: str) -> None:
    size = company_size(text)
    assert size is None or 1 <= size <= MOST_EMPLOYEES


@given(st.integers(1, MOST_EMPLOYEES))
def test_a_plain_number_is_itself_however_it_is_grouped(number: int) -> None:
    assert {company_size(f"{number}"), company_size(f"{number:,}"), company_size(f"{number:,}人")} == {number}


@given(st.integers(1, 100_000), st.integers(0, 100_000))
def test_a_range_lies_between_its_ends(low: int, more: int) -> None:
    size = company_size(f"{low:,}-{low + more:,}")
    assert size is not None
    assert low <= size <= low + more
