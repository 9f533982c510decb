"""The generated documents are current."""

from __future__ import annotations

from pathlib import Path

from leadflow.cli.docs import dictionary_text
from leadflow.settings import load_settings


def test_the_data_dictionary_is_current(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    committed = (settings.project_dir / "docs" / "data_dictionary.md").read_text(encoding="utf-8")

    assert committed == dictionary_text(settings), "run `make docs` and commit docs/data_dictionary.md"
