"""Fixtures of the tests that need a warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from landing_yard import Yard, open_yard


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """A warehouse with raw.mql, and a folder of files to land into it."""
    with open_yard(tmp_path) as opened:
        yield opened
