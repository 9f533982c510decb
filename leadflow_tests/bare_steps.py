"""One step of a stage by itself, on a home without SQL models: what tests of made-anew against bit-by-bit share.

Belongs here: the run and what its tables hold. Does not belong here: whole homes (homes.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import yaml

from leadflow.quality.contracts import Contracts, load_contracts
from leadflow.settings import Settings
from leadflow.warehouse.stage_run import StageRun

if TYPE_CHECKING:
    from leadflow.warehouse.models.sql_models import SqlRoom


def bare_run(folder: Path, policy: Mapping[str, object], *, is_full: bool = False) -> StageRun:
    """A run over a home in the folder, under these settings of policy.yaml (those there are, where none are given)."""
    settings = Settings(home=folder)
    settings.ensure_home()
    if policy:
        settings.policy_path.write_text(yaml.safe_dump(dict(policy)), encoding="utf-8")
    no_room = cast("SqlRoom", None)  # the step runs no SQL model
    return StageRun(settings, _contracts(), no_room, "run", is_full)


def rows_of(run: StageRun, tables: Sequence[str]) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the tables, in one order."""
    return {table: sorted(run.read(table).iter_rows(), key=str) for table in tables}


@cache
def _contracts() -> Contracts:
    return load_contracts(Settings().sql_dir)
