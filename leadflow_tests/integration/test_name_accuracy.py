"""Company names on real data: the accuracy that docs/accuracy.md tells must not get lost."""

import os
from pathlib import Path

import pytest

from bench.accuracy import brand_pairs, leadflow_decides, scored, supplier_pairs

FOLDER = Path(os.environ.get("LEADFLOW_TEST_DATA", ""))
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not os.environ.get("LEADFLOW_TEST_DATA") or not (FOLDER / "company_pairs").is_dir(),
        reason="the folder named by LEADFLOW_TEST_DATA holds no company_pairs",
    ),
]


def test_supplier_names() -> None:
    assert scored(supplier_pairs(FOLDER), leadflow_decides).f1 >= 0.91


@pytest.mark.skipif(
    not (FOLDER / "company_names_zh").is_dir(), reason="LEADFLOW_TEST_DATA holds no company_names_zh"
)
def test_chinese_full_names_and_brands() -> None:
    score = scored(brand_pairs(FOLDER), leadflow_decides)
    assert score.recall >= 0.96
    assert score.precision >= 0.99
