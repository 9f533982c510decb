"""Which policy scored at a past moment, and models by their version; which model did, retraining.py tells.

Belongs here: looking that up, and reading them from the home. Does not belong here: scoring by them (replay.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from leadflow.errors import LeadflowError, WarehouseError
from leadflow.warehouse.connection import scalar

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from leadflow.scoring.model import TrainedModel

_SCORED = "scoring.scored_leads"
REMEDY = "run `leadflow retrain`"


def policy_version_in_force(connection: DuckDBPyConnection, as_of: datetime) -> str | None:
    """Version of the policy of the last refresh that scored as of the moment or before; None where none did."""
    found: str | None = scalar(
        connection,
        "select arg_max(policy_version, (as_of, version)) from quality.table_versions "
        "where table_name = ? and as_of <= ?",
        [_SCORED, as_of],
    )
    return found


def stored_model(folder: Path, version: str) -> TrainedModel:
    """The model of a version.

    Raises:
        LeadflowError: there is no such model.
        WarehouseError: its file cannot be read, or holds another one.
    """
    from leadflow.scoring.model import TrainedModel

    path = folder / f"{version}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise LeadflowError(f"there is no model '{version}' in {folder}", f"take one of those there: {known}")
    try:
        model = TrainedModel.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"the model {version} cannot be read from {path} ({error})",
            REMEDY,
        ) from error
    if model.version != version:
        raise WarehouseError(f"{path} holds the model {model.version}, not {version}", REMEDY)
    return model
